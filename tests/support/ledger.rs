//! Ledgers in temporary folders, and the events that tests write into them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use opswarden::adapters::store::{Access, RosterEntry, SqliteStore, StoreOptions};
use opswarden::domain::event::{Event, NewEvent, RemediationOutcome};
use opswarden::domain::incident::{IncidentId, RemediationId, Resolution, RunId};
use opswarden::domain::operation::{Inverse, Operation, TargetState};
use opswarden::domain::process::{
    ManagerKind, ProcessReading, ProcessRef, ProcessStatus, Startable,
};
use opswarden::domain::run::{AgentRun, RunState, Trigger};
use opswarden::domain::severity::{Environment, Priority, Severity};
use opswarden::domain::subject::{AgentName, CheckId, Key, Subject, SubjectKind};
use opswarden::ports::Pending;
use opswarden::ports::clock::Clock;
use opswarden::ports::store::{Batch, Committed, Note, Scope, Store, StoreError};
use sqlx::{ConnectOptions, SqliteConnection};

use super::clock::WallClock;

/// The agent that the fixtures speak for.
pub(crate) const AGENT: AgentName = AgentName::of("health-guardian");

/// A moment, from its text.
pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

/// The moment at which fixtures happen.
pub(crate) fn noon() -> Timestamp {
    at("2026-11-20T12:00:00Z")
}

/// Options over `state`, with one agent on the roster.
pub(crate) fn options(state: &Path, access: Access) -> StoreOptions {
    let schedule = "*/5 * * * *".parse().expect("a schedule");
    StoreOptions {
        state_dir: state.to_owned(),
        environment: Environment::Production,
        host: "host-a".to_owned(),
        roster: vec![RosterEntry { agent: AGENT, schedule, enabled: true }],
        notices: None,
        access,
        clock: Arc::new(WallClock::start()),
    }
}

/// The ledger in `state`.
pub(crate) async fn open(state: &Path) -> SqliteStore {
    SqliteStore::open(options(state, Access::ReadWrite)).await.expect("the ledger opens")
}

/// A connection beside the store, for planting damage.
pub(crate) async fn raw(state: &Path) -> SqliteConnection {
    sqlx::sqlite::SqliteConnectOptions::new()
        .filename(state.join("ops.db"))
        .busy_timeout(Duration::from_secs(5))
        .connect()
        .await
        .expect("a raw connection")
}

/// The finding about the service called `name`.
pub(crate) fn key(name: &str) -> Key {
    let subject = Subject::new(SubjectKind::Service, "host-a", name);
    Key::new(AGENT, CheckId::of("service_down"), subject)
}

/// Every row.
pub(crate) fn everything() -> Scope {
    Scope { about: None, agent: None, recent: Duration::from_hours(24), now: noon() }
}

/// An event of the fixtures' run at `at`.
pub(crate) fn event_at(at: Timestamp, event: Event) -> NewEvent {
    let run = Some(RunId("run-1".to_owned()));
    NewEvent { at, actor: "agent:health-guardian".to_owned(), run, event }
}

/// An event of the fixtures' run.
pub(crate) fn event(event: Event) -> NewEvent {
    event_at(noon(), event)
}

/// An incident about `name` begins.
pub(crate) fn opened(number: u64, name: &str, severity: Severity) -> NewEvent {
    event(Event::IncidentOpened {
        incident: IncidentId(number),
        key: key(name),
        severity,
        priority: Priority::of(severity, Environment::Production),
        message: format!("{name} does not answer"),
        facts: BTreeMap::from([("status".to_owned(), "503".to_owned())]),
        runbook: "service_down".to_owned(),
        opened_at: noon(),
        relapse_of: None,
        attempts: 0,
        last_attempt_at: None,
    })
}

/// An incident ends without us.
pub(crate) fn recovered(number: u64) -> NewEvent {
    event(Event::IncidentResolved {
        incident: IncidentId(number),
        resolution: Resolution::Recovered,
        proof: "healthy in two looks".to_owned(),
        remediation: None,
    })
}

/// Nothing more is tried on an incident.
pub(crate) fn escalated(number: u64) -> NewEvent {
    event(Event::Escalation {
        incident: IncidentId(number),
        reason: "two attempts did not help".to_owned(),
        attempts: 2,
    })
}

fn process(name: &str) -> ProcessRef {
    ProcessRef { manager: ManagerKind::Pm2, name: name.to_owned(), instance: None }
}

