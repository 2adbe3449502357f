//! Whether somebody set the clock: the time of day against the time since boot, which nobody can set.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// Both clocks of a machine at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The time of day.
    pub wall: Timestamp,
    /// The time since boot, with what the machine slept.
    pub since_boot: Duration,
}

/// What happened to the time of day between two readings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Jump {
    /// It went on as time does, give or take what a clock is steered by.
    Steady,
    /// It was set forward by so much: slots passed without being looked at, as if nobody had run.
    Forward(Duration),
    /// It was set back by so much.
    Backward(Duration),
}

/// What a steered clock may differ by between two readings.
const STEERED: Duration = Duration::from_secs(1);

impl Jump {
    /// What happened between two readings of one boot.
    #[must_use]
    pub fn between(before: Reading, after: Reading) -> Self {
        let by_wall = after.wall.duration_since(before.wall);
        let passed = after.since_boot.saturating_sub(before.since_boot);
        let passed = SignedDuration::try_from(passed).unwrap_or(SignedDuration::MAX);
        let difference = by_wall.saturating_sub(passed);
        let length = difference.unsigned_abs();
        match (length > STEERED, difference.is_negative()) {
            (false, _) => Self::Steady,
            (true, false) => Self::Forward(length),
            (true, true) => Self::Backward(length),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::planner::{Job, Rules};
    use crate::domain::subject::AgentName;
    use crate::domain::timing::ScheduleSettings;

    fn jump(wall_ms: i64, boot_ms: u64) -> Jump {
        let at = |wall_ms, boot_ms| Reading {
            wall: Timestamp::from_millisecond(1_800_000_000_000 + wall_ms).unwrap(),
            since_boot: Duration::from_millis(5_000 + boot_ms),
        };
        Jump::between(at(0, 0), at(wall_ms, boot_ms))
    }

    #[test]
    fn more_than_a_second_between_the_two_clocks_is_a_jump() {
        assert_eq!(jump(10_000, 10_000), Jump::Steady);
        assert_eq!(jump(11_000, 10_000), Jump::Steady);
        assert_eq!(jump(9_000, 10_000), Jump::Steady);
        assert_eq!(jump(3_610_000, 10_000), Jump::Forward(Duration::from_hours(1)));
        assert_eq!(jump(11_001, 10_000), Jump::Forward(Duration::from_millis(1_001)));
        assert_eq!(jump(-3_590_000, 10_000), Jump::Backward(Duration::from_hours(1)));
        assert_eq!(jump(8_999, 10_000), Jump::Backward(Duration::from_millis(1_001)));
        assert_eq!(jump(3_600_000, 3_600_000), Jump::Steady, "a sleep is no jump");
    }

    #[test]
    fn only_a_jump_back_by_more_than_an_interval_begins_an_epoch_and_never_for_a_time_of_day() {
        let job = |cron: &str| {
            let schedule: crate::domain::schedule::Schedule = cron.parse().unwrap();
            let rules = Rules::of(&ScheduleSettings::default(), &schedule);
            Job::new(AgentName::of("a"), "host", schedule, rules)
        };
        let (back, forward) = (Jump::Backward, Jump::Forward);
        let five = Duration::from_mins(5);
        let sweep = job("*/5 * * * *");
        assert!(!sweep.begins_epoch(back(five)));
        assert!(sweep.begins_epoch(back(five + Duration::from_secs(1))));
        assert!(!sweep.begins_epoch(forward(five * 100)) && !sweep.begins_epoch(Jump::Steady));
        assert!(!job("0 3 * * *").begins_epoch(back(five * 10_000)));
    }
}
