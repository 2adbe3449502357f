//! When routine work becomes an incident, and when it is none.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::super::Fault;
use super::super::checks::{AGENT, BACKUP_DUE, RESTORE_DUE, SPEC};
use super::LedgerFault;
use crate::domain::diagnosis::{
    CheckFindings, Coverage, Diagnosis, Evidence, Origin, Symptom, Verdict,
};
use crate::domain::event::Event;
use crate::domain::incident::{
    Incident, IncidentId, Remediation, RemediationId, RemediationState, Resolution, Resolved, RunId,
};
use crate::domain::ledger::LedgerView;
use crate::domain::merge::{MergeInput, merge};
use crate::domain::operation::{
    DataKind, DataRef, DataState, Inverse, LEDGER, Operation, TargetState, Upkeep,
};
use crate::domain::policy::Policy;
use crate::domain::severity::{Environment, Severity};
use crate::domain::spec::CheckClass;
use crate::domain::subject::{CheckId, Key};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + seconds).unwrap()
}

fn backups() -> DataRef {
    DataRef::of_store(DataKind::Backups, LEDGER)
}

fn key(check: CheckId) -> Key {
    Key::new(AGENT, check, backups().subject("host-a"))
}

/// What was concluded: this chore is due.
fn due(check: &CheckId, fault: &Fault) -> Diagnosis<Symptom> {
    let mut diagnosis = Diagnosis::default();
    let mut findings = CheckFindings::new(Coverage::Whole);
    let evidence = Evidence::once(Origin::Store, at(100));
    findings
        .findings
        .insert(backups().subject("host-a"), Verdict::Faulty(Symptom::of(fault), evidence));
    diagnosis.checks.insert(check.clone(), findings);
    diagnosis
}

fn tried(number: u64, state: RemediationState, intended: i64) -> Remediation {
    let empty = DataState { data: backups(), measures: BTreeMap::new() };
    Remediation {
        id: RemediationId(number),
        key: key(BACKUP_DUE),
        incident: None,
        run: RunId("r".into()),
        operation: Operation::tend(Upkeep::TakeBackup, backups()),
        reason: String::new(),
        attempt: 1,
        state,
        before: TargetState::Data(empty),
        after: None,
        inverse: Inverse::None { why: String::new() },
        intended_at: at(intended),
        acted_at: Some(at(intended)),
        verify_at: None,
        finished_at: None,
        outcome: None,
        evidence: Vec::new(),
        undo_of: None,
        undone: None,
        approval: None,
    }
}

fn merged(view: &LedgerView, diagnosis: &Diagnosis<Symptom>) -> Vec<Event> {
    let policy = Policy::default();
    merge(&MergeInput {
        spec: &SPEC,
        policy: &policy,
        environment: Environment::Production,
        view,
        diagnosis,
        now: at(100),
    })
    .events
}

const fn backup(overdue: bool) -> Fault {
    Fault::Ledger(LedgerFault::BackupDue { last: None, overdue })
}

/// Severity, attempts and the last of them, of an incident that is opened.
fn opened(events: &[Event]) -> Option<(Severity, u32, Option<Timestamp>)> {
    events.iter().find_map(|event| match event {
        Event::IncidentOpened { severity, attempts, last_attempt_at, .. } => {
            Some((*severity, *attempts, *last_attempt_at))
        }
        _ => None,
    })
}

#[test]
fn what_is_due_is_no_incident_while_it_was_not_tried_or_helped() {
    let found = due(&BACKUP_DUE, &backup(false));
    assert_eq!(merged(&LedgerView::default(), &found), []);
    for state in
        [RemediationState::Verified, RemediationState::Withdrawn, RemediationState::Verifying]
    {
        let view = LedgerView { remediations: vec![tried(1, state, 50)], ..LedgerView::default() };
        assert_eq!(merged(&view, &found), [], "{state:?}");
    }
}

#[test]
fn what_is_overdue_is_an_incident_at_once() {
    let events = merged(&LedgerView::default(), &due(&BACKUP_DUE, &backup(true)));
    assert_eq!(opened(&events), Some((Severity::Warning, 0, None)));
}

#[test]
fn what_failed_is_a_warning_with_its_attempts_until_one_helps() {
    let found = due(&BACKUP_DUE, &backup(false));
    let failed = tried(1, RemediationState::Failed, 50);
    let view = LedgerView { remediations: vec![failed.clone()], ..LedgerView::default() };
    assert_eq!(opened(&merged(&view, &found)), Some((Severity::Warning, 1, Some(at(50)))));
    // The newest attempt counts.
    let helped = tried(2, RemediationState::Verified, 60);
    let view = LedgerView { remediations: vec![failed.clone(), helped], ..LedgerView::default() };
    assert_eq!(merged(&view, &found), []);
    // What did not come to it says nothing: the failure before it still stands.
    let withdrawn = tried(2, RemediationState::Withdrawn, 60);
    let view = LedgerView { remediations: vec![failed, withdrawn], ..LedgerView::default() };
    assert!(opened(&merged(&view, &found)).is_some());
}

