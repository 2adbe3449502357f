//! What can be wrong with a fleet.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::domain::diagnosis::Fault as EngineFault;
use crate::domain::platform::DisplayStatus;
use crate::domain::severity::Severity;
use crate::domain::subject::Key;

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Nothing was heard of a display for too long.
    Offline {
        /// What people call it.
        name: String,
        /// Where it hangs.
        location: Option<String>,
        /// When it was last heard of.
        last_heartbeat: String,
        /// What the platform says of its connection.
        status: DisplayStatus,
        /// Whether that is so for so long that it will not pass.
        persistent: bool,
        /// The dark place that it hangs in.
        cause: Option<Key>,
    },
    /// A display reports an error.
    Error {
        /// What people call it.
        name: String,
    },
    /// A whole place is dark.
    LocationDark {
        /// The place.
        place: String,
        /// How many displays are expected to play there.
        displays: usize,
    },
    /// A display has nothing to show.
    Blank {
        /// What people call it.
        name: String,
        /// Whether it is so already.
        now: bool,
        /// Whether no playlist is in effect; else there is one, and nothing of it can be delivered.
        no_playlist: bool,
    },
}

impl EngineFault for Fault {
    fn severity(&self) -> Severity {
        match self {
            Self::LocationDark { .. } => Severity::Critical,
            Self::Offline { .. } | Self::Error { .. } | Self::Blank { .. } => Severity::Warning,
        }
    }

    fn message(&self) -> String {
        match self {
            Self::Offline { name, persistent: false, .. } => format!("display {name} is offline"),
            Self::Offline { name, persistent: true, .. } => {
                format!("display {name} stays offline")
            }
            Self::Error { name } => format!("display {name} reports an error"),
            Self::LocationDark { place, displays } => {
                format!("{place} is dark: all {displays} displays there are silent")
            }
            Self::Blank { name, now, no_playlist } => {
                let when = if *now { "shows nothing" } else { "will soon show nothing" };
                let why = if *no_playlist {
                    "no playlist is in effect"
                } else {
                    "nothing of its playlist can be delivered"
                };
                format!("display {name} {when}: {why}")
            }
        }
    }

    fn facts(&self) -> BTreeMap<String, String> {
        let fact = |name: &str, value: String| (name.to_owned(), value);
        let facts = match self {
            Self::Offline { last_heartbeat, persistent, location, .. } => vec![
                fact("last_heartbeat", last_heartbeat.clone()),
                fact("persistent", persistent.to_string()),
                fact("location", location.clone().unwrap_or_else(|| "none".to_owned())),
            ],
            Self::Error { .. } => vec![fact("status", "error".to_owned())],
            Self::LocationDark { displays, .. } => vec![fact("displays", displays.to_string())],
            Self::Blank { now, no_playlist, .. } => vec![
                fact("when", if *now { "now" } else { "soon" }.to_owned()),
                fact(
                    "playlist",
                    if *no_playlist { "none" } else { "nothing to deliver" }.to_owned(),
                ),
            ],
        };
        facts.into_iter().collect()
    }

    fn caused_by(&self) -> Option<Key> {
        match self {
            Self::Offline { cause, .. } => cause.clone(),
            Self::Error { .. } | Self::LocationDark { .. } | Self::Blank { .. } => None,
        }
    }
}
