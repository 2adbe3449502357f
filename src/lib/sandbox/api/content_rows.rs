//! Content items in the shapes in which they are sent: lists leave out what only a detail shows.

use serde::Serialize;
use serde_json::Value;

use super::playlists::PlaylistRow;
use crate::sandbox::model::content::{Content, ContentStatus, Item};
use crate::sandbox::model::tenant::Tenant;
use crate::sandbox::time::Stamp;

/// A row of a list. The design document's list shows what the live one does not.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListRow<'a> {
    id: &'a str,
    organization_id: &'a str,
    name: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    thumbnail: Option<&'a str>,
    duration: Option<i64>,
    file_size: i64,
    status: ContentStatus,
    folder_id: Option<()>,
    created_at: Stamp,
    updated_at: Stamp,
    tags: [(); 0],
    title: &'a str,
    thumbnail_url: Option<&'a str>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    more: Option<More<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct More<'a> {
    expires_at: Option<Stamp>,
    replacement_content_id: Option<&'a str>,
    previous_version_id: Option<&'a str>,
    is_global: bool,
    metadata: &'a Value,
}

pub(super) fn list_row<'a>(tenant: &'a Tenant, content: &'a Content, more: bool) -> ListRow<'a> {
    ListRow {
        id: &content.id,
        organization_id: &tenant.organisation.id,
        name: &content.name,
        kind: &content.kind,
        thumbnail: content.thumbnail.as_deref(),
        duration: content.duration,
        file_size: content.size_bytes,
        status: content.status,
        folder_id: None,
        created_at: content.created,
        updated_at: content.updated,
        tags: [],
        title: &content.name,
        thumbnail_url: content.thumbnail.as_deref(),
        more: more.then_some(More {
            expires_at: content.expires,
            replacement_content_id: content.replacement.as_deref(),
            previous_version_id: content.previous_version.as_deref(),
            is_global: content.is_global,
            metadata: &content.metadata,
        }),
    }
}

/// The row as the database has it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawRow<'a> {
    id: &'a str,
    name: &'a str,
    description: Option<&'a str>,
    #[serde(rename = "type")]
    kind: &'a str,
    url: &'a str,
    thumbnail: Option<&'a str>,
    duration: Option<i64>,
    file_size: i64,
    mime_type: &'a str,
    metadata: &'a Value,
    status: ContentStatus,
    is_global: bool,
    template_orientation: Option<&'a str>,
    created_at: Stamp,
    updated_at: Stamp,
    expires_at: Option<Stamp>,
    replacement_content_id: Option<&'a str>,
    previous_version_id: Option<&'a str>,
    version_number: u8,
    organization_id: &'a str,
    folder_id: Option<()>,
}

pub(super) fn raw_row<'a>(tenant: &'a Tenant, content: &'a Content) -> RawRow<'a> {
    RawRow {
        id: &content.id,
        name: &content.name,
        description: content.description.as_deref(),
        kind: &content.kind,
        url: &content.url,
        thumbnail: content.thumbnail.as_deref(),
        duration: content.duration,
        file_size: content.size_bytes,
        mime_type: &content.mime,
        metadata: &content.metadata,
        status: content.status,
        is_global: content.is_global,
        template_orientation: content.orientation.as_deref(),
        created_at: content.created,
        updated_at: content.updated,
        expires_at: content.expires,
        replacement_content_id: content.replacement.as_deref(),
        previous_version_id: content.previous_version.as_deref(),
        version_number: 1 + u8::from(content.previous_version.is_some()),
        organization_id: &tenant.organisation.id,
        folder_id: None,
    }
}

/// The row after a change: with the names that the dashboard uses.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PatchedRow<'a> {
    #[serde(flatten)]
    row: RawRow<'a>,
    title: &'a str,
    thumbnail_url: Option<&'a str>,
}

pub(super) fn patched_row<'a>(tenant: &'a Tenant, content: &'a Content) -> PatchedRow<'a> {
    PatchedRow {
        row: raw_row(tenant, content),
        title: &content.name,
        thumbnail_url: content.thumbnail.as_deref(),
    }
}

/// The whole row with every playlist that shows it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DetailRow<'a> {
    #[serde(flatten)]
    row: RawRow<'a>,
    tags: [(); 0],
    playlist_items: Vec<ItemRow<'a>>,
    title: &'a str,
    thumbnail_url: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ItemRow<'a> {
    id: &'a str,
    order: usize,
    duration: Option<i64>,
    created_at: Stamp,
    playlist_id: &'a str,
    content_id: &'a str,
    playlist: PlaylistRow<'a>,
}

/// The detail; `shown_in` names the playlists that show the item.
pub(super) fn detail_row<'a>(
    tenant: &'a Tenant,
    content: &'a Content,
    shown_in: &[String],
) -> DetailRow<'a> {
    let playlists = shown_in.iter().filter_map(|id| tenant.playlists.get(id));
    let places = playlists.flat_map(|list| {
        let ours = |(_, item): &(usize, &Item)| item.content_id == content.id;
        list.items.iter().enumerate().filter(ours).map(move |(order, item)| ItemRow {
            id: &item.id,
            order,
            duration: item.duration,
            created_at: item.created,
            playlist_id: &list.id,
            content_id: &item.content_id,
            playlist: PlaylistRow::of(tenant, list),
        })
    });
    DetailRow {
        row: raw_row(tenant, content),
        tags: [],
        playlist_items: places.collect(),
        title: &content.name,
        thumbnail_url: content.thumbnail.as_deref(),
    }
}
