//! A schedule in the terms of other programs' calendars: sets of numbers in one zone, without rules of their own for days on which
//! the local clock changes.
//!
//! What stands in them only says when to look. It must name every start, and may name more: a look at which no slot is due
//! ends at once.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use croner::CronComponent;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::cron::Schedule;

/// So far ahead changes of the local clocks are looked for.
const A_YEAR: SignedDuration = SignedDuration::from_hours(24 * 366);
/// So many changes of a clock are looked at: no zone has as many in a year.
const MOST_CHANGES: usize = 100;
const DAY: i64 = 24 * 60 * 60;
/// The shortest month has so many days.
const SHORTEST_MONTH: i64 = 28;
const LONGEST_MONTH: i64 = 31;

/// The days of a calendar: those that match all three.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Days {
    /// Days of the week, 0 is Sunday.
    pub weekdays: BTreeSet<u8>,
    /// Months, from 1.
    pub months: BTreeSet<u8>,
    /// Days of the month, from 1.
    pub days: BTreeSet<u8>,
}

/// Every combination of these hours, minutes and seconds on these days.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Calendar {
    /// On which days.
    pub on: Days,
    /// The hours.
    pub hours: BTreeSet<u8>,
    /// The minutes.
    pub minutes: BTreeSet<u8>,
    /// The seconds.
    pub seconds: BTreeSet<u8>,
}

impl Days {
    /// Every day.
    #[must_use]
    pub fn all() -> Self {
        Self { weekdays: (0..=6).collect(), months: (1..=12).collect(), days: (1..=31).collect() }
    }

    /// Days among which all of these lie so many days later.
    fn later(&self, by: i64) -> Self {
        if by == 0 {
            return self.clone();
        }
        let all = Self::all();
        let weekdays = self.weekdays.iter().map(|day| wrapped(i64::from(*day) + by, 0, 7));
        let weekdays = weekdays.collect();
        let months_are_all = self.months == all.months;
        if (self.days == all.days && months_are_all) || by.abs() >= SHORTEST_MONTH {
            return Self { weekdays, ..all };
        }
        let (mut days, mut months) = (BTreeSet::new(), self.months.clone());
        for day in self.days.iter().map(|day| i64::from(*day) + by) {
            if (1..=LONGEST_MONTH).contains(&day) {
                days.extend(u8::try_from(day));
            }
            // A day beyond the end of the shortest month may be one of the next, and a day before the first one of the month
            // before, however long that is.
            let (first, last, step) = if day > SHORTEST_MONTH {
                (day - LONGEST_MONTH, day - SHORTEST_MONTH, 1)
            } else if day < 1 {
                (day + SHORTEST_MONTH, day + LONGEST_MONTH, -1)
            } else {
                continue;
            };
            days.extend((first.max(1)..=last).filter_map(|day| u8::try_from(day).ok()));
            months.extend(self.months.iter().map(|month| wrapped(i64::from(*month) + step, 1, 12)));
        }
        Self { weekdays, months, days }
    }
}

fn wrapped(value: i64, first: i64, count: i64) -> u8 {
    u8::try_from((value - first).rem_euclid(count) + first).unwrap_or_default()
}

impl Calendar {
    /// One calendar that names whatever these name, for programs that take only one; it may name more.
    #[must_use]
    pub fn hull(all: &[Self]) -> Option<Self> {
        let mut all = all.iter();
        let first = all.next()?.clone();
        Some(all.fold(first, |mut hull, next| {
            hull.on.weekdays.extend(&next.on.weekdays);
            hull.on.months.extend(&next.on.months);
            hull.on.days.extend(&next.on.days);
            hull.hours.extend(&next.hours);
            hull.minutes.extend(&next.minutes);
            hull.seconds.extend(&next.seconds);
            hull
        }))
    }

    /// Whether it names this instant of a clock without zones: weekday, month, day, hour, minute, second.
    #[must_use]
    pub fn names(&self, at: jiff::civil::DateTime) -> bool {
        let has =
            |set: &BTreeSet<u8>, value: i8| u8::try_from(value).is_ok_and(|v| set.contains(&v));
        has(&self.on.weekdays, at.weekday().to_sunday_zero_offset())
            && has(&self.on.months, at.month())
            && has(&self.on.days, at.day())
            && has(&self.hours, at.hour())
            && has(&self.minutes, at.minute())
            && has(&self.seconds, at.second())
    }
}

impl Schedule {
    /// Calendars in `zone` that together name every start within a year after `from`, each slot `delay` later.
    #[must_use]
    pub fn calendars(&self, delay: Duration, zone: &TimeZone, from: Timestamp) -> Vec<Calendar> {
        let times = self.times_of_day();
        let mut starts: BTreeMap<Days, BTreeSet<u32>> = BTreeMap::new();
        for shift in self.shifts(delay, zone, from) {
            for (by, shifted) in moved(&times, shift) {
                for on in self.days() {
                    starts.entry(on.later(by)).or_default().extend(&shifted);
                }
            }
        }
        for extra in self.moved_slots(delay, zone, from) {
            starts.entry(Days::all()).or_default().insert(extra);
        }
        starts.into_iter().flat_map(|(on, times)| products(&on, &times)).collect()
    }

