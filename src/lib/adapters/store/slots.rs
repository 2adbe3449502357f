//! The slot ledger: every slot becomes a row, once.
//!
//! The planner decides on rows that were read under the write lock, and what it decided is written in the same transaction.
//! The unique index over agent, scope, epoch, slot and attempt is the second wall: were the first one to fail, the second
//! claim of a slot would be refused and never run.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sqlx::SqliteConnection;

use super::append::new_id;
use super::commit::{begin_alone, closed};
use super::connection::{unread, unwritten};
use super::notes::write_run;
use super::open::SqliteStore;
use super::read_view::{Controls, controls};
use super::rows::{cut, parsed};
use super::timetable::{self, InEffect, in_effect, keep};
use crate::domain::incident::{RunId, control};
use crate::domain::planner::{Job, RunWhy, Running, Seen, Suspension, Verdict, plan};
use crate::domain::run::{AgentRun, Claim, RunState};
use crate::domain::subject::AgentName;
use crate::ports::Pending;
use crate::ports::slots::{Ask, Claimed, Slots};
use crate::ports::store::StoreError;

/// Of more jobs than this, everything is read at once.
const FEW: usize = 8;

impl Slots for SqliteStore {
    fn claim<'a>(
        &'a self,
        now: &'a (dyn Fn() -> Timestamp + Sync),
        ask: &'a Ask<'a>,
    ) -> Pending<'a, Result<Claimed, StoreError>> {
        Box::pin(async move {
            self.writable()?;
            let mut guard = self.opened().await;
            let open = &mut guard.as_mut().ok_or_else(closed)?.connection;
            let mut transaction = begin_alone(open).await.map_err(|error| self.noticed(error))?;
            match claimed(&mut transaction, self, cut(now()), ask).await {
                Ok(claimed) => {
                    transaction.commit().await.map_err(|error| self.noticed(unwritten(error)))?;
                    Ok(claimed)
                }
                Err(error) => {
                    let _taken_back = transaction.rollback().await;
                    Err(self.noticed(error))
                }
            }
        })
    }

    fn enrol<'a>(&'a self, now: Timestamp, jobs: &'a [Job]) -> Pending<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.writable()?;
            let (now, scope) = (cut(now), &self.options().host);
            let mut guard = self.opened().await;
            let open = &mut guard.as_mut().ok_or_else(closed)?.connection;
            let mut transaction = begin_alone(open).await.map_err(|error| self.noticed(error))?;
            let mut known = timetable::rows(&mut transaction, scope).await?;
            let effects = jobs
                .iter()
                .map(|job| (job, in_effect(known.remove(job.agent().as_str()), job, now)));
            let new = effects.filter(|(_, effect)| effect.is_new);
            let new: Vec<_> = new.map(|(job, effect)| (job, effect.timetable)).collect();
            keep(&mut transaction, scope, &new).await?;
            transaction.commit().await.map_err(|error| self.noticed(unwritten(error)))
        })
    }

    fn seen<'a>(
        &'a self,
        now: Timestamp,
        jobs: &'a [&'a Job],
    ) -> Pending<'a, Result<Vec<Seen>, StoreError>> {
        Box::pin(async move {
            let (now, scope) = (cut(now), &self.options().host);
            let mut guard = self.opened().await;
            let open = &mut guard.as_mut().ok_or_else(closed)?.connection;
            let controls = controls(open).await?;
            let mut known = BTreeMap::new();
            if jobs.len() > FEW {
                known = timetable::rows(open, scope).await?;
            } else {
                for job in jobs {
                    let row = timetable::row(open, scope, job.agent()).await?;
                    known.extend(row.map(|row| (job.agent().to_string(), row)));
                }
            }
            let mut all = Vec::with_capacity(jobs.len());
            for job in jobs {
                let row = known.remove(job.agent().as_str());
                let seen = timetable::seen(in_effect(row, job, now), true, now);
                all.push(Seen { suspended: suspension(&controls, job.agent()), ..seen });
            }
            Ok(all)
        })
    }

    fn running(&self) -> Pending<'_, Result<Vec<AgentRun>, StoreError>> {
        Box::pin(async move {
            let mut guard = self.opened().await;
            let open = &mut guard.as_mut().ok_or_else(closed)?.connection;
            let all: Vec<(String,)> =
                sqlx::query_as("SELECT doc FROM agent_run WHERE state = 'running' AND scope = $1")
                    .bind(&self.options().host)
                    .fetch_all(open)
                    .await
                    .map_err(unread)?;
            all.into_iter().map(|(doc,)| parsed(&doc)).collect()
        })
    }

    fn conclude<'a>(
        &'a self,
        run: &'a RunId,
        state: RunState,
        exit: Option<i32>,
        now: Timestamp,
    ) -> Pending<'a, Result<bool, StoreError>> {
        Box::pin(async move {
            self.writable()?;
            let mut guard = self.opened().await;
            let open = &mut guard.as_mut().ok_or_else(closed)?.connection;
            let mut transaction = begin_alone(open).await.map_err(|error| self.noticed(error))?;
            let row: Option<(String,)> =
                sqlx::query_as("SELECT doc FROM agent_run WHERE id = $1 AND state = 'running'")
                    .bind(&run.0)
                    .fetch_optional(&mut *transaction)
                    .await
                    .map_err(unread)?;
            let Some((doc,)) = row else { return Ok(false) };
            let row = AgentRun { state, exit, ended_at: Some(cut(now)), ..parsed(&doc)? };
            write_run(&mut transaction, &row).await?;
            transaction.commit().await.map_err(|error| self.noticed(unwritten(error)))?;
            Ok(true)
        })
    }
}

