//! Local time as a line of instants: exact over midnight and over both changes of daylight saving time.
//!
//! Between two moments of the line nothing that a schedule asks about changes, so it is enough to ask at each of them.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::schedule::{DAY, LastMinute, ScheduleRow};

const DAY_SECONDS: i64 = 86_400;

/// The instants from `from` up to `to` at which a local day or one of these minutes of it begins, or the zone's offset
/// changes; `from` itself included.
#[must_use]
pub fn moments(
    zone: &TimeZone,
    from: Timestamp,
    to: Timestamp,
    minutes: &BTreeSet<u16>,
) -> Vec<Timestamp> {
    let mut found = BTreeSet::from([from]);
    let mut start = from;
    while start < to {
        let change = zone.following(start).next().map(|change| change.timestamp());
        let end = change.map_or(to, |change| change.min(to));
        let offset = i64::from(zone.to_offset(start).seconds());
        let first_day = (start.as_second() + offset).div_euclid(DAY_SECONDS);
        let last_day = (end.as_second() + offset).div_euclid(DAY_SECONDS);
        for day in first_day..=last_day {
            for minute in std::iter::once(0).chain(minutes.iter().copied()) {
                let local = day * DAY_SECONDS + i64::from(minute) * 60;
                let Ok(instant) = Timestamp::from_second(local - offset) else { continue };
                if start < instant && instant < end {
                    found.insert(instant);
                }
            }
        }
        if end < to {
            found.insert(end);
        }
        start = end;
    }
    found.into_iter().collect()
}

/// The minutes at which the answer of a schedule's window changes.
pub(super) fn edges(schedule: &ScheduleRow) -> [u16; 3] {
    let (from, to) = schedule.window();
    [from % DAY, to % DAY, (to + 1) % DAY]
}

/// Whether a schedule plays at `at`.
#[must_use]
pub(super) fn plays(
    schedule: &ScheduleRow,
    zone: &TimeZone,
    at: Timestamp,
    last: LastMinute,
) -> bool {
    if !schedule.in_force(at) {
        return false;
    }
    let local = zone.to_datetime(at);
    let minute = i16::from(local.hour()) * 60 + i16::from(local.minute());
    schedule.covers(local.weekday(), u16::try_from(minute).unwrap_or_default(), last)
}

/// The first instant from `from` up to `to` at which both schedules play.
#[must_use]
pub fn overlap(
    one: &ScheduleRow,
    other: &ScheduleRow,
    zone: &TimeZone,
    from: Timestamp,
    to: Timestamp,
) -> Option<Timestamp> {
    let begins = from.max(one.starts_at).max(other.starts_at);
    let ends = [Some(to), one.ends_at, other.ends_at].into_iter().flatten().min().unwrap_or(to);
    if begins >= ends {
        return None;
    }
    let minutes = edges(one).into_iter().chain(edges(other)).collect();
    let both = |at: &Timestamp| {
        plays(one, zone, *at, LastMinute::Ends) && plays(other, zone, *at, LastMinute::Ends)
    };
    moments(zone, begins, ends, &minutes).into_iter().find(both)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn schedule(from: u16, to: u16, days: &[u8]) -> ScheduleRow {
        ScheduleRow {
            id: "s".to_owned(),
            name: "s".to_owned(),
            starts_at: at("2026-01-01T00:00:00Z"),
            ends_at: None,
            from_minute: Some(from),
            to_minute: Some(to),
            days: days.to_vec(),
            priority: 0,
            active: true,
            playlist: None,
            display: None,
            group: None,
        }
    }

    /// The same question, asked minute by minute.
    fn overlap_by_minutes(
        one: &ScheduleRow,
        other: &ScheduleRow,
        zone: &TimeZone,
        from: Timestamp,
        minutes: i64,
    ) -> bool {
        (0..minutes).any(|minute| {
            let at = Timestamp::from_second(from.as_second() + minute * 60).unwrap();
            plays(one, zone, at, LastMinute::Ends) && plays(other, zone, at, LastMinute::Ends)
        })
    }

    #[test]
    fn overlaps_are_those_that_a_look_at_every_minute_finds() {
        let zones = ["UTC", "Europe/Berlin", "Australia/Lord_Howe", "America/New_York"];
        // Both changes of daylight saving time lie in these weeks.
        let weeks = ["2026-03-25T10:17:00Z", "2026-10-22T23:59:00Z", "2026-06-01T00:00:00Z"];
        let mut seed = 7_u64;
        let mut next = |below: u64| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % below
        };
        let mut met = 0;
        for round in 0..400 {
            let zone = TimeZone::get(zones[round % zones.len()]).unwrap();
            let from = at(weeks[round % weeks.len()]);
            let to = Timestamp::from_second(from.as_second() + 5 * DAY_SECONDS).unwrap();
            let mut random = || {
                let minute =
                    |next: &mut dyn FnMut(u64) -> u64| u16::try_from(next(48) * 30).unwrap();
                let (start, end) = (minute(&mut next), minute(&mut next));
                let days: Vec<u8> = (0..7).filter(|_| next(4) == 0).collect();
                schedule(start, end, &days)
            };
            let (one, other) = (random(), random());
            let fast = overlap(&one, &other, &zone, from, to).is_some();
            assert_eq!(
                fast,
                overlap_by_minutes(&one, &other, &zone, from, 5 * 1440),
                "{one:?} {other:?} {from}"
            );
            met += usize::from(fast);
        }
        assert!((40..360).contains(&met), "the cases must be of both kinds: {met}");
    }

    #[test]
    fn a_window_over_midnight_belongs_to_the_day_on_which_it_begins() {
        let night = schedule(22 * 60, 2 * 60, &[6]);
        let sunday_one = at("2026-11-29T01:00:00Z");
        assert!(plays(&night, &TimeZone::UTC, sunday_one, LastMinute::Ends));
        assert!(!plays(&night, &TimeZone::UTC, at("2026-11-28T01:00:00Z"), LastMinute::Ends));
    }
}
