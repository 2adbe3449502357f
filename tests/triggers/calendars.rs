//! What a timer of systemd fires at, held against the slots of local schedules on the days on which local clocks change.
//!
//! A systemd cannot be given another time: under a library that does so it ends at once. Its own tool for calendars can.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use opswarden::domain::schedule::Schedule;
use opswarden::render::triggers::calendar::on_calendar;

/// More than any of the calendars here fires at in four days.
const ITERATIONS: usize = 2 * 24 * 4 + 2;

/// The moments after `base` at which systemd fires.
fn fired(calendar: &str, base: Timestamp) -> BTreeSet<Timestamp> {
    let output = Command::new("systemd-analyze")
        .arg("calendar")
        .arg(format!("--iterations={ITERATIONS}"))
        .arg(base.strftime("--base-time=%Y-%m-%d %H:%M:%S UTC").to_string())
        .arg(calendar)
        .env("TZ", "UTC")
        .output()
        .expect("systemd-analyze runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let moment = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().rev().take(3).collect();
        let [_, time, day] = words.as_slice() else { return None };
        format!("{day}T{time}Z").parse().ok()
    };
    let lines = text.lines().filter(|line| line.contains("Next elapse:") || line.contains("Iter"));
    let moments: BTreeSet<Timestamp> = lines.filter_map(moment).collect();
    assert!(!moments.is_empty(), "{calendar}: {text}{}", String::from_utf8_lossy(&output.stderr));
    moments
}

#[test]
fn timers_fire_at_every_slot_also_on_days_on_which_clocks_change() {
    let there = Command::new("systemd-analyze").arg("--version").output();
    if !there.is_ok_and(|output| output.status.success()) {
        return super::peers::skip(&super::peers::test_name(), "systemd");
    }
    let from: Timestamp = "2026-11-20T12:00:00Z".parse().expect("a moment");
    let crons =
        ["0 3 * * *", "30 2 * * *", "0 0 * * *", "*/30 * * * *", "15 2 * * 0", "30 1,2 28-31 * *"];
    let zones = [
        "Europe/Paris",
        "America/New_York",
        "Australia/Lord_Howe",
        "Asia/Beirut",
        "America/Havana",
        "Europe/London",
    ];
    let (mut slots, mut plain) = (0, 0);
    for (name, cron) in zones.iter().flat_map(|name| crons.map(|cron| (name, cron))) {
        let zone = TimeZone::get(name).expect("a zone");
        let schedule = Schedule::parse(cron, name, from).expect("a schedule");
        let calendars = schedule.calendars(Duration::ZERO, &TimeZone::UTC, from);
        for change in zone.following(from).take(2).map(|change| change.timestamp()) {
            let (base, end) =
                (change - SignedDuration::from_hours(36), change + SignedDuration::from_hours(36));
            let all = calendars.iter().map(on_calendar).map(|calendar| fired(&calendar, base));
            let union: BTreeSet<Timestamp> = all.flatten().collect();
            let expected: Vec<Timestamp> = schedule.slots_between(base, end).collect();
            let lost = expected.iter().find(|slot| !union.contains(*slot));
            assert_eq!(lost, None, "{cron} {name}: {calendars:?}");
            slots += expected.len();
            // Left to systemd, the same local time is lost or moved.
            if cron == "30 2 * * *" {
                let local = fired(&format!("*-*-* 02:30:00 {name}"), base);
                plain += expected.iter().filter(|slot| !local.contains(slot)).count();
            }
        }
    }
    assert!(slots > 500 && plain > 0, "{slots} slots, of which systemd alone would lose {plain}");
}
