//! How long a commit with its published view takes while 10,000 incidents are open.
//!
//! `store_bench [INCIDENTS]` prints milliseconds; the goal is 60 or less.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use opswarden::adapters::store::{Access, SqliteStore, StoreOptions, verify};
use opswarden::domain::event::{Event, NewEvent};
use opswarden::domain::incident::IncidentId;
use opswarden::domain::severity::{Environment, Priority, Severity};
use opswarden::domain::subject::{AgentName, CheckId, Key, Subject, SubjectKind};
use opswarden::ports::clock::Clock;
use opswarden::ports::store::{Batch, LedgerView, Scope, Store, StoreError};

#[path = "../tests/support/ledger_clock.rs"]
mod clock;

/// How many commits are measured.
const ROUNDS: u32 = 20;
/// How many incidents one commit opens while the ledger is filled.
const CHUNK: u64 = 250;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let wanted = std::env::args().nth(1).map_or(Ok(10_000), |text| text.parse::<u64>())?;
    let folder = tempfile::tempdir()?;
    let clock = Arc::new(clock::WallClock::start());
    let store = SqliteStore::open(StoreOptions {
        state_dir: folder.path().to_owned(),
        environment: Environment::Production,
        host: "host-a".to_owned(),
        roster: Vec::new(),
        notices: None,
        access: Access::ReadWrite,
        clock: Arc::<clock::WallClock>::clone(&clock),
    })
    .await?;
    let mut next = 1;
    while next <= wanted {
        let chunk = (next..next + CHUNK).map(|number| opened(number, clock.now())).collect();
        commit(&store, chunk, clock.now()).await?;
        next += CHUNK;
    }
    let (mut committing, mut publishing) = (Duration::ZERO, Duration::ZERO);
    for round in 0..u64::from(ROUNDS) {
        let start = clock.elapsed();
        commit(&store, vec![opened(next + round, clock.now())], clock.now()).await?;
        let middle = clock.elapsed();
        store.publish(clock.now()).await?;
        committing += middle.saturating_sub(start);
        publishing += clock.elapsed().saturating_sub(middle);
    }
    let start = clock.elapsed();
    let report = verify(&store).await?;
    let verifying = clock.elapsed().saturating_sub(start);
    store.close().await?;
    let (committing, publishing) = (committing / ROUNDS, publishing / ROUNDS);
    writeln!(
        std::io::stdout(),
        "{wanted} open incidents: commit {committing:.1?}, publication {publishing:.1?}, together {:.1?}; \
         verify of {} events {verifying:.1?}, {} findings",
        committing + publishing,
        report.events,
        report.findings.len()
    )?;
    Ok(())
}

async fn commit(
    store: &SqliteStore,
    events: Vec<NewEvent>,
    now: jiff::Timestamp,
) -> Result<(), StoreError> {
    let mut decide = |_: &LedgerView| Batch { events: events.clone(), notes: Vec::new() };
    let agent = Some(AgentName::of("health-guardian"));
    store
        .commit(Scope { about: None, agent, recent: Duration::ZERO, now }, &mut decide)
        .await
        .map(|_| ())
}

fn opened(number: u64, now: jiff::Timestamp) -> NewEvent {
    let subject = Subject::new(SubjectKind::Service, "host-a", &format!("service-{number}"));
    let agent = AgentName::of("health-guardian");
    let event = Event::IncidentOpened {
        incident: IncidentId(number),
        key: Key::new(agent, CheckId::of("service_down"), subject),
        severity: Severity::Warning,
        priority: Priority::P1,
        message: format!("service-{number} answers with 503"),
        facts: std::iter::once(("status".to_owned(), "503".to_owned())).collect(),
        runbook: "service_down".to_owned(),
        opened_at: now,
        relapse_of: None,
        attempts: 0,
        last_attempt_at: None,
    };
    NewEvent { at: now, actor: "agent:health-guardian".to_owned(), run: None, event }
}
