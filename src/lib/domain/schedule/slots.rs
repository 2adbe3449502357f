//! Many slots at once, with an end: what passed while nobody looked, and what comes next.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::cron::Schedule;

/// So many slots are counted one by one: nearly a year of five minutes, and a day of seconds.
pub const MOST_COUNTED: u64 = 100_000;

/// How many slots lie in a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Count {
    /// So many.
    Exactly(u64),
    /// So many were counted, and there are more.
    MoreThan(u64),
}

impl Count {
    /// The number that was counted.
    #[must_use]
    pub const fn counted(self) -> u64 {
        match self {
            Self::Exactly(count) | Self::MoreThan(count) => count,
        }
    }
}

/// The slots of a range, one after the other, at most as many as [`MOST_COUNTED`].
#[derive(Clone, Debug)]
pub struct Slots<'s> {
    schedule: &'s Schedule,
    at: Timestamp,
    until: Timestamp,
    left: u64,
}

impl Iterator for Slots<'_> {
    type Item = Timestamp;

    fn next(&mut self) -> Option<Timestamp> {
        self.left = self.left.checked_sub(1)?;
        let next = self.schedule.next_after(self.at).filter(|slot| *slot <= self.until)?;
        self.at = next;
        Some(next)
    }
}

impl Schedule {
    /// The slots after `from` up to and with `until`.
    #[must_use]
    pub const fn slots_between(&self, from: Timestamp, until: Timestamp) -> Slots<'_> {
        Slots { schedule: self, at: from, until, left: MOST_COUNTED }
    }

    /// How many slots lie after `from`, up to and with `until`.
    #[must_use]
    pub fn count_between(&self, from: Timestamp, until: Timestamp) -> Count {
        let mut slots = self.slots_between(from, until);
        let counted = slots.by_ref().fold(0, |count, _| count + 1);
        let more =
            counted == MOST_COUNTED && self.next_after(slots.at).is_some_and(|slot| slot <= until);
        if more { Count::MoreThan(counted) } else { Count::Exactly(counted) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::schedule::Fields;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_range_leaves_its_begin_out_and_has_its_end() {
        let schedule: Schedule = "*/5 * * * *".parse().unwrap();
        let (from, until) = (at("2026-11-20T10:00:00Z"), at("2026-11-20T10:10:00Z"));
        let slots: Vec<Timestamp> = schedule.slots_between(from, until).collect();
        assert_eq!(slots, [at("2026-11-20T10:05:00Z"), until]);
        assert_eq!(schedule.count_between(from, until), Count::Exactly(2));
        assert_eq!(schedule.count_between(until, from), Count::Exactly(0));
    }

    #[test]
    fn counting_has_an_end_and_says_so() {
        let start = Timestamp::UNIX_EPOCH;
        let every = Schedule::with(Fields::FiveOrSix, "* * * * * *", "UTC", start).unwrap();
        let second = |count: u64| Timestamp::from_second(i64::try_from(count).unwrap()).unwrap();
        let count = |until: u64| every.count_between(start, second(until));
        assert_eq!(count(MOST_COUNTED), Count::Exactly(MOST_COUNTED));
        assert_eq!(count(MOST_COUNTED + 1), Count::MoreThan(MOST_COUNTED));
        assert_eq!(count(MOST_COUNTED + 1).counted(), MOST_COUNTED);
    }
}
