//! Cron in a time zone: five fields, or six that begin with seconds where settings say so.
//!
//! In a gap of the local clock a fixed-time schedule fires at the first valid instant, in a repeated hour only
//! once; interval schedules keep their real cadence.

use std::str::FromStr;
use std::time::Duration;

use croner::parser::{CronParser, Seconds, Year};
use croner::{Cron, JobType};
use jiff::tz::TimeZone;
use jiff::{RoundMode, Timestamp, TimestampRound, Unit};

/// How many fields an expression has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fields {
    /// Minute, hour, day, month, weekday.
    Five,
    /// The same, or with seconds in front.
    FiveOrSix,
}

/// How a schedule meets the two nights on which a local hour is missing or comes twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cadence {
    /// One single time of day: in a gap it moves to the first valid instant, in a repeated hour it fires once.
    FixedTime,
    /// Everything else, several times of day included: what a gap swallows is left out, a repeated hour counts twice.
    Interval,
}

/// A schedule that can be asked for its slots.
#[derive(Clone, Debug)]
pub struct Schedule {
    pub(super) cron: Cron,
    pub(super) expression: String,
    pub(super) zone: TimeZone,
}

/// A schedule that cannot be used, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// Not cron with as many fields as are taken.
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
    /// Reads five fields in the zone called `zone`; `from` is where the check that they ever fire begins.
    ///
    /// # Errors
    ///
    /// The expression or the zone is not one, or the schedule never fires.
    pub fn parse(expression: &str, zone: &str, from: Timestamp) -> Result<Self, ScheduleError> {
        Self::with(Fields::Five, expression, zone, from)
    }

    /// Reads `expression` with so many `fields`.
    ///
    /// # Errors
    ///
    /// As those of [`Schedule::parse`].
    pub fn with(
        fields: Fields,
        expression: &str,
        zone: &str,
        from: Timestamp,
    ) -> Result<Self, ScheduleError> {
        let wrong =
            |why: String| ScheduleError::Expression { expression: expression.to_owned(), why };
        let seconds = match (fields, expression.split_whitespace().count()) {
            (_, 5) => Seconds::Disallowed,
            (Fields::FiveOrSix, 6) => Seconds::Required,
            (Fields::Five, 6) => {
                let why = "it has 6 fields; where the first is seconds, write seconds = true";
                return Err(wrong(why.to_owned()));
            }
            (_, count) => return Err(wrong(format!("it has {count} fields"))),
        };
        let parser = CronParser::builder().seconds(seconds).year(Year::Disallowed).build();
        let cron = parser.parse(expression).map_err(|error| wrong(error.to_string()))?;
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
        let local = whole_second(after).to_zoned(self.zone.clone());
        self.cron.find_next_occurrence(&local, false).ok().map(|slot| slot.timestamp())
    }

    /// The newest slot at or before `at`.
    #[must_use]
    pub fn latest_at(&self, at: Timestamp) -> Option<Timestamp> {
        let local = whole_second(at).to_zoned(self.zone.clone());
        self.cron.find_previous_occurrence(&local, true).ok().map(|slot| slot.timestamp())
    }

    /// How it meets a gap and a repeated hour.
    #[must_use]
    pub fn cadence(&self) -> Cadence {
        match self.cron.determine_job_type() {
            JobType::FixedTime => Cadence::FixedTime,
            JobType::IntervalWildcard => Cadence::Interval,
        }
    }

    /// The largest gap among the next slots from `from` on: what freshness is measured by.
    #[must_use]
    pub fn period(&self, from: Timestamp) -> Duration {
        self.gaps(from).into_iter().max().unwrap_or(WITHOUT_GAP)
    }

    /// The smallest gap among the same slots: what jitter must stay well below.
    #[must_use]
    pub fn shortest_gap(&self, from: Timestamp) -> Duration {
        self.gaps(from).into_iter().min().unwrap_or(WITHOUT_GAP)
    }

    /// The gaps between the next few slots.
    fn gaps(&self, from: Timestamp) -> Vec<Duration> {
        const SLOTS: usize = 16;
        // The one that is asked for most often is known without looking.
        if self.cadence() == Cadence::FixedTime && self.expression.ends_with(" * * *") {
            return vec![DAY];
        }
        let next = |slot: &Timestamp| self.next_after(*slot);
        let slots: Vec<Timestamp> =
            std::iter::successors(self.next_after(from), next).take(SLOTS).collect();
        let gap = |pair: &[Timestamp]| match pair {
            [first, second] => {
                Duration::try_from(second.duration_since(*first)).unwrap_or_default()
            }
            _ => Duration::ZERO,
        };
        slots.windows(2).map(gap).collect()
    }
}

/// The second in which `at` lies. Slots are whole seconds, so that nothing is lost; and in a repeated hour croner takes a
/// slot up to a second ahead for one that has passed when it is asked about a fraction.
fn whole_second(at: Timestamp) -> Timestamp {
    let floor = TimestampRound::new().smallest(Unit::Second).mode(RoundMode::Floor);
    at.round(floor).unwrap_or(at)
}

/// From one time of day to the next, by the calendar.
const DAY: Duration = Duration::from_hours(24);
/// What stands for the gap of a schedule that fires once and never again.
const WITHOUT_GAP: Duration = DAY;

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
    fn the_fraction_of_a_second_before_a_repeated_slot_is_before_it() {
        let twice = Schedule::parse("0 2,14 * * *", "Europe/Paris", Timestamp::UNIX_EPOCH).unwrap();
        let (first, second) = (at("2026-10-25T00:00:00Z"), at("2026-10-25T01:00:00Z"));
        assert_eq!(twice.latest_at(at("2026-10-25T00:59:59.999999999Z")), Some(first));
        assert_eq!(twice.next_after(at("2026-10-25T00:59:59.999999999Z")), Some(second));
        assert_eq!(twice.latest_at(second), Some(second));
    }

    #[test]
    fn seconds_stand_in_front_where_they_are_asked_for() {
        let with = |fields, text: &str| Schedule::with(fields, text, "UTC", Timestamp::UNIX_EPOCH);
        let every = with(Fields::FiveOrSix, "*/20 * * * * *").unwrap();
        let noon = at("2026-11-20T12:00:00Z");
        assert_eq!(every.next_after(noon), Some(at("2026-11-20T12:00:20Z")));
        assert_eq!(every.period(noon), Duration::from_secs(20));
        let five = with(Fields::FiveOrSix, "*/5 * * * *").unwrap();
        assert_eq!(five.period(noon), Duration::from_mins(5));
        for (fields, text) in [
            (Fields::Five, "* * * * * *"),
            (Fields::FiveOrSix, "* * * * * * *"),
            (Fields::FiveOrSix, "* * * *"),
            (Fields::FiveOrSix, "@daily"),
        ] {
            assert!(with(fields, text).is_err(), "{text}");
        }
    }

    #[test]
    fn one_time_of_day_is_fixed_and_everything_else_an_interval() {
        let cadence = |text: &str| text.parse::<Schedule>().unwrap().cadence();
        assert_eq!(cadence("30 2 * * 1-5"), Cadence::FixedTime);
        for text in ["*/5 * * * *", "0 * * * *", "0 2,14 * * *", "0,30 2 * * *"] {
            assert_eq!(cadence(text), Cadence::Interval, "{text}");
        }
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
