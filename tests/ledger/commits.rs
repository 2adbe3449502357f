//! One writer: all or nothing, and only what is legal.

use opswarden::domain::event::RemediationOutcome;
use opswarden::domain::incident::{IncidentId, RemediationId, RemediationState};
use opswarden::domain::run::Effectiveness;
use opswarden::domain::severity::Severity;
use opswarden::ports::store::{Batch, LedgerView, Store, StoreError};

use super::support::{
    acted, commit, completed, escalated, event, everything, fixed, intended, open, opened, raw,
    recovered, story,
};

#[tokio::test]
async fn events_change_entities_and_nothing_else_does() {
    let state = tempfile::tempdir().unwrap();
    let store = open(state.path()).await;
    story(&store).await;
    let view = store.view(everything()).await.unwrap();
    assert_eq!(view.active.iter().map(|one| one.id.0).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(view.resolved.iter().map(|one| one.id.0).collect::<Vec<_>>(), [1]);
    assert_eq!(view.remediations.len(), 3);
    assert_eq!((view.next_incident, view.next_remediation), (4, 4));
    assert_eq!(view.active[1].attempts, 1, "the withdrawn attempt was given back");
    assert!(view.controls["pause:health-guardian"].on && !view.controls["pause:all"].on);
    let counted = Effectiveness { verified: 1, ended: 2 };
    assert_eq!(view.effectiveness["restart_process"], counted);
    store.close().await.unwrap();
}

#[tokio::test]
async fn an_illegal_event_takes_its_whole_batch_back() {
    let state = tempfile::tempdir().unwrap();
    let store = open(state.path()).await;
    let batch = vec![opened(1, "web", Severity::Critical), recovered(7)];
    let error = commit(&store, batch).await.unwrap_err();
    assert!(matches!(error, StoreError::Illegal(_)), "{error}");
    assert_eq!(store.incident(IncidentId(1)).await.unwrap(), None);
    assert_eq!(commit(&store, Vec::new()).await.unwrap().seq, 0);
}

#[tokio::test]
async fn a_finding_has_one_active_incident_and_may_have_another_after_it() {
    let state = tempfile::tempdir().unwrap();
    let store = open(state.path()).await;
    commit(&store, vec![opened(1, "web", Severity::Critical)]).await.unwrap();
    let twice = commit(&store, vec![opened(2, "web", Severity::Critical)]).await.unwrap_err();
    assert!(twice.to_string().contains("INC-1 is active"), "{twice}");
    let batch = vec![recovered(1), opened(2, "web", Severity::Warning)];
    commit(&store, batch).await.unwrap();
    assert!(store.incident(IncidentId(2)).await.unwrap().unwrap().is_active());
}

#[tokio::test]
async fn an_empty_batch_writes_nothing() {
    let state = tempfile::tempdir().unwrap();
    let store = open(state.path()).await;
    story(&store).await;
    let before = std::fs::read(state.path().join("ops.db-wal")).unwrap();
    let committed = commit(&store, Vec::new()).await.unwrap();
    assert_eq!(committed.seq, 15);
    assert_eq!(std::fs::read(state.path().join("ops.db-wal")).unwrap(), before);
}

#[tokio::test]
async fn a_decision_sees_what_was_committed_before_it() {
    let state = tempfile::tempdir().unwrap();
    let (one, two) = (open(state.path()).await, open(state.path()).await);
    for (round, store) in [&one, &two, &one, &two].into_iter().enumerate() {
        let mut decide = |view: &LedgerView| {
            let number = view.next_incident;
            let events = vec![opened(number, &format!("s{number}"), Severity::Info)];
            Batch { events, notes: Vec::new() }
        };
        store.commit(everything(), &mut decide).await.unwrap();
        assert_eq!(store.view(everything()).await.unwrap().active.len(), round + 1);
    }
}

#[tokio::test]
async fn an_event_that_is_too_large_is_refused_with_its_size() {
    let state = tempfile::tempdir().unwrap();
    let store = open(state.path()).await;
    let mut large = opened(1, "web", Severity::Critical);
    if let opswarden::domain::event::Event::IncidentOpened { message, .. } = &mut large.event {
        *message = "x".repeat(17_000);
    }
    let error = commit(&store, vec![large]).await.unwrap_err().to_string();
    assert!(error.contains("at most 16384"), "{error}");
    assert!(store.view(everything()).await.unwrap().active.is_empty());
}

#[tokio::test]
async fn events_can_neither_be_changed_nor_deleted() {
    let state = tempfile::tempdir().unwrap();
    let store = open(state.path()).await;
    story(&store).await;
    let mut raw = raw(state.path()).await;
    for statement in ["UPDATE event SET actor = 'nobody'", "DELETE FROM event WHERE seq = 1"] {
        let error = sqlx::query(statement).execute(&mut raw).await.unwrap_err().to_string();
        assert!(error.contains("events are never"), "{error}");
    }
}

#[tokio::test]
async fn a_settled_remediation_is_counted_once() {
    let state = tempfile::tempdir().unwrap();
    let store = open(state.path()).await;
    let settled = event(opswarden::domain::event::Event::RemediationSettled {
        remediation: RemediationId(1),
        outcome: RemediationOutcome::Verified,
        observed: "answers".to_owned(),
        after: None,
    });
    let batch = vec![
        opened(1, "web", Severity::Critical),
        intended(1, 1, "web", 1),
        acted(1),
        completed(1, RemediationOutcome::Unknown),
        settled,
        fixed(1, 1),
    ];
    let committed = commit(&store, batch).await.unwrap();
    assert_eq!(committed.events.iter().map(|one| one.seq).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
    let view = store.view(everything()).await.unwrap();
    assert_eq!(view.effectiveness["restart_process"], Effectiveness { verified: 1, ended: 1 });
    assert_eq!(view.remediations[0].state, RemediationState::Verified);
}

#[tokio::test]
async fn an_agent_changes_only_what_is_its_own_and_a_person_everything() {
    let state = tempfile::tempdir().unwrap();
    let store = open(state.path()).await;
    story(&store).await;
    for wrong in [recovered(2), escalated(2), opened(9, "new", Severity::Info)] {
        let by_another =
            opswarden::domain::event::NewEvent { actor: "agent:fleet-manager".to_owned(), ..wrong };
        let error = commit(&store, vec![by_another]).await.unwrap_err().to_string();
        assert!(error.contains("belongs to health-guardian"), "{error}");
    }
    let by_hand =
        opswarden::domain::event::NewEvent { actor: "human:root".to_owned(), ..recovered(2) };
    commit(&store, vec![by_hand]).await.unwrap();
}

#[tokio::test]
async fn a_decision_that_was_taken_outside_the_lock_is_refused() {
    let state = tempfile::tempdir().unwrap();
    let (one, two) = (open(state.path()).await, open(state.path()).await);
    let taken = two.view(everything()).await.unwrap().next_incident;
    commit(&one, vec![opened(taken, "web", Severity::Info)]).await.unwrap();
    let error = commit(&two, vec![opened(taken, "api", Severity::Info)]).await.unwrap_err();
    assert!(matches!(error, StoreError::Illegal(_)), "{error}");
}
