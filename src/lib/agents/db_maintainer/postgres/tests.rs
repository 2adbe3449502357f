//! What is concluded from what a database says of itself, without a server.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use super::super::checks::{
    AGENT, ANALYZE_DUE, COUNTER_ENDING, DATABASE_UNREACHABLE, FREEZE_AGE, HORIZON_HELD,
    INDEX_BLOATED, INDEX_INVALID, REBUILD_LEFT, TABLE_MISSING, VACUUM_DUE,
};
use super::super::{DbMaintainer, Fault, Snapshot};
use super::DatabaseSettings;
use crate::agent::{Agent as _, Remedy};
use crate::domain::diagnosis::{CheckFindings, Coverage, Diagnosis, Fault as _, Standing, Verdict};
use crate::domain::operation::{DataKind, DataRef};
use crate::domain::run::Recall;
use crate::domain::sight::{Blind, Sight};
use crate::domain::subject::{CheckId, Key};
use crate::domain::upkeep::{BloatedIndex, Counter, DatabaseLook, Holder, TableLook, Unseen};

pub(super) fn now() -> Timestamp {
    "2026-11-20T03:00:00Z".parse().unwrap()
}

pub(super) fn table(name: &str, live: u64, dead: u64) -> TableLook {
    TableLook {
        name: format!("public.{name}"),
        schema: "public".to_owned(),
        plain: name.to_owned(),
        live_rows: live,
        dead_rows: dead,
        due_rows: 50 + live / 5,
        inserted_rows: 0,
        due_inserted_rows: Some(1000 + live / 5),
        changed_rows: 0,
        due_changed_rows: 50 + live / 10,
        age: 1000,
        multixact_age: 0,
        vacuums: 0,
        autovacuum_off: false,
        vacuumed: None,
    }
}

pub(super) fn index(name: &str, size: u64, needed: u64) -> BloatedIndex {
    BloatedIndex {
        name: format!("public.{name}"),
        table: "public.orders".to_owned(),
        size_bytes: size << 20,
        needed_bytes: needed << 20,
        node: 7,
        lacks_room: false,
    }
}

pub(super) fn look() -> DatabaseLook {
    DatabaseLook {
        version: 150_018,
        is_standby: false,
        autovacuum: true,
        uncounted: false,
        freeze_max_age: 200_000_000,
        multixact_freeze_max_age: 400_000_000,
        tables: vec![table("orders", 100_000, 0)],
        partitioned: Vec::new(),
        elsewhere: Vec::new(),
        keys: Vec::new(),
        invalid: Vec::new(),
        bloated: Vec::new(),
        counters: Vec::new(),
        holders: Vec::new(),
        unseen: Unseen::default(),
        busy: None,
    }
}

pub(super) struct Case {
    pub(super) agent: DbMaintainer,
    pub(super) sight: Sight<DatabaseLook>,
    pub(super) recall: Recall,
    pub(super) wanted: BTreeSet<Key>,
}

impl Case {
    pub(super) fn new(look: DatabaseLook) -> Self {
        let orders = ["orders".to_owned()];
        let database = DatabaseSettings { name: "main".to_owned(), tables: orders.to_vec() };
        let agent = DbMaintainer { databases: vec![database], ..DbMaintainer::default() };
        Self { agent, sight: Ok(look), recall: Recall::default(), wanted: BTreeSet::new() }
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        Snapshot {
            databases: BTreeMap::from([("main".to_owned(), self.sight.clone())]),
            wanted: self.wanted.clone(),
            ..Snapshot::blank(now())
        }
    }

    pub(super) fn judged(&self) -> Diagnosis<Fault> {
        self.agent.detect(&self.snapshot(), &self.recall, now())
    }

