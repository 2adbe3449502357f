//! When tables are due by rows that are new, or by statistics that are old, and what is not seen of others, without a server.

use std::time::Duration;

use super::super::checks::{
    AGENT, ANALYZE_DUE, FREEZE_AGE, HORIZON_HELD, TABLE_MISSING, VACUUM_DUE,
};
use super::tests::{Case, look, said, table};
use crate::domain::diagnosis::{Fault as _, Standing, Verdict};
use crate::domain::operation::{DataKind, DataRef};
use crate::domain::subject::Key;
use crate::domain::upkeep::{
    DatabaseLook, ElsewhereKind, Holder, OldElsewhere, PartitionedTable, TableLook, Unseen,
};

fn of(table: TableLook) -> DatabaseLook {
    DatabaseLook { tables: vec![table], ..look() }
}

#[test]
fn new_rows_are_due_above_the_servers_number_and_never_where_it_counts_none() {
    for (inserted_rows, due_inserted_rows, due) in
        [(1000, Some(1000), false), (1001, Some(1000), true), (900_000, None, false)]
    {
        let grown = TableLook { inserted_rows, due_inserted_rows, ..table("orders", 10, 0) };
        let case = Case::new(of(grown));
        assert_eq!(!case.remedies(&VACUUM_DUE).is_empty(), due, "{inserted_rows}");
    }
}

/// A query that has lasted for so many minutes, and holds back what is so many transactions old.
fn lasting(minutes: u64, age: u64) -> Holder {
    Holder::Query {
        pid: 7,
        user: "app".to_owned(),
        application: "report".to_owned(),
        since: Duration::from_mins(minutes),
        age,
    }
}

#[test]
fn what_died_before_somebody_began_can_be_removed_and_what_a_vacuum_left_is_not_tried_again() {
    let vacuumed = |minutes| Some(Duration::from_mins(minutes));
    for (ago, expected) in [
        (vacuumed(600), Some("vacuum main/public.orders")),
        (vacuumed(59), Some("left: a vacuum removes nothing")),
        (vacuumed(60), Some("left: a vacuum removes nothing")),
        (None, Some("left: a vacuum removes nothing")),
        (vacuumed(9), None),
    ] {
        let dead = TableLook { vacuumed: ago, ..table("orders", 1000, 900_000) };
        let look = DatabaseLook { holders: vec![lasting(60, 5)], ..of(dead.clone()) };
        let remedies = Case::new(look).remedies(&VACUUM_DUE);
        let said = said(&remedies).first().copied();
        assert!(
            said.map_or(expected.is_none(), |said| expected
                .is_some_and(|start| said.starts_with(start))),
            "{ago:?}: {said:?}"
        );
        // Without anybody who holds it back it is due, however young the last vacuum is.
        let alone = Case::new(of(dead)).remedies(&VACUUM_DUE);
        assert_eq!(super::tests::said(&alone), ["vacuum main/public.orders"], "{ago:?}");
    }
}

#[test]
fn a_table_that_is_old_is_frozen_unless_what_is_held_back_is_as_old() {
    let old = TableLook { age: 600_000_000, ..table("orders", 1000, 0) };
    let multi = TableLook { multixact_age: 900_000_000, ..table("orders", 1000, 0) };
    let left = "left: a vacuum removes nothing";
    for (table, age, expected) in [
        (&old, 5, "vacuum main/public.orders"),
        (&old, 399_999_999, "vacuum main/public.orders"),
        (&old, 400_000_000, left),
        (&multi, 5, left),
    ] {
        let look = DatabaseLook { holders: vec![lasting(60, age)], ..of(table.clone()) };
        let remedies = Case::new(look).remedies(&FREEZE_AGE);
        assert!(said(&remedies)[0].starts_with(expected), "{age}: {remedies:?}");
    }
}

