//! A row of the platform as the target of an operation: its name, and the few fields that may be compared.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::subject::{Subject, SubjectKind};

/// The tables that operations act on.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum RowKind {
    /// A display.
    Display,
    /// A piece of content.
    Content,
    /// A schedule.
    Schedule,
}

impl RowKind {
    /// The word used in keys and messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Display => "display",
            Self::Content => "content",
            Self::Schedule => "schedule",
        }
    }

    /// What findings about such a row are about.
    #[must_use]
    pub const fn subject_kind(self) -> SubjectKind {
        match self {
            Self::Display => SubjectKind::Display,
            Self::Content => SubjectKind::Content,
            Self::Schedule => SubjectKind::Schedule,
        }
    }
}

/// One row: whose it is, of which table, and its id there.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct RowRef {
    /// The tenant, by its name in the settings.
    pub tenant: String,
    /// The table.
    pub kind: RowKind,
    /// The platform's own id.
    pub id: String,
}

impl RowRef {
    /// The row `id` of `tenant`.
    #[must_use]
    pub fn new(kind: RowKind, tenant: &str, id: &str) -> Self {
        Self { tenant: tenant.to_owned(), kind, id: id.to_owned() }
    }

    /// The subject of findings about this row.
    #[must_use]
    pub fn subject(&self) -> Subject {
        Subject::new(self.kind.subject_kind(), &self.tenant, &self.id)
    }
}

impl fmt::Display for RowRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.kind.as_str(), self.tenant, self.id)
    }
}

/// The fields of a row that may be kept and compared.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// Its state, in the platform's word.
    Status,
    /// Whether a schedule is in force: `true` or `false`.
    Active,
    /// When content expires.
    ExpiresAt,
    /// The content that takes its place.
    Replacement,
    /// The playlists that hold it, sorted, with commas between.
    Playlists,
    /// Whether every tenant sees it.
    Global,
    /// When a display was last heard of.
    LastHeartbeat,
    /// The playlist of a display.
    CurrentPlaylist,
    /// Whether a person switched a display off.
    Disabled,
    /// When a schedule begins.
    StartDate,
    /// When a schedule ends.
    EndDate,
    /// The playlist of a schedule.
    Playlist,
    /// The display of a schedule.
    Display,
    /// The group of a schedule.
    Group,
    /// When the platform last wrote the row.
    UpdatedAt,
}

impl Field {
    /// The word used in messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Active => "active",
            Self::ExpiresAt => "expires_at",
            Self::Replacement => "replacement",
            Self::Playlists => "playlists",
            Self::Global => "global",
            Self::LastHeartbeat => "last_heartbeat",
            Self::CurrentPlaylist => "current_playlist",
            Self::Disabled => "disabled",
            Self::StartDate => "start_date",
            Self::EndDate => "end_date",
            Self::Playlist => "playlist",
            Self::Display => "display",
            Self::Group => "group",
            Self::UpdatedAt => "updated_at",
        }
    }

    /// Whether the platform changes it without anybody's will, so that a change of it is nobody's edit.
    #[must_use]
    pub const fn changes_by_itself(self, of: RowKind) -> bool {
        match self {
            Self::LastHeartbeat | Self::UpdatedAt => true,
            Self::Status => matches!(of, RowKind::Display),
            Self::Active
            | Self::ExpiresAt
            | Self::Replacement
            | Self::Playlists
            | Self::Global
            | Self::CurrentPlaylist
            | Self::Disabled
            | Self::StartDate
            | Self::EndDate
            | Self::Playlist
            | Self::Display
            | Self::Group => false,
        }
    }
}

/// A row as it was read: its comparable fields as text; a field without a value is `None`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RowState {
    /// Which row.
    pub row: RowRef,
    /// Its name, for people.
    pub name: String,
    /// Its fields.
    pub fields: BTreeMap<Field, Option<String>>,
}

/// One field that differs between two readings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// Which field.
    pub field: Field,
    /// Before.
    pub from: Option<String>,
    /// After.
    pub to: Option<String>,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
        write!(f, "{} {} → {}", self.field.as_str(), text(&self.from), text(&self.to))
    }
}

impl RowState {
    /// A field's value; `None` also where the reading does not hold the field.
    #[must_use]
    pub fn field(&self, field: Field) -> Option<&str> {
        self.fields.get(&field).and_then(Option::as_deref)
    }

    /// What differs in `after`, in the order of fields.
    #[must_use]
    pub fn changes(&self, after: &Self) -> Vec<Change> {
        let differs = |(field, to): (&Field, &Option<String>)| {
            let from = self.fields.get(field)?;
            (from != to).then(|| Change { field: *field, from: from.clone(), to: to.clone() })
        };
        after.fields.iter().filter_map(differs).collect()
    }

    /// One line for people: the state first, then nothing that is not needed to tell two readings apart.
    #[must_use]
    pub fn summary(&self) -> String {
        let shown = [Field::Status, Field::Active, Field::CurrentPlaylist, Field::LastHeartbeat];
        let part = |field: &Field| {
            let value = self.fields.get(field)?;
            let value = value.as_deref().unwrap_or("nothing");
            Some(format!("{} {value}", field.as_str()))
        };
        shown.iter().filter_map(part).collect::<Vec<_>>().join(", ")
    }
}
