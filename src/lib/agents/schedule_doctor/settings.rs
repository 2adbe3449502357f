//! The settings of schedule-doctor: its stanza of `agents.toml`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::agent::Problem;
use crate::domain::duration::HumanDuration;

/// schedule-doctor: finds schedules that cannot do what was wanted and displays without a plan, mends what can be taken back,
/// and proves it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ScheduleDoctor {
    /// How far ahead a display without a playlist is looked for.
    pub gap_ahead: HumanDuration,
    /// How far ahead two schedules that meet are looked for.
    pub overlap_ahead: HumanDuration,
    /// The playlist for displays that have none, by tenant: `{ default = "c…" }`. The platform has no such notion of its own;
    /// for a tenant that is not named here nothing is assigned.
    pub fallback_playlists: BTreeMap<String, String>,
}

impl Default for ScheduleDoctor {
    fn default() -> Self {
        Self {
            gap_ahead: HumanDuration::mins(24 * 60),
            overlap_ahead: HumanDuration::mins(7 * 24 * 60),
            fallback_playlists: BTreeMap::new(),
        }
    }
}

/// Windows repeat by the week: what does not meet in five of them hardly ever does, and each day costs time.
const FARTHEST: HumanDuration = HumanDuration::mins(35 * 24 * 60);

impl ScheduleDoctor {
    /// Problems that no single value shows.
    pub(super) fn lint(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        for (path, ahead) in [("gap_ahead", self.gap_ahead), ("overlap_ahead", self.overlap_ahead)]
        {
            if ahead > FARTHEST {
                let message = format!("{ahead} is too far ahead; write at most {FARTHEST}");
                found.push(Problem { path: path.to_owned(), message });
            }
        }
        for (tenant, playlist) in &self.fallback_playlists {
            if playlist.trim().is_empty() {
                let message =
                    "it is empty; write the playlist's id, or take the tenant out".to_owned();
                found.push(Problem { path: format!("fallback_playlists.{tenant}"), message });
            }
        }
        found
    }
}
