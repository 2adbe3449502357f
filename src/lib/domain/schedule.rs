//! When an agent is due: five-field cron in a time zone.
//!
//! Pure: the zone's rules come with the binary, the time is an argument. In a gap of the local clock a
//! fixed-time schedule fires at the first valid instant, in a repeated hour only once; interval schedules keep
//! their real cadence.

use std::str::FromStr;
use std::time::Duration;

use croner::Cron;
use croner::parser::{CronParser, Seconds};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A schedule that can be asked for its slots.
#[derive(Clone, Debug)]
pub struct Schedule {
    cron: Cron,
    expression: String,
    zone: TimeZone,
}

/// A schedule that cannot be used, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// Not five-field cron.
    #[error("`{expression}` is not five-field cron (minute hour day month weekday): {why}")]
    Expression {
        /// What was written.
        expression: String,
        /// What is wrong with it.
        why: String,
    },
    /// It parses and never fires.
    #[error("`{0}` never fires")]
    Never(String),
    /// Not a zone of the IANA database.
    #[error("`{0}` is not a time zone; write a name like \"Europe/Paris\" or \"UTC\"")]
    Zone(String),
}

impl Schedule {
    /// Reads `expression` in the zone called `zone`; `from` is where the check that it ever fires begins.
    ///
    /// # Errors
    ///
    /// The expression or the zone is not one, or the schedule never fires.
    pub fn parse(expression: &str, zone: &str, from: Timestamp) -> Result<Self, ScheduleError> {
        let wrong =
            |why: String| ScheduleError::Expression { expression: expression.to_owned(), why };
        let fields = expression.split_whitespace().count();
        if fields != 5 {
            return Err(wrong(format!("it has {fields} fields")));
        }
        let cron = CronParser::builder()
            .seconds(Seconds::Disallowed)
            .build()
            .parse(expression)
            .map_err(|error| wrong(error.to_string()))?;
        let zone_rules = TimeZone::get(zone).map_err(|_| ScheduleError::Zone(zone.to_owned()))?;
        let schedule = Self { cron, expression: expression.to_owned(), zone: zone_rules };
        match schedule.next_after(from) {
            Some(_) => Ok(schedule),
            None => Err(ScheduleError::Never(expression.to_owned())),
        }
    }

    /// The expression as written.
    #[must_use]
    pub fn expression(&self) -> &str {
        &self.expression
    }

    /// The zone's name.
    #[must_use]
    pub fn zone(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }

    /// The first slot strictly after `after`.
    #[must_use]
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        let local = after.to_zoned(self.zone.clone());
        self.cron.find_next_occurrence(&local, false).ok().map(|slot| slot.timestamp())
    }

    /// The newest slot at or before `at`.
    #[must_use]
    pub fn latest_at(&self, at: Timestamp) -> Option<Timestamp> {
        let local = at.to_zoned(self.zone.clone());
        self.cron.find_previous_occurrence(&local, true).ok().map(|slot| slot.timestamp())
    }

    /// The largest gap among the next slots from `from` on, over at most a week of slots: what freshness is
    /// measured by.
    #[must_use]
    pub fn period(&self, from: Timestamp) -> Duration {
        const SLOTS: usize = 16;
        let mut slots = Vec::with_capacity(SLOTS);
        let mut at = from;
        while slots.len() < SLOTS {
            let Some(next) = self.next_after(at) else { break };
            slots.push(next);
            at = next;
        }
        let gap = |pair: &[Timestamp]| match pair {
            [first, second] => {
                Duration::try_from(second.duration_since(*first)).unwrap_or_default()
            }
            _ => Duration::ZERO,
        };
        slots.windows(2).map(gap).max().unwrap_or(Duration::from_hours(24))
    }
}

impl FromStr for Schedule {
    type Err = ScheduleError;

    fn from_str(expression: &str) -> Result<Self, ScheduleError> {
        Self::parse(expression, "UTC", Timestamp::UNIX_EPOCH)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn slots_lie_strictly_after_and_at_or_before() {
        let schedule: Schedule = "*/5 * * * *".parse().unwrap();
        assert_eq!(
            schedule.next_after(at("2026-11-20T10:05:00Z")),
            Some(at("2026-11-20T10:10:00Z"))
        );
        assert_eq!(
            schedule.latest_at(at("2026-11-20T10:05:00Z")),
            Some(at("2026-11-20T10:05:00Z"))
        );
        assert_eq!(
            schedule.latest_at(at("2026-11-20T10:09:59Z")),
            Some(at("2026-11-20T10:05:00Z"))
        );
        assert_eq!(schedule.period(at("2026-11-20T10:05:00Z")), Duration::from_mins(5));
    }

    #[test]
    fn the_repeated_hour_keeps_the_cadence_and_a_fixed_time_fires_once() {
        let schedule =
            Schedule::parse("*/30 * * * *", "Europe/Berlin", Timestamp::UNIX_EPOCH).unwrap();
        let mut slot = at("2026-10-25T00:00:00Z");
        for expected in ["00:30:00Z", "01:00:00Z", "01:30:00Z", "02:00:00Z"] {
            slot = schedule.next_after(slot).unwrap();
            assert_eq!(slot, at(&format!("2026-10-25T{expected}")));
        }
        let daily = Schedule::parse("30 2 * * *", "Europe/Paris", Timestamp::UNIX_EPOCH).unwrap();
        let first = daily.next_after(at("2026-10-24T12:00:00Z")).unwrap();
        let second = daily.next_after(first).unwrap();
        assert_eq!(second, at("2026-10-26T01:30:00Z"), "once on the long day, not twice");
    }

    #[test]
    fn a_fixed_time_in_the_gap_fires_at_the_first_valid_instant() {
        let daily = Schedule::parse("30 2 * * *", "Europe/Paris", Timestamp::UNIX_EPOCH).unwrap();
        let slot = daily.next_after(at("2027-03-27T12:00:00Z")).unwrap();
        assert_eq!(slot, at("2027-03-28T01:00:00Z"));
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_its_reason() {
        let parse = |text: &str, zone: &str| {
            Schedule::parse(text, zone, Timestamp::UNIX_EPOCH).unwrap_err().to_string()
        };
        assert!(parse("* * * * * *", "UTC").contains("6 fields"));
        assert!(parse("61 * * * *", "UTC").contains("not five-field cron"));
        assert!(parse("0 0 31 2 *", "UTC").contains("never fires"));
        assert!(parse("0 0 * * *", "Europe/Atlantis").contains("not a time zone"));
    }
}
