//! The tables of a restored database and their rows, held against those that were backed up.

use std::collections::{BTreeMap, BTreeSet};

use super::attest::{Expected, flawed};
use super::clear::Unclear;
use super::dumped::Dumped;
use crate::domain::upkeep::{BackupSource, RowCount};

/// A table whose rows were not counted is judged by statistics only where it has at least so many.
const LEAST_ROWS: u64 = 1000;
/// So many tables that may be younger are named.
const NAMED: usize = 3;

/// What a restored database holds.
#[derive(Default)]
pub(super) struct Found {
    /// How many rows each table has, by its name as SQL would write it.
    pub(super) rows: BTreeMap<String, u64>,
    /// The same names by schema and name with a blank between them.
    pub(super) names: BTreeMap<String, String>,
}

/// What is known of tables that are to be in a dump which has no record.
#[derive(Default)]
pub(super) struct Then {
    /// Those in use, and their numbers.
    pub(super) oids: BTreeMap<String, i64>,
    /// Those in the dump.
    pub(super) dumped: Dumped,
}

/// What differs and is no flaw; the first thing that is one.
pub(super) async fn held(
    expected: &Expected<'_>,
    source: &BackupSource,
    found: &Found,
) -> Result<Vec<String>, Unclear> {
    let (mut absent, mut few, mut hold) = (Vec::new(), Vec::new(), 0);
    let mut lacking = None;
    let named = expected.then.dumped.named(&found.names);
    let whole = named.iter().filter(|(oid, _)| expected.then.dumped.is_whole(**oid));
    let whole: BTreeSet<&str> = whole.map(|(_, name)| *name).collect();
    for (table, count) in &source.tables {
        let oid = expected.then.oids.get(table).filter(|_| !expected.of_its_moment);
        let by_number = oid.and_then(|oid| named.get(oid)).copied();
        let Some((name, rows)) = there(table, by_number, found) else {
            let known = expected.is_known(table) && count.rows >= LEAST_ROWS;
            if expected.of_its_moment || known {
                return Err(flawed(format!("the table {table} is not in it")));
            }
            // A table that was made since cannot be in it, however many rows it has.
            absent.push(table.as_str());
            continue;
        };
        match has_its_rows(expected, table, *count, rows).await? {
            Ok(()) => hold += usize::from(count.rows >= LEAST_ROWS),
            // One that was nearly empty may have been filled since.
            Err(why) if !count.exact && whole.contains(name) && rows < LEAST_ROWS => {
                few.push(table.as_str());
                lacking = lacking.or(Some(why));
            }
            Err(why) => return Err(flawed(why)),
        }
    }
    match lacking {
        // Where that is so of most, it is no backup of these rows.
        Some(why) if few.len() > hold => Err(flawed(why)),
        _ => Ok(younger("without", absent)
            .into_iter()
            .chain(younger("with few rows of", few))
            .collect()),
    }
}

impl Expected<'_> {
    /// Whether a table in use is known to have been there at the backup's moment.
    fn is_known(&self, table: &str) -> bool {
        self.then.oids.get(table).is_some_and(|oid| self.then.dumped.is_as_old_as(*oid))
    }
}

/// What is in it of a table, and what that is called there: of the one that has its number, or of the one that has its name. After
/// two tables have changed places both may be meant.
fn there<'a>(table: &'a str, by_number: Option<&'a str>, found: &Found) -> Option<(&'a str, u64)> {
    let names = by_number.into_iter().chain([table]);
    let there = names.filter_map(|name| Some((name, *found.rows.get(name)?)));
    there.max_by_key(|(_, rows)| *rows)
}

/// Whether the rows of one table are in it, or else what is wrong. Statistics may be wrong by any factor, so what they tell is
/// counted before it is held against a backup.
async fn has_its_rows(
    expected: &Expected<'_>,
    table: &str,
    count: RowCount,
    rows: u64,
) -> Result<Result<(), String>, Unclear> {
    let drift = u64::from(expected.declared.drift_percent);
    if is_like(count, rows, drift) {
        return Ok(Ok(()));
    }
    if count.exact {
        return Ok(Err(format!("the table {table} had {} rows, and {rows} in it", count.rows)));
    }
    let counted = match expected.database {
        Some(database) => database.rows(table).await.map_err(|blind| blind.why),
        None => Err("its database is not known".to_owned()),
    };
    match counted {
        Ok(now) if is_like(RowCount { rows: now, exact: false }, rows, drift) => Ok(Ok(())),
        Ok(now) => Ok(Err(format!("the table {table} has {now} rows, and {rows} in it"))),
        Err(why) => Err(Unclear::Unread(format!(
            "statistics tell of {} rows of {table}, {rows} are in it, and nobody could count them: {why}",
            count.rows
        ))),
    }
}

/// Tables that are not in it, or of which few rows are, and that may be younger, in words.
fn younger(how: &str, mut tables: Vec<&str>) -> Option<String> {
    let more = tables.len().saturating_sub(NAMED);
    tables.truncate(NAMED);
    match (tables.join(" and "), more) {
        (none, _) if none.is_empty() => None,
        (names, 0) => Some(format!("{how} {names}, which may be younger")),
        (names, more) => Some(format!("{how} {names} and {more} more, which may be younger")),
    }
}

/// Whether so many rows are what was expected: as many where they were counted, about as many where statistics told.
fn is_like(expected: RowCount, rows: u64, drift_percent: u64) -> bool {
    if expected.exact {
        return expected.rows == rows;
    }
    let may = (expected.rows.saturating_mul(drift_percent) / 100).max(LEAST_ROWS);
    // What was taken away since the dump is in it still.
    expected.rows < LEAST_ROWS || (expected.rows.saturating_sub(rows) <= may && rows > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counted_rows_are_exact_and_statistics_may_drift() {
        let counted = |rows| RowCount { rows, exact: true };
        assert!(is_like(counted(5), 5, 20) && is_like(counted(0), 0, 20));
        assert!(!is_like(counted(5), 4, 20) && !is_like(counted(5), 0, 20));
        let about = |rows| RowCount { rows, exact: false };
        assert!(is_like(about(10_000), 8_500, 20) && is_like(about(10_000), 90_000, 20));
        assert!(!is_like(about(10_000), 7_000, 20) && !is_like(about(1_000), 0, 20));
        assert!(is_like(about(900), 0, 20), "too few to say anything");
    }
}
