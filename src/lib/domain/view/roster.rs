//! How each agent stands, judged from its schedule and its last runs and never from what it says of itself.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::domain::freshness::{late_from, silent_from};
use crate::domain::run::{AgentRun, RunState};
use crate::domain::schedule::Schedule;
use crate::domain::subject::AgentName;

/// An agent as the settings have it.
#[derive(Clone, Debug)]
pub struct RosterEntry {
    /// The agent.
    pub agent: AgentName,
    /// When it is due.
    pub schedule: Schedule,
    /// Whether settings let it run.
    pub enabled: bool,
}

/// The newest runs of one agent. A slot that was skipped or missed is not a run.
#[derive(Clone, Debug, PartialEq)]
pub struct LatestRun {
    /// The run that started last, ended or not.
    pub started: AgentRun,
    /// The run that ended last.
    pub ended: Option<AgentRun>,
}

/// How an agent stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AgentState {
    /// It runs when it should, and completes.
    Ok,
    /// Switched off by settings.
    Disabled,
    /// It has not run on this ledger yet.
    NeverRun,
    /// Its next start is overdue.
    Late,
    /// Its last run did not complete.
    Failing,
    /// Nobody has seen it for several periods.
    Lost,
}

impl AgentState {
    /// The word used in files and messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Disabled => "disabled",
            Self::NeverRun => "never_run",
            Self::Late => "late",
            Self::Failing => "failing",
            Self::Lost => "lost",
        }
    }

    /// Whether the system's status counts it.
    #[must_use]
    pub const fn counts(self) -> bool {
        match self {
            Self::Late | Self::Failing | Self::Lost => true,
            Self::Ok | Self::Disabled | Self::NeverRun => false,
        }
    }
}

/// The share of a period that a run may take until its view is there.
const GRACE: f64 = 0.2;
/// The least grace: a run has to look twice before it speaks.
const LEAST_GRACE: Duration = Duration::from_mins(1);
/// How long a view is good for where nothing is scheduled.
const UNSCHEDULED: Duration = Duration::from_hours(1);

/// How the agent of `entry` stands at `now`.
pub(super) fn standing(
    entry: &RosterEntry,
    latest: Option<&LatestRun>,
    now: Timestamp,
) -> AgentState {
    if !entry.enabled {
        return AgentState::Disabled;
    }
    let Some(latest) = latest else { return AgentState::NeverRun };
    let last_start = latest.started.started_at;
    let is_past = |moment: Option<Timestamp>| moment.is_some_and(|moment| now > moment);
    if is_past(silent_from(&entry.schedule, last_start)) {
        return AgentState::Lost;
    }
    if latest.ended.as_ref().is_some_and(|run| !completed(run.state)) {
        return AgentState::Failing;
    }
    if is_past(late_from(&entry.schedule, last_start)) { AgentState::Late } else { AgentState::Ok }
}

const fn completed(state: RunState) -> bool {
    match state {
        RunState::Ok | RunState::Findings => true,
        RunState::Running
        | RunState::Failed
        | RunState::TimedOut
        | RunState::Killed
        | RunState::Crashed
        | RunState::Lost
        | RunState::Interrupted
        | RunState::Skipped
        | RunState::Missed => false,
    }
}

/// Until when a view that is written at `now` can be believed: the first slot of an agent that is known to run,
/// and the time that its run may take. Not at all, where nobody has run yet.
pub(super) fn valid_until(
    roster: &[RosterEntry],
    runs: &BTreeMap<AgentName, LatestRun>,
    now: Timestamp,
) -> Timestamp {
    let expected = |entry: &RosterEntry| {
        let grace = entry.schedule.period(now).mul_f64(GRACE).max(LEAST_GRACE);
        entry.schedule.next_after(now).and_then(|slot| slot.checked_add(grace).ok())
    };
    if !roster.is_empty() && runs.is_empty() {
        return now;
    }
    roster
        .iter()
        .filter(|entry| entry.enabled && runs.contains_key(&entry.agent))
        .filter_map(expected)
        .min()
        .or_else(|| now.checked_add(UNSCHEDULED).ok())
        .unwrap_or(now)
}
