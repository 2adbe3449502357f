//! Which tables a dump holds, by the numbers that its server gave them: their names may have changed since.

use std::collections::{BTreeMap, BTreeSet};

/// The catalogue of tables, indexes and sequences has this number on every server.
const RELATIONS: &str = "1259";
const TABLE: &str = "TABLE ";
const ROWS: &str = "TABLE DATA ";
/// Whoever makes a dump of such a table may see none of its rows.
const HIDDEN: &str = "ROW SECURITY ";

/// What its table of contents tells.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Dumped {
    /// Tables with a larger number may have been made since. Numbers are given in turn, until a server has given 4 thousand
    /// million of them.
    youngest: Option<i64>,
    /// Schema, name and owner of each table as one text: each of them may hold blanks.
    tables: BTreeMap<i64, String>,
    /// Those of which it holds all rows that were there.
    whole: BTreeSet<i64>,
}

impl Dumped {
    /// Lines are `217; 1259 16389 TABLE public few postgres`.
    pub(super) fn of(list: &str) -> Self {
        let mut dumped = Self::default();
        let mut hidden = BTreeSet::new();
        for (catalogue, oid, what) in list.lines().filter_map(entry) {
            if catalogue == RELATIONS {
                dumped.youngest = dumped.youngest.max(Some(oid));
                let table = what.strip_prefix(TABLE).map(|words| (oid, words.to_owned()));
                dumped.tables.extend(table);
            } else if what.starts_with(ROWS) {
                dumped.whole.insert(oid);
            } else if what.starts_with(HIDDEN) {
                hidden.insert(oid);
            }
        }
        dumped.whole.retain(|oid| !hidden.contains(oid));
        dumped
    }

    /// Whether a table with this number was there when it was made.
    pub(super) fn is_as_old_as(&self, oid: i64) -> bool {
        self.youngest.is_some_and(|youngest| oid <= youngest)
    }

    /// What its tables are called, by their numbers; `names` are those of a database by schema and name with a blank between them.
    pub(super) fn named<'a>(&self, names: &'a BTreeMap<String, String>) -> BTreeMap<i64, &'a str> {
        let of_words = |words: &str| {
            let ends = words.rmatch_indices(' ').map(|(end, _)| end);
            ends.filter_map(|end| names.get(&words[..end])).map(String::as_str).next()
        };
        self.tables.iter().filter_map(|(oid, words)| Some((*oid, of_words(words)?))).collect()
    }

    /// Whether it holds all rows that the table with this number had.
    pub(super) fn is_whole(&self, oid: i64) -> bool {
        self.whole.contains(&oid)
    }
}

/// The catalogue and the number of what a line is about, and the words after them.
fn entry(line: &str) -> Option<(&str, i64, &str)> {
    let (number, rest) = line.split_once("; ")?;
    number.parse::<u64>().ok()?;
    let mut parts = rest.splitn(3, ' ');
    Some((parts.next()?, parts.next()?.parse().ok()?, parts.next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = ";\n; Archive created at 1259 99999\n;\n217; 1259 16389 TABLE public few postgres\n\
                        3; 3079 99999 EXTENSION - hstore \n218; 1259 16400 INDEX public i postgres\n\
                        219; 1259 16392 TABLE public a b its owner\n\
                        3351; 0 16392 ROW SECURITY public a b its owner\n\
                        3352; 0 16392 TABLE DATA public a b its owner\n\
                        3350; 0 16389 TABLE DATA public few postgres\n";

    #[test]
    fn the_youngest_is_a_table_and_not_just_any_number() {
        let dumped = Dumped::of(LIST);
        assert!(dumped.is_as_old_as(16400) && !dumped.is_as_old_as(16401));
        assert_eq!(Dumped::of("; nothing"), Dumped::default());
        assert!(!Dumped::default().is_as_old_as(0));
    }

    #[test]
    fn tables_are_known_by_their_numbers_and_whole_where_nobody_hid_their_rows() {
        let names = [("public few", "public.few"), ("public a b", "public.\"a b\"")];
        let names = names.map(|(raw, sql)| (raw.to_owned(), sql.to_owned())).into();
        let dumped = Dumped::of(LIST);
        let expected = BTreeMap::from([(16389, "public.few"), (16392, "public.\"a b\"")]);
        assert_eq!(dumped.named(&names), expected);
        assert!(dumped.is_whole(16389) && !dumped.is_whole(16392));
    }
}