async fn claimed(
    connection: &mut SqliteConnection,
    store: &SqliteStore,
    now: Timestamp,
    ask: &Ask<'_>,
) -> Result<Claimed, StoreError> {
    let (scope, agent) = (&store.options().host, ask.job.agent());
    let mut row = timetable::row(connection, scope, agent).await?;
    let mut effect = in_effect(row.clone(), ask.job, now);
    if effect.is_new {
        keep(connection, scope, &[(ask.job, effect.timetable)]).await?;
        if row.is_none() {
            row = timetable::row(connection, scope, agent).await?;
            effect = in_effect(row, ask.job, now);
        }
    }
    let timetable = effect.timetable;
    let seen = seen(connection, now, ask, effect).await?;
    let plan = plan(ask.job, &seen, now);
    let mut mine = None;
    for verdict in &plan.verdicts {
        let row = match verdict {
            // Who does not hold the agent's lock cannot run it.
            Verdict::Run(_) if !ask.alone => continue,
            Verdict::Run(start) => {
                let token = next_token(connection).await?;
                let claim = Claim {
                    slot: start.slot,
                    epoch: timetable.epoch,
                    attempt: start.attempt,
                    token,
                    late_by: start.late_by,
                    deadline: start.deadline,
                    plan_only: start.plan_only,
                    why: (start.why != RunWhy::Due).then(|| start.why.to_string()),
                };
                let row = of_run(store, ask, now, &claim);
                mine = Some(claim);
                row
            }
            // Whoever can end the run that is in the way ends it, and asks again.
            Verdict::Replace { .. } => continue,
            Verdict::Skip { slot, why } => {
                let row = without_run(store, ask, now, timetable.epoch, RunState::Skipped);
                AgentRun { slot: Some(*slot), why: Some(why.to_string()), ..row }
            }
            Verdict::Missed { from, to, count, why } => {
                let row = without_run(store, ask, now, timetable.epoch, RunState::Missed);
                let (slot, slot_until) = (Some(*from), Some(*to));
                let (slots, why) = (Some(count.counted()), Some(why.to_string()));
                AgentRun { slot, slot_until, slots, why, ..row }
            }
        };
        write_run(connection, &row).await?;
    }
    Ok(Claimed { mine, plan })
}

fn without_run(
    store: &SqliteStore,
    ask: &Ask<'_>,
    now: Timestamp,
    epoch: u64,
    state: RunState,
) -> AgentRun {
    AgentRun {
        id: RunId(new_id(now)),
        agent: ask.job.agent().clone(),
        trigger: ask.trigger,
        scope: store.options().host.clone(),
        epoch,
        slot: None,
        slot_until: None,
        slots: None,
        why: None,
        plan_only: false,
        attempt: 1,
        token: None,
        owner: ask.owner.to_owned(),
        lease_until: None,
        started_at: now,
        ended_at: Some(now),
        late_ms: None,
        exit: None,
        usage: std::collections::BTreeMap::new(),
        counts: std::collections::BTreeMap::new(),
        unknown: std::collections::BTreeMap::new(),
        state,
    }
}

fn of_run(store: &SqliteStore, ask: &Ask<'_>, now: Timestamp, claim: &Claim) -> AgentRun {
    AgentRun {
        id: ask.run.clone(),
        slot: Some(claim.slot),
        why: claim.why.clone(),
        plan_only: claim.plan_only,
        attempt: claim.attempt,
        token: Some(claim.token),
        lease_until: Some(claim.deadline),
        late_ms: i64::try_from(claim.late_by.as_millis()).ok(),
        ended_at: None,
        ..without_run(store, ask, now, claim.epoch, RunState::Running)
    }
}

async fn seen(
    connection: &mut SqliteConnection,
    now: Timestamp,
    ask: &Ask<'_>,
    effect: InEffect,
) -> Result<Seen, StoreError> {
    let agent = ask.job.agent();
    let running: Option<(String,)> = sqlx::query_as(
        "SELECT doc FROM agent_run WHERE agent = $1 AND state = 'running'
         ORDER BY started_at DESC, id DESC LIMIT 1",
    )
    .bind(agent.as_str())
    .fetch_optional(&mut *connection)
    .await
    .map_err(unread)?;
    let running = running.map(|(doc,)| parsed::<AgentRun>(&doc)).transpose()?;
    let alive = running.filter(|_| !ask.alone);
    let controls = controls(connection).await?;
    Ok(Seen {
        running: alive.map(|run| Running { slot: run.slot, started_at: run.started_at }),
        suspended: suspension(&controls, agent),
        held_by: ask.held_by.clone(),
        waiting: ask.waiting.clone(),
        looking_since: ask.looking_since,
        ..timetable::seen(effect, ask.alone, now)
    })
}

/// The suspension of this agent, or of all.
fn suspension(controls: &Controls, agent: &AgentName) -> Option<Suspension> {
    let keys = control::suspensions_of(agent);
    let one = keys.iter().filter_map(|key| controls.get(key)).find(|one| one.on)?;
    Some(Suspension { since: one.set_at, until: one.expires_at, why: one.reason.clone() })
}

/// Tokens only grow.
async fn next_token(connection: &mut SqliteConnection) -> Result<u64, StoreError> {
    let (last,): (Option<i64>,) = sqlx::query_as("SELECT max(token) FROM agent_run")
        .fetch_one(connection)
        .await
        .map_err(unread)?;
    Ok(last.unwrap_or(0).unsigned_abs() + 1)
}
