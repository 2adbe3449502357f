//! The scheduler and its agents on a clock that is set, and over the changes of local time.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;

use super::daemon::{Daemon, SCHEDULER, in_state, runs, scheduled, until};
use super::fake::Fake;
use super::peers::{skip, test_name};

/// The library that tells programs another time, where Debian puts it.
fn library() -> Option<PathBuf> {
    let folders =
        ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"];
    let place = |folder: &&str| Path::new(folder).join("faketime/libfaketime.so.1");
    folders.iter().map(place).find(|file| file.exists())
}

/// The scheduler's command line on a clock that `offset` moves, in seconds; every agent has the same clock.
fn on_clock(fake: &Fake, library: &Path, offset: i64) -> Command {
    set(fake, offset);
    let mut command = fake.program(SCHEDULER, &["--no-pulse"]);
    command.env("LD_PRELOAD", library).env("FAKETIME_NO_CACHE", "1");
    command.env("FAKETIME_TIMESTAMP_FILE", fake.path().join("clock"));
    command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    command
}

fn set(fake: &Fake, offset: i64) {
    let file = fake.path().join("clock");
    let new = fake.path().join("clock.new");
    std::fs::write(&new, format!("{offset:+}\n")).expect("it is written");
    std::fs::rename(new, file).expect("it is set");
}

#[test]
fn a_clock_that_is_set_forward_or_back_costs_no_slot_its_row_and_runs_no_slot_twice() {
    let Some(library) = library() else { return skip(&test_name(), "faketime") };
    let fake = Fake::new();
    scheduled(&fake, ("*", "900ms"), "");
    let daemon = Daemon::of(&fake, on_clock(&fake, &library, 0));
    let ran = || in_state(&fake, "ok").len() + in_state(&fake, "findings").len();
    assert!(until(|| ran() >= 2), "{} {:?}", daemon.said(), fake.asked(&["incidents"]));
    set(&fake, 3600);
    daemon.says("the clock was set forward by");
    let before = ran();
    assert!(until(|| ran() >= before + 3), "it goes on: {}", daemon.said());
    let missed: u64 =
        in_state(&fake, "missed").iter().map(|row| row["slots"].as_u64().expect("it counts")).sum();
    assert!((3590..=3620).contains(&missed), "{missed}");
    set(&fake, 0);
    daemon.says("the clock was set back by");
    let before = ran();
    assert!(until(|| ran() >= before + 3), "it goes on: {}", daemon.said());
    let rows = runs(&fake);
    let anew = rows.iter().filter(|row| row["epoch"] == 1 && row["state"] != "missed").count();
    assert!(anew >= 3, "its slots are counted anew: {rows:?}");
    let mut seen = std::collections::BTreeSet::new();
    for row in &rows {
        assert!(seen.insert((row["epoch"].as_u64(), row["slot"].as_str())), "twice: {row}");
    }
}

#[test]
fn what_happens_at_a_time_of_day_happens_once_however_often_the_clock_is_set_back() {
    let Some(library) = library() else { return skip(&test_name(), "faketime") };
    let fake = Fake::new();
    let slot: Timestamp = "2026-11-10T03:00:00Z".parse().expect("a time");
    daily(&fake, "0 3 * * *", "UTC");
    let daemon = Daemon::of(&fake, on_clock(&fake, &library, before(slot)));
    // db-maintainer has the same time of day: both may have ended when one looks.
    let is_own = |row: &serde_json::Value| row["agent"] == "health-guardian";
    assert!(until(|| in_state(&fake, "ok").iter().any(is_own)), "{}", daemon.said());
    for times in 1..=2 {
        set(&fake, before(slot));
        let back = || daemon.said().matches("the clock was set back by").count();
        assert!(until(|| back() >= times), "{}", daemon.said());
        std::thread::sleep(Duration::from_secs(6));
    }
    let mut own = runs(&fake);
    own.retain(is_own);
    assert_eq!(own.len(), 1, "{own:?}");
}

#[test]
fn a_clock_that_begins_in_1970_and_is_set_right_costs_one_row_of_missed_slots() {
    let Some(library) = library() else { return skip(&test_name(), "faketime") };
    let fake = Fake::new();
    scheduled(&fake, ("*", "900ms"), "");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
    let since_1970 = i64::try_from(now.as_secs()).expect("it is before the end of time") - 3600;
    let daemon = Daemon::of(&fake, on_clock(&fake, &library, -since_1970));
    assert!(until(|| runs(&fake).len() >= 2), "{}", daemon.said());
    set(&fake, 0);
    daemon.says("the clock was set forward by");
    let today = |row: &serde_json::Value| row["slot"].as_str().is_some_and(|at| at > "2026");
    assert!(
        until(|| runs(&fake).iter().filter(|row| today(row)).count() >= 3),
        "{}",
        daemon.said()
    );
    let mut missed = in_state(&fake, "missed");
    missed.retain(|row| row["agent"] == "health-guardian");
    // On a busy machine a second may be missed beside these.
    missed.retain(|row| row["slots"].as_u64().is_none_or(|slots| slots > 60));
    assert_eq!(missed.len(), 1, "{missed:?}");
    assert_eq!(missed[0]["slots"], 100_000, "more are not counted");
}

