//! One agent's schedule under watch: when to look, and what a look leads to.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::domain::planner::{Hold, Job, Running, Seen, Start, Verdict, Waiting, plan};
use crate::domain::subject::AgentName;

/// The first wait before a slot is tried again whose agent ended without settling it; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest such wait.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// An agent under watch.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    pub(super) job: Job,
    /// When to look next.
    pub(super) look_at: Timestamp,
    /// Since when there is something to wait for.
    since: Timestamp,
    waiting: Option<Waiting>,
    /// The last start, which is to be settled by the one that was started.
    tried: Option<Tried>,
}

/// A start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tried {
    slot: Timestamp,
    attempt: u32,
    times: u32,
    /// When it may be tried again.
    again: Timestamp,
}

/// What the scheduler itself knows of the moment.
#[derive(Clone, Debug)]
pub(super) struct Moment {
    /// This agent's own run, if it is at work.
    pub(super) own: Option<Running>,
    /// Another agent at work with a mutex in common.
    pub(super) held_by: Option<AgentName>,
    /// Since when somebody has been looking.
    pub(super) looking_since: Timestamp,
    /// The time.
    pub(super) now: Timestamp,
}

/// What a look leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The agent is started.
    Start {
        /// For what.
        start: Start,
        /// What held it back until now.
        waited: Option<Hold>,
    },
    /// Slots come to nothing, which is to be written down.
    Settle {
        /// What was left waiting before.
        waiting: Option<Waiting>,
    },
    /// Nothing is due.
    Wait,
}

impl Watch {
    /// Looks at once.
    pub(super) const fn new(job: Job, now: Timestamp) -> Self {
        Self { job, look_at: now, since: now, waiting: None, tried: None }
    }

    /// Whether a slot is due and held back.
    pub(super) const fn waits(&self) -> bool {
        self.waiting.is_some()
    }

    /// What is known without the ledger: every slot before this scheduler is somebody else's matter.
    pub(super) fn remembered(&self) -> Seen {
        Seen { last_slot: self.tried.map(|tried| tried.slot), ..Seen::nothing(self.since) }
    }

    /// Looks, and says what is to be done.
    pub(super) fn look(&mut self, seen: Seen, moment: &Moment) -> Step {
        let waited = self.waiting.take();
        let own = moment.own.and_then(|run| run.slot);
        let seen = Seen {
            // What was started is settled by the one that was started.
            last_slot: seen.last_slot.max(own),
            running: moment.own,
            held_by: moment.held_by.clone(),
            waiting: waited.clone(),
            looking_since: Some(moment.looking_since),
            ..seen
        };
        let plan = plan(&self.job, &seen, moment.now);
        self.look_at = plan.wake_at;
        self.waiting = plan.waiting;
        let start = plan.verdicts.iter().find_map(Verdict::start);
        match start {
            Some(start) if self.is_too_soon(start, moment.now) => {
                self.look_at = self.look_at.min(self.tried.map_or(Timestamp::MAX, |one| one.again));
                self.waiting = waited;
                Step::Wait
            }
            Some(start) => {
                self.remember(start);
                let hold = waited.filter(|waited| waited.slot == start.slot);
                Step::Start { start: start.clone(), waited: hold.map(|waiting| waiting.hold) }
            }
            None if plan.verdicts.is_empty() => Step::Wait,
            None => Step::Settle { waiting: waited },
        }
    }

    fn is_too_soon(&self, start: &Start, now: Timestamp) -> bool {
        self.tried.is_some_and(|tried| {
            (tried.slot, tried.attempt) == (start.slot, start.attempt) && now < tried.again
        })
    }

    fn remember(&mut self, start: &Start) {
        let times = match self.tried {
            Some(tried) if (tried.slot, tried.attempt) == (start.slot, start.attempt) => {
                tried.times.saturating_add(1)
            }
            _ => 0,
        };
        let (slot, attempt) = (start.slot, start.attempt);
        self.tried = Some(Tried { slot, attempt, times, again: Timestamp::MIN });
    }

