//! Playlists: rows with their items, and the little that is changed in them.

use serde::Serialize;
use serde_json::{Value, json};

use super::call::{Call, not_found};
use super::content_rows::{RawRow, raw_row};
use super::fields::{COUNT, Field, Kind, PAGING, TEXT, may, must};
use super::route::{EDITORS, Route};
use crate::sandbox::model::content::{Content, ContentStatus, Item, Playlist};
use crate::sandbox::model::tenant::Tenant;
use crate::sandbox::options::Dialect;
use crate::sandbox::serve::reply::Reply;
use crate::sandbox::time::Stamp;

const PATCH: &[Field] = &[
    may("name", Kind::Text { min: 1, max: 255 }),
    may("description", TEXT),
    may("loop", Kind::Switch),
    may("isDefault", Kind::Switch),
    may("items", Kind::Objects),
];
const CREATE: &[Field] =
    &[must("name", Kind::Text { min: 1, max: 255 }), PATCH[1], PATCH[2], PATCH[3], PATCH[4]];
const ITEM: &[Field] = &[must("contentId", TEXT), may("order", COUNT), may("duration", COUNT)];

pub(super) const ROUTES: &[Route] = &[
    Route::get("/playlists", list).lists(PAGING),
    Route::get("/playlists/:id", detail).id("Playlist"),
    Route::post("/playlists", create).edits(EDITORS).takes(CREATE),
    Route::patch("/playlists/:id", patch).edits(EDITORS).takes(PATCH).id("Playlist"),
    Route::post("/playlists/:id/items", add_item).edits(EDITORS).takes(ITEM).id("Playlist"),
    Route::delete("/playlists/:id/items/:item", remove_item).id("Playlist"),
    Route::delete("/playlists/:id", delete).id("Playlist"),
];

/// The row without its items.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PlaylistRow<'a> {
    id: &'a str,
    name: &'a str,
    description: Option<&'a str>,
    #[serde(rename = "loop")]
    loops: bool,
    is_default: bool,
    created_at: Stamp,
    updated_at: Stamp,
    organization_id: &'a str,
}

impl<'a> PlaylistRow<'a> {
    pub(super) fn of(tenant: &'a Tenant, list: &'a Playlist) -> Self {
        Self {
            id: &list.id,
            name: &list.name,
            description: list.description.as_deref(),
            loops: list.loops,
            is_default: list.is_default,
            created_at: list.created,
            updated_at: list.updated,
            organization_id: &tenant.organisation.id,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ListRow<'a> {
    #[serde(flatten)]
    row: PlaylistRow<'a>,
    items: Vec<ListItem<'a>>,
    #[serde(rename = "_count")]
    count: Schedules,
    item_count: usize,
    total_duration: i64,
    total_size: i64,
}

#[derive(Serialize)]
struct Schedules {
    schedules: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ListItem<'a> {
    id: &'a str,
    playlist_id: &'a str,
    content_id: &'a str,
    order: usize,
    duration: Option<i64>,
    content: Option<ListContent<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ListContent<'a> {
    id: &'a str,
    name: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    thumbnail: Option<&'a str>,
    duration: Option<i64>,
    file_size: i64,
    status: ContentStatus,
    title: &'a str,
    thumbnail_url: Option<&'a str>,
}

fn list_content(content: &Content) -> ListContent<'_> {
    ListContent {
        id: &content.id,
        name: &content.name,
        kind: &content.kind,
        thumbnail: content.thumbnail.as_deref(),
        duration: content.duration,
        file_size: content.size_bytes,
        status: content.status,
        title: &content.name,
        thumbnail_url: content.thumbnail.as_deref(),
    }
}

fn list_row<'a>(tenant: &'a Tenant, list: &'a Playlist) -> ListRow<'a> {
    let contents = || list.items.iter().filter_map(|item| tenant.content.get(&item.content_id));
    let items = list.items.iter().enumerate().map(|(order, item)| ListItem {
        id: &item.id,
        playlist_id: &list.id,
        content_id: &item.content_id,
        order,
        duration: item.duration,
        content: tenant.content.get(&item.content_id).map(list_content),
    });
    let schedules = tenant.schedules.iter().filter(|one| one.playlist_id == list.id).count();
    ListRow {
        row: PlaylistRow::of(tenant, list),
        items: items.collect(),
        count: Schedules { schedules },
        item_count: list.items.len(),
        total_duration: contents().filter_map(|content| content.duration).sum(),
        total_size: contents().map(|content| content.size_bytes).sum(),
    }
}

fn list(call: &mut Call<'_>) -> Reply {
    call.page(
        |tenant| &mut tenant.playlists,
        None,
        |tenant, list| serde_json::value::to_raw_value(&list_row(tenant, list)).ok(),
        |tenant| &tenant.playlists,
    )
}

#[derive(Serialize)]
struct DetailRow<'a> {
    #[serde(flatten)]
    row: PlaylistRow<'a>,
    items: Vec<DetailItem<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DetailItem<'a> {
    id: &'a str,
    order: usize,
    duration: Option<i64>,
    created_at: Stamp,
    playlist_id: &'a str,
    content_id: &'a str,
    content: Option<RawRow<'a>>,
}

