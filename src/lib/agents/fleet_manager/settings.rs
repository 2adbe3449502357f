//! The settings of fleet-manager: its stanza of `agents.toml`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::agent::Problem;
use crate::domain::duration::HumanDuration;

/// fleet-manager: finds displays that are silent, ill or blank, reaches those that can be reached, and proves it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FleetManager {
    /// A display of which nothing was heard for so long is offline, by the platform's own clock.
    pub offline_after: HumanDuration,
    /// One that is offline for so long is so for good: nothing more is tried, a person is needed.
    pub persistent_after: HumanDuration,
    /// How far ahead a blank screen is looked for.
    pub blank_ahead: HumanDuration,
    /// What makes displays one place: "location" (what people wrote there), "group" or "organization" (the whole tenant).
    pub place: Place,
    /// So many displays make a place that can be dark.
    #[schemars(range(min = 2))]
    pub place_displays: u32,
}

/// What makes displays one place.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// The location that people wrote on them.
    #[default]
    Location,
    /// The groups that they are in.
    Group,
    /// The tenant.
    Organization,
}

impl Default for FleetManager {
    fn default() -> Self {
        Self {
            offline_after: HumanDuration::mins(15),
            persistent_after: HumanDuration::mins(60),
            blank_ahead: HumanDuration::mins(4 * 60),
            place: Place::Location,
            place_displays: 3,
        }
    }
}

/// The platform itself calls a display offline after two minutes of silence, and writes a heartbeat down once a minute.
const SHORTEST: HumanDuration = HumanDuration::mins(3);
/// Farther ahead schedules are changed anyway.
const FARTHEST: HumanDuration = HumanDuration::mins(7 * 24 * 60);

impl FleetManager {
    /// Problems that no single value shows.
    pub(super) fn lint(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        let mut problem = |path: &str, message: String| {
            found.push(Problem { path: path.to_owned(), message });
        };
        if self.offline_after < SHORTEST {
            problem(
                "offline_after",
                format!(
                    "{} is shorter than the platform takes to write a heartbeat down; write at least {SHORTEST}",
                    self.offline_after
                ),
            );
        }
        if self.persistent_after < self.offline_after {
            problem(
                "persistent_after",
                format!(
                    "{} is shorter than offline_after ({}); nothing would ever be tried",
                    self.persistent_after, self.offline_after
                ),
            );
        }
        if self.blank_ahead > FARTHEST {
            problem(
                "blank_ahead",
                format!("{} is too far ahead; write at most {FARTHEST}", self.blank_ahead),
            );
        }
        found
    }
}
