//! Slots against systemd's own calendar, for expressions that both can say.
//!
//! On the nights on which clocks are changed the two differ in two ways, and in no other: what a gap leaves out systemd
//! skips while a fixed time of ours moves behind it, and a repeated hour systemd passes by while an interval of ours
//! keeps its cadence.

#![expect(clippy::disallowed_methods, reason = "systemd's own tool is the oracle")]

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use crate::expression::{Expression, Field, five};
use crate::slots::middle;
use crate::{peers, report, size};

/// So many slots are asked for at once.
const ASKED: usize = 40;

fn is_here() -> bool {
    let there = Command::new("systemd-analyze").arg("--version").stdout(Stdio::null()).status();
    there.is_ok_and(|status| status.success())
}

/// What systemd says, each as a moment.
fn systemd(calendar: &str, from: Timestamp) -> Vec<Timestamp> {
    let base = from.strftime("--base-time=%Y-%m-%d %H:%M:%S UTC").to_string();
    let output = Command::new("systemd-analyze")
        .args(["calendar", &format!("--iterations={ASKED}"), &base, calendar])
        .env("TZ", "UTC")
        .env("LC_ALL", "C")
        .output()
        .expect("systemd-analyze runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{calendar}: {errors}");
    let is_slot = |line: &&str| line.contains("Next elapse:") || line.contains("Iter. #");
    let moment = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().rev().take(3).collect();
        let [zone, time, day] = words.as_slice() else { return None };
        assert_eq!(*zone, "UTC", "{line}");
        format!("{day}T{time}Z").parse().ok()
    };
    text.lines().filter(is_slot).filter_map(moment).collect()
}

/// The expression as systemd says it, each number by itself; none where both kinds of days are set, of which systemd asks
/// for both.
fn calendar(expression: &Expression) -> Option<String> {
    let list = |field: &Field| {
        let numbers: Vec<String> = field.values.iter().map(i8::to_string).collect();
        if field.is_star() { "*".to_owned() } else { numbers.join(",") }
    };
    let names = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    let weekday = &expression.weekday;
    let days: Vec<&str> = names
        .iter()
        .zip(0..)
        .filter(|(_, day)| weekday.values.contains(day))
        .map(|(name, _)| *name)
        .collect();
    if !expression.day.is_star() && !weekday.is_star() {
        return None;
    }
    let [month, day, hour, minute] =
        [&expression.month, &expression.day, &expression.hour, &expression.minute].map(list);
    Some(format!("{} *-{month}-{day} {hour}:{minute}:00 {}", days.join(","), expression.zone))
}

/// Why the two may differ at `at`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Explained {
    /// A fixed time that the local clock leaves out.
    Moved,
    /// The second time of an hour that comes twice.
    Repeated,
}

fn explanation(expression: &Expression, at: Timestamp, is_ours: bool) -> Option<Explained> {
    let zone = TimeZone::get(expression.zone).expect("a zone of the tests");
    let minute = SignedDuration::from_mins(1);
    let (before, now) = (zone.to_offset(at - minute), zone.to_offset(at));
    if is_ours && expression.is_fixed() && now > before {
        return Some(Explained::Moved);
    }
    let ambiguous = zone.to_ambiguous_timestamp(zone.to_datetime(at)).offset();
    let is_second =
        matches!(ambiguous, jiff::tz::AmbiguousOffset::Fold { after, .. } if after == now);
    (is_ours && !expression.is_fixed() && is_second).then_some(Explained::Repeated)
}

/// What both say differently, with the reason; or how they differ without one.
fn compare(expression: &Expression, from: Timestamp) -> Result<Option<Vec<Explained>>, String> {
    let Some(schedule) = expression.schedule() else { return Ok(None) };
    let Some(calendar) = calendar(expression) else { return Ok(None) };
    let theirs: BTreeSet<Timestamp> = systemd(&calendar, from).into_iter().collect();
    let Some(end) = theirs.last().copied() else { return Ok(None) };
    let ours: BTreeSet<Timestamp> = schedule.slots_between(from, end).collect();
    let only_ours = ours.difference(&theirs).map(|at| (*at, true));
    let only_theirs = theirs.difference(&ours).map(|at| (*at, false));
    only_ours
        .chain(only_theirs)
        .map(|(at, is_ours)| {
            let who = if is_ours { "we" } else { "systemd" };
            explanation(expression, at, is_ours).ok_or_else(|| {
                format!(
                    "{} in {}: only {who} fire at {at} ({calendar})",
                    expression.text(),
                    expression.zone
                )
            })
        })
        .collect::<Result<_, _>>()
        .map(Some)
}

#[test]
fn systemd_names_the_same_slots_but_where_a_clock_is_changed() {
    if !is_here() {
        return peers::skip("systemd_names_the_same_slots_but_where_a_clock_is_changed", "systemd");
    }
    let cases = (five(), any::<u32>(), -90_000_000_i64..90_000_000);
    let mut runner = TestRunner::default();
    let (mut compared, mut moved, mut repeated) = (0, 0, 0);
    let mut wrong = Vec::new();
    // A twentieth of a programme: each asks a process.
    for _ in 0..size(1_200) / 20 {
        let (expression, choice, spread) = cases.new_tree(&mut runner).unwrap().current();
        let from = middle(expression.zone, choice, spread);
        let from = Timestamp::from_second(from.as_second()).unwrap();
        match compare(&expression, from) {
            Ok(None) => {}
            Ok(Some(differences)) => {
                compared += 1;
                let count = |why| differences.iter().filter(|one| **one == why).count();
                moved += count(Explained::Moved);
                repeated += count(Explained::Repeated);
            }
            Err(difference) => wrong.push(difference),
        }
    }
    report(&format!(
        "{compared} expressions compared with systemd, up to {ASKED} slots each: {moved} fixed times moved behind a gap, \
         {repeated} slots in a repeated hour, {} other differences",
        wrong.len()
    ));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared > 0);
}

#[test]
fn the_ways_in_which_systemd_differs_are_these() {
    if !is_here() {
        return peers::skip("the_ways_in_which_systemd_differs_are_these", "systemd");
    }
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let fixed = systemd("*-*-* 02:30:00 Europe/Paris", at("2027-03-27T12:00:00Z"));
    assert_eq!(fixed[0], at("2027-03-29T00:30:00Z"), "the short day is skipped");
    let twenty = systemd("*-*-* *:00/20:00 Europe/Paris", at("2026-10-25T00:10:00Z"));
    let expected = ["2026-10-25T00:20:00Z", "2026-10-25T00:40:00Z", "2026-10-25T02:00:00Z"].map(at);
    assert_eq!(twenty[..3], expected, "80 minutes without a slot");
    // Why every number is written by itself above: where the last step does not end on the hour, the day or the month,
    // systemd loses what comes first after it.
    let uneven = systemd("*-*-* *:00/31:00 UTC", at("2028-11-27T22:40:00Z"));
    let expected = ["2028-11-27T23:00:00Z", "2028-11-27T23:31:00Z", "2028-11-28T00:31:00Z"].map(at);
    assert_eq!(uneven[..3], expected, "a midnight is lost");
}
