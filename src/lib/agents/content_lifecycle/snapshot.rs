//! What content-lifecycle saw: plain data, and of a row only what judgement asks for.
//!
//! A tenant may have fifty thousand pieces of content. So an item is kept as a short row without field names, and of
//! playlists and layouts only which content they refer to.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::platform::{ContentDetail, ContentRow, ContentStatus, Dialect, Storage};
use crate::domain::sight::Sight;
use crate::domain::subject::{Key, Subject};

/// Everything that was seen in one pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// How the platform is spoken to, or why there is nobody to speak to.
    pub dialect: Sight<Dialect>,
    /// What was looked at.
    pub look: Look,
}

/// What was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Look {
    /// Everything, by tenant.
    Everything(BTreeMap<String, TenantLook>),
    /// Only what was acted on.
    Proof(ProofLook),
}

/// One tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantLook {
    /// Its content.
    pub content: Sight<ContentLook>,
    /// What its playlists hold.
    pub playlists: Sight<References>,
    /// What its layouts' zones show, widgets included.
    pub layouts: Sight<References>,
    /// What it stores.
    pub storage: Sight<StorageLook>,
}

/// The content of one tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentLook {
    /// When the walk ended, on our clock.
    pub at: Timestamp,
    /// When it ended, on the platform's own.
    pub platform_now: Timestamp,
    /// Why rows may be missing, if so.
    pub cut_short: Option<String>,
    /// The rows. One that was gone when it was looked at more closely is not among them.
    pub items: Vec<Item>,
    /// What the zones of any content beside the listed layouts show.
    pub zones: BTreeSet<String>,
    /// Why some details are not known, if so.
    pub details_cut: Option<String>,
    /// Why some thumbnails were not asked, if so.
    pub thumbnails_cut: Option<String>,
    /// Why others may not be asked, if so.
    pub thumbnails_foreign: Option<String>,
}

/// One piece of content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Packed", into = "Packed")]
pub struct Item {
    /// The platform's id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Its state.
    pub status: ContentStatus,
    /// When it was made.
    pub created_at: Timestamp,
    /// Its size in bytes; `None` for one without a file.
    pub size_bytes: Option<u64>,
    /// Its thumbnail.
    pub thumbnail: Thumbnail,
    /// Whether it is a template: others are made from it, and nothing ever refers to it.
    pub template: bool,
    /// What only a closer look shows; `None` where that was not taken.
    pub detail: Option<ItemDetail>,
}

/// What only a closer look at a piece of content shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ItemDetail {
    /// When it expires.
    pub expires_at: Option<Timestamp>,
    /// The content that takes its place then.
    pub replacement: Option<String>,
    /// The content that it is a newer version of.
    pub previous_version: Option<String>,
    /// Whether every tenant sees it.
    pub global: bool,
}

/// A thumbnail's fate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Thumbnail {
    /// There is none.
    None,
    /// There is an address, and it was not asked.
    Unasked,
    /// There is an address, and settings do not allow to ask there.
    Foreign,
    /// The address answers.
    Answers,
    /// The address answers that there is nothing, and others of its origin answer.
    Dead,
    /// The address answers that there is nothing, and so does every other one of its origin.
    Doubted,
}

/// An item without field names: a third of the text, and a fifth of the memory while it is written.
type Packed = (
    String,
    String,
    ContentStatus,
    Timestamp,
    Option<u64>,
    Thumbnail,
    bool,
    Option<(Option<Timestamp>, Option<String>, Option<String>, bool)>,
);

impl From<Packed> for Item {
    fn from(packed: Packed) -> Self {
        let (id, name, status, created_at, size_bytes, thumbnail, template, detail) = packed;
        let detail = detail.map(|(expires_at, replacement, previous_version, global)| ItemDetail {
            expires_at,
            replacement,
            previous_version,
            global,
        });
        Self { id, name, status, created_at, size_bytes, thumbnail, template, detail }
    }
}

impl From<Item> for Packed {
    fn from(item: Item) -> Self {
        let detail = item.detail.map(|detail| {
            (detail.expires_at, detail.replacement, detail.previous_version, detail.global)
        });
        let Item { id, name, status, created_at, size_bytes, thumbnail, template, .. } = item;
        (id, name, status, created_at, size_bytes, thumbnail, template, detail)
    }
}

impl Item {
    /// A row without a closer look.
    #[must_use]
    pub fn new(row: ContentRow) -> Self {
        let has_one = row.thumbnail.is_some_and(|address| !address.trim().is_empty());
        Self {
            id: row.id,
            name: row.name,
            status: row.status,
            created_at: row.created_at,
            size_bytes: row.size_bytes,
            template: row.kind == "template",
            thumbnail: if has_one { Thumbnail::Unasked } else { Thumbnail::None },
            detail: None,
        }
    }

    /// A row with a closer look.
    #[must_use]
    pub fn looked_at(row: ContentRow, detail: ContentDetail) -> Self {
        Self { detail: Some(detail.into()), ..Self::new(row) }
    }

    /// Whether it may be played, expiry aside.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        matches!(self.status, ContentStatus::Active)
    }
}

impl From<ContentDetail> for ItemDetail {
    fn from(detail: ContentDetail) -> Self {
        let ContentDetail { expires_at, replacement, previous_version, global, .. } = detail;
        Self { expires_at, replacement, previous_version, global }
    }
}

impl ItemDetail {
    /// Whether it has expired at `at`.
    #[must_use]
    pub fn expired(&self, at: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= at)
    }
}

/// Which content a list of rows refers to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct References {
    /// Ids of content.
    pub content: BTreeSet<String>,
    /// How many rows the list has.
    pub rows: u64,
    /// Why rows may be missing, if so.
    pub cut_short: Option<String>,
    /// When the walk ended, on our clock.
    pub at: Timestamp,
}

/// What a tenant stores, and when that was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StorageLook {
    /// When, on our clock.
    pub at: Timestamp,
    /// The answer.
    pub storage: Storage,
}

/// A look at what was acted on, and at nothing else.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProofLook {
    /// The findings that were asked about.
    pub asked: BTreeSet<Key>,
    /// Each piece of content; `None` where the platform has no such row.
    pub rows: BTreeMap<Subject, Sight<Option<RowLook>>>,
}

/// One piece of content as it is after an act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowLook {
    /// When, on our clock.
    pub at: Timestamp,
    /// When, on the platform's own; `None` where that is not known.
    pub platform_now: Option<Timestamp>,
    /// The row.
    pub item: Item,
    /// Whether a playlist holds it.
    pub held: bool,
    /// Its replacement, where that was asked; the inner `None` where the platform has no such row.
    pub replacement: Option<Sight<Option<Item>>>,
}
