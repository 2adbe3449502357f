//! When counters come to their end, without a server.

use super::super::Fault;
use super::super::checks::COUNTER_ENDING;
use super::tests::{Case, look};
use crate::domain::diagnosis::{Fault as _, Verdict};
use crate::domain::severity::Severity;
use crate::domain::upkeep::{Counter, DatabaseLook, KeyColumn};

fn counter(last: u64, first: u64, most: u64) -> Counter {
    Counter {
        sequence: "public.orders_id_seq".to_owned(),
        table: Some("public.orders".to_owned()),
        column: Some("id".to_owned()),
        last: Some(last),
        least: first,
        most,
        column_most: None,
    }
}

fn key(last: u64) -> KeyColumn {
    let (table, column) = ("public.orders".to_owned(), "id".to_owned());
    KeyColumn { table, column, last, most: 2_147_483_647 }
}

/// What is told, and how bad it is.
fn told(counters: Vec<Counter>, keys: Vec<KeyColumn>) -> Vec<(String, Severity)> {
    let case = Case::new(DatabaseLook { counters, keys, ..look() });
    let judged = case.judged();
    let findings = judged.checks[&COUNTER_ENDING].findings.values();
    let of = |verdict: &Verdict<Fault>| match verdict {
        Verdict::Faulty(fault, _) => Some((fault.message(), fault.severity())),
        Verdict::Healthy(_) | Verdict::Unknown { .. } => None,
    };
    findings.filter_map(of).collect()
}

#[test]
fn a_counter_is_used_up_by_what_it_gave_of_what_it_can_give() {
    for (last, first, most, percent) in [
        (0, 1, 100, None),
        (74, 1, 100, None),
        (75, 1, 100, Some("75 %")),
        (100, 1, 100, Some("100 %")),
        // One that begins high has given none.
        (2_000_000_000, 2_000_000_000, 2_147_483_647, None),
        (2_140_000_000, 2_000_000_000, 2_147_483_647, Some("90 %")),
        (0, 0, 0, Some("100 %")),
    ] {
        let told = told(vec![counter(last, first, most)], Vec::new());
        let is_it = match (percent, told.as_slice()) {
            (None, []) => true,
            (Some(percent), [(message, _)]) => message.contains(percent),
            (None | Some(_), _) => false,
        };
        assert!(is_it, "{last} of {first} to {most}: {told:?}");
    }
}

#[test]
fn a_sequence_knows_better_than_the_largest_value_which_alone_is_never_critical() {
    let odd = key(2_100_000_000);
    assert!(told(vec![counter(500, 1, 2_147_483_647)], vec![odd.clone()]).is_empty());
    let alone = told(Vec::new(), vec![odd.clone()]);
    let largest = "comes to its end: its largest value is 95 % of what it can hold";
    assert!(alone[0].0.contains(largest) && alone[0].1 == Severity::Warning, "{alone:?}");
    // One that may not be read knows nothing.
    let unread = Counter { last: None, ..counter(0, 1, 2_147_483_647) };
    assert_eq!(told(vec![unread], vec![odd]).len(), 1);
    let ending = told(vec![counter(95, 1, 100)], Vec::new());
    assert_eq!(ending[0].1, Severity::Critical, "{ending:?}");
}
