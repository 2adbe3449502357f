//! What could not be said of single schedules, so that nobody takes it for well.

use std::collections::BTreeMap;

use super::checks::{SCHEDULE_NO_TARGET, SCHEDULE_PLAYLIST_EMPTY, SCHEDULE_PLAYLIST_GONE};
use crate::domain::subject::CheckId;

/// What could not be said of single schedules, by id, and why.
#[derive(Default)]
pub(super) struct Unsure {
    /// Whether their playlist is there and has something to deliver.
    pub(super) playlists: BTreeMap<String, String>,
    /// Whether they are for a display.
    pub(super) targets: BTreeMap<String, String>,
}

impl Unsure {
    /// Why the question of `check` could not be answered for a schedule, if so.
    pub(super) fn of(&self, check: &CheckId, schedule: &str) -> Option<&str> {
        let of_check = if [SCHEDULE_PLAYLIST_EMPTY, SCHEDULE_PLAYLIST_GONE].contains(check) {
            &self.playlists
        } else if *check == SCHEDULE_NO_TARGET {
            &self.targets
        } else {
            return None;
        };
        of_check.get(schedule).map(String::as_str)
    }
}