    /// By how much a start as `zone` shows it differs from its slot as the schedule's own zone shows it, in seconds: every
    /// difference that occurs within a year.
    fn shifts(&self, delay: Duration, zone: &TimeZone, from: Timestamp) -> BTreeSet<i64> {
        let later = |at: Timestamp| at.checked_add(delay).unwrap_or(Timestamp::MAX);
        let earlier = |at: Timestamp| at.checked_sub(delay).unwrap_or(Timestamp::MIN);
        let theirs = changes(zone, from).into_iter().map(earlier);
        let moments = changes(&self.zone, from).into_iter().chain(theirs).chain([from]);
        let shift = |at: Timestamp| {
            let ours = i64::from(self.zone.to_offset(at).seconds());
            let theirs = i64::from(zone.to_offset(later(at)).seconds());
            theirs - ours + i64::try_from(delay.as_secs()).unwrap_or_default()
        };
        moments.map(shift).collect()
    }

    /// Times of day, as `zone` shows them, at which a slot starts that the local clock moved: its own time does not exist.
    fn moved_slots(&self, delay: Duration, zone: &TimeZone, from: Timestamp) -> BTreeSet<u32> {
        let times = self.times_of_day();
        let before = |at: Timestamp| at.checked_sub(SignedDuration::from_secs(1)).unwrap_or(at);
        let moved = changes(&self.zone, from).into_iter().filter(|at| {
            let local = at.to_zoned(self.zone.clone());
            self.next_after(before(*at)) == Some(*at)
                && !times.contains(&second_of_day(local.datetime()))
        });
        moved
            .filter_map(|at| at.checked_add(delay).ok())
            .map(|start| second_of_day(start.to_zoned(zone.clone()).datetime()))
            .collect()
    }

    /// The times of day of its expression, as seconds since midnight.
    fn times_of_day(&self) -> BTreeSet<u32> {
        let pattern = &self.cron.pattern;
        let (minutes, seconds) = (pattern.minutes.values(), pattern.seconds.values());
        let mut times = BTreeSet::new();
        for hour in pattern.hours.values() {
            for minute in &minutes {
                let start = u32::from(hour) * 3600 + u32::from(*minute) * 60;
                times.extend(seconds.iter().map(|second| start + u32::from(*second)));
            }
        }
        times
    }

    /// The days of its expression: alternatives where either kind of day is enough. Where they depend on the month, like the last
    /// one, every day is named.
    fn days(&self) -> Vec<Days> {
        let pattern = &self.cron.pattern;
        let all = Days { months: values(&pattern.months), ..Days::all() };
        let named = |part: &CronComponent, every: &BTreeSet<u8>| {
            if part.has_modifiers() { every.clone() } else { values(part) }
        };
        let days = named(&pattern.days, &all.days);
        let weekdays = named(&pattern.days_of_week, &all.weekdays);
        let weekdays: BTreeSet<u8> = weekdays.iter().map(|day| day % 7).collect();
        let by_day = Days { days: days.clone(), ..all.clone() };
        let by_weekday = Days { weekdays: weekdays.clone(), ..all.clone() };
        match (pattern.is_dom_wildcard(), pattern.is_dow_wildcard()) {
            (true, true) => vec![all],
            (false, true) => vec![by_day],
            (true, false) => vec![by_weekday],
            (false, false) if pattern.matches_dom_and_dow() => {
                vec![Days { weekdays, days, ..all }]
            }
            (false, false) => vec![by_day, by_weekday],
        }
    }
}

fn values(part: &CronComponent) -> BTreeSet<u8> {
    part.values().into_iter().filter_map(|value| u8::try_from(value).ok()).collect()
}

/// The moments at which a zone's clock changes within a year.
fn changes(zone: &TimeZone, from: Timestamp) -> Vec<Timestamp> {
    let until = from.checked_add(A_YEAR).unwrap_or(Timestamp::MAX);
    let all = zone.following(from).take(MOST_CHANGES).map(|change| change.timestamp());
    all.take_while(|at| *at <= until).collect()
}

fn second_of_day(at: jiff::civil::DateTime) -> u32 {
    let part = |value: i8| u32::try_from(value).unwrap_or_default();
    part(at.hour()) * 3600 + part(at.minute()) * 60 + part(at.second())
}

/// Times of day that are so much later, by the day onto which they fall.
fn moved(times: &BTreeSet<u32>, shift: i64) -> BTreeMap<i64, BTreeSet<u32>> {
    let mut by_day: BTreeMap<i64, BTreeSet<u32>> = BTreeMap::new();
    for time in times {
        let total = i64::from(*time) + shift;
        let time = u32::try_from(total.rem_euclid(DAY)).unwrap_or_default();
        by_day.entry(total.div_euclid(DAY)).or_default().insert(time);
    }
    by_day
}

/// Times of day as combinations of hours, minutes and seconds, which name exactly these.
fn products(on: &Days, times: &BTreeSet<u32>) -> Vec<Calendar> {
    let part = |value: u32| u8::try_from(value).unwrap_or_default();
    let mut hours: BTreeMap<(u8, u8), BTreeSet<u8>> = BTreeMap::new();
    for time in times {
        let key = (part(time / 60 % 60), part(time % 60));
        hours.entry(key).or_default().insert(part(time / 3600));
    }
    let mut seconds: BTreeMap<(u8, BTreeSet<u8>), BTreeSet<u8>> = BTreeMap::new();
    for ((minute, second), hours) in hours {
        seconds.entry((minute, hours)).or_default().insert(second);
    }
    let mut minutes: BTreeMap<(BTreeSet<u8>, BTreeSet<u8>), BTreeSet<u8>> = BTreeMap::new();
    for ((minute, hours), seconds) in seconds {
        minutes.entry((hours, seconds)).or_default().insert(minute);
    }
    let calendar =
        |((hours, seconds), minutes)| Calendar { on: on.clone(), hours, minutes, seconds };
    minutes.into_iter().map(calendar).collect()
}

#[cfg(test)]
#[path = "calendar_tests.rs"]
mod tests;
