//! Cron expressions that are built together with their meaning, so that no parser is needed to know it.

use std::collections::BTreeSet;

use opswarden::domain::schedule::{Fields, Schedule};
use proptest::prelude::*;

/// One field: how it is written, and which numbers it names.
#[derive(Clone)]
pub(crate) struct Field {
    text: String,
    pub(crate) values: BTreeSet<i8>,
}

impl std::fmt::Debug for Field {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl Field {
    /// Whether it is written as `*`.
    pub(crate) fn is_star(&self) -> bool {
        self.text == "*"
    }

    /// Whether it names one number, and names it without a star or a step.
    fn is_single(&self) -> bool {
        let is_stepped = self.text.split_once('/').is_some_and(|(_, step)| step != "1");
        self.values.len() == 1 && !self.text.contains('*') && !is_stepped
    }
}

/// An expression with its meaning, in a zone.
#[derive(Clone, Debug)]
pub(crate) struct Expression {
    pub(crate) second: Option<Field>,
    pub(crate) minute: Field,
    pub(crate) hour: Field,
    pub(crate) day: Field,
    pub(crate) month: Field,
    pub(crate) weekday: Field,
    pub(crate) zone: &'static str,
}

impl Expression {
    /// As it stands in settings.
    pub(crate) fn text(&self) -> String {
        let fields = [&self.minute, &self.hour, &self.day, &self.month, &self.weekday];
        let all = self.second.iter().chain(fields);
        all.map(|field| field.text.as_str()).collect::<Vec<_>>().join(" ")
    }

    /// Read by the code under test.
    pub(crate) fn schedule(&self) -> Option<Schedule> {
        let from = jiff::Timestamp::UNIX_EPOCH;
        Schedule::with(Fields::FiveOrSix, &self.text(), self.zone, from).ok()
    }

    /// Whether it names one single time of day.
    pub(crate) fn is_fixed(&self) -> bool {
        let second = self.second.as_ref().is_none_or(Field::is_single);
        second && self.minute.is_single() && self.hour.is_single()
    }
}

fn named(text: String, values: impl IntoIterator<Item = i8>) -> Field {
    Field { text, values: values.into_iter().collect() }
}

/// A field from `least` to `most`.
fn field(least: i8, most: i8) -> BoxedStrategy<Field> {
    let number = least..=most;
    let step = 1..=(most - least).max(1);
    let stepped = |from: i8, to: i8, step: i8| {
        (from..=to).step_by(usize::try_from(step).expect("steps are positive"))
    };
    prop_oneof![
        4 => Just(named("*".to_owned(), least..=most)),
        3 => number.clone().prop_map(|one| named(one.to_string(), [one])),
        2 => Just(named(least.to_string(), [least])),
        2 => step.clone().prop_map(move |step| {
            named(format!("*/{step}"), stepped(least, most, step))
        }),
        1 => (number.clone(), number.clone()).prop_map(|(one, other)| {
            let (from, to) = (one.min(other), one.max(other));
            named(format!("{from}-{to}"), from..=to)
        }),
        1 => (number.clone(), number.clone(), step).prop_map(move |(one, other, step)| {
            let (from, to) = (one.min(other), one.max(other));
            named(format!("{from}-{to}/{step}"), stepped(from, to, step))
        }),
        1 => proptest::collection::btree_set(number, 2..4).prop_map(|values| {
            let text: Vec<String> = values.iter().map(i8::to_string).collect();
            named(text.join(","), values)
        }),
    ]
    .boxed()
}

/// Mostly `*`, so that something happens within the time that is looked at.
fn seldom(field: BoxedStrategy<Field>, least: i8, most: i8) -> BoxedStrategy<Field> {
    let star = Just(named("*".to_owned(), least..=most));
    prop_oneof![4 => star, 1 => field].boxed()
}

/// The hours in which clocks are changed, more often than others.
fn hour() -> BoxedStrategy<Field> {
    let night = (0_i8..=3).prop_map(|one| named(one.to_string(), [one]));
    prop_oneof![1 => night, 2 => field(0, 23)].boxed()
}

/// Expressions of five fields, in any of the zones.
pub(crate) fn five() -> impl Strategy<Value = Expression> {
    let days =
        (seldom(field(1, 31), 1, 31), seldom(field(1, 12), 1, 12), seldom(field(0, 6), 0, 6));
    let zone = proptest::sample::select(&crate::ZONES[..]);
    (field(0, 59), hour(), days, zone).prop_map(|(minute, hour, (day, month, weekday), zone)| {
        Expression { second: None, minute, hour, day, month, weekday, zone }
    })
}

/// Expressions that fire every day.
pub(crate) fn daily() -> impl Strategy<Value = Expression> {
    let star = |least, most| named("*".to_owned(), least..=most);
    five().prop_map(move |five| Expression {
        day: star(1, 31),
        month: star(1, 12),
        weekday: star(0, 6),
        ..five
    })
}

/// Expressions of six fields.
pub(crate) fn six() -> impl Strategy<Value = Expression> {
    (field(0, 59), five()).prop_map(|(second, five)| Expression { second: Some(second), ..five })
}
