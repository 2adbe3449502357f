//! What a dump tells of itself: encoding and locale of its database, and the number of the youngest table in it.

use std::path::Path;
use std::time::Duration;

use super::letters::Letters;
use super::programs::{ServerPrograms, finished};

/// `CREATE DATABASE` is at the beginning of what a dump makes.
const BEGINNING: usize = 256 * 1024;
/// The catalogue of tables, indexes and sequences has this number on every server.
const RELATIONS: &str = "1259";

/// What it tells.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Contents {
    /// The encoding of its database, and in which order its letters come.
    pub(super) letters: Letters,
    /// Tables with a larger number may have been made since. Numbers are given in turn, until a server has given 4 thousand
    /// million of them.
    pub(super) youngest_oid: Option<i64>,
}

impl ServerPrograms {
    /// What a dump in the clear with this table of contents tells of itself; what it does not tell is left out.
    pub(super) async fn contents(
        &self,
        dump: &Path,
        list: &str,
        time: Duration,
    ) -> Result<Contents, String> {
        let name = dump.display().to_string();
        let words = ["--create", "--section=pre-data", "--file=-", &name];
        let script = self.program("pg_restore", &words)?.limit_bytes(BEGINNING);
        let script = finished(script.deadline(time).run().await)?;
        Ok(Contents { letters: Letters::of(&script), youngest_oid: youngest(list) })
    }
}

/// Lines are `217; 1259 16389 TABLE public few postgres`.
fn youngest(list: &str) -> Option<i64> {
    let oid = |line: &str| {
        let (_, rest) = line.split_once("; ")?;
        let mut words = rest.split(' ');
        (words.next()? == RELATIONS).then_some(())?;
        words.next()?.parse().ok()
    };
    list.lines().filter(|line| !line.starts_with(';')).filter_map(oid).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_youngest_is_a_table_and_not_just_any_number() {
        let list = ";\n; Archive created at 1259 99999\n;\n217; 1259 16389 TABLE public few postgres\n\
                    3; 3079 99999 EXTENSION - hstore \n218; 1259 16400 INDEX public i postgres\n\
                    3350; 0 16389 TABLE DATA public few postgres\n";
        assert_eq!(youngest(list), Some(16400));
        assert_eq!(youngest("; nothing"), None);
    }
}
