//! What the ledger knows of every agent's slots: which schedule is in effect since when, and what the newest slot came to.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::connection::{unread, unwritten};
use super::rows::{AT_ONCE, parsed, text_of};
use crate::domain::planner::{Attempt, Job, Jump, Seen};
use crate::domain::run::{AgentRun, RunState};
use crate::domain::schedule::Cadence;
use crate::domain::subject::AgentName;
use crate::ports::store::StoreError;

/// A schedule that is new here takes a slot that is not older than this: what installed it may have been slow.
const FRESH: SignedDuration = SignedDuration::from_mins(1);

/// The least time: moments are kept to the millisecond.
const TICK: SignedDuration = SignedDuration::from_millis(1);

/// Since when which schedule is in effect, and in which epoch of the clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timetable {
    pub(super) epoch: u64,
    pub(super) since: Timestamp,
}

/// What stands in the ledger about one agent's slots.
#[derive(Clone, Debug)]
pub(super) struct Row {
    epoch: u64,
    schedule: String,
    since: Timestamp,
    /// The newest row of a slot in this epoch: of the newest slot the newest attempt.
    newest: Option<AgentRun>,
    /// When the newest run of any kind began.
    began: Option<Timestamp>,
}

/// The same as it is from now on.
#[derive(Clone, Debug)]
pub(super) struct InEffect {
    pub(super) timetable: Timetable,
    newest: Option<AgentRun>,
    began: Option<Timestamp>,
    /// Whether the ledger does not know this yet.
    pub(super) is_new: bool,
}

/// One query tells all of it, for one agent or for all of them.
macro_rules! select {
    ($which:literal) => {
        concat!(
            "SELECT t.agent, t.epoch, t.schedule, t.since,
             (SELECT r.doc FROM agent_run r WHERE r.agent = t.agent AND r.scope = t.scope
              AND r.epoch = t.epoch AND r.slot IS NOT NULL
              ORDER BY r.slot DESC, r.attempt DESC LIMIT 1),
             (SELECT max(r.started_at) FROM agent_run r WHERE r.agent = t.agent
              AND r.state NOT IN ('skipped', 'missed'))
             FROM timetable t WHERE t.scope = $1",
            $which
        )
    };
}

type Columns = (String, i64, String, String, Option<String>, Option<String>);

/// What stands about `agent`.
pub(super) async fn row(
    connection: &mut SqliteConnection,
    scope: &str,
    agent: &AgentName,
) -> Result<Option<Row>, StoreError> {
    let columns: Option<Columns> = sqlx::query_as(select!(" AND t.agent = $2"))
        .bind(scope)
        .bind(agent.as_str())
        .fetch_optional(connection)
        .await
        .map_err(unread)?;
    columns.map(|columns| read(columns).map(|(_, row)| row)).transpose()
}

/// What stands about every agent.
pub(super) async fn rows(
    connection: &mut SqliteConnection,
    scope: &str,
) -> Result<BTreeMap<String, Row>, StoreError> {
    let all: Vec<Columns> =
        sqlx::query_as(select!("")).bind(scope).fetch_all(connection).await.map_err(unread)?;
    all.into_iter().map(read).collect()
}

fn read(
    (agent, epoch, schedule, since, newest, began): Columns,
) -> Result<(String, Row), StoreError> {
    let moment = |text: &str| {
        text.parse().map_err(|error| StoreError::Read(format!("{text} is no time: {error}")))
    };
    let row = Row {
        epoch: epoch.unsigned_abs(),
        schedule,
        since: moment(&since)?,
        newest: newest.map(|doc| parsed(&doc)).transpose()?,
        began: began.map(|at| moment(&at)).transpose()?,
    };
    Ok((agent, row))
}

/// What a schedule is called in the ledger: another expression or zone is another schedule.
fn name_of(job: &Job) -> String {
    format!("{} {}", job.schedule().expression(), job.schedule().zone())
}

/// What is in effect for `job` from `now` on, where this stands about it.
pub(super) fn in_effect(row: Option<Row>, job: &Job, now: Timestamp) -> InEffect {
    let Some(Row { epoch, schedule, since, newest, began }) = row else {
        // What comes every few minutes need not wait for the next time: the first look is what an admin waits for.
        let within = match job.schedule().cadence() {
            Cadence::Interval => SignedDuration::try_from(job.rules().interval).unwrap_or(FRESH),
            Cadence::FixedTime => FRESH,
        };
        let fresh = now.checked_sub(within.max(FRESH)).unwrap_or(now);
        let newest = job.newest_due(now).filter(|slot| *slot > fresh);
        let before = newest.and_then(|slot| slot.checked_sub(TICK).ok());
        let timetable = Timetable { epoch: 0, since: before.unwrap_or(now) };
        return InEffect { timetable, newest: None, began: None, is_new: true };
    };
    if schedule != name_of(job) {
        return InEffect {
            timetable: Timetable { epoch, since: now },
            newest,
            began,
            is_new: true,
        };
    }
    // A slot in the future was taken before the clock was set back.
    let ahead = newest.as_ref().and_then(last_slot).map(|slot| slot.duration_since(now));
    let back = ahead.filter(SignedDuration::is_positive).map(SignedDuration::unsigned_abs);
    if back.is_some_and(|length| job.begins_epoch(Jump::Backward(length))) {
        let timetable = Timetable { epoch: epoch + 1, since: now };
        return InEffect { timetable, newest: None, began, is_new: true };
    }
    InEffect { timetable: Timetable { epoch, since }, newest, began, is_new: false }
}

/// Writes down what is in effect for these jobs.
pub(super) async fn keep(
    connection: &mut SqliteConnection,
    scope: &str,
    new: &[(&Job, Timetable)],
) -> Result<(), StoreError> {
    for part in new.chunks(AT_ONCE) {
        let mut statement = QueryBuilder::<Sqlite>::new(
            "INSERT INTO timetable (agent, scope, epoch, schedule, since) ",
        );
        statement.push_values(part, |mut row, (job, timetable)| {
            row.push_bind(job.agent().as_str())
                .push_bind(scope)
                .push_bind(i64::try_from(timetable.epoch).unwrap_or(i64::MAX))
                .push_bind(name_of(job))
                .push_bind(text_of(timetable.since));
        });
        statement.push(
            " ON CONFLICT (agent, scope) DO UPDATE SET epoch = excluded.epoch,
              schedule = excluded.schedule, since = excluded.since",
        );
        statement.build().execute(&mut *connection).await.map_err(unwritten)?;
    }
    Ok(())
}

fn last_slot(row: &AgentRun) -> Option<Timestamp> {
    row.slot_until.or(row.slot)
}

/// What the planner is told of it. `alone` says that no run of this agent can be alive.
pub(super) fn seen(effect: InEffect, alone: bool, now: Timestamp) -> Seen {
    Seen {
        last_slot: effect.newest.as_ref().and_then(last_slot),
        last_began: effect.began,
        last_attempt: effect.newest.and_then(|row| attempt(row, alone, now)),
        ..Seen::nothing(effect.timetable.since)
    }
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
