//! Content items and the playlists that show them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::table::Row;
use crate::sandbox::time::Stamp;

/// What may become of a content item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ContentStatus {
    Active,
    Archived,
    Draft,
    Flagged,
    Rejected,
    PendingApproval,
    Expired,
    Ready,
    Processing,
    Error,
}

/// Every status by name, in the order in which a refusal lists them.
pub(crate) const CONTENT_STATUSES: &[&str] = &[
    "active",
    "archived",
    "draft",
    "flagged",
    "rejected",
    "pending_approval",
    "expired",
    "ready",
    "processing",
    "error",
];

/// One content item.
#[derive(Clone, Debug)]
pub(crate) struct Content {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) kind: String,
    pub(crate) url: String,
    pub(crate) thumbnail: Option<String>,
    pub(crate) duration: Option<i64>,
    pub(crate) size_bytes: i64,
    pub(crate) mime: String,
    pub(crate) metadata: Value,
    pub(crate) status: ContentStatus,
    pub(crate) is_global: bool,
    pub(crate) created: Stamp,
    pub(crate) updated: Stamp,
    pub(crate) expires: Option<Stamp>,
    pub(crate) replacement: Option<String>,
    pub(crate) previous_version: Option<String>,
    pub(crate) orientation: Option<String>,
}

impl Row for Content {
    fn id(&self) -> &str {
        &self.id
    }
    fn rank(&self) -> (i64, i64) {
        (0, -self.created.0)
    }
}

impl Content {
    /// Every id that a zone names, of content and of playlists, whether delivery would resolve it or not.
    pub(crate) fn zone_ids(&self, field: &str) -> impl Iterator<Item = &str> {
        let zones = self.metadata.get("zones").and_then(Value::as_array);
        let named = zones.into_iter().flatten().filter_map(|zone| zone.get(field));
        let ids: Vec<&str> = named.filter_map(Value::as_str).collect();
        ids.into_iter()
    }
}

/// One place in a playlist.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) id: String,
    pub(crate) content_id: String,
    pub(crate) duration: Option<i64>,
    pub(crate) created: Stamp,
}

/// A playlist; an item's order is its place.
#[derive(Clone, Debug)]
pub(crate) struct Playlist {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) loops: bool,
    pub(crate) is_default: bool,
    pub(crate) created: Stamp,
    pub(crate) updated: Stamp,
    pub(crate) items: Vec<Item>,
}

impl Row for Playlist {
    fn id(&self) -> &str {
        &self.id
    }
    fn rank(&self) -> (i64, i64) {
        (0, -self.created.0)
    }
}