#[test]
fn what_gave_way_night_after_night_is_told() {
    const HOUR: i64 = 3600;
    let found = due(&BACKUP_DUE, &backup(false));
    let told = |states: &[RemediationState], apart: i64| {
        let attempts = (1_u64..)
            .zip(states)
            .map(|(number, state)| tried(number, *state, i64::try_from(number).unwrap() * apart));
        let view = LedgerView { remediations: attempts.collect(), ..LedgerView::default() };
        opened(&merged(&view, &found)).is_some()
    };
    let (away, helped) = (RemediationState::Withdrawn, RemediationState::Verified);
    assert!(told(&[away, away, away], 24 * HOUR));
    assert!(told(&[helped, away, away, away], 24 * HOUR));
    assert!(!told(&[away, away, helped], 24 * HOUR), "it came to its turn");
    assert!(!told(&[away, away], 24 * HOUR), "one more night");
    assert!(!told(&[away, away, away], HOUR), "three tries in one night");
}

/// Runs at these hours: each finds the chore due and puts it off, or not; which of them open an incident.
fn put_off(view: &LedgerView, runs: &[(i64, bool)]) -> Vec<i64> {
    let (mut view, mut told) = (view.clone(), Vec::new());
    for (hours, busy) in runs {
        let now = at(hours * 3600);
        let symptom = Symptom {
            not_now: busy.then(|| "a dump is being taken".to_owned()),
            ..Symptom::of(&backup(false))
        };
        let mut diagnosis = due(&BACKUP_DUE, &backup(false));
        let verdict = Verdict::Faulty(symptom, Evidence::once(Origin::Store, now));
        let findings = diagnosis.checks.get_mut(&BACKUP_DUE).unwrap();
        findings.findings.insert(backups().subject("host-a"), verdict);
        let merged = merge(&MergeInput {
            spec: &SPEC,
            policy: &Policy::default(),
            environment: Environment::Production,
            view: &view,
            diagnosis: &diagnosis,
            now,
        });
        for (key, streak) in merged.streaks {
            match streak {
                Some(streak) => drop(view.streaks.insert(key, streak)),
                None => drop(view.streaks.remove(&key)),
            }
        }
        if let Some((severity, attempts, _)) = opened(&merged.events) {
            assert_eq!((severity, attempts), (Severity::Warning, 0), "nothing was tried");
            told.push(*hours);
        }
    }
    told
}

#[test]
fn what_was_put_off_night_after_night_is_told() {
    let none = LedgerView::default();
    let busy = |hours: &[i64]| hours.iter().map(|hours| (*hours, true)).collect::<Vec<_>>();
    assert_eq!(put_off(&none, &busy(&[0, 24, 48])), [48]);
    assert_eq!(put_off(&none, &busy(&[0, 12, 24])), [24], "a day, and three times");
    assert!(put_off(&none, &busy(&[0, 8, 16])).is_empty(), "three times, and no day");
    assert!(put_off(&none, &busy(&[0, 24])).is_empty(), "a day, and twice");
    assert!(put_off(&none, &busy(&[0, 0, 0, 24])).is_empty(), "runs by hand count as one");
    assert!(put_off(&none, &busy(&[0, 24, 120])).is_empty(), "it was not due in between");
    // A run that goes to work ends no row, unless that came to an end.
    assert_eq!(put_off(&none, &[(0, true), (24, false), (48, true), (72, true)]), [72]);
    let state = |state| LedgerView {
        remediations: vec![tried(1, state, 24 * 3600 + 1)],
        ..LedgerView::default()
    };
    let nights = busy(&[0, 24, 48, 72]);
    assert!(put_off(&state(RemediationState::Verified), &nights).is_empty(), "it was done");
    // What gave way counts alike.
    let away = state(RemediationState::Withdrawn);
    assert_eq!(put_off(&away, &[(0, true), (24, false), (48, true)]), [48]);
}

#[test]
fn what_a_person_ended_is_put_off_anew_before_it_is_told_again() {
    let mut incident = an_incident();
    incident.resolved = Some(Resolved {
        at: at(50 * 3600),
        resolution: Resolution::Recovered,
        proof: String::new(),
    });
    let view = LedgerView { resolved: vec![incident], ..LedgerView::default() };
    let nights = [(0, true), (24, true), (72, true), (96, true), (120, true)];
    assert_eq!(put_off(&view, &nights), [120]);
}

#[test]
fn an_incident_of_a_chore_stays_a_warning_as_long_as_it_is_due() {
    let view = LedgerView { active: vec![an_incident()], ..LedgerView::default() };
    assert_eq!(merged(&view, &due(&BACKUP_DUE, &backup(false))), [], "no news");
}

fn an_incident() -> Incident {
    Incident {
        id: IncidentId(1),
        key: key(BACKUP_DUE),
        severity: Severity::Warning,
        message: "a backup is due: there is none yet".to_owned(),
        facts: Symptom::of(&backup(false)).facts,
        opened_at: at(10),
        relapse_of: None,
        attempts: 1,
        last_attempt_at: Some(at(5)),
        last_operation: None,
        escalated: None,
        acknowledged: None,
        resolved: None,
    }
}

#[test]
fn only_what_can_be_late_is_a_chore_that_is_ever_worse_than_information() {
    let chores = SPEC.checks.iter().filter(|check| check.class == CheckClass::Chore);
    let worse = chores.filter(|check| check.worst > Severity::Info).map(|check| &check.id);
    assert_eq!(worse.collect::<Vec<_>>(), [&BACKUP_DUE, &RESTORE_DUE]);
}