    /// What the faults of a check say.
    pub(super) fn messages(&self, check: &CheckId) -> Vec<String> {
        let judged = self.judged();
        let verdicts = judged.checks[check].findings.values();
        let faulty = verdicts.filter_map(|verdict| match verdict {
            Verdict::Faulty(fault, _) => Some(fault.message()),
            Verdict::Healthy(_) | Verdict::Unknown { .. } => None,
        });
        faulty.collect()
    }

    /// The facts of each fault of a check.
    pub(super) fn facts(&self, check: &CheckId) -> Vec<BTreeMap<String, String>> {
        let judged = self.judged();
        let verdicts = judged.checks[check].findings.values();
        let faulty = verdicts.filter_map(|verdict| match verdict {
            Verdict::Faulty(fault, _) => Some(fault.facts()),
            Verdict::Healthy(_) | Verdict::Unknown { .. } => None,
        });
        faulty.collect()
    }

    /// What is done or left about each fault of a check, by its subject.
    pub(super) fn remedies(&self, check: &CheckId) -> Vec<(String, String)> {
        let (judged, snapshot) = (self.judged(), self.snapshot());
        let findings = judged.checks[check].findings.iter();
        let faulty = findings.filter_map(|(subject, verdict)| match verdict {
            Verdict::Faulty(fault, _) => Some((subject, fault)),
            Verdict::Healthy(_) | Verdict::Unknown { .. } => None,
        });
        faulty
            .map(|(subject, fault)| {
                let said = match self.agent.remedy(subject, fault, &snapshot, now()) {
                    Remedy::Act(step) => step.operation.to_string(),
                    Remedy::Leave { why } => format!("left: {why}"),
                };
                (subject.id().to_owned(), said)
            })
            .collect()
    }
}

pub(super) fn said(remedies: &[(String, String)]) -> Vec<&str> {
    remedies.iter().map(|(_, said)| said.as_str()).collect()
}

#[test]
fn a_database_that_is_not_seen_is_well_in_nothing_and_is_told_as_unreachable() {
    let mut case = Case::new(look());
    case.sight = Err(Blind::because("the database main cannot be reached: refused"));
    let judged = case.judged();
    // The agent's other stores are not what is asked about.
    let of_it = |findings: &CheckFindings<Fault>| -> Vec<Verdict<Fault>> {
        let own = findings.findings.iter().filter(|(subject, _)| subject.id() == "main");
        own.map(|(_, verdict)| verdict.clone()).collect()
    };
    for (check, findings) in &judged.checks {
        let verdicts = of_it(findings);
        if verdicts.is_empty() {
            continue;
        }
        let faulty = |one: &Verdict<Fault>| matches!(one, Verdict::Faulty(..));
        let unknown = |one: &Verdict<Fault>| matches!(one, Verdict::Unknown { .. });
        if *check == DATABASE_UNREACHABLE {
            assert!(verdicts.iter().all(faulty), "{findings:?}");
        } else {
            assert!(verdicts.iter().all(unknown), "{check}: {findings:?}");
            assert!(matches!(findings.coverage, Coverage::Partial { .. }), "{check}");
        }
    }
}

#[test]
fn a_declared_table_is_vacuumed_earlier_than_any_other_and_none_for_a_few_rows() {
    for (name, dead, expected) in [
        ("orders", 6_000, 1),
        ("orders", 4_000, 0),
        ("others", 6_000, 0),
        ("others", 21_000, 1),
        ("orders", 999, 0),
    ] {
        let tables = vec![table(name, 100_000, dead)];
        let case = Case::new(DatabaseLook { tables, ..look() });
        assert_eq!(case.remedies(&VACUUM_DUE).len(), expected, "{name} {dead}");
    }
    let small = vec![table("orders", 100, 900)];
    assert!(Case::new(DatabaseLook { tables: small, ..look() }).remedies(&VACUUM_DUE).is_empty());
}

