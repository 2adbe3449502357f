//! What somebody should know about a schedule that can be used: days that count in an unusual way, and times that the
//! local clock leaves out or has twice.

use std::fmt;
use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone, TimeZoneTransition};
use jiff::{SignedDuration, Timestamp};

use super::cron::{Cadence, Schedule};

/// A zone changes its clock twice a year, four times where Ramadan interrupts the summer.
const MOST_CHANGES: usize = 100;

/// Something that stops nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remark {
    /// Day of month and weekday both name days, and either is enough.
    EitherDay,
    /// Day of month and weekday both name days, and a `+` asks for both.
    BothDays,
    /// A fixed time that the local clock leaves out.
    Moved {
        /// The local time that does not exist.
        wanted: DateTime,
        /// The instant at which it fires instead, with its local time.
        slot: Timestamp,
        /// The same as the local clock shows it.
        shown: DateTime,
    },
    /// Times of day that the local clock leaves out: nothing fires in their stead.
    LeftOut {
        /// The first local time that does not exist.
        wanted: DateTime,
        /// How long nothing fires around it.
        pause: Duration,
    },
    /// A time of day that comes twice and fires twice.
    Twice {
        /// The local time.
        wanted: DateTime,
        /// How long after the first the second one fires.
        pause: Duration,
    },
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minutes = |pause: &Duration| format!("{} min", pause.as_secs() / 60);
        let local = |at: &DateTime| at.strftime("%Y-%m-%d %H:%M:%S").to_string();
        match self {
            Self::EitherDay => f.write_str(
                "day of month and weekday are both set: it fires on days that match either of them; \
                 write `+` before the weekday to ask for both",
            ),
            Self::BothDays => f.write_str(
                "day of month and weekday are both set, with `+`: it fires on days that match both",
            ),
            Self::Moved { wanted, slot, shown } => write!(
                f,
                "the local time {} does not exist; on that day it fires at {} ({slot})",
                local(wanted),
                shown.strftime("%H:%M:%S")
            ),
            Self::LeftOut { wanted, pause } => write!(
                f,
                "the local time {} does not exist and is left out, so that nothing fires for {}; a single time of day \
                 would move to the first valid one",
                local(wanted),
                minutes(pause)
            ),
            Self::Twice { wanted, pause } => write!(
                f,
                "the local time {} comes twice, and it fires again after {}; a single time of day would fire once",
                local(wanted),
                minutes(pause)
            ),
        }
    }
}

impl Schedule {
    /// What the expression itself has to be said about.
    #[must_use]
    pub fn remark_on_days(&self) -> Option<Remark> {
        let pattern = &self.cron.pattern;
        let both_set = !pattern.is_dom_wildcard() && !pattern.is_dow_wildcard();
        both_set.then(|| {
            if pattern.matches_dom_and_dow() { Remark::BothDays } else { Remark::EitherDay }
        })
    }

    /// What the changes of the local clock after `from`, up to and with `until`, do to it; the first of each kind.
    #[must_use]
    pub fn remarks_on_clock(&self, from: Timestamp, until: Timestamp) -> Vec<Remark> {
        let mut remarks: Vec<Remark> = Vec::new();
        let zone = self.zone.clone();
        let changes = zone.following(from).take(MOST_CHANGES);
        let mut before = zone.to_offset(from);
        for change in changes.take_while(|change| change.timestamp() <= until) {
            let found = self.remark_on(&change, before);
            before = change.offset();
            let kind = std::mem::discriminant::<Remark>;
            remarks
                .extend(found.filter(|found| remarks.iter().all(|one| kind(one) != kind(found))));
        }
        remarks
    }

