//! The fields of the platform's rows that are read. Whatever else a row holds is never even looked at.
//!
//! A field that must be there and may be null is told from one that is missing: a row that lost a field is not a row
//! without a value.

use std::fmt;

use jiff::Timestamp;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::domain::platform::{ContentStatus, DisplayStatus};

/// A field that must be there, though it may be null.
fn there<'de, D: Deserializer<'de>, V: Deserialize<'de>>(from: D) -> Result<Option<V>, D::Error> {
    Option::deserialize(from)
}

/// A page of a list.
#[derive(Deserialize)]
pub(super) struct Page<R> {
    pub(super) data: Vec<R>,
    pub(super) meta: Meta,
}

#[derive(Deserialize)]
pub(super) struct Meta {
    pub(super) total: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DisplayWire {
    pub(super) id: String,
    pub(super) nickname: Option<String>,
    pub(super) name: Option<String>,
    pub(super) location: Option<String>,
    pub(super) status: DisplayStatus,
    pub(super) timezone: Option<String>,
    #[serde(deserialize_with = "there")]
    pub(super) last_heartbeat: Option<Timestamp>,
    pub(super) is_disabled: bool,
    #[serde(deserialize_with = "there")]
    pub(super) current_playlist_id: Option<String>,
    pub(super) created_at: Timestamp,
    pub(super) paired_at: Option<Timestamp>,
    pub(super) unpaired_at: Option<Timestamp>,
}

/// Content as lists show it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ContentWire {
    pub(super) id: String,
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) status: ContentStatus,
    pub(super) thumbnail: Option<String>,
    pub(super) thumbnail_url: Option<String>,
    pub(super) file_size: Option<u64>,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
}

/// Content as a look at the single piece shows it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FullWire {
    pub(super) id: String,
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) status: ContentStatus,
    pub(super) thumbnail: Option<String>,
    pub(super) thumbnail_url: Option<String>,
    pub(super) file_size: Option<u64>,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    #[serde(deserialize_with = "there")]
    pub(super) expires_at: Option<Timestamp>,
    #[serde(deserialize_with = "there")]
    pub(super) replacement_content_id: Option<String>,
    #[serde(deserialize_with = "there")]
    pub(super) previous_version_id: Option<String>,
    pub(super) is_global: bool,
    #[serde(default)]
    pub(super) metadata: Metadata,
    pub(super) playlist_items: Option<Vec<HolderWire>>,
}

/// A place in a playlist, as the content that is in it shows it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HolderWire {
    pub(super) playlist_id: String,
}

/// Zones. Anything that is not an object holds none; an object whose zones are not understood is an error, because what
/// they show would be taken for unused.
#[derive(Default)]
pub(super) struct Metadata {
    pub(super) zones: Vec<ZoneWire>,
}

#[derive(Deserialize)]
pub(super) struct ZoneWire {
    #[serde(rename = "playlistId")]
    pub(super) playlist: Option<String>,
    #[serde(rename = "contentId")]
    pub(super) content: Option<String>,
    #[serde(rename = "widgetId")]
    pub(super) widget: Option<String>,
}

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(MetadataVisitor)
    }
}

struct MetadataVisitor;

impl<'de> Visitor<'de> for MetadataVisitor {
    type Value = Metadata;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("metadata")
    }

    fn visit_unit<E>(self) -> Result<Metadata, E> {
        Ok(Metadata::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Metadata, E> {
        Ok(Metadata::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Metadata, E> {
        Ok(Metadata::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Metadata, E> {
        Ok(Metadata::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Metadata, E> {
        Ok(Metadata::default())
    }

    fn visit_str<E>(self, _: &str) -> Result<Metadata, E> {
        Ok(Metadata::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Metadata, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Metadata::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Metadata, A::Error> {
        let mut zones: Option<Vec<ZoneWire>> = None;
        while let Some(name) = members.next_key::<String>()? {
            if name == "zones" {
                zones = members.next_value()?;
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Metadata { zones: zones.unwrap_or_default() })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PlaylistWire {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) created_at: Timestamp,
    pub(super) items: Vec<ItemWire>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ItemWire {
    pub(super) content_id: String,
    #[serde(default)]
    pub(super) order: i64,
    /// Missing where the content is gone.
    pub(super) content: Option<ItemContentWire>,
}

#[derive(Deserialize)]
pub(super) struct ItemContentWire {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) status: ContentStatus,
}

/// A schedule. The display inside it, with its token, has no field here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ScheduleWire {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) start_date: Timestamp,
    #[serde(deserialize_with = "there")]
    pub(super) end_date: Option<Timestamp>,
    #[serde(deserialize_with = "there")]
    pub(super) start_time: Option<u16>,
    #[serde(deserialize_with = "there")]
    pub(super) end_time: Option<u16>,
    pub(super) days_of_week: Vec<u8>,
    pub(super) priority: i64,
    pub(super) is_active: Option<bool>,
    pub(super) active: Option<bool>,
    pub(super) created_at: Timestamp,
    #[serde(deserialize_with = "there")]
    pub(super) playlist_id: Option<String>,
    #[serde(deserialize_with = "there")]
    pub(super) display_id: Option<String>,
    #[serde(deserialize_with = "there")]
    pub(super) display_group_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GroupWire {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) created_at: Option<Timestamp>,
    pub(super) displays: Vec<MemberWire>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MemberWire {
    pub(super) display_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StorageWire {
    pub(super) used_bytes: u64,
    pub(super) quota_bytes: u64,
}

/// What a command to devices did.
#[derive(Deserialize)]
pub(super) struct CommandWire {
    #[serde(rename = "devicesOnline")]
    pub(super) online: u64,
    #[serde(rename = "devicesQueued")]
    pub(super) queued: u64,
    #[serde(rename = "devicesDelivered")]
    pub(super) delivered: u64,
}
