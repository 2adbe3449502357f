//! What can be wrong with schedules.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::domain::diagnosis::Fault as EngineFault;
use crate::domain::severity::Severity;
use crate::domain::subject::Key;

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// A schedule is in force although its end is past.
    Ended {
        /// What people call it.
        name: String,
        /// Its end.
        ended: String,
    },
    /// Its playlist no longer exists.
    PlaylistGone {
        /// What people call it.
        name: String,
        /// The playlist that it names.
        playlist: Option<String>,
    },
    /// Nothing of its playlist can be delivered.
    PlaylistEmpty {
        /// What people call it.
        name: String,
        /// The playlist.
        playlist: String,
    },
    /// It is for no display.
    NoTarget {
        /// What people call it.
        name: String,
        /// The group that it is for and that has no display.
        empty_group: Option<String>,
    },
    /// Two of one priority meet on a display.
    Overlap {
        /// What people call them.
        names: [String; 2],
        /// Their priority.
        priority: i64,
        /// One of the displays.
        display: String,
    },
    /// No playlist is in effect on a display.
    Gap {
        /// What people call it.
        name: String,
        /// Whether it is so already.
        now: bool,
        /// What could take its place.
        fallback: Fallback,
    },
}

/// The playlist that the settings name for displays without one.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fallback {
    /// It can be delivered.
    Ready {
        /// Its id.
        playlist: String,
    },
    /// There is none that helps.
    None {
        /// Why, and what to change.
        why: String,
    },
}

impl EngineFault for Fault {
    fn severity(&self) -> Severity {
        match self {
            // It plays no more; only the list of schedules in force is longer than the truth.
            Self::Ended { .. } => Severity::Info,
            Self::PlaylistGone { .. }
            | Self::PlaylistEmpty { .. }
            | Self::NoTarget { .. }
            | Self::Overlap { .. }
            | Self::Gap { .. } => Severity::Warning,
        }
    }

    fn message(&self) -> String {
        match self {
            Self::Ended { name, .. } => {
                format!("schedule {name} is in force although its end is past")
            }
            Self::PlaylistGone { name, .. } => {
                format!("schedule {name} plays a playlist that no longer exists")
            }
            Self::PlaylistEmpty { name, .. } => {
                format!("schedule {name} plays a playlist of which nothing can be delivered")
            }
            Self::NoTarget { name, empty_group: None } => {
                format!("schedule {name} is for no display")
            }
            Self::NoTarget { name, empty_group: Some(_) } => {
                format!("schedule {name} is for a group that has no display")
            }
            Self::Overlap { names: [one, other], .. } => format!(
                "schedules {one} and {other} meet on a display at the same priority: which of them plays is chance"
            ),
            Self::Gap { name, now: true, .. } => {
                format!("display {name} has no playlist in effect")
            }
            Self::Gap { name, now: false, .. } => {
                format!("display {name} will soon have no playlist in effect")
            }
        }
    }

    fn facts(&self) -> BTreeMap<String, String> {
        let fact = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let facts = match self {
            Self::Ended { ended, .. } => vec![fact("ended", ended)],
            Self::PlaylistGone { playlist, .. } => {
                vec![fact("playlist", playlist.as_deref().unwrap_or("none"))]
            }
            Self::PlaylistEmpty { playlist, .. } => vec![fact("playlist", playlist)],
            Self::NoTarget { empty_group, .. } => {
                vec![fact("group", empty_group.as_deref().unwrap_or("none"))]
            }
            Self::Overlap { priority, .. } => vec![fact("priority", &priority.to_string())],
            // Whether it is now or soon changes with the hour alone, and a hold must outlast that.
            Self::Gap { .. } => Vec::new(),
        };
        facts.into_iter().collect()
    }

    fn caused_by(&self) -> Option<Key> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_the_same_finding_by_day_and_by_night() {
        let gap = |now| Fault::Gap {
            name: "hall".to_owned(),
            now,
            fallback: Fallback::Ready { playlist: "p".to_owned() },
        };
        assert_eq!(gap(true).facts(), gap(false).facts());
        assert_ne!(gap(true).message(), gap(false).message());
    }
}