    fn remark_on(&self, change: &TimeZoneTransition<'_>, before: Offset) -> Option<Remark> {
        let at = change.timestamp();
        let (old, new) = (before.to_datetime(at), change.offset().to_datetime(at));
        let (from, to) = (old.min(new), old.max(new));
        let wanted = self.first_local(from, to)?;
        let shift = Duration::try_from(to.duration_since(from)).ok()?;
        let earlier = self.latest_at(at.checked_sub(SignedDuration::from_nanos(1)).ok()?)?;
        let next = self.next_after(earlier)?;
        let pause = Duration::try_from(next.duration_since(earlier)).ok()?;
        // The same expression where no clock is ever changed.
        let steady = Self { zone: TimeZone::UTC, ..self.clone() };
        match (self.cadence(), new > old) {
            (Cadence::FixedTime, true) => {
                Some(Remark::Moved { wanted, slot: next, shown: change.offset().to_datetime(next) })
            }
            (Cadence::FixedTime, false) => None,
            (Cadence::Interval, true) => {
                let longer = pause > steady.period(earlier) + shift;
                longer.then_some(Remark::LeftOut { wanted, pause })
            }
            (Cadence::Interval, false) => {
                let sooner = pause + shift < steady.shortest_gap(earlier);
                sooner.then_some(Remark::Twice { wanted, pause })
            }
        }
    }

    /// The first local time from `from` to before `to` that the expression names.
    fn first_local(&self, from: DateTime, to: DateTime) -> Option<DateTime> {
        let start = from.to_zoned(TimeZone::UTC).ok()?;
        let named = self.cron.find_next_occurrence(&start, true).ok()?.datetime();
        (named < to).then_some(named)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// What is said of the year from September 2026 on.
    fn said(cron: &str, zone: &str) -> Vec<String> {
        let schedule = Schedule::parse(cron, zone, Timestamp::UNIX_EPOCH).unwrap();
        let (from, until) = (at("2026-09-01T00:00:00Z"), at("2027-09-01T00:00:00Z"));
        schedule.remarks_on_clock(from, until).iter().map(Remark::to_string).collect()
    }

    #[test]
    fn a_fixed_time_in_a_gap_is_told_with_the_time_at_which_it_fires() {
        let paris = said("30 2 * * *", "Europe/Paris");
        assert_eq!(
            paris,
            [
                "the local time 2027-03-28 02:30:00 does not exist; on that day it fires at 03:00:00 (2027-03-28T01:00:00Z)"
            ]
        );
        let beirut = said("0 0 * * *", "Asia/Beirut");
        assert!(beirut[0].contains("it fires at 01:00:00"), "{beirut:?}");
        let lord_howe = said("15 2 * * *", "Australia/Lord_Howe");
        assert!(lord_howe[0].contains("it fires at 02:30:00"), "{lord_howe:?}");
        for (cron, zone) in [("0 3 * * *", "Europe/Paris"), ("30 2 * * *", "UTC")] {
            assert_eq!(said(cron, zone), [""; 0], "{cron} {zone}");
        }
        assert_eq!(said("30 2 29 * *", "Europe/Paris"), [""; 0], "not on that day");
    }

    #[test]
    fn several_times_of_day_are_left_out_or_come_twice_and_a_cadence_is_neither() {
        let twice_a_day = said("0 2,14 * * *", "Europe/Paris");
        assert!(twice_a_day[0].contains("2026-10-25 02:00:00 comes twice"), "{twice_a_day:?}");
        assert!(twice_a_day[0].contains("again after 60 min"), "{twice_a_day:?}");
        assert!(twice_a_day[1].contains("nothing fires for 1380 min"), "{twice_a_day:?}");
        for cron in ["*/5 * * * *", "*/10 0-6 * * *", "0 */6 * * *", "0 * * * *"] {
            assert_eq!(said(cron, "Europe/Paris"), [""; 0], "{cron}");
        }
    }

    #[test]
    fn two_kinds_of_days_are_told_with_their_meaning() {
        let on_days = |cron: &str| cron.parse::<Schedule>().unwrap().remark_on_days();
        assert_eq!(on_days("0 0 13 * 5"), Some(Remark::EitherDay));
        assert_eq!(on_days("0 0 13 * +5"), Some(Remark::BothDays));
        assert_eq!(on_days("0 0 13 * *"), None);
        assert_eq!(on_days("0 0 * * 5"), None);
        let next = |cron: &str| {
            cron.parse::<Schedule>().unwrap().next_after(at("2026-11-20T12:00:00Z")).unwrap()
        };
        assert_eq!(next("0 0 13 * 5"), at("2026-11-27T00:00:00Z"), "a Friday is enough");
        assert_eq!(next("0 0 13 * +5"), at("2027-08-13T00:00:00Z"));
    }
}
