//! The life of a request in the ledger: what is legal, what an act uses up, and that every change of a row is found.

use std::collections::BTreeSet;

use opswarden::adapters::store::{Rule, verify};
use opswarden::domain::approval::{ApprovalState, Ask, Verdict};
use opswarden::domain::entities::Entities;
use opswarden::domain::event::{Event, NewEvent, RemediationOutcome};
use opswarden::domain::incident::{ApprovalId, IncidentId, RemediationId};
use opswarden::domain::operation::{Guard, Operation};
use opswarden::domain::process::{ManagerKind, ProcessRef};
use opswarden::domain::proposal::Proposal;
use opswarden::domain::severity::Severity;
use opswarden::ports::store::Store as _;

use super::support::{
    commit, completed, event, event_at, everything, intended, key, noon, open, opened, raw,
};

fn ask(name: &str) -> Ask {
    let process = ProcessRef { manager: ManagerKind::Pm2, name: name.to_owned(), instance: None };
    Ask {
        proposal: Proposal {
            key: key(name),
            operation: Operation::RestartProcess(process),
            guard: Guard::SameProcess { status: BTreeSet::new(), identity: None },
            facts: std::collections::BTreeMap::new(),
        },
        incident: Some(IncidentId(1)),
        message: format!("{name} does not answer"),
        why: "it is not running".to_owned(),
        not_undoable: None,
    }
}

fn later(hours: u64) -> jiff::Timestamp {
    noon() + std::time::Duration::from_hours(hours)
}

fn requested(number: u64, name: &str) -> NewEvent {
    let approval = ApprovalId(number);
    event(Event::ApprovalRequested { approval, ask: ask(name), expires_at: later(24) })
}

fn decided(number: u64, verdict: Verdict) -> NewEvent {
    let (approval, reason) = (ApprovalId(number), "it was seen".to_owned());
    let event = event(Event::ApprovalDecided { approval, verdict, reason });
    NewEvent { actor: "human:ada".to_owned(), run: None, ..event }
}

fn withdrawn(number: u64) -> NewEvent {
    event(Event::ApprovalWithdrawn { approval: ApprovalId(number), why: "gone".to_owned() })
}

fn expired(number: u64, hours: u64) -> NewEvent {
    event_at(later(hours), Event::ApprovalExpired { approval: ApprovalId(number) })
}

/// An intent under a grant.
fn under(number: u64, approval: u64, name: &str) -> NewEvent {
    let mut new = intended(number, 1, name, 1);
    if let Event::RecoveryAttempted { approval: under, .. } = &mut new.event {
        *under = Some(ApprovalId(approval));
    }
    new
}

fn asked() -> Vec<NewEvent> {
    vec![opened(1, "web", Severity::Critical), requested(1, "web")]
}

fn granted() -> Vec<NewEvent> {
    [asked(), vec![decided(1, Verdict::Granted)]].concat()
}

fn after(events: &[NewEvent]) -> Entities {
    let mut set = Entities::default();
    for event in events {
        set.apply(event).unwrap();
    }
    set
}

#[test]
fn what_is_illegal_is_refused_and_changes_nothing() {
    use Verdict::{Denied, Granted};
    let by_an_agent = NewEvent { actor: "agent:health-guardian".to_owned(), ..decided(1, Granted) };
    let mut silent = decided(1, Granted);
    if let Event::ApprovalDecided { reason, .. } = &mut silent.event {
        reason.clear();
    }
    let late = NewEvent { at: later(24), ..decided(1, Granted) };
    let too_late = NewEvent { at: later(24), ..under(1, 1, "web") };
    let mut short = requested(2, "api");
    if let Event::ApprovalRequested { expires_at, .. } = &mut short.event {
        *expires_at = noon();
    }
    let used = [granted(), vec![under(1, 1, "web")]].concat();
    let table: Vec<(Vec<NewEvent>, NewEvent, &str)> = vec![
        (asked(), requested(1, "api"), "the id is taken"),
        (asked(), requested(2, "web"), "APR-1 is open for the same finding"),
        (asked(), short, "expired before it was asked"),
        (Vec::new(), decided(1, Granted), "no such request"),
        (asked(), by_an_agent, "is no person"),
        (asked(), silent, "needs its reason"),
        (asked(), late, "it expired at"),
        (granted(), decided(1, Granted), "it is granted"),
        ([asked(), vec![decided(1, Denied)]].concat(), decided(1, Granted), "it is denied"),
        ([asked(), vec![withdrawn(1)]].concat(), decided(1, Granted), "it is withdrawn"),
        ([asked(), vec![expired(1, 24)]].concat(), withdrawn(1), "it is expired"),
        (asked(), expired(1, 23), "does not expire before"),
        (asked(), under(1, 1, "web"), "APR-1: it is pending"),
        (asked(), under(1, 9, "web"), "APR-9: there is no such request"),
        (granted(), under(1, 1, "api"), "another key"),
        (granted(), too_late, "APR-1 expired at"),
        (used, withdrawn(1), "it is used"),
    ];
    for (before, wrong, why) in table {
        let mut set = after(&before);
        let untouched = set.clone();
        let error = set.apply(&wrong).unwrap_err().to_string();
        assert!(error.contains(why), "{error} is not about {why}");
        assert_eq!(set, untouched, "{why}");
    }
}

