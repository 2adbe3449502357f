//! What is concluded from what a folder of logs looks like, without a folder.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::{LogSettings, LogsFault};
use crate::agent::{Agent as _, Remedy};
use crate::agents::db_maintainer::checks::{
    AGENT, ARCHIVES_EXPIRED, ARCHIVES_WARM, LOG_LARGE, LOG_STUCK, LOGS_OLD, LOGS_UNSEEN,
};
use crate::agents::db_maintainer::{DbMaintainer, Fault, Snapshot};
use crate::domain::diagnosis::{Coverage, Diagnosis, Standing, Verdict};
use crate::domain::operation::{DataKind, DataRef, OWN_LOGS};
use crate::domain::run::Recall;
use crate::domain::sight::{Blind, Sight};
use crate::domain::subject::{CheckId, Key};
use crate::domain::upkeep::{Archive, Held, LogFile, LogsLook, Tier};

const CHECKS: [&CheckId; 6] =
    [&LOGS_UNSEEN, &LOG_STUCK, &ARCHIVES_EXPIRED, &LOG_LARGE, &LOGS_OLD, &ARCHIVES_WARM];

fn now() -> Timestamp {
    "2026-11-20T03:00:00Z".parse().unwrap()
}

fn days_ago(days: i64) -> Timestamp {
    now() - SignedDuration::from_hours(24 * days)
}

fn file(name: &str, days: i64, mib: u64, held: Held) -> LogFile {
    LogFile {
        name: name.to_owned(),
        size_bytes: mib << 20,
        written_at: days_ago(days),
        node: "1:7".to_owned(),
        held,
        unfit: None,
        put_off: false,
    }
}

fn archive(of: &str, days: i64) -> Archive {
    Archive {
        name: format!("{of}.{days}.gz"),
        of: of.to_owned(),
        tier: Tier::Warm,
        size_bytes: 1,
        written_at: days_ago(days),
        put_off: false,
    }
}

/// One of everything that is due.
fn look() -> LogsLook {
    LogsLook {
        files: vec![file("app.log", 0, 200, Held::Appended), file("app.log.1", 8, 1, Held::Free)],
        archives: vec![archive("app.log.1", 91), archive("app.log.1", 31)],
        ..LogsLook::default()
    }
}

struct Case {
    agent: DbMaintainer,
    snapshot: Snapshot,
}

impl Case {
    fn new(sight: Sight<LogsLook>) -> Self {
        let logs = vec![LogSettings::new("pm2", "/srv/app/logs")];
        let own = (OWN_LOGS.to_owned(), Ok(LogsLook::default()));
        let snapshot = Snapshot {
            logs: BTreeMap::from([("pm2".to_owned(), sight), own]),
            ..Snapshot::blank(now())
        };
        Self { agent: DbMaintainer { logs, ..DbMaintainer::default() }, snapshot }
    }

    fn judged(&self) -> Diagnosis<Fault> {
        self.agent.detect(&self.snapshot, &Recall::default(), now())
    }

    /// What is done or left about each fault of a check.
    fn remedies(&self, check: &CheckId) -> Vec<String> {
        let judged = self.judged();
        let findings = judged.checks[check].findings.iter();
        let faulty = findings.filter_map(|(subject, verdict)| match verdict {
            Verdict::Faulty(fault, _) => Some((subject, fault)),
            Verdict::Healthy(_) | Verdict::Unknown { .. } => None,
        });
        faulty
            .map(|(subject, fault)| {
                match self.agent.remedy(subject, fault, &self.snapshot, now()) {
                    Remedy::Act(step) => step.operation.to_string(),
                    Remedy::Leave { why } => format!("{}: {why}", message(fault)),
                }
            })
            .collect()
    }
}

fn message(fault: &Fault) -> String {
    match fault {
        Fault::Logs(fault) => LogsFault::message(fault),
        _ => String::new(),
    }
}

#[test]
fn everything_that_is_due_has_its_verb() {
    let case = Case::new(Ok(look()));
    for (check, expected) in [
        (&ARCHIVES_EXPIRED, "prune the archives of pm2"),
        (&LOG_LARGE, "trim the log pm2/app.log"),
        (&LOGS_OLD, "archive the old logs of pm2"),
        (&ARCHIVES_WARM, "pack the archives of pm2 tighter"),
    ] {
        assert_eq!(case.remedies(check), [expected], "{check}");
    }
    for check in [&LOGS_UNSEEN, &LOG_STUCK] {
        assert!(case.remedies(check).is_empty(), "{check}");
    }
}

