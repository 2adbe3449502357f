//! `--if-due`: whether a slot of the schedule is this process's to run.
//!
//! Any number of triggers may ask, at any time: the ledger gives each slot to one of them, and what is not run is written
//! down with its reason.

use std::sync::Arc;
use std::time::Duration;

use super::cli::AgentArgs;
use super::config::Config;
use super::exit::Exit;
use super::ordered::Ordered;
use super::registry::Entry;
use super::scheduler::job;
use super::{out, wire};
use crate::adapters::agent_lock::{AgentLock, LockError, Mutexes};
use crate::adapters::agent_process::end_holder;
use crate::adapters::store::{Access, SqliteStore};
use crate::domain::planner::{Job, Verdict, Waiting};
use crate::domain::run::{Claim, Trigger, pid_of};
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
    (args, order): (&AgentArgs, Option<&Ordered>),
    store: Option<&Arc<SqliteStore>>,
    engine: &mut Engine,
) -> Result<Option<Mutexes>, Exit> {
    engine.trigger = trigger(args);
    if let (true, Some(store)) = (args.if_due, store) {
        let waiting = order.and_then(|order| order.waiting.clone());
        return match claim(config, entry, (args, waiting), store, engine).await {
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
    (args, mut waiting): (&AgentArgs, Option<Waiting>),
    store: &SqliteStore,
    engine: &Engine,
) -> Result<Due, StoreError> {
    let (run, clock) = (&engine.run, &engine.clock);
    let (job, owner) = (job(config, entry), wire::owner(config));
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
            tracing::debug!("{verdict}");
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

/// How long a run that is replaced has until it is killed.
const GRACE: Duration = Duration::from_secs(10);
/// How long its lock may take to be free once it is gone.
const FREED: Duration = Duration::from_secs(5);

/// The agent is at work already. What that means for the slot that is due is written down, unless the slot is to replace that
/// run: then the run is ended, and its lock is the answer.
pub(super) async fn meet(
    config: &Config,
    entry: &Entry,
    args: &AgentArgs,
    clock: &Arc<dyn Clock>,
    busy: LockError,
) -> Result<AgentLock, LockError> {
    let replaces = record_held(config, entry, args, clock).await;
    let LockError::Busy { holder, .. } = &busy else { return Err(busy) };
    let Some(pid) = pid_of(holder).filter(|_| replaces) else { return Err(busy) };
    tracing::info!("the run of {holder} is ended: a newer slot replaces it");
    let left = end_holder(pid, GRACE, &**clock).await;
    if !left.is_empty() {
        out::complain(&format!("processes of the run before that nothing could end: {left:?}"));
    }
    let (name, owner) = ((entry.spec)().name, wire::owner(config));
    let until = clock.elapsed() + FREED;
    loop {
        match AgentLock::take(&config.paths.locks(), &name, &owner) {
            Err(LockError::Busy { .. }) if clock.elapsed() < until => {
                clock.sleep(ASK_AGAIN / 20).await;
            }
            answer => return answer,
        }
    }
}

/// Writes down what a run at work means for the slot that is due. Whether the slot is to replace it.
async fn record_held(
    config: &Config,
    entry: &Entry,
    args: &AgentArgs,
    clock: &Arc<dyn Clock>,
) -> bool {
    let options = wire::store_options(config, Access::ReadWrite, Arc::clone(clock));
    let store = match SqliteStore::open(options).await {
        Ok(store) => store,
        Err(error) => {
            tracing::warn!("failed to write down that a slot was not run: {error}");
            return false;
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
    let answer = store.claim(&|| clock.now(), &ask).await;
    if let Err(error) = store.close().await {
        tracing::warn!("{error}");
    }
    match answer {
        Ok(claimed) => {
            let replaces = |verdict: &Verdict| matches!(verdict, Verdict::Replace { .. });
            claimed.plan.verdicts.iter().any(replaces)
        }
        Err(error) => {
            tracing::warn!("failed to write down that a slot was not run: {error}");
            false
        }
    }
}
