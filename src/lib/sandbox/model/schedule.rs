//! Schedules: when a playlist is shown where.

use super::table::Row;
use crate::sandbox::time::Stamp;

/// One schedule. Times of day are minutes in the display's own zone; days count from Sunday, 0.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) start: Stamp,
    pub(crate) end: Option<Stamp>,
    pub(crate) start_time: Option<i64>,
    pub(crate) end_time: Option<i64>,
    pub(crate) days: Vec<i64>,
    pub(crate) priority: i64,
    pub(crate) is_active: bool,
    pub(crate) created: Stamp,
    pub(crate) updated: Stamp,
    pub(crate) playlist_id: String,
    pub(crate) display_id: Option<String>,
    pub(crate) group_id: Option<String>,
}

impl Row for Schedule {
    fn id(&self) -> &str {
        &self.id
    }
    fn rank(&self) -> (i64, i64) {
        (-self.priority, -self.created.0)
    }
}

impl Schedule {
    /// Whether it is switched on and its last day is not past.
    pub(crate) fn is_live(&self, now: Stamp) -> bool {
        self.is_active && !self.has_ended(now)
    }

    pub(crate) fn has_ended(&self, now: Stamp) -> bool {
        self.end.is_some_and(|end| end < now)
    }
}