/// The offset with which it is three seconds before `slot` now.
fn before(slot: Timestamp) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
    slot.as_second() - 3 - i64::try_from(now.as_secs()).expect("it is before the end of time")
}

/// One agent with one time of day.
fn daily(fake: &Fake, cron: &str, zone: &str) {
    let schedule = format!(
        "[agents.ops-reporter.schedule]\ncron = \"0 0 1 7 *\"\n[agents.health-guardian.schedule]\n\
         cron = \"{cron}\"\nzone = \"{zone}\"\n[agents.health-guardian.policy]"
    );
    fake.instead("[agents.health-guardian.policy]", &schedule);
}

/// Where a change of the local clock leaves a time out, it is run at the first instant after it; where it makes one come twice,
/// at the first. Each with the instant at which nothing may be run, if there is one.
const CHANGES: [(&str, &str, &str, Option<&str>); 12] = [
    ("Europe/Paris", "30 2 * * *", "2026-03-29T01:00:00Z", Some("2026-03-29T01:30:00Z")),
    ("Europe/Paris", "30 2 * * *", "2026-10-25T00:30:00Z", Some("2026-10-25T01:30:00Z")),
    ("America/New_York", "30 2 * * *", "2026-03-08T07:00:00Z", Some("2026-03-08T07:30:00Z")),
    ("America/New_York", "30 1 * * *", "2026-11-01T05:30:00Z", Some("2026-11-01T06:30:00Z")),
    ("Australia/Lord_Howe", "15 2 * * *", "2026-10-03T15:30:00Z", Some("2026-10-03T15:45:00Z")),
    ("Australia/Lord_Howe", "45 1 * * *", "2026-04-04T14:45:00Z", Some("2026-04-04T15:15:00Z")),
    ("Asia/Beirut", "0 0 * * *", "2026-03-28T22:00:00Z", Some("2026-03-28T21:00:00Z")),
    ("Asia/Beirut", "30 23 * * *", "2026-10-24T20:30:00Z", Some("2026-10-24T21:30:00Z")),
    ("America/Havana", "30 0 * * *", "2026-03-08T05:00:00Z", Some("2026-03-08T05:30:00Z")),
    ("America/Havana", "30 0 * * *", "2026-11-01T04:30:00Z", Some("2026-11-01T05:30:00Z")),
    ("Europe/London", "30 1 * * *", "2026-03-29T01:00:00Z", Some("2026-03-29T01:30:00Z")),
    ("Europe/London", "30 1 * * *", "2026-10-25T00:30:00Z", Some("2026-10-25T01:30:00Z")),
];

#[test]
fn a_time_of_day_is_run_once_on_the_days_on_which_the_local_clock_changes() {
    let Some(library) = library() else { return skip(&test_name(), "faketime") };
    let parse = |text: &str| text.parse::<Timestamp>().expect("a time");
    let stage = |cron: &str, zone: &str, at: Timestamp| {
        let fake = Fake::new();
        daily(&fake, cron, zone);
        let daemon = Daemon::of(&fake, on_clock(&fake, &library, before(at)));
        (fake, daemon)
    };
    let on_time: Vec<_> =
        CHANGES.iter().map(|(zone, cron, at, _)| stage(cron, zone, parse(at))).collect();
    let not: Vec<_> = CHANGES
        .iter()
        .filter_map(|(zone, cron, _, not)| Some(stage(cron, zone, parse((*not)?))))
        .collect();
    for ((zone, cron, at, _), (fake, daemon)) in CHANGES.iter().zip(&on_time) {
        let is_run = || in_state(fake, "ok").iter().any(|row| row["slot"] == *at);
        assert!(until(is_run), "{zone} {cron} at {at}: {} {:?}", daemon.said(), runs(fake));
        assert_eq!(runs(fake).len(), 1, "{zone} {cron}");
    }
    std::thread::sleep(Duration::from_secs(5));
    for ((zone, cron, ..), (fake, daemon)) in CHANGES.iter().zip(&not) {
        assert!(runs(fake).is_empty(), "{zone} {cron}: {} {:?}", daemon.said(), runs(fake));
    }
}
