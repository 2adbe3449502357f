//! Whether agents run when they should: judged from their schedules and their runs, never from what they say of themselves.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::moment;
use super::run::RunState;
use super::schedule::{Fields, Schedule};
use super::subject::AgentName;

/// One run, as far as freshness asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastRun {
    /// When it started.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// How.
    pub state: RunState,
}

/// How one agent ran lately.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// The agent.
    pub agent: AgentName,
    /// Its schedule, as cron of five fields, or of six that begin with seconds.
    pub cron: String,
    /// The schedule's time zone.
    pub zone: String,
    /// Whether it is to run: settings let it, and nobody suspended its slots.
    pub enabled: bool,
    /// When the ledger's first run of any agent began.
    pub began: Option<Timestamp>,
    /// When it last ended well: looked at all that it should, whatever it found.
    pub last_well: Option<Timestamp>,
    /// Its newest runs, newest first.
    pub runs: Vec<PastRun>,
}

/// So many slots an agent may let pass without a run that ended well.
pub const SILENT_AFTER: u32 = 3;
/// The time in which runs are counted, in slots.
const COUNTED: u32 = 6;
/// The least time: moments are kept to the millisecond.
const TICK: Duration = Duration::from_millis(1);
/// So many runs are asked of a history before its lengths are compared.
const ENOUGH: usize = 10;
/// Runs that take less than this have nothing to be faster than.
const SHORT: Duration = Duration::from_secs(2);

/// Whether a run ended well.
#[must_use]
pub const fn ended_well(state: RunState) -> bool {
    matches!(state, RunState::Ok | RunState::Findings)
}

/// When somebody who last started, or ended well, at `since` counts as late: half a period after its next slot, and as long
/// after that as `since` came after its own. Schedules with pauses keep them: nobody is late for a slot that does not exist.
#[must_use]
pub fn late_from(schedule: &Schedule, since: Timestamp) -> Option<Timestamp> {
    let next = schedule.next_after(since)?;
    let half = between(next, schedule.next_after(next)?) / 2;
    next.checked_add(half + delay(schedule, since)).ok()
}

/// When it counts as silent: with its third slot, and as long after that as `since` came after its own.
#[must_use]
pub fn silent_from(schedule: &Schedule, since: Timestamp) -> Option<Timestamp> {
    let mut slot = since;
    for _ in 0..SILENT_AFTER {
        slot = schedule.next_after(slot)?;
    }
    slot.checked_add(delay(schedule, since)).ok()
}

fn delay(schedule: &Schedule, since: Timestamp) -> Duration {
    schedule.latest_at(since).map(|slot| between(slot, since)).unwrap_or_default()
}

fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

impl History {
    fn schedule(&self, now: Timestamp) -> Option<Schedule> {
        Schedule::with(Fields::FiveOrSix, &self.cron, &self.zone, now).ok()
    }

    /// Why it counts as silent, if it does: no run ended well within three periods.
    #[must_use]
    pub fn silent(&self, now: Timestamp) -> Option<String> {
        if !self.enabled {
            return None;
        }
        let since = self.last_well.or(self.began)?;
        if now <= silent_from(&self.schedule(now)?, since)? {
            return None;
        }
        let agent = &self.agent;
        Some(match (self.last_well, self.runs.first()) {
            (_, None) => format!("{agent} has never run, and three of its periods have passed"),
            (None, Some(_)) => format!("no run of {agent} has ended well yet, for three periods"),
            (Some(at), Some(_)) => {
                format!("no run of {agent} has ended well since {}", moment::full(at))
            }
        })
    }

    /// Why it counts as late, if it does: its last start is more than one and a half periods ago.
    #[must_use]
    pub fn late(&self, now: Timestamp) -> Option<String> {
        let last = self.runs.first().filter(|_| self.enabled)?.started_at;
        let late = now > late_from(&self.schedule(now)?, last)? && self.silent(now).is_none();
        late.then(|| format!("{} is late: it last started at {}", self.agent, moment::full(last)))
    }

    /// Why it runs too often, if it does: more than `times` as often as its schedule says, over six periods.
    #[must_use]
    pub fn too_often(&self, now: Timestamp, times: u32) -> Option<String> {
        let schedule = self.schedule(now).filter(|_| self.enabled)?;
        let mut since = now;
        for _ in 0..COUNTED {
            since = schedule.latest_at(since.checked_sub(TICK).ok()?)?;
        }
        let started = self.runs.iter().filter(|run| run.started_at >= since).count();
        let most = usize::try_from(COUNTED.saturating_mul(times)).unwrap_or(usize::MAX);
        (started > most).then(|| {
            format!(
                "{} started {started} times in the time of {COUNTED} slots: is it triggered twice?",
                self.agent
            )
        })
    }

