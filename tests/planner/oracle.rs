//! The slots of an expression by brute force: every minute, or every second, is looked at on the local clock.
//!
//! It shares with the code under test the zones' rules and nothing else.

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use crate::expression::Expression;

/// So much is added to come to the next moment that can be a slot.
fn step(expression: &Expression) -> SignedDuration {
    SignedDuration::from_secs(if expression.second.is_some() { 1 } else { 60 })
}

/// The slots after `from` up to and with `until`.
pub(crate) fn slots(expression: &Expression, from: Timestamp, until: Timestamp) -> Vec<Timestamp> {
    let zone = TimeZone::get(expression.zone).expect("a zone of the tests");
    let step = step(expression);
    let unit = step.as_secs();
    let mut at = Timestamp::from_second((from.as_second().div_euclid(unit) + 1) * unit).unwrap();
    let mut slots = Vec::new();
    while at <= until {
        if is_slot(expression, &zone, at, step) {
            slots.push(at);
        }
        at += step;
    }
    slots
}

fn is_slot(expression: &Expression, zone: &TimeZone, at: Timestamp, step: SignedDuration) -> bool {
    let local = zone.to_datetime(at);
    if !expression.is_fixed() {
        return matches(expression, local);
    }
    if matches(expression, local) {
        // Where the local time comes twice, it counts the first time.
        return match zone.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Fold { before, .. } => zone.to_offset(at) == before,
            AmbiguousOffset::Gap { .. } | AmbiguousOffset::Unambiguous { .. } => true,
        };
    }
    // The first instant after a gap stands for every local time that the gap left out.
    let mut left_out = zone.to_datetime(at - step).checked_add(step).unwrap();
    while left_out < local {
        if matches(expression, left_out) && names_day(expression, local) {
            return true;
        }
        left_out = left_out.checked_add(step).unwrap();
    }
    false
}

fn matches(expression: &Expression, local: DateTime) -> bool {
    let second = match &expression.second {
        Some(field) => field.values.contains(&local.second()),
        None => local.second() == 0,
    };
    second
        && expression.minute.values.contains(&local.minute())
        && expression.hour.values.contains(&local.hour())
        && names_day(expression, local)
}

fn names_day(expression: &Expression, local: DateTime) -> bool {
    let weekday = local.weekday().to_sunday_zero_offset();
    let day = expression.day.values.contains(&local.day());
    let weekday = expression.weekday.values.contains(&weekday);
    let names = match (expression.day.is_star(), expression.weekday.is_star()) {
        (false, false) => day || weekday,
        _ => day && weekday,
    };
    names && expression.month.values.contains(&local.month())
}

/// Moments at which the clock of a zone is changed, from 2026 to 2028.
pub(crate) fn changes(zone: &str) -> Vec<Timestamp> {
    let from: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let until: Timestamp = "2029-01-01T00:00:00Z".parse().unwrap();
    let zone = TimeZone::get(zone).expect("a zone of the tests");
    let changes = zone.following(from).map(|change| change.timestamp());
    changes.take_while(|at| *at < until).collect()
}
