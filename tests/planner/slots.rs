//! Slots against brute force, minute by minute and second by second, mostly where clocks are changed.

use jiff::{SignedDuration, Timestamp};
use opswarden::domain::schedule::{Count, Schedule};
use proptest::prelude::*;

use crate::expression::{Expression, five, six};
use crate::{oracle, size};

/// The middle of what is looked at: a change of the clock with an even chance, else any moment.
pub(crate) fn middle(zone: &'static str, choice: u32, spread: i64) -> Timestamp {
    let changes = oracle::changes(zone);
    let any = Timestamp::from_second(1_767_225_600 + i64::from(choice) * 7 % 94_000_000).unwrap();
    let change = changes.get(choice as usize % changes.len().max(1)).copied();
    let base = if choice.is_multiple_of(4) { any } else { change.unwrap_or(any) };
    base + SignedDuration::from_millis(spread)
}

/// What differs from brute force in `hours` around `middle`.
fn difference(
    expression: &Expression,
    schedule: &Schedule,
    middle: Timestamp,
    hours: i64,
) -> Result<(), TestCaseError> {
    let half = SignedDuration::from_mins(hours * 30);
    let (from, until) = (middle - half, middle + half);
    let expected = oracle::slots(expression, from, until);
    let found: Vec<Timestamp> = schedule.slots_between(from, until).collect();
    prop_assert_eq!(&found, &expected, "{} in {}", expression.text(), expression.zone);
    let count = u64::try_from(expected.len()).unwrap();
    prop_assert_eq!(schedule.count_between(from, until), Count::Exactly(count));
    // From between the slots too, and from fractions of a second: the steps share no factor with either.
    let mut at = from;
    while at < until {
        let after = expected.iter().copied().find(|slot| *slot > at);
        let next = schedule.next_after(at).filter(|slot| *slot <= until);
        prop_assert_eq!(next, after, "after {}: {}", at, expression.text());
        let until_now = expected.iter().copied().rfind(|slot| *slot <= at);
        let latest = schedule.latest_at(at).filter(|slot| *slot > from);
        prop_assert_eq!(latest, until_now, "at {}: {}", at, expression.text());
        at += SignedDuration::from_millis(hours * 60_000 * 60 / 97 + 1);
    }
    // Just before and at each slot near the middle, where the clock is changed.
    let near =
        |slot: &&Timestamp| slot.duration_since(middle).abs() < SignedDuration::from_hours(26);
    for slot in expected.iter().filter(near) {
        let before = *slot - SignedDuration::from_nanos(1);
        prop_assert_eq!(schedule.latest_at(*slot), Some(*slot));
        prop_assert_eq!(schedule.next_after(before), Some(*slot));
        prop_assert!(schedule.latest_at(before).is_none_or(|latest| latest < *slot));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { max_global_rejects: 1_000_000, ..ProptestConfig::with_cases(size(200)) })]

    #[test]
    fn slots_are_those_that_every_single_minute_names(
        expression in five(), choice: u32, spread in -90_000_000_i64..90_000_000,
    ) {
        let Some(schedule) = expression.schedule() else { return Err(TestCaseError::reject("never fires")) };
        difference(&expression, &schedule, middle(expression.zone, choice, spread), 72)?;
    }

    #[test]
    fn slots_are_those_that_every_single_second_names(
        expression in six(), choice: u32, spread in -2_000_000_i64..2_000_000,
    ) {
        let Some(schedule) = expression.schedule() else { return Err(TestCaseError::reject("never fires")) };
        difference(&expression, &schedule, middle(expression.zone, choice, spread), 3)?;
    }
}

#[test]
fn an_expression_is_refused_only_where_brute_force_finds_nothing_in_nine_years() {
    let never = ["0 0 31 2 *", "0 0 30 2 *", "0 0 31 4,6,9,11 *", "0 0 31 2 *"];
    for text in never {
        assert!(text.parse::<Schedule>().is_err(), "{text}");
    }
    let leap: Schedule = "0 0 29 2 *".parse().unwrap();
    let from: Timestamp = "2096-03-01T00:00:00Z".parse().unwrap();
    let eight_years = "2104-02-29T00:00:00Z".parse().unwrap();
    assert_eq!(leap.next_after(from), Some(eight_years), "2100 is no leap year");
}
