//! Content and playlists.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The state of a piece of content, in the platform's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContentStatus {
    /// May be played.
    Active,
    /// Put away; kept.
    Archived,
    /// Not finished.
    Draft,
    /// Marked by a person.
    Flagged,
    /// Refused by a person.
    Rejected,
    /// Waits for a person.
    PendingApproval,
    /// Ended by the platform's own expiry.
    Expired,
    /// Processed, not yet published.
    Ready,
    /// Being processed.
    Processing,
    /// Its processing failed.
    Error,
    /// A word that this version does not know.
    #[serde(other)]
    Unrecognised,
}

impl ContentStatus {
    /// The platform's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Archived => "archived",
            Self::Draft => "draft",
            Self::Flagged => "flagged",
            Self::Rejected => "rejected",
            Self::PendingApproval => "pending_approval",
            Self::Expired => "expired",
            Self::Ready => "ready",
            Self::Processing => "processing",
            Self::Error => "error",
            Self::Unrecognised => "unrecognised",
        }
    }
}

/// What of a piece of content decides whether it can be shown. A tenant has many pieces, and their names and pictures
/// would fill the memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentState {
    /// The platform's id.
    pub id: String,
    /// Its state.
    pub status: ContentStatus,
    /// When the platform last wrote it.
    pub updated_at: Timestamp,
}

impl From<ContentRow> for ContentState {
    fn from(row: ContentRow) -> Self {
        Self { id: row.id, status: row.status, updated_at: row.updated_at }
    }
}

/// A piece of content as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentRow {
    /// The platform's id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Its type, in the platform's word: `image`, `video`, `layout` …
    pub kind: String,
    /// Its state.
    pub status: ContentStatus,
    /// The address of its thumbnail.
    pub thumbnail: Option<String>,
    /// Its size in bytes.
    pub size_bytes: Option<u64>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When the platform last wrote it.
    pub updated_at: Timestamp,
}

/// What a layout's zone shows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Zone {
    /// A playlist.
    Playlist(String),
    /// One piece of content.
    Content(String),
    /// A widget: stored, and not resolved by the platform. It is a reference all the same.
    Widget(String),
}

/// What only a look at the single piece of content shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentDetail {
    /// When it expires.
    pub expires_at: Option<Timestamp>,
    /// The content that takes its place when it expires.
    pub replacement: Option<String>,
    /// The content that it is a newer version of.
    pub previous_version: Option<String>,
    /// Whether every tenant sees it.
    pub global: bool,
    /// What its zones show, for a layout.
    pub zones: Vec<Zone>,
}

impl ContentDetail {
    /// Whether it has expired at `at`.
    #[must_use]
    pub fn expired(&self, at: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= at)
    }
}

/// One place in a playlist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaylistItem {
    /// The content.
    pub content: String,
    /// Its state, as the playlist's list shows it.
    pub status: ContentStatus,
    /// Whether it is a layout, which plays by what its zones show.
    pub layout: bool,
}

/// A playlist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaylistRow {
    /// The platform's id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it plays, in order.
    pub items: Vec<PlaylistItem>,
}
