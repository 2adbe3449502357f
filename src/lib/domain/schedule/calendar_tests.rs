//! Calendars name every start, and what they name beside it is known.

use super::*;
use crate::domain::schedule::Fields;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn schedule(cron: &str, zone: &str) -> Schedule {
    Schedule::with(Fields::FiveOrSix, cron, zone, Timestamp::UNIX_EPOCH).unwrap()
}

/// Slots whose start no calendar names: of a year, or of days around every change of the clock where there are very many.
fn unnamed(
    schedule: &Schedule,
    delay: Duration,
    target: &TimeZone,
    calendars: &[Calendar],
    from: Timestamp,
) -> Vec<Timestamp> {
    let days = |count: i64| SignedDuration::from_hours(24 * count);
    let spans = if schedule.shortest_gap(from) < Duration::from_hours(1) {
        let around = |moment: Timestamp| (moment - days(1) - delay, moment + days(1));
        let changes = changes(&schedule.zone, from).into_iter().chain(changes(target, from));
        changes.chain([from + days(40)]).map(around).collect()
    } else {
        vec![(from, from + days(365))]
    };
    let slots = spans.into_iter().flat_map(|(from, until)| schedule.slots_between(from, until));
    slots
        .filter(|slot| {
            let start = (*slot + delay).to_zoned(target.clone()).datetime();
            !calendars.iter().any(|calendar| calendar.names(start))
        })
        .collect()
}

#[test]
fn a_local_time_of_day_is_every_time_that_its_zone_makes_of_it() {
    let paris = schedule("0 3 * * *", "Europe/Paris");
    let calendars = paris.calendars(Duration::ZERO, &TimeZone::UTC, at("2026-11-20T12:00:00Z"));
    let [only] = calendars.as_slice() else { panic!("{calendars:?}") };
    assert_eq!(only.hours, BTreeSet::from([1, 2]));
    assert_eq!((&only.minutes, &only.on), (&BTreeSet::from([0]), &Days::all()));
    let gap = schedule("30 2 * * *", "Europe/Paris");
    let calendars = gap.calendars(Duration::ZERO, &TimeZone::UTC, at("2026-11-20T12:00:00Z"));
    let moved = at("2027-03-28T01:00:00Z").to_zoned(TimeZone::UTC).datetime();
    assert!(calendars.iter().any(|calendar| calendar.names(moved)), "{calendars:?}");
}

#[test]
fn a_weekday_moves_with_the_day_and_a_day_of_the_month_with_its_neighbours() {
    let monday = schedule("30 0 * * 1", "Europe/Paris");
    let found = monday.calendars(Duration::ZERO, &TimeZone::UTC, at("2026-11-20T12:00:00Z"));
    assert!(found.iter().all(|one| one.on.weekdays == BTreeSet::from([0])), "{found:?}");
    let first = schedule("30 0 1 3 *", "Europe/Paris");
    let found = first.calendars(Duration::ZERO, &TimeZone::UTC, at("2026-11-20T12:00:00Z"));
    assert!(found.iter().all(|one| one.on.days == BTreeSet::from([28, 29, 30, 31])), "{found:?}");
    assert!(found.iter().all(|one| one.on.months == BTreeSet::from([2, 3])), "{found:?}");
}

#[test]
fn every_start_of_a_year_is_named_in_every_zone() {
    let crons = [
        "*/5 * * * *",
        "*/7 * * * *",
        "0 3 * * *",
        "30 2 * * *",
        "15 2 * * *",
        "0 0 * * *",
        "50 23 1 * *",
        "0,50 8-17 * * 1-5",
        "0 0 13 * 5",
        "0 0 13 * +5",
        "0 1 L * *",
        "10 0 15W * *",
        "0 4 * * 5#2",
        "0 4 * * 5L",
        "0 0 29 2 *",
        "0 0 1 1 *",
        "0 2,14 * * *",
        "20 10 5 */20 * *",
    ];
    let zones = [
        "UTC",
        "Europe/Paris",
        "America/New_York",
        "Australia/Lord_Howe",
        "Asia/Beirut",
        "America/Havana",
        "Asia/Kolkata",
        "Pacific/Kiritimati",
        "Africa/Casablanca",
        "Pacific/Chatham",
    ];
    let delays = [0, 13, 5 * 60, 7 * 3600, 30 * 3600 + 7].map(Duration::from_secs);
    let mut slots = 0;
    for from in ["2026-11-20T12:00:00Z", "2027-02-01T00:00:00Z"].map(at) {
        for (number, (cron, own)) in
            crons.iter().flat_map(|cron| zones.iter().map(move |zone| (cron, zone))).enumerate()
        {
            let one = schedule(cron, own);
            let delay = delays[number % delays.len()];
            let target = zone(zones[number % 7]);
            let target = if number % 2 == 0 { TimeZone::UTC } else { target };
            let found = one.calendars(delay, &target, from);
            let lost = unnamed(&one, delay, &target, &found, from);
            assert!(lost.is_empty(), "{cron} {own} {delay:?}: {:?} of {found:?}", lost.first());
            let hull = [Calendar::hull(&found).unwrap()];
            assert!(unnamed(&one, delay, &target, &hull, from).is_empty(), "{cron} {own}");
            slots += 1;
        }
    }
    assert_eq!(slots, 2 * crons.len() * zones.len());
}

#[test]
fn a_calendar_that_lacks_the_other_half_of_the_year_would_be_noticed() {
    let (from, utc) = (at("2026-11-20T12:00:00Z"), TimeZone::UTC);
    let paris = schedule("0 3 * * *", "Europe/Paris");
    let mut found = paris.calendars(Duration::ZERO, &utc, from);
    found[0].hours.remove(&1);
    assert!(unnamed(&paris, Duration::ZERO, &utc, &found, from).len() > 200);
    found[0].hours = BTreeSet::from([1, 2]);
    found[0].on.weekdays.remove(&3);
    assert!(unnamed(&paris, Duration::ZERO, &utc, &found, from).len() > 50);
}

#[test]
fn in_utc_and_without_a_delay_nothing_is_named_beside_the_slots() {
    for cron in ["*/5 * * * *", "0 3 * * *", "15,45 8-18/2 * * 1-5", "0 0 1 */3 *"] {
        let one = schedule(cron, "UTC");
        let found = one.calendars(Duration::ZERO, &TimeZone::UTC, at("2026-11-20T12:00:00Z"));
        let [only] = found.as_slice() else { panic!("{cron}: {found:?}") };
        let mut time = at("2026-11-20T12:00:00Z");
        for _ in 0..60 * 24 * 40 {
            let named = only.names(time.to_zoned(TimeZone::UTC).datetime());
            assert_eq!(named, one.latest_at(time) == Some(time), "{cron} {time}");
            time = time.checked_add(SignedDuration::from_mins(1)).unwrap();
        }
    }
}