#[test]
fn nothing_is_begun_in_vain_or_at_a_bad_moment() {
    let tables = vec![TableLook { age: 600_000_000, ..table("orders", 1000, 900_000) }];
    let dead = DatabaseLook { tables, ..look() };
    let idle = Holder::Idle {
        pid: 7,
        user: "app".to_owned(),
        application: String::new(),
        since: Duration::from_hours(1),
        age: Some(500_000_000),
    };
    let cases = [
        (DatabaseLook { holders: vec![idle], ..dead.clone() }, "left: a vacuum removes nothing"),
        (
            DatabaseLook { busy: Some("a dump is being taken".to_owned()), ..dead.clone() },
            "left: not now: a dump",
        ),
    ];
    for (look, expected) in cases {
        let case = Case::new(look);
        for check in [&VACUUM_DUE, &FREEZE_AGE] {
            let remedies = case.remedies(check);
            assert!(said(&remedies)[0].starts_with(expected), "{check}: {remedies:?}");
        }
    }
    let remedies = Case::new(dead).remedies(&FREEZE_AGE);
    assert_eq!(said(&remedies), ["vacuum main/public.orders"]);
}

#[test]
fn a_standby_is_looked_at_and_written_to_by_nobody() {
    let tables = vec![table("orders", 1000, 900_000)];
    let bloated = vec![index("b", 900, 100)];
    let case = Case::new(DatabaseLook { is_standby: true, tables, bloated, ..look() });
    for check in [&VACUUM_DUE, &ANALYZE_DUE, &REBUILD_LEFT, &INDEX_BLOATED, &INDEX_INVALID] {
        assert!(case.remedies(check).is_empty(), "{check}");
    }
}

#[test]
fn what_somebody_asks_about_and_is_not_found_any_more_is_well_unless_it_is_gone() {
    let mut case = Case::new(look());
    let subject = |kind, object: &str| DataRef::new(kind, "main", object).subject("host-a");
    let dropped = Key::new(AGENT, INDEX_INVALID, subject(DataKind::Index, "public.i"));
    let tidy = Key::new(AGENT, VACUUM_DUE, subject(DataKind::Table, "public.orders"));
    let gone = Key::new(AGENT, VACUUM_DUE, subject(DataKind::Table, "public.gone"));
    case.wanted = [&dropped, &tidy, &gone].into_iter().cloned().collect();
    let judged = case.judged();
    let stands = |key: &Key| judged.standing(&key.check, &key.subject);
    assert!(
        matches!(stands(&dropped), Standing::Healthy(_)),
        "an index that is gone is no trouble"
    );
    assert!(matches!(stands(&tidy), Standing::Healthy(_)));
    assert!(matches!(stands(&gone), Standing::Gone), "a table that is gone is neither");
}

#[test]
fn a_table_is_known_by_its_name_with_and_without_its_schema_and_in_no_other_case() {
    for (name, missing) in [("orders", 0), ("public.orders", 0), ("Orders", 1), ("shop.orders", 1)]
    {
        let mut case = Case::new(look());
        case.agent.databases[0].tables = vec![name.to_owned()];
        assert_eq!(case.remedies(&TABLE_MISSING).len(), missing, "{name}");
    }
}

#[test]
fn a_table_is_old_at_our_limit_or_at_twice_the_servers_own_by_either_counter_which_is_told() {
    const MILLION: u64 = 1_000_000;
    let small =
        DatabaseLook { freeze_max_age: 100_000, multixact_freeze_max_age: 10_000, ..look() };
    let large = DatabaseLook {
        freeze_max_age: 2000 * MILLION,
        multixact_freeze_max_age: 2000 * MILLION,
        ..look()
    };
    for (server, age, multixact_age, expected) in [
        (&small, 199_999, 19_999, None),
        (&small, 200_000, 0, Some("transaction of main/public.orders is twice as old")),
        (&small, 0, 20_000, Some("multixact of main/public.orders is twice as old")),
        (&large, 499 * MILLION, 499 * MILLION, None),
        (&large, 500 * MILLION, 0, Some("transaction of main/public.orders is very old")),
        (&large, 0, 500 * MILLION, Some("multixact of main/public.orders is very old")),
    ] {
        let tables = vec![TableLook { age, multixact_age, ..table("orders", 10, 0) }];
        let messages = Case::new(DatabaseLook { tables, ..server.clone() }).messages(&FREEZE_AGE);
        let is_it = match (expected, messages.as_slice()) {
            (None, []) => true,
            (Some(expected), [one]) => one.contains(expected),
            (None | Some(_), _) => false,
        };
        assert!(is_it, "{age} {multixact_age}: {messages:?}");
    }
}

