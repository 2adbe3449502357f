//! Counters that come to their end: how near each is, what it is called, and what would lift its limit. Pure.

use super::advice::Advice;
use crate::domain::upkeep::{Counter, KeyColumn};

/// It takes as long as the table is large, and a person should know before.
const CAUTION: &str = "it writes the table anew, and nobody can use that meanwhile; a view that shows the column has to be dropped \
                       before and made again";

/// How much of it is used up, in percent; none where its last value was not seen.
pub(super) fn percent(counter: &Counter) -> Option<u64> {
    // One that begins high has used up nothing by that.
    let of = |number: u64| u128::from(number.saturating_add(1).saturating_sub(counter.least));
    let used = of(counter.last?) * 100 / of(most(counter)).max(1);
    Some(u64::try_from(used).unwrap_or(u64::MAX))
}

/// What it is known by: the column that it fills, else its own name.
pub(super) fn name(counter: &Counter) -> String {
    match column(counter) {
        Some((table, column)) => format!("{table}.{column}"),
        None => counter.sequence.clone(),
    }
}

/// How much of a key is used up, in percent.
pub(super) fn percent_of_key(key: &KeyColumn) -> u64 {
    key.last.saturating_mul(100).checked_div(key.most).unwrap_or_default()
}

/// What a person could run: it lifts whichever limit comes first, and both where they are one.
pub(super) fn advice(counter: &Counter) -> Advice {
    let sequence = &counter.sequence;
    let lift = format!("ALTER SEQUENCE {sequence} AS bigint NO MAXVALUE;");
    let column_ends = counter.column_most.is_some_and(|holds| holds <= counter.most);
    let Some((table, column)) = column(counter).filter(|_| column_ends) else {
        return Advice::run(lift);
    };
    let widen = widen(table, column);
    let both = counter.column_most == Some(counter.most);
    Advice::run(if both { format!("{widen} {lift}") } else { widen }).knowing(CAUTION)
}

/// The same of a key: whatever refers to it, or it refers to, needs the same.
pub(super) fn advice_of_key(key: &KeyColumn) -> Advice {
    Advice::run(widen(&key.table, &key.column)).knowing(CAUTION)
}

fn widen(table: &str, column: &str) -> String {
    format!("ALTER TABLE {table} ALTER COLUMN {column} TYPE bigint;")
}

/// Why those that we may not read are not known, with what a person could run; none where all are seen.
pub(super) fn unseen(counters: &[Counter]) -> Option<String> {
    let mut unseen: Vec<&str> = Vec::new();
    for counter in counters.iter().filter(|counter| counter.last.is_none()) {
        // One that fills several columns is there once for each.
        if unseen.last() != Some(&counter.sequence.as_str()) {
            unseen.push(&counter.sequence);
        }
    }
    let first = unseen.first()?;
    let more = match unseen.len() - 1 {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Some(format!(
        "we may not read the sequence {first}{more}; a person could run GRANT SELECT ON SEQUENCE for our user"
    ))
}

/// The largest that the sequence can give and its column can hold.
fn most(counter: &Counter) -> u64 {
    counter.column_most.map_or(counter.most, |holds| holds.min(counter.most))
}

fn column(counter: &Counter) -> Option<(&str, &str)> {
    Some((counter.table.as_deref()?, counter.column.as_deref()?))
}