#[test]
fn a_folder_that_is_not_seen_or_closed_is_told_and_nothing_of_it_is_well() {
    let closed = LogsLook { closed: Some("it cannot be written".to_owned()), ..look() };
    for sight in [Err(Blind::because("the folder does not exist")), Ok(closed)] {
        let case = Case::new(sight);
        assert_eq!(case.remedies(&LOGS_UNSEEN).len(), 1);
        let judged = case.judged();
        let subject = DataRef::of_store(DataKind::Logs, "pm2").subject("host-a");
        for check in CHECKS.into_iter().filter(|check| **check != LOGS_UNSEEN) {
            let findings = &judged.checks[check];
            assert!(matches!(findings.findings[&subject], Verdict::Unknown { .. }), "{check}");
            assert!(matches!(findings.coverage, Coverage::Partial { .. }), "{check}");
        }
    }
}

#[test]
fn what_was_seen_of_a_folder_is_tended_and_the_rest_is_not_well() {
    let part = LogsLook { cut_short: Some("not all was seen".to_owned()), ..look() };
    let mut case = Case::new(Ok(part));
    let log = DataRef::new(DataKind::Log, "pm2", "other.log").subject("host-a");
    let key = Key::new(AGENT, LOG_LARGE, log.clone());
    case.snapshot.wanted = BTreeSet::from([key]);
    assert_eq!(case.remedies(&LOG_LARGE), ["trim the log pm2/app.log"]);
    let judged = case.judged();
    assert!(matches!(judged.standing(&LOG_LARGE, &log), Standing::Unknown { .. }));
    assert_eq!(case.remedies(&LOGS_UNSEEN).len(), 1);
}

#[test]
fn what_cannot_be_tended_is_an_incident_with_its_reason_and_what_a_person_can_do() {
    let placed = Held::Placed { by: "java".to_owned() };
    let unseen = Held::Unseen { why: "who writes it cannot be seen".to_owned() };
    let files = vec![
        file("app.log", 0, 200, placed),
        file("app.log.1", 9, 1, unseen.clone()),
        file("app.log.2", 9, 1, unseen),
    ];
    let case = Case::new(Ok(LogsLook { files, ..LogsLook::default() }));
    let told = case.remedies(&LOG_STUCK);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        told.iter()
            .any(|one| one.contains("java does not append") && one.contains("pm2 reloadLogs"))
    );
    assert!(
        told.iter().any(|one| one.contains("cannot be seen") && one.contains("run as that user"))
    );
}

#[test]
fn a_log_that_was_trimmed_or_is_gone_is_well() {
    let mut case = Case::new(Ok(LogsLook::default()));
    let log = DataRef::new(DataKind::Log, "pm2", "app.log").subject("host-a");
    case.snapshot.wanted = BTreeSet::from([Key::new(AGENT, LOG_LARGE, log.clone())]);
    assert!(matches!(case.judged().standing(&LOG_LARGE, &log), Standing::Healthy(_)));
}

#[test]
fn what_would_lose_logs_or_meets_another_set_is_no_setting() {
    let set = |name: &str, folder: &str| LogSettings::new(name, folder);
    let problems = |logs: Vec<LogSettings>| -> Vec<String> {
        let agent = DbMaintainer { logs, ..DbMaintainer::default() };
        agent.problems().into_iter().map(|one| one.path).collect()
    };
    assert!(problems(vec![set("a", "/srv/a"), set("b", "/srv/a/b")]).is_empty());
    for (logs, expected) in [
        (vec![set("a", "srv/a")], "logs[0].folder"),
        (vec![set("a", "/srv/../etc")], "logs[0].folder"),
        (vec![set("a", "//")], "logs[0].folder"),
        (vec![set("opswarden", "/srv/a")], "logs[0].name"),
        (vec![set("a", "/srv/a"), set("a", "/srv/b")], "logs[1].name"),
        (vec![set("a", "/srv/a"), set("b", "/srv/a/")], "logs[1].folder"),
        (
            vec![LogSettings { depth: 1, ..set("a", "/srv/a") }, set("b", "/srv/a/b")],
            "logs[1].folder",
        ),
        (vec![LogSettings { keep_mib: 100, ..set("a", "/srv/a") }], "logs[0].keep_mib"),
        (vec![LogSettings { hot: set("a", "/").warm, ..set("a", "/srv/a") }], "logs[0].warm"),
        (vec![LogSettings { cold: set("a", "/").hot, ..set("a", "/srv/a") }], "logs[0].warm"),
    ] {
        assert_eq!(problems(logs.clone()), [expected], "{logs:?}");
    }
}