    /// The one that was started has ended, or could not be started. If it did not settle its slot, that is tried again, later
    /// each time.
    pub(super) fn has_ended(&mut self, now: Timestamp) {
        if let Some(tried) = &mut self.tried {
            let pause = FIRST_PAUSE.saturating_mul(1_u32 << tried.times.min(8)).min(LONGEST_PAUSE);
            let pause = SignedDuration::try_from(pause).unwrap_or(SignedDuration::ZERO);
            tried.again = now.checked_add(pause).unwrap_or(now);
        }
        self.look_at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::planner::Rules;
    use crate::domain::timing::{Overlap, ScheduleSettings};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn watch(overlap: Overlap) -> Watch {
        let schedule: crate::domain::schedule::Schedule = "*/5 * * * *".parse().unwrap();
        let settings = ScheduleSettings { overlap, ..ScheduleSettings::default() };
        let rules = Rules::of(&settings, &schedule);
        Watch::new(Job::new(AgentName::of("a"), "host", schedule, rules), at(0))
    }

    fn moment(second: i64, own: Option<i64>) -> Moment {
        let own = own.map(|slot| Running { slot: Some(at(slot)), started_at: at(slot) });
        Moment { own, held_by: None, looking_since: at(0), now: at(second) }
    }

    fn seen(last: i64) -> Seen {
        Seen { last_slot: Some(at(last)), ..Seen::nothing(at(0)) }
    }

    fn started(step: &Step) -> Option<Timestamp> {
        match step {
            Step::Start { start, .. } => Some(start.slot),
            Step::Settle { .. } | Step::Wait => None,
        }
    }

    #[test]
    fn a_slot_is_started_once_and_the_next_look_is_at_the_next_slot() {
        let mut watch = watch(Overlap::Skip);
        assert_eq!(watch.look(seen(0), &moment(299, None)), Step::Wait);
        assert_eq!(watch.look_at, at(300));
        assert_eq!(started(&watch.look(seen(0), &moment(300, None))), Some(at(300)));
        assert_eq!(watch.look_at, at(600));
        let again = watch.look(seen(0), &moment(301, Some(300)));
        assert_eq!(again, Step::Wait, "it is at work, and has not claimed its slot yet");
    }

    #[test]
    fn a_slot_that_was_not_settled_is_tried_again_and_later_each_time() {
        let mut watch = watch(Overlap::Skip);
        let mut second = 300;
        let mut pauses = Vec::new();
        for _ in 0..4 {
            let step = watch.look(seen(0), &moment(second, None));
            assert_eq!(started(&step), Some(at(300)), "at {second}");
            watch.has_ended(at(second));
            assert_eq!(watch.look(seen(0), &moment(second, None)), Step::Wait);
            let pause = watch.look_at.duration_since(at(second)).as_secs();
            pauses.push(pause);
            second += pause;
        }
        assert_eq!(pauses, [1, 2, 4, 8]);
        watch.has_ended(at(second));
        assert_eq!(watch.look(seen(300), &moment(second, None)), Step::Wait);
        assert_eq!(watch.look_at, at(600), "once it is settled nothing hurries");
    }

    #[test]
    fn a_slot_during_the_own_run_is_settled_queued_or_started_to_replace() {
        let after = |overlap| {
            let mut watch = watch(overlap);
            watch.look(seen(0), &moment(300, None));
            let step = watch.look(seen(300), &moment(600, Some(300)));
            (step, watch.waits())
        };
        assert_eq!(after(Overlap::Skip), (Step::Settle { waiting: None }, false));
        assert_eq!(after(Overlap::Queue), (Step::Wait, true));
        let (step, waits) = after(Overlap::Replace);
        assert_eq!((started(&step), waits), (Some(at(600)), false));
    }

    #[test]
    fn what_was_held_back_is_started_at_the_end_of_the_hold_with_its_reason() {
        let mut watch = watch(Overlap::Queue);
        watch.look(seen(0), &moment(300, None));
        watch.look(seen(300), &moment(600, Some(300)));
        watch.has_ended(at(700));
        let step = watch.look(seen(300), &moment(700, None));
        let Step::Start { start, waited: Some(Hold::OwnRun { .. }) } = step else {
            panic!("{step:?}")
        };
        assert_eq!(start.slot, at(600));
    }

    #[test]
    fn without_the_ledger_slots_are_started_from_memory() {
        let mut watch = watch(Overlap::Skip);
        let blind = watch.remembered();
        assert_eq!(started(&watch.look(blind, &moment(300, None))), Some(at(300)));
        watch.has_ended(at(310));
        let blind = watch.remembered();
        assert_eq!(watch.look(blind, &moment(310, None)), Step::Wait);
        let blind = watch.remembered();
        assert_eq!(started(&watch.look(blind, &moment(600, None))), Some(at(600)));
    }
}
