//! The slot ledger: every slot becomes a row, once.
//!
//! The planner decides on rows that were read under the write lock, and what it decided is written in the same transaction.
//! The unique index over agent, scope, epoch, slot and attempt is the second wall: were the first one to fail, the second
//! claim of a slot would be refused and never run.

use jiff::{SignedDuration, Timestamp};
use sqlx::SqliteConnection;

use super::append::new_id;
use super::commit::{begin_alone, closed};
use super::connection::{unread, unwritten};
use super::notes::write_run;
use super::open::SqliteStore;
use super::read_view::controls;
use super::rows::{cut, parsed, text_of};
use crate::domain::incident::{RunId, control};
use crate::domain::planner::{
    Attempt, Job, Jump, RunWhy, Running, Seen, Suspension, Verdict, plan,
};
use crate::domain::run::{AgentRun, Claim, RunState};
use crate::ports::Pending;
use crate::ports::slots::{Ask, Claimed, Slots};
use crate::ports::store::StoreError;

/// A schedule that is new here takes a slot that is not older than this: what installed it may have been slow.
const FRESH: SignedDuration = SignedDuration::from_mins(1);

/// The least time: moments are kept to the millisecond.
const TICK: SignedDuration = SignedDuration::from_millis(1);

/// Since when which schedule is in effect, and in which epoch of the clock.
struct Timetable {
    epoch: u64,
    since: Timestamp,
    /// Whether the ledger does not know this yet.
    is_new: bool,
}

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
}

async fn claimed(
    connection: &mut SqliteConnection,
    store: &SqliteStore,
    now: Timestamp,
    ask: &Ask<'_>,
) -> Result<Claimed, StoreError> {
    let (timetable, newest) = timetable(connection, store, ask.job, now).await?;
    if timetable.is_new {
        keep(connection, store, ask.job, &timetable).await?;
    }
    let seen = seen(connection, now, ask, &timetable, newest).await?;
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

/// What a schedule is called in the ledger: another expression or zone is another schedule.
fn name_of(job: &Job) -> String {
    format!("{} {}", job.schedule().expression(), job.schedule().zone())
}

/// The timetable as it is from now on, and the newest row of its epoch.
async fn timetable(
    connection: &mut SqliteConnection,
    store: &SqliteStore,
    job: &Job,
    now: Timestamp,
) -> Result<(Timetable, Option<AgentRun>), StoreError> {
    let row: Option<(i64, String, String)> = sqlx::query_as(
        "SELECT epoch, schedule, since FROM timetable WHERE agent = $1 AND scope = $2",
    )
    .bind(job.agent().as_str())
    .bind(&store.options().host)
    .fetch_optional(&mut *connection)
    .await
    .map_err(unread)?;
    let Some((epoch, schedule, since)) = row else {
        let fresh = now.checked_sub(FRESH).unwrap_or(now);
        let newest = job.newest_due(now).filter(|slot| *slot > fresh);
        let before = newest.and_then(|slot| slot.checked_sub(TICK).ok());
        return Ok((Timetable { epoch: 0, since: before.unwrap_or(now), is_new: true }, None));
    };
    let epoch = epoch.unsigned_abs();
    let newest = newest(connection, store, job, epoch).await?;
    if schedule != name_of(job) {
        return Ok((Timetable { epoch, since: now, is_new: true }, newest));
    }
    // A slot in the future was taken before the clock was set back.
    let ahead = newest.as_ref().and_then(last_slot).map(|slot| slot.duration_since(now));
    let back = ahead.filter(SignedDuration::is_positive).map(SignedDuration::unsigned_abs);
    if back.is_some_and(|length| job.begins_epoch(Jump::Backward(length))) {
        return Ok((Timetable { epoch: epoch + 1, since: now, is_new: true }, None));
    }
    let since = since.parse().map_err(|error| StoreError::Read(format!("{since}: {error}")))?;
    Ok((Timetable { epoch, since, is_new: false }, newest))
}

async fn keep(
    connection: &mut SqliteConnection,
    store: &SqliteStore,
    job: &Job,
    timetable: &Timetable,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO timetable (agent, scope, epoch, schedule, since) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (agent, scope) DO UPDATE SET epoch = excluded.epoch,
         schedule = excluded.schedule, since = excluded.since",
    )
    .bind(job.agent().as_str())
    .bind(&store.options().host)
    .bind(i64::try_from(timetable.epoch).unwrap_or(i64::MAX))
    .bind(name_of(job))
    .bind(text_of(timetable.since))
    .execute(connection)
    .await
    .map_err(unwritten)?;
    Ok(())
}

