//! Displays and their groups.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// A display's state, in the platform's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisplayStatus {
    /// Its player is connected.
    Online,
    /// Its player is not.
    Offline,
    /// It waits to be paired.
    Pairing,
    /// Its player reported an error.
    Error,
    /// Reset after an error.
    Inactive,
    /// A word that this version does not know.
    #[serde(other)]
    Unrecognised,
}

impl DisplayStatus {
    /// The platform's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Offline => "offline",
            Self::Pairing => "pairing",
            Self::Error => "error",
            Self::Inactive => "inactive",
            Self::Unrecognised => "unrecognised",
        }
    }
}

/// A display.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisplayRow {
    /// The platform's id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Where it hangs, as people wrote it.
    pub location: Option<String>,
    /// Its state.
    pub status: DisplayStatus,
    /// Its IANA time zone; the platform takes a missing one for UTC.
    pub zone: Option<String>,
    /// When it was last heard of; `None` for one that never was.
    pub last_heartbeat: Option<Timestamp>,
    /// Whether a person switched it off.
    pub disabled: bool,
    /// Its own playlist, which plays where no schedule does.
    pub playlist: Option<String>,
    /// When it was paired.
    pub paired_at: Option<Timestamp>,
    /// When it was unpaired.
    pub unpaired_at: Option<Timestamp>,
}

impl DisplayRow {
    /// Why nothing is asked of it, if so: it is known, and nobody expects it to play.
    #[must_use]
    pub fn excused(&self) -> Option<&'static str> {
        if self.disabled {
            return Some("it is disabled");
        }
        if self.status == DisplayStatus::Pairing {
            return Some("it is being paired");
        }
        let unpaired = match (self.unpaired_at, self.paired_at) {
            (Some(unpaired), Some(paired)) => unpaired >= paired,
            (Some(_), None) => true,
            (None, _) => false,
        };
        if unpaired {
            return Some("it is unpaired");
        }
        if self.last_heartbeat.is_none() {
            return Some("it was never seen");
        }
        None
    }

    /// How long nothing was heard of it, as the platform's own clock counts.
    #[must_use]
    pub fn silence(&self, platform_now: Timestamp) -> Option<Duration> {
        let since = platform_now.duration_since(self.last_heartbeat?);
        Some(Duration::try_from(since).unwrap_or(Duration::ZERO))
    }

    /// Its time zone.
    ///
    /// # Errors
    ///
    /// The platform names a zone that the time zone database does not know.
    pub fn time_zone(&self) -> Result<TimeZone, String> {
        match self.zone.as_deref() {
            None | Some("" | "UTC") => Ok(TimeZone::UTC),
            Some(name) => {
                TimeZone::get(name).map_err(|_| format!("its time zone `{name}` is not known"))
            }
        }
    }
}

/// A group of displays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupRow {
    /// The platform's id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// The ids of its displays.
    pub displays: Vec<String>,
}