fn detail_row<'a>(tenant: &'a Tenant, list: &'a Playlist) -> DetailRow<'a> {
    let items = list.items.iter().enumerate().map(|(order, item)| DetailItem {
        id: &item.id,
        order,
        duration: item.duration,
        created_at: item.created,
        playlist_id: &list.id,
        content_id: &item.content_id,
        content: tenant.content.get(&item.content_id).map(|row| raw_row(tenant, row)),
    });
    DetailRow { row: PlaylistRow::of(tenant, list), items: items.collect() }
}

fn told(call: &mut Call<'_>, id: &str) -> Reply {
    let tenant = &*call.tenant();
    match tenant.playlists.get(id) {
        Some(list) => Reply::ok(&detail_row(tenant, list)),
        None => not_found("Playlist"),
    }
}

fn detail(call: &mut Call<'_>) -> Reply {
    let id = call.id().to_owned();
    told(call, &id)
}

/// The items that a body names, or the refusal for one that is not there.
fn items(call: &mut Call<'_>) -> Result<Option<Vec<Item>>, Reply> {
    let Some(given) = call.body.get("items").and_then(Value::as_array).cloned() else {
        return Ok(None);
    };
    let mut made = Vec::new();
    for item in given {
        let content_id = item.get("contentId").and_then(Value::as_str).unwrap_or("").to_owned();
        if call.tenant().content.get(&content_id).is_none() {
            return Err(not_found("Content"));
        }
        let duration = item.get("duration").and_then(Value::as_i64);
        let id = call.world.seeded.cuid();
        made.push(Item { id, content_id, duration, created: call.now });
    }
    Ok(Some(made))
}

fn create(call: &mut Call<'_>) -> Reply {
    let items = match items(call) {
        Ok(items) => items.unwrap_or_default(),
        Err(refusal) => return refusal,
    };
    let id = call.world.seeded.cuid();
    let switched =
        |name: &str, otherwise| call.body.get(name).and_then(Value::as_bool).unwrap_or(otherwise);
    let list = Playlist {
        id: id.clone(),
        name: call.text("name").unwrap_or_default().to_owned(),
        description: call.text("description").map(str::to_owned),
        loops: switched("loop", true),
        is_default: switched("isDefault", false),
        created: call.now,
        updated: call.now,
        items,
    };
    call.tenant().playlists.insert(list);
    call.did(&id, "create playlist", "", &id);
    told(call, &id)
}

fn patch(call: &mut Call<'_>) -> Reply {
    let (id, now, body) = (call.id().to_owned(), call.now, call.body.clone());
    if call.tenant().playlists.get(&id).is_none() {
        return not_found("Playlist");
    }
    let items = match items(call) {
        Ok(items) => items,
        Err(refusal) => return refusal,
    };
    if let Some(list) = call.tenant().playlists.get_mut(&id) {
        let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        let switched = |name: &str| body.get(name).and_then(Value::as_bool);
        list.name = text("name").unwrap_or_else(|| list.name.clone());
        list.description = text("description").or_else(|| list.description.clone());
        list.loops = switched("loop").unwrap_or(list.loops);
        list.is_default = switched("isDefault").unwrap_or(list.is_default);
        list.items = items.unwrap_or_else(|| std::mem::take(&mut list.items));
        list.updated = now;
    }
    let names: Vec<&str> = body.as_object().into_iter().flatten().map(|(k, _)| &**k).collect();
    call.did(&id, format!("change playlist {}", names.join(",")), "", "");
    told(call, &id)
}

fn add_item(call: &mut Call<'_>) -> Reply {
    let (id, now) = (call.id().to_owned(), call.now);
    let content_id = call.text("contentId").unwrap_or_default().to_owned();
    if call.tenant().playlists.get(&id).is_none() {
        return not_found("Playlist");
    }
    if call.tenant().content.get(&content_id).is_none() {
        return not_found("Content");
    }
    let item_id = call.world.seeded.cuid();
    let duration = call.number("duration");
    let order = call.number("order").and_then(|order| usize::try_from(order).ok());
    let item = Item { id: item_id.clone(), content_id: content_id.clone(), duration, created: now };
    let mut at = 0;
    if let Some(list) = call.tenant().playlists.get_mut(&id) {
        at = order.unwrap_or(list.items.len()).min(list.items.len());
        list.items.insert(at, item);
        list.updated = now;
    }
    call.did(&id, format!("add item {content_id}"), "", &content_id);
    Reply::ok(&json!({
        "id": item_id, "playlistId": id, "contentId": content_id, "order": at,
        "duration": duration, "createdAt": now,
    }))
}

fn remove_item(call: &mut Call<'_>) -> Reply {
    let (id, now) = (call.id().to_owned(), call.now);
    let item = call.params.get(1).copied().unwrap_or("").to_owned();
    let Some(list) = call.tenant().playlists.get_mut(&id) else { return not_found("Playlist") };
    list.items.retain(|one| one.id != item);
    list.updated = now;
    call.did(&id, format!("remove item {item}"), &item, "");
    Reply::ok(&json!({ "id": item }))
}

fn delete(call: &mut Call<'_>) -> Reply {
    let id = call.id().to_owned();
    let cascade = call.dialect() == Dialect::Vizora;
    if !call.tenant().remove_playlist(&id, cascade) {
        return not_found("Playlist");
    }
    call.did(&id, "delete playlist", "there", "gone");
    Reply::ok(&json!({ "id": id }))
}