/// The newest row of a slot in this epoch: of the newest slot the newest attempt.
async fn newest(
    connection: &mut SqliteConnection,
    store: &SqliteStore,
    job: &Job,
    epoch: u64,
) -> Result<Option<AgentRun>, StoreError> {
    let row: Option<(String,)> = sqlx::query_as(
        "SELECT doc FROM agent_run WHERE agent = $1 AND scope = $2 AND epoch = $3
         AND slot IS NOT NULL ORDER BY slot DESC, attempt DESC LIMIT 1",
    )
    .bind(job.agent().as_str())
    .bind(&store.options().host)
    .bind(i64::try_from(epoch).unwrap_or(i64::MAX))
    .fetch_optional(connection)
    .await
    .map_err(unread)?;
    row.map(|(doc,)| parsed(&doc)).transpose()
}

fn last_slot(row: &AgentRun) -> Option<Timestamp> {
    row.slot_until.or(row.slot)
}

async fn seen(
    connection: &mut SqliteConnection,
    now: Timestamp,
    ask: &Ask<'_>,
    timetable: &Timetable,
    newest: Option<AgentRun>,
) -> Result<Seen, StoreError> {
    let agent = ask.job.agent();
    let (began,): (Option<String>,) = sqlx::query_as(
        "SELECT max(started_at) FROM agent_run
         WHERE agent = $1 AND state NOT IN ('skipped', 'missed')",
    )
    .bind(agent.as_str())
    .fetch_one(&mut *connection)
    .await
    .map_err(unread)?;
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
    let of_suspension = [control::suspension_of(agent), control::SUSPEND_ALL.to_owned()];
    let suspended = of_suspension.iter().filter_map(|key| controls.get(key)).find(|one| one.on);
    Ok(Seen {
        last_slot: newest.as_ref().and_then(last_slot),
        in_effect_since: timetable.since,
        last_began: began.and_then(|at| at.parse().ok()),
        running: alive.map(|run| Running { slot: run.slot, started_at: run.started_at }),
        last_attempt: newest.and_then(|row| attempt(row, ask.alone, now)),
        suspended: suspended.map(|one| Suspension {
            since: one.set_at,
            until: one.expires_at,
            why: one.reason.clone(),
        }),
        held_by: ask.held_by.clone(),
        waiting: ask.waiting.clone(),
        looking_since: ask.looking_since,
    })
}

/// How the newest attempt ended. One that nobody can be at any more is lost.
fn attempt(row: AgentRun, alone: bool, now: Timestamp) -> Option<Attempt> {
    let is_gone = row.state == RunState::Running && alone;
    Some(Attempt {
        slot: last_slot(&row)?,
        number: row.attempt,
        state: if is_gone { RunState::Lost } else { row.state },
        exit: row.exit,
        ended_at: row.ended_at.or_else(|| is_gone.then_some(now))?,
        deadline: row.lease_until.unwrap_or(row.started_at),
        plan_only: row.plan_only,
    })
}

/// Tokens only grow.
async fn next_token(connection: &mut SqliteConnection) -> Result<u64, StoreError> {
    let (last,): (Option<i64>,) = sqlx::query_as("SELECT max(token) FROM agent_run")
        .fetch_one(connection)
        .await
        .map_err(unread)?;
    Ok(last.unwrap_or(0).unsigned_abs() + 1)
}
