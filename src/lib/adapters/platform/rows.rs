//! From the platform's rows to ours.

use jiff::Timestamp;
use serde::de::DeserializeOwned;

use super::dialect::Table;
use super::wire::{
    ContentWire, DisplayWire, FullWire, GroupWire, Metadata, PlaylistWire, ScheduleWire,
};
use crate::domain::platform::{
    ContentDetail, ContentRow, ContentState, ContentStatus, DisplayRow, GroupRow, PlaylistItem,
    PlaylistRow, ScheduleRow, Zone,
};

/// A row that lists hold.
pub(super) trait Listed: Sized + Send {
    /// How the platform writes it.
    type Wire: DeserializeOwned + Send;

    /// The row; `Err` where it is not understood.
    fn read(wire: Self::Wire, table: &Table) -> Result<Seen<Self>, String>;

    fn id(&self) -> &str;
}

/// A row, and when the platform made it.
pub(super) struct Seen<R> {
    pub(super) row: R,
    pub(super) created_at: Timestamp,
}

/// A piece of content with everything that a single look shows.
pub(super) struct Full {
    pub(super) row: ContentRow,
    pub(super) detail: ContentDetail,
    /// The playlists that hold it; empty where a list was looked at.
    pub(super) playlists: Vec<String>,
}

fn some(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

impl Listed for DisplayRow {
    type Wire = DisplayWire;

    fn read(wire: DisplayWire, _: &Table) -> Result<Seen<Self>, String> {
        let name = some(wire.nickname).or(some(wire.name)).unwrap_or_else(|| wire.id.clone());
        let row = Self {
            name,
            id: wire.id,
            location: some(wire.location),
            status: wire.status,
            zone: some(wire.timezone),
            last_heartbeat: wire.last_heartbeat,
            disabled: wire.is_disabled,
            playlist: some(wire.current_playlist_id),
            paired_at: wire.paired_at,
            unpaired_at: wire.unpaired_at,
        };
        Ok(Seen { row, created_at: wire.created_at })
    }

    fn id(&self) -> &str {
        &self.id
    }
}

impl Listed for ContentRow {
    type Wire = ContentWire;

    fn read(wire: ContentWire, _: &Table) -> Result<Seen<Self>, String> {
        let row = Self {
            id: wire.id,
            name: wire.name,
            kind: wire.kind,
            status: wire.status,
            thumbnail: some(wire.thumbnail_url).or(some(wire.thumbnail)),
            size_bytes: wire.file_size,
            created_at: wire.created_at,
            updated_at: wire.updated_at,
        };
        Ok(Seen { created_at: row.created_at, row })
    }

    fn id(&self) -> &str {
        &self.id
    }
}

impl Listed for ContentState {
    type Wire = ContentWire;

    fn read(wire: ContentWire, _: &Table) -> Result<Seen<Self>, String> {
        let row = Self { id: wire.id, status: wire.status, updated_at: wire.updated_at };
        Ok(Seen { row, created_at: wire.created_at })
    }

    fn id(&self) -> &str {
        &self.id
    }
}

impl Listed for Full {
    type Wire = FullWire;

    fn read(wire: FullWire, _: &Table) -> Result<Seen<Self>, String> {
        let detail = ContentDetail {
            expires_at: wire.expires_at,
            replacement: some(wire.replacement_content_id),
            previous_version: some(wire.previous_version_id),
            global: wire.is_global,
            zones: zones(wire.metadata),
        };
        let row = ContentRow {
            id: wire.id,
            name: wire.name,
            kind: wire.kind,
            status: wire.status,
            thumbnail: some(wire.thumbnail_url).or(some(wire.thumbnail)),
            size_bytes: wire.file_size,
            created_at: wire.created_at,
            updated_at: wire.updated_at,
        };
        let holders = wire.playlist_items.unwrap_or_default();
        let mut playlists: Vec<String> = holders.into_iter().map(|item| item.playlist_id).collect();
        playlists.sort_unstable();
        playlists.dedup();
        Ok(Seen { created_at: row.created_at, row: Self { row, detail, playlists } })
    }

    fn id(&self) -> &str {
        &self.row.id
    }
}

/// A zone may name several things; each of them is a reference.
fn zones(metadata: Metadata) -> Vec<Zone> {
    let of = |zone: super::wire::ZoneWire| {
        [
            some(zone.playlist).map(Zone::Playlist),
            some(zone.content).map(Zone::Content),
            some(zone.widget).map(Zone::Widget),
        ]
    };
    metadata.zones.into_iter().flat_map(of).flatten().collect()
}

impl Listed for PlaylistRow {
    type Wire = PlaylistWire;

    fn read(wire: PlaylistWire, _: &Table) -> Result<Seen<Self>, String> {
        let mut items = wire.items;
        items.sort_by_key(|item| item.order);
        let item = |item: super::wire::ItemWire| PlaylistItem {
            content: item.content_id,
            status: item.content.as_ref().map_or(ContentStatus::Unrecognised, |found| found.status),
            layout: item.content.is_some_and(|found| found.kind == "layout"),
        };
        let items = items.into_iter().map(item).collect();
        let row = Self { id: wire.id, name: wire.name, items };
        Ok(Seen { row, created_at: wire.created_at })
    }

    fn id(&self) -> &str {
        &self.id
    }
}

impl Listed for ScheduleRow {
    type Wire = ScheduleWire;

    fn read(wire: ScheduleWire, table: &Table) -> Result<Seen<Self>, String> {
        let flag = if table.schedule_flag == "active" { wire.active } else { wire.is_active };
        let active = flag.ok_or_else(|| format!("{} is missing", table.schedule_flag))?;
        let row = Self {
            id: wire.id,
            name: wire.name,
            starts_at: wire.start_date,
            ends_at: wire.end_date,
            from_minute: wire.start_time,
            to_minute: wire.end_time,
            days: wire.days_of_week,
            priority: wire.priority,
            active,
            playlist: some(wire.playlist_id),
            display: some(wire.display_id),
            group: some(wire.display_group_id),
        };
        Ok(Seen { row, created_at: wire.created_at })
    }

    fn id(&self) -> &str {
        &self.id
    }
}

impl Listed for GroupRow {
    type Wire = GroupWire;

    fn read(wire: GroupWire, _: &Table) -> Result<Seen<Self>, String> {
        let displays = wire.displays.into_iter().map(|member| member.display_id).collect();
        let row = Self { id: wire.id, name: wire.name, displays };
        // It is only compared with the age of others: one without it counts as old.
        Ok(Seen { row, created_at: wire.created_at.unwrap_or(Timestamp::UNIX_EPOCH) })
    }

    fn id(&self) -> &str {
        &self.id
    }
}

#[cfg(test)]
mod tests;