    /// Why its runs are too short, if they are: the last three took less than so many percent of what the ones before took.
    #[must_use]
    pub fn too_fast(&self, percent: u8) -> Option<String> {
        let lasted = |run: &PastRun| {
            let ended = run.ended_at.filter(|_| ended_well(run.state))?;
            Duration::try_from(ended.duration_since(run.started_at)).ok()
        };
        let lengths: Vec<Duration> = self.runs.iter().filter_map(lasted).collect();
        let (last, before) = lengths.split_at_checked(3)?;
        if !self.enabled || before.len() < ENOUGH {
            return None;
        }
        let (last, usual) = (median(last), median(before));
        let fast = usual >= SHORT && last < usual.mul_f64(f64::from(percent) / 100.0);
        fast.then(|| {
            format!(
                "runs of {} take {:.1} s, and took {:.1} s before: do they still look at everything?",
                self.agent,
                last.as_secs_f64(),
                usual.as_secs_f64()
            )
        })
    }
}

fn median(lengths: &[Duration]) -> Duration {
    let mut sorted = lengths.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        let noon: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        noon.checked_add(jiff::SignedDuration::from_secs(seconds)).unwrap()
    }

    fn run(started: i64, length: i64, state: RunState) -> PastRun {
        PastRun { started_at: at(started), ended_at: Some(at(started + length)), state }
    }

    /// Every five minutes, and what is given as runs, newest first.
    fn history(runs: Vec<PastRun>) -> History {
        History {
            agent: AgentName::of("fleet-manager"),
            cron: "*/5 * * * *".to_owned(),
            zone: "UTC".to_owned(),
            enabled: true,
            began: Some(at(-100_000)),
            last_well: runs.iter().find(|run| ended_well(run.state)).and_then(|run| run.ended_at),
            runs,
        }
    }

    #[test]
    fn an_agent_is_late_after_one_and_a_half_periods_and_silent_after_three() {
        let seen = history(vec![run(0, 10, RunState::Ok)]);
        let stands = |now: i64| (seen.late(at(now)).is_some(), seen.silent(at(now)).is_some());
        assert_eq!(stands(450), (false, false));
        assert_eq!(stands(451), (true, false));
        assert_eq!(stands(910), (true, false), "counted from its end");
        assert_eq!(stands(911), (false, true));
    }

    #[test]
    fn who_runs_and_never_ends_well_is_silent_too() {
        let failing = (0..40).map(|n| run(-300 * n, 10, RunState::Failed)).collect();
        let failing = history(failing);
        assert_eq!(failing.late(at(100)), None);
        assert!(failing.silent(at(100)).unwrap().contains("ended well yet"));
        assert!(history(Vec::new()).silent(at(0)).unwrap().contains("never run"));
        let fresh = History { began: Some(at(-600)), ..history(Vec::new()) };
        assert_eq!(fresh.silent(at(0)), None);
        let off = History { enabled: false, ..history(Vec::new()) };
        assert_eq!(off.silent(at(0)), None);
    }

    #[test]
    fn too_often_is_more_than_so_many_times_its_schedule() {
        let every =
            |seconds: i64| history((0..100).map(|n| run(-seconds * n, 1, RunState::Ok)).collect());
        assert_eq!(every(300).too_often(at(0), 3), None);
        assert_eq!(every(101).too_often(at(0), 3), None);
        assert!(every(60).too_often(at(0), 3).unwrap().contains("started 31 times"));
    }

    #[test]
    fn a_schedule_with_pauses_makes_nobody_late_in_them_and_nobody_too_often_after_them() {
        let office = |runs: Vec<PastRun>, zone: &str| History {
            cron: "*/5 8-18 * * *".to_owned(),
            zone: zone.to_owned(),
            ..history(runs)
        };
        // Noon in UTC is one in the afternoon in Paris: the last slot of the day is at 17:55 UTC.
        let hour = 3600;
        let day = |until: i64| (0..70).map(|n| run(until - 300 * n, 10, RunState::Ok)).collect();
        let diligent = office(day(6 * hour - 300), "Europe/Paris");
        for minute in [0, 10, 60, 600] {
            let now = at(6 * hour + 60 * minute);
            assert_eq!((diligent.late(now), diligent.silent(now)), (None, None), "{minute}");
            assert_eq!(diligent.too_often(now, 3), None, "{minute}");
        }
        let next_day = 6 * hour - 300 + 13 * hour + 300;
        assert_eq!(diligent.late(at(next_day + 150)), None);
        assert!(diligent.late(at(next_day + 151)).is_some());
        assert!(diligent.silent(at(next_day + 611)).is_some());
        let gone = office(day(4 * hour), "Europe/Paris");
        assert!(gone.late(at(4 * hour + 451)).is_some(), "in the afternoon it is missed at once");
        let twice = office(
            (0..60).map(|n| run(4 * hour - 60 * n, 10, RunState::Ok)).collect(),
            "Europe/Paris",
        );
        assert!(twice.too_often(at(4 * hour), 3).is_some());
    }

    #[test]
    fn too_fast_is_far_below_what_was_usual() {
        let lengths = |last: i64, before: i64, many: i64| {
            let length = |n: i64| if n < 3 { last } else { before };
            history((0..many).map(|n| run(-300 * n, length(n), RunState::Ok)).collect())
        };
        assert_eq!(lengths(20, 30, 20).too_fast(10), None);
        assert!(lengths(2, 30, 20).too_fast(10).unwrap().contains("2.0 s"));
        assert_eq!(lengths(2, 30, 12).too_fast(10), None, "too few to compare with");
        assert_eq!(lengths(0, 1, 20).too_fast(10), None, "short ones");
    }
}
