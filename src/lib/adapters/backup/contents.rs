//! What a dump tells of itself: how its database keeps letters, and which tables are in it.

use std::path::Path;
use std::time::Duration;

use super::dumped::Dumped;
use super::letters::Letters;
use super::programs::{ServerPrograms, finished};

/// `CREATE DATABASE` is at the beginning of what a dump makes.
const BEGINNING: usize = 256 * 1024;

/// What it tells.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Contents {
    /// The encoding of its database, and in which order its letters come.
    pub(super) letters: Letters,
    /// Which tables it holds.
    pub(super) tables: Dumped,
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
        Ok(Contents { letters: Letters::of(&script), tables: Dumped::of(list) })
    }
}