#[test]
fn a_pools_workers_are_one_holder_whatever_their_numbers() {
    let worker = |number: u32| {
        let mut holder = lasting(60, 5);
        if let Holder::Query { application, .. } = &mut holder {
            *application = format!("puma: cluster worker {number}: {} [shop]", number * 17);
        }
        let case = Case::new(DatabaseLook { holders: vec![holder], ..look() });
        case.judged().checks[&HORIZON_HELD].findings.keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(worker(3), worker(112));
    let named = worker(3).iter().filter(|subject| subject.id().contains("puma")).count();
    assert_eq!(named, 1, "{:?}", worker(3));
}

#[test]
fn a_table_that_is_divided_is_known_and_its_name_means_those_that_its_rows_lie_in() {
    let part = table("events_2026", 100_000, 9000);
    let whole = PartitionedTable {
        schema: "public".to_owned(),
        plain: "events".to_owned(),
        parts: vec!["public.events_2026".to_owned()],
    };
    for (name, missing, vacuumed) in [
        ("events", 0, 1),
        ("public.events", 0, 1),
        ("Events", 1, 0),
        ("other.events", 1, 0),
        ("events_2026", 0, 1),
    ] {
        let mut case =
            Case::new(DatabaseLook { partitioned: vec![whole.clone()], ..of(part.clone()) });
        case.agent.databases[0].tables = vec![name.to_owned()];
        assert_eq!(case.remedies(&TABLE_MISSING).len(), missing, "{name}");
        assert_eq!(case.remedies(&VACUUM_DUE).len(), vacuumed, "{name}: 5 % are dead, not 20 %");
    }
}

#[test]
fn statistics_are_made_anew_alone_only_where_no_vacuum_makes_them() {
    let stale =
        |changed_rows, dead, age| TableLook { changed_rows, age, ..table("orders", 100_000, dead) };
    for (table, expected) in [
        (stale(10_050, 0, 0), None),
        (stale(10_051, 0, 0), Some("analyze main/public.orders")),
        (stale(10_051, 50_000, 0), None),
        (stale(10_051, 0, 600_000_000), None),
    ] {
        let remedies = Case::new(of(table.clone())).remedies(&ANALYZE_DUE);
        assert_eq!(said(&remedies).first().copied(), expected, "{table:?}");
    }
    let busy = Some("a dump is being taken".to_owned());
    let case = Case::new(DatabaseLook { busy, ..of(stale(10_051, 0, 0)) });
    assert_eq!(said(&case.remedies(&ANALYZE_DUE)), ["left: not now: a dump is being taken"]);
}

#[test]
fn a_table_that_is_old_and_has_dead_rows_is_vacuumed_once() {
    let both = TableLook { age: 600_000_000, ..table("orders", 1000, 900_000) };
    let case = Case::new(of(both));
    assert_eq!(said(&case.remedies(&FREEZE_AGE)), ["vacuum main/public.orders"]);
    let left = "left: not now: the vacuum that freezes the table takes care of them";
    assert_eq!(said(&case.remedies(&VACUUM_DUE)), [left]);
    let judged = case.judged();
    let findings = judged.checks[&VACUUM_DUE].findings.values();
    let put_off = findings.filter_map(|verdict| match verdict {
        Verdict::Faulty(fault, _) => fault.not_now(),
        Verdict::Healthy(_) | Verdict::Unknown { .. } => None,
    });
    assert_eq!(put_off.count(), 0, "it is taken care of");
}

#[test]
fn what_is_old_and_no_table_of_people_is_told_with_what_helps_and_never_touched() {
    let old = |kind, age, multixact_age| OldElsewhere {
        kind,
        name: "there.it".to_owned(),
        age,
        multixact_age,
    };
    for (one, told, sql) in [
        (
            old(ElsewhereKind::Catalogue, 600_000_000, 0),
            "transaction of the system's table there.it",
            "VACUUM (FREEZE, VERBOSE) there.it;",
        ),
        (
            old(ElsewhereKind::Temporary, 0, 900_000_000),
            "multixact of the temporary table there.it",
            "DROP TABLE there.it;",
        ),
        (
            old(ElsewhereKind::Database, 600_000_000, 1),
            "transaction of the database there.it",
            "VACUUM (FREEZE, VERBOSE);",
        ),
    ] {
        let case = Case::new(DatabaseLook { elsewhere: vec![one.clone()], ..look() });
        let messages = case.messages(&FREEZE_AGE);
        assert!(messages[0].contains(told), "{one:?}: {messages:?}");
        let facts = &case.facts(&FREEZE_AGE)[0];
        assert_eq!(facts["sql"], sql, "{one:?}");
        let is_elsewhere =
            facts.get("caution").is_some_and(|caution| caution.contains("in the database"));
        assert_eq!(
            is_elsewhere,
            one.kind == ElsewhereKind::Database,
            "it has to be run elsewhere: {one:?}"
        );
        assert!(said(&case.remedies(&FREEZE_AGE))[0].starts_with("left: "), "{one:?}");
    }
    let young = old(ElsewhereKind::Database, 100_000, 100_000);
    assert!(
        Case::new(DatabaseLook { elsewhere: vec![young], ..look() })
            .messages(&FREEZE_AGE)
            .is_empty()
    );
}

#[test]
fn whom_we_may_not_see_is_not_well_and_lets_nothing_be_begun() {
    let unseen = |sessions, standbys| Unseen { user: "keeper".to_owned(), sessions, standbys };
    let key = |object: &str| {
        let subject = DataRef::new(DataKind::Database, "main", object).subject("host-a");
        Key::new(AGENT, HORIZON_HELD, subject)
    };
    let keys = ["session-app-tool", "query-app-tool", "standby-b", "slot-a", "prepared-a"].map(key);
    for (sessions, standbys, whom) in [
        (0, 0, None),
        (2, 0, Some("2 sessions of other users")),
        (1, 3, Some("one session of another user, 3 standbys")),
    ] {
        let tables = vec![table("orders", 1000, 900_000)];
        let unseen = unseen(sessions, standbys);
        let mut case = Case::new(DatabaseLook { tables, unseen, ..look() });
        case.wanted = keys.iter().cloned().collect();
        let judged = case.judged();
        for (place, key) in keys.iter().enumerate() {
            let standing = judged.standing(&key.check, &key.subject);
            let is_dark = whom.is_some() && place < 3;
            assert_eq!(matches!(standing, Standing::Unknown { .. }), is_dark, "{key}");
            assert_eq!(matches!(standing, Standing::Healthy(_)), !is_dark, "{key}");
        }
        let remedies = case.remedies(&VACUUM_DUE);
        let expected = whom.map_or("vacuum main/public.orders".to_owned(), |whom| {
            format!(
                "left: not now: we may not see what others do ({whom}); a person could run GRANT \
                 pg_read_all_stats TO keeper;"
            )
        });
        assert_eq!(said(&remedies), [expected.as_str()]);
    }
}
