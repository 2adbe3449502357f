//! `--if-due`: whether a slot of the schedule is this process's to run.
//!
//! Any number of triggers may ask, at any time: the ledger gives each slot to one of them, and what is not run is written
//! down with its reason.

use std::sync::Arc;
use std::time::Duration;

use super::cli::AgentArgs;
use super::config::Config;
use super::exit::Exit;
use super::registry::Entry;
use super::{out, wire};
use crate::adapters::agent_lock::{LockError, Mutexes};
use crate::adapters::store::{Access, SqliteStore};
use crate::domain::planner::{Job, Verdict};
use crate::domain::run::{Claim, Trigger};
use crate::domain::subject::AgentName;
use crate::engine::Engine;
use crate::ports::clock::Clock;
use crate::ports::slots::{Ask, Claimed, Slots as _};
use crate::ports::store::StoreError;

/// So often whoever waits for another agent asks again.
const ASK_AGAIN: Duration = Duration::from_secs(1);
/// Why a run that is caught up after a long time acts on nothing.
const PLAN_ONLY: &str =
    "it was caught up after a long time in which nobody looked; the next slot acts";

/// What a trigger may do.
enum Due {
    /// The slot is its own, with what keeps other agents away meanwhile.
    Mine(Claim, Mutexes),
    /// Nothing is to be run.
    Nothing,
}

/// Lets a run begin, with what keeps other agents away until it is dropped: a run that is started by its schedule if a slot is
/// its own, and any run only while nobody runs that has a mutex in common.
///
/// # Errors
///
/// The code to end with at once: nothing is due, or another agent is at work.
pub(super) async fn admit(
    config: &Config,
    entry: &Entry,
    args: &AgentArgs,
    store: Option<&Arc<SqliteStore>>,
    engine: &mut Engine,
) -> Result<Option<Mutexes>, Exit> {
    engine.trigger = trigger(args);
    if let (true, Some(store)) = (args.if_due, store) {
        return match claim(config, entry, args, store, engine).await {
            Ok(Due::Mine(claim, mutexes)) => {
                bind(engine, claim);
                Ok(Some(mutexes))
            }
            Ok(Due::Nothing) => Err(Exit::Clean),
            Err(error) => Err(out::fail(args.output, &error.to_string(), Exit::Incomplete)),
        };
    }
    let job = job(config, entry);
    match Mutexes::take(&config.paths.locks(), &job.rules().mutex, job.agent()) {
        Ok(mutexes) => Ok(Some(mutexes)),
        Err(LockError::Busy { holder, .. }) => {
            let why = format!("{holder} runs, and {} has a mutex in common with it", job.agent());
            Err(out::fail(args.output, &why, Exit::NotNow))
        }
        // A folder that cannot hold a lock cannot hold a ledger either: the run goes on without acting.
        Err(LockError::Unusable { .. }) => Ok(None),
    }
}

/// The job of an agent by these settings.
fn job(config: &Config, entry: &Entry) -> Job {
    let name = (entry.spec)().name;
    let settings = config.of(&name);
    Job::new(name, &config.host, settings.schedule.clone(), settings.rules.clone())
}

/// What a run is started by.
fn trigger(args: &AgentArgs) -> Trigger {
    match args.trigger {
        Some(named) => named.trigger(),
        None if args.if_due => Trigger::Timer,
        None => Trigger::Manual,
    }
}

/// Takes the slot that is due, if one is. Waits for an agent with a mutex in common as long as the slot may be late.
///
/// # Errors
///
/// The ledger cannot be used.
async fn claim(
    config: &Config,
    entry: &Entry,
    args: &AgentArgs,
    store: &SqliteStore,
    engine: &Engine,
) -> Result<Due, StoreError> {
    let (run, clock) = (&engine.run, &engine.clock);
    let (job, owner) = (job(config, entry), wire::owner(config));
    let mut waiting = None;
    loop {
        let (mutexes, held_by) = free(config, &job);
        let ask = Ask {
            job: &job,
            run,
            trigger: trigger(args),
            owner: &owner,
            alone: true,
            held_by,
            waiting,
            looking_since: None,
        };
        let Claimed { mine, plan } = store.claim(&|| clock.now(), &ask).await?;
        for verdict in &plan.verdicts {
            tracing::debug!("{}", said(verdict));
        }
        match (mine, mutexes, plan.waiting) {
            (Some(claim), Some(mutexes), _) => return Ok(Due::Mine(claim, mutexes)),
            (None, _, Some(still)) => waiting = Some(still),
            _ => return Ok(Due::Nothing),
        }
        clock.sleep(ASK_AGAIN).await;
    }
}

/// What the agent shares with others, where all of it is free; else who has it.
fn free(config: &Config, job: &Job) -> (Option<Mutexes>, Option<AgentName>) {
    match Mutexes::take(&config.paths.locks(), &job.rules().mutex, job.agent()) {
        Ok(mutexes) => (Some(mutexes), None),
        Err(LockError::Busy { holder, .. }) => {
            (None, Some(AgentName::try_from(holder).unwrap_or_else(|_| job.agent().clone())))
        }
        Err(LockError::Unusable { .. }) => (None, Some(job.agent().clone())),
    }
}

fn said(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Run(start) => format!("the slot {} is run: {}", start.slot, start.why),
        Verdict::Replace { start, .. } => format!("the slot {} waits to replace a run", start.slot),
        Verdict::Skip { slot, why } => format!("the slot {slot} is skipped: {why}"),
        Verdict::Missed { from, to, why, .. } => {
            format!("the slots from {from} to {to} were missed: {why}")
        }
    }
}

/// Binds an engine to the slot that was claimed.
fn bind(engine: &mut Engine, claim: Claim) {
    let left = claim.deadline.duration_since(engine.clock.now());
    let left = engine.clock.elapsed() + Duration::try_from(left).unwrap_or_default();
    engine.deadline = engine.deadline.min(left);
    if claim.plan_only {
        engine.setting.only_looks.get_or_insert_with(|| PLAN_ONLY.to_owned());
    }
    engine.claim = Some(claim);
}

/// The agent is at work: what that means for the slot that is due is written down.
pub(super) async fn record_held(
    config: &Config,
    entry: &Entry,
    args: &AgentArgs,
    clock: &Arc<dyn Clock>,
) {
    let options = wire::store_options(config, Access::ReadWrite, Arc::clone(clock));
    let store = match SqliteStore::open(options).await {
        Ok(store) => store,
        Err(error) => {
            tracing::warn!("failed to write down that a slot was not run: {error}");
            return;
        }
    };
    let (job, owner, run) = (job(config, entry), wire::owner(config), wire::new_run_id());
    let ask = Ask {
        job: &job,
        run: &run,
        trigger: trigger(args),
        owner: &owner,
        alone: false,
        held_by: None,
        waiting: None,
        looking_since: None,
    };
    if let Err(error) = store.claim(&|| clock.now(), &ask).await {
        tracing::warn!("failed to write down that a slot was not run: {error}");
    }
    if let Err(error) = store.close().await {
        tracing::warn!("{error}");
    }
}