/// The process behind the service `name`.
pub(crate) fn target(name: &str, status: ProcessStatus) -> TargetState {
    TargetState::Process(ProcessReading {
        process: process(name),
        status,
        identity: Some("1@2".to_owned()),
        started_at: None,
        restarts: Some(1),
        last_exit: None,
        memory_bytes: None,
        memory_limit_bytes: None,
        can_reload: false,
        startable: Startable::Plausible { checked: "its script is there".to_owned() },
        log_paths: Vec::new(),
    })
}

/// A restart for the incident about `name` is intended.
pub(crate) fn intended(remediation: u64, incident: u64, name: &str, attempt: u32) -> NewEvent {
    event(Event::RecoveryAttempted {
        remediation: RemediationId(remediation),
        incident: Some(IncidentId(incident)),
        key: key(name),
        operation: Operation::RestartProcess(process(name)),
        reason: "it is not running".to_owned(),
        attempt,
        before: target(name, ProcessStatus::Errored),
        inverse: Inverse::None { why: "a process cannot be brought back".to_owned() },
        evidence: Vec::new(),
        undo_of: None,
        approval: None,
    })
}

/// It was sent.
pub(crate) fn acted(remediation: u64) -> NewEvent {
    event(Event::RemediationActed {
        remediation: RemediationId(remediation),
        result: "restarted".to_owned(),
        verify_at: noon(),
    })
}

/// How it ended.
pub(crate) fn completed(remediation: u64, outcome: RemediationOutcome) -> NewEvent {
    event(Event::RemediationCompleted {
        remediation: RemediationId(remediation),
        incident: None,
        outcome,
        observed: "answers with 200".to_owned(),
        after: None,
    })
}

/// An incident ends because of us.
pub(crate) fn fixed(incident: u64, remediation: u64) -> NewEvent {
    event(Event::IncidentResolved {
        incident: IncidentId(incident),
        resolution: Resolution::AutoFixed,
        proof: "answers with 200".to_owned(),
        remediation: Some(RemediationId(remediation)),
    })
}

/// A switch is set.
pub(crate) fn control(key: &str, on: bool) -> NewEvent {
    event(Event::ControlChanged {
        control: key.to_owned(),
        on,
        reason: "maintenance".to_owned(),
        expires_at: None,
        facts: std::collections::BTreeMap::new(),
    })
}

/// A run of the fixtures' agent.
pub(crate) fn run(id: &str, started_at: Timestamp, state: RunState) -> AgentRun {
    AgentRun {
        id: RunId(id.to_owned()),
        agent: AGENT,
        trigger: Trigger::Timer,
        scope: "host-a".to_owned(),
        epoch: 0,
        slot: None,
        slot_until: None,
        slots: None,
        why: None,
        plan_only: false,
        attempt: 1,
        token: None,
        owner: "host-a:1".to_owned(),
        lease_until: None,
        started_at,
        ended_at: (state != RunState::Running).then_some(started_at),
        late_ms: None,
        exit: Some(0),
        usage: BTreeMap::new(),
        counts: BTreeMap::from([("detected".to_owned(), 1)]),
        unknown: BTreeMap::new(),
        state,
    }
}

/// Commits these events.
pub(crate) async fn commit(
    store: &SqliteStore,
    events: Vec<NewEvent>,
) -> Result<Committed, StoreError> {
    let mut decide = |_: &_| Batch { events: events.clone(), notes: Vec::new() };
    store.commit(everything(), &mut decide).await
}

/// Writes these notes.
pub(crate) async fn note(store: &SqliteStore, notes: Vec<Note>) {
    let mut decide = |_: &_| Batch { events: Vec::new(), notes: notes.clone() };
    store.commit(everything(), &mut decide).await.expect("the notes are written");
}

/// One of everything: an incident that was fixed, one that is open, one that is escalated, two controls.
pub(crate) async fn story(store: &SqliteStore) {
    let events = vec![
        opened(1, "web", Severity::Critical),
        intended(1, 1, "web", 1),
        acted(1),
        completed(1, RemediationOutcome::Verified),
        fixed(1, 1),
        opened(2, "api", Severity::Warning),
        opened(3, "queue", Severity::Critical),
        intended(2, 3, "queue", 1),
        acted(2),
        completed(2, RemediationOutcome::Failed),
        intended(3, 3, "queue", 2),
        completed(3, RemediationOutcome::Withdrawn),
        escalated(3),
        control("pause:health-guardian", true),
        control("pause:all", false),
    ];
    for event in events {
        commit(store, vec![event]).await.expect("a legal story");
    }
}

/// Real time for somebody who waits only a hundredth of what is asked.
pub(crate) struct Hurried(pub(crate) WallClock);

impl Clock for Hurried {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    fn sleep(&self, duration: Duration) -> Pending<'_, ()> {
        self.0.sleep(duration / 100)
    }
}