#[test]
fn a_grant_for_another_act_is_no_grant() {
    let mut wrong = under(1, 1, "web");
    if let Event::RecoveryAttempted { operation, .. } = &mut wrong.event
        && let Operation::RestartProcess(process) = operation.clone()
    {
        *operation = Operation::ReloadProcess(process);
    }
    let error = after(&granted()).apply(&wrong).unwrap_err().to_string();
    assert!(error.contains("granted for something else"), "{error}");
}

#[test]
fn a_grant_under_which_nothing_was_sent_stands_again() {
    let intended = [granted(), vec![under(1, 1, "web")]].concat();
    let state = |set: &Entities| set.approvals()[&ApprovalId(1)].clone();
    let used = state(&after(&intended));
    assert_eq!((used.state, used.used_by), (ApprovalState::Used, Some(RemediationId(1))));
    let back = [intended.clone(), vec![completed(1, RemediationOutcome::Withdrawn)]].concat();
    let again = state(&after(&back));
    assert_eq!((again.state, again.used_by, again.ended), (ApprovalState::Granted, None, None));
    let failed = [intended, vec![completed(1, RemediationOutcome::Failed)]].concat();
    assert_eq!(state(&after(&failed)).state, ApprovalState::Used);
}

#[tokio::test]
async fn a_request_lives_in_the_store_and_every_change_of_its_row_is_found() {
    for statement in [
        "UPDATE entity SET doc = replace(doc, 'human:ada', 'human:eve') WHERE id = 'APR-1'",
        "UPDATE entity SET live_key = NULL WHERE id = 'APR-2'",
        "DELETE FROM entity WHERE id = 'APR-2'",
    ] {
        let state = tempfile::tempdir().unwrap();
        let store = open(state.path()).await;
        commit(&store, granted()).await.unwrap();
        // In transactions of their own: what an event touches is loaded.
        commit(&store, vec![under(1, 1, "web")]).await.unwrap();
        commit(&store, vec![completed(1, RemediationOutcome::Withdrawn)]).await.unwrap();
        let view = store.view(everything()).await.unwrap();
        assert_eq!((view.approvals[0].state, view.next_approval), (ApprovalState::Granted, 2));
        commit(&store, vec![under(2, 1, "web")]).await.unwrap();
        commit(&store, vec![opened(2, "api", Severity::Info), requested(2, "api")]).await.unwrap();
        let taken = commit(&store, vec![requested(3, "api")]).await.unwrap_err().to_string();
        assert!(taken.contains("APR-2 is open for the same finding"), "{taken}");
        let listed = store.approvals(later(1), 10).await.unwrap();
        assert_eq!(listed.len(), 1, "only what is open, and what ended since");
        let listed = store.approvals(noon(), 10).await.unwrap();
        assert_eq!(listed.iter().map(|one| one.id.0).collect::<Vec<_>>(), [2, 1], "newest first");
        let clean = verify(&store).await.unwrap();
        assert!(clean.is_clean(), "{clean:?}");
        let mut beside = raw(state.path()).await;
        let rows: Vec<(String, String)> =
            sqlx::query_as("SELECT id, state FROM approvals ORDER BY id")
                .fetch_all(&mut beside)
                .await
                .unwrap();
        let named = |id: &str, state: &str| (id.to_owned(), state.to_owned());
        assert_eq!(rows, [named("APR-1", "used"), named("APR-2", "pending")]);
        let done = sqlx::query(statement).execute(&mut beside).await.unwrap();
        assert_eq!(done.rows_affected(), 1, "{statement}");
        let found = verify(&store).await.unwrap();
        assert_eq!(found.findings.iter().map(|one| one.rule).collect::<Vec<_>>(), [Rule::Fold]);
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn an_agent_answers_for_nobody_else_and_asks_only_for_its_own() {
    let state = tempfile::tempdir().unwrap();
    let store = open(state.path()).await;
    commit(&store, asked()).await.unwrap();
    let foreign = |new: NewEvent| NewEvent { actor: "agent:tidy".to_owned(), ..new };
    for wrong in [withdrawn(1), requested(2, "api")] {
        let error = commit(&store, vec![foreign(wrong)]).await.unwrap_err().to_string();
        assert!(error.contains("belongs to health-guardian"), "{error}");
    }
    store.close().await.unwrap();
}