#[test]
fn whoever_holds_row_versions_back_keeps_a_vacuum_from_being_tried_and_who_only_idles_does_not() {
    let (user, application) = (|| "app".to_owned(), || "tool".to_owned());
    let since = Duration::from_hours(1);
    let idle = |age: Option<u64>| Holder::Idle {
        pid: 7,
        user: user(),
        application: application(),
        since,
        age,
    };
    let query =
        |since| Holder::Query { pid: 7, user: user(), application: application(), since, age: 1 };
    let standby = |age: u64| Holder::Standby { name: "replica".to_owned(), age };
    let slot = |age, catalogue_age| Holder::Slot {
        name: "reader".to_owned(),
        active: false,
        age,
        catalogue_age,
    };
    let old = Some(10_000_000);
    let held = "keeps old row versions from being removed";
    for (holder, told, tried) in [
        (idle(Some(1)), Some(held), false),
        (idle(None), Some("session 7 of user app (tool) does nothing in a transaction"), true),
        (query(since), Some(held), false),
        (query(Duration::from_mins(9)), None, true),
        (standby(10_000_000), Some(held), false),
        (standby(9_999_999), None, true),
        (slot(old, None), Some(held), false),
        (slot(Some(9_999_999), None), None, true),
        // Of people's tables a vacuum removes all the same.
        (slot(None, old), Some("keeps old row versions of the system's catalogues"), true),
        (slot(Some(1), old), Some("keeps old row versions of the system's catalogues"), true),
        (slot(None, None), None, true),
    ] {
        let tables = vec![table("orders", 1000, 900_000)];
        let case = Case::new(DatabaseLook { tables, holders: vec![holder.clone()], ..look() });
        let messages = case.messages(&HORIZON_HELD);
        assert!(
            told.map_or(messages.is_empty(), |told| messages.concat().contains(told)),
            "{holder:?}: {messages:?}"
        );
        assert_eq!(said(&case.remedies(&VACUUM_DUE))[0].starts_with("vacuum"), tried, "{holder:?}");
    }
}

#[test]
fn a_counter_that_is_not_seen_is_not_well_and_hides_none_that_is() {
    let counter = |table: &str, last: Option<u64>| Counter {
        sequence: format!("public.{table}_id_seq"),
        table: Some(format!("public.{table}")),
        column: Some("id".to_owned()),
        last,
        least: 1,
        most: 100,
        column_most: None,
    };
    let counters = vec![counter("a", None), counter("b", Some(80)), counter("c", Some(1))];
    let mut case = Case::new(DatabaseLook { counters, ..look() });
    let key = |table: &str| {
        let subject = DataRef::new(DataKind::Database, "main", &format!("public.{table}.id"))
            .subject("host-a");
        Key::new(AGENT, COUNTER_ENDING, subject)
    };
    case.wanted = ["a", "b", "c"].map(key).into_iter().collect();
    let judged = case.judged();
    let stands = |table: &str| judged.standing(&COUNTER_ENDING, &key(table).subject);
    assert!(matches!(stands("a"), Standing::Unknown { .. }));
    assert!(matches!(stands("b"), Standing::Faulty(..)));
    assert!(matches!(stands("c"), Standing::Healthy(_)));
}
