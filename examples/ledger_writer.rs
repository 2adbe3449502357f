//! A writer for the proofs: opens the ledger, commits incidents one by one, says each on its standard output once
//! it is committed, and publishes the view.
//!
//! `ledger_writer STATE NAME COUNT [--ack-before-commit]`: the incidents are called `NAME-0` to `NAME-<COUNT - 1>`;
//! those that the ledger holds already are not written again. With the switch it speaks too early, which a proof
//! must notice.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use opswarden::adapters::store::{Access, SqliteStore, StoreOptions};
use opswarden::domain::event::{Event, NewEvent};
use opswarden::domain::incident::IncidentId;
use opswarden::domain::severity::{Environment, Priority, Severity};
use opswarden::domain::subject::{AgentName, CheckId, Key, Subject, SubjectKind};
use opswarden::ports::clock::Clock;
use opswarden::ports::store::{Batch, LedgerView, Scope, Store};

#[path = "../tests/support/ledger_clock.rs"]
mod clock;

struct Arguments {
    state: PathBuf,
    /// The agent that it stands for, so that it reads its own incidents alone.
    name: AgentName,
    count: usize,
    too_early: bool,
}

fn arguments() -> Option<Arguments> {
    let mut words = std::env::args().skip(1);
    Some(Arguments {
        state: words.next()?.into(),
        name: AgentName::try_from(words.next()?).ok()?,
        count: words.next()?.parse().ok()?,
        too_early: words.next().is_some_and(|word| word == "--ack-before-commit"),
    })
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Some(arguments) = arguments() else { return ExitCode::from(78) };
    match write(&arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let said = writeln!(std::io::stderr(), "{error}");
            if said.is_err() { ExitCode::from(3) } else { ExitCode::from(2) }
        }
    }
}

async fn write(arguments: &Arguments) -> Result<(), String> {
    let clock = Arc::new(clock::WallClock::start());
    let store = SqliteStore::open(StoreOptions {
        state_dir: arguments.state.clone(),
        environment: Environment::Production,
        host: "host-a".to_owned(),
        roster: Vec::new(),
        notices: None,
        access: Access::ReadWrite,
        clock: Arc::<clock::WallClock>::clone(&clock),
    })
    .await
    .map_err(|error| error.to_string())?;
    while let Some(name) = next(&store, arguments, clock.now()).await? {
        if !arguments.too_early {
            acknowledge(&name)?;
        }
    }
    store.publish(clock.now()).await.map_err(|error| error.to_string())?;
    store.close().await.map_err(|error| error.to_string())
}

fn acknowledge(name: &str) -> Result<(), String> {
    let mut out = std::io::stdout();
    writeln!(out, "{name}").and_then(|()| out.flush()).map_err(|error| error.to_string())
}

/// Opens the first incident of this writer that the ledger does not hold yet.
async fn next(
    store: &SqliteStore,
    arguments: &Arguments,
    now: jiff::Timestamp,
) -> Result<Option<String>, String> {
    let mut wrote = None;
    let mut too_early = Ok(());
    let prefix = format!("{}-", arguments.name);
    let mut decide = |view: &LedgerView| {
        let mine = view.active.iter().filter(|one| one.key.subject.id().starts_with(&prefix));
        let place = mine.count();
        if place >= arguments.count {
            wrote = None;
            return Batch::default();
        }
        let name = format!("{prefix}{place}");
        if arguments.too_early {
            too_early = acknowledge(&name);
        }
        let events = vec![opened(view.next_incident, &arguments.name, &name, now)];
        wrote = Some(name);
        Batch { events, notes: Vec::new() }
    };
    let scope =
        Scope { about: None, agent: Some(arguments.name.clone()), recent: Duration::ZERO, now };
    store.commit(scope, &mut decide).await.map_err(|error| error.to_string())?;
    too_early.map(|()| wrote)
}

fn opened(number: u64, agent: &AgentName, name: &str, now: jiff::Timestamp) -> NewEvent {
    let subject = Subject::new(SubjectKind::Service, "host-a", name);
    let actor = format!("agent:{agent}");
    let event = Event::IncidentOpened {
        incident: IncidentId(number),
        key: Key::new(agent.clone(), CheckId::of("service_down"), subject),
        severity: Severity::Warning,
        priority: Priority::P1,
        message: format!("{name} does not answer"),
        facts: std::collections::BTreeMap::new(),
        runbook: "service_down".to_owned(),
        opened_at: now,
        relapse_of: None,
        attempts: 0,
        last_attempt_at: None,
    };
    NewEvent { at: now, actor, run: None, event }
}
