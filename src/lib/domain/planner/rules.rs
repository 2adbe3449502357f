//! An agent's schedule settings with every default filled in.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use crate::domain::duration::HumanDuration;
use crate::domain::schedule::Schedule;
use crate::domain::timing::{CatchUp, Overlap, Retries, ScheduleSettings};

/// How slots of one agent are treated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The largest gap between two slots.
    pub interval: Duration,
    /// The longest time a slot may take, its further attempts included.
    pub timeout: Duration,
    /// How long after each slot the agent starts.
    pub offset: Duration,
    /// The limit of a further fixed delay, as settings ask for it.
    pub jitter: Duration,
    /// What becomes of a slot while the agent runs.
    pub overlap: Overlap,
    /// What becomes of slots that passed.
    pub catch_up: CatchUp,
    /// How late a slot may start, and how long it may wait.
    pub catch_up_within: Duration,
    /// How long ago the last run may have begun for a late slot to act.
    pub plan_only_after: Duration,
    /// Names of which only one agent may run.
    pub mutex: BTreeSet<String>,
    /// Further attempts.
    pub retries: Retries,
}

/// The longest default time of a run.
const LONGEST_RUN: Duration = Duration::from_hours(2);
/// The longest default time to catch up.
const LONGEST_CATCH_UP: Duration = Duration::from_hours(6);
/// The shortest default gap after which a late slot only plans.
const SHORTEST_GAP: Duration = Duration::from_hours(24);
/// The same in intervals, for agents that run seldom.
const GAP_INTERVALS: u32 = 3;

impl Rules {
    /// The rules that `settings` give to an agent with this schedule.
    #[must_use]
    pub fn of(settings: &ScheduleSettings, schedule: &Schedule) -> Self {
        let interval = schedule.period(Timestamp::UNIX_EPOCH);
        let or = |set: Option<HumanDuration>, default| set.map_or(default, HumanDuration::get);
        Self {
            interval,
            timeout: or(settings.timeout, (interval * 4 / 5).min(LONGEST_RUN)),
            offset: settings.offset.get(),
            jitter: settings.jitter.get(),
            overlap: settings.overlap,
            catch_up: settings.catch_up,
            catch_up_within: or(settings.catch_up_within, interval.min(LONGEST_CATCH_UP)),
            plan_only_after: or(
                settings.plan_only_after,
                interval.saturating_mul(GAP_INTERVALS).max(SHORTEST_GAP),
            ),
            mutex: settings.mutex.clone(),
            retries: settings.retries.clone(),
        }
    }

    /// Whether two agents may not run at the same time.
    #[must_use]
    pub fn exclude(&self, other: &Self) -> bool {
        !self.mutex.is_disjoint(&other.mutex)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(cron: &str) -> Rules {
        Rules::of(&ScheduleSettings::default(), &cron.parse().unwrap())
    }

    #[test]
    fn defaults_follow_the_interval_up_to_their_limits() {
        let minutes = Duration::from_mins;
        let five = rules("*/5 * * * *");
        assert_eq!(five.timeout, minutes(4));
        assert_eq!(five.catch_up_within, minutes(5));
        assert_eq!(five.plan_only_after, minutes(24 * 60));
        let daily = rules("0 3 * * *");
        assert_eq!(daily.timeout, minutes(2 * 60));
        assert_eq!(daily.catch_up_within, minutes(6 * 60));
        assert_eq!(daily.plan_only_after, minutes(3 * 24 * 60));
    }

    #[test]
    fn agents_with_a_name_in_common_exclude_each_other() {
        let named = |names: &[&str]| Rules {
            mutex: names.iter().map(|name| (*name).to_owned()).collect(),
            ..rules("* * * * *")
        };
        assert!(named(&["api", "disk"]).exclude(&named(&["api"])));
        assert!(!named(&["disk"]).exclude(&named(&["api"])));
        assert!(!named(&[]).exclude(&named(&[])));
    }
}
