//! Schedules.

use jiff::Timestamp;
use jiff::civil::Weekday;
use serde::{Deserialize, Serialize};

/// A schedule: a playlist for a display or a group, in a daily window of local time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleRow {
    /// The platform's id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// From when it may play.
    pub starts_at: Timestamp,
    /// Until when; `None` for ever.
    pub ends_at: Option<Timestamp>,
    /// The first minute of the day, display-local, 0 to 1439; `None` where it plays all day.
    pub from_minute: Option<u16>,
    /// The last minute of the day; earlier than the first where it runs over midnight.
    pub to_minute: Option<u16>,
    /// The days on which its window begins, 0 for Sunday to 6 for Saturday.
    pub days: Vec<u8>,
    /// The higher one plays.
    pub priority: i64,
    /// Whether it is in force.
    pub active: bool,
    /// Its playlist; `None` where that is gone.
    pub playlist: Option<String>,
    /// The display that it is for.
    pub display: Option<String>,
    /// The group that it is for.
    pub group: Option<String>,
}

/// Minutes of a day.
pub(super) const DAY: u16 = 1440;

impl ScheduleRow {
    /// Whether its end is past at `at`.
    #[must_use]
    pub fn ended(&self, at: Timestamp) -> bool {
        self.ends_at.is_some_and(|end| end < at)
    }

    /// Whether its dates allow it to play at `at`.
    #[must_use]
    pub fn in_force(&self, at: Timestamp) -> bool {
        self.active && self.starts_at <= at && !self.ended(at)
    }

    /// Its window as the first minute and the minute after the last one that surely plays; the whole day where it has none.
    pub(super) fn window(&self) -> (u16, u16) {
        match (self.from_minute, self.to_minute) {
            (Some(from), Some(to)) => (from, to),
            (None, _) | (_, None) => (0, DAY),
        }
    }

    pub(super) fn on(&self, day: Weekday) -> bool {
        let number = u8::try_from(day.to_sunday_zero_offset()).unwrap_or(u8::MAX);
        self.days.contains(&number)
    }

    /// Whether its window covers a local minute of a day. `last` tells whether the minute of the window's end counts.
    #[must_use]
    pub fn covers(&self, day: Weekday, minute: u16, last: LastMinute) -> bool {
        let (from, to) = self.window();
        let before_end = |minute: u16| match last {
            LastMinute::Counts => minute <= to,
            LastMinute::Ends => minute < to,
        };
        if from <= to {
            return self.on(day) && from <= minute && before_end(minute);
        }
        (self.on(day) && from <= minute) || (self.on(day.previous()) && before_end(minute))
    }
}

/// Whether the minute that a window ends with belongs to it. The platform does not say, so nothing is called wrong that
/// is right under one of the two readings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastMinute {
    /// It does: for gaps.
    Counts,
    /// It does not: for overlaps.
    Ends,
}
