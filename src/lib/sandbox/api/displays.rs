//! Displays and their groups.

use serde_json::{Value, json};

use super::call::{Call, not_found};
use super::display_rows::{detail_row, group_row, list_row};
use super::fields::{Field, Kind, PAGING, TEXT, may, must};
use super::route::{ADMINS, EDITORS, Route};
use crate::sandbox::model::display::DisplayStatus;
use crate::sandbox::model::session::Who;
use crate::sandbox::options::Dialect;
use crate::sandbox::serve::reply::Reply;

const ORIENTATIONS: &[&str] = &["landscape", "portrait", "landscape_flipped", "portrait_flipped"];

const fn patch_fields(statuses: &'static [&'static str]) -> [Field; 9] {
    [
        may("name", Kind::Text { min: 1, max: 100 }),
        may("description", TEXT),
        may("location", TEXT),
        may("deviceId", TEXT),
        may("status", Kind::Unnamed(statuses)),
        may("orientation", Kind::Choice(ORIENTATIONS)),
        may("resolution", TEXT),
        may("metadata", Kind::Object),
        may("currentPlaylistId", TEXT),
    ]
}

const LIVE: &[Field] = &patch_fields(&["online", "offline", "error"]);
const WORDED: &[Field] = &patch_fields(&["online", "offline", "error", "inactive"]);
const ASSIGN: &[Field] = &[must("displayIds", Kind::Ids), must("playlistId", TEXT)];
const GROUP: &[Field] = &[must("displayIds", Kind::Ids), must("displayGroupId", TEXT)];
const PUSH: &[Field] =
    &[must("contentId", TEXT), may("duration", Kind::Whole { min: 1, max: 1440 })];

const fn editing(route: Route) -> Route {
    route.edits(EDITORS)
}

pub(super) const ROUTES: &[Route] = &[
    Route::get("/displays", list).lists(PAGING),
    editing(Route::post("/displays/bulk/assign-playlist", assign_all)).publishes().takes(ASSIGN),
    editing(Route::post("/displays/bulk/assign-group", group_all)).takes(GROUP),
    Route::get("/displays/:id", detail).uuid("Display"),
    editing(Route::patch("/displays/:id", patch)).takes(LIVE).uuid("Display").only(Dialect::Vizora),
    editing(Route::patch("/displays/:id", patch))
        .takes(WORDED)
        .uuid("Display")
        .only(Dialect::Reference),
    Route::post("/displays/:id/disable", disable).edits(ADMINS).uuid("Display"),
    Route::post("/displays/:id/enable", enable).edits(ADMINS).uuid("Display"),
    editing(Route::post("/displays/:id/push-content", push))
        .publishes()
        .takes(PUSH)
        .uuid("Display"),
    Route::delete("/displays/:id", delete).uuid("Display"),
    Route::get("/display-groups", groups).lists(PAGING),
];

fn list(call: &mut Call<'_>) -> Reply {
    let now = call.now;
    call.page(
        |tenant| &mut tenant.displays,
        None,
        |tenant, row| serde_json::value::to_raw_value(&list_row(tenant, row, now)).ok(),
        |tenant| &tenant.displays,
    )
}

fn told(call: &mut Call<'_>, id: &str) -> Reply {
    let (now, dialect) = (call.now, call.dialect());
    let tenant = &*call.tenant();
    match tenant.displays.get(id) {
        Some(display) => Reply::ok(&detail_row(tenant, display, dialect, now)),
        None => not_found("Display"),
    }
}

fn listed(call: &mut Call<'_>, id: &str) -> Reply {
    let now = call.now;
    let tenant = &*call.tenant();
    match tenant.displays.get(id) {
        Some(display) => Reply::ok(&list_row(tenant, display, now)),
        None => not_found("Display"),
    }
}

fn detail(call: &mut Call<'_>) -> Reply {
    let id = call.id().to_owned();
    told(call, &id)
}

const FOREIGN_PLAYLIST: &str = "Playlist not found or does not belong to your organization";

fn patch(call: &mut Call<'_>) -> Reply {
    let (id, now) = (call.id().to_owned(), call.now);
    let playlist = call.pointer("currentPlaylistId");
    let tenant = call.tenant();
    let Some(display) = tenant.displays.get(&id) else { return not_found("Display") };
    let before = display.seen(now).status;
    if let Some(Some(playlist)) = &playlist
        && tenant.playlists.get(playlist).is_none()
    {
        return Reply::error(404, FOREIGN_PLAYLIST);
    }
    if let Some(status) = call.text("status").and_then(DisplayStatus::named) {
        set_status(call, &id, before, status);
    }
    if let Some(playlist) = playlist {
        assign(call, &id, playlist);
    }
    set_plain(call, &id);
    listed(call, &id)
}

fn set_status(call: &mut Call<'_>, id: &str, before: DisplayStatus, status: DisplayStatus) {
    let now = call.now;
    if let Some(display) = call.tenant().displays.get_mut(id) {
        display.set_status(status, now);
        display.updated = now;
    }
    let sane = !matches!(status, DisplayStatus::Error | DisplayStatus::Pairing);
    let what = match before {
        DisplayStatus::Error if sane => "reset display".to_owned(),
        _ => format!("set status {}", status.name()),
    };
    call.did(id, what, before.name(), status.name());
}

fn assign(call: &mut Call<'_>, id: &str, playlist: Option<String>) -> bool {
    let now = call.now;
    let Some(display) = call.tenant().displays.get_mut(id) else { return false };
    let before = std::mem::replace(&mut display.current_playlist, playlist.clone());
    display.updated = now;
    let what = match &playlist {
        Some(playlist) => format!("assign playlist {playlist}"),
        None => "clear playlist".to_owned(),
    };
    call.did(id, what, &before.unwrap_or_default(), &playlist.unwrap_or_default());
    true
}

/// The fields that mean nothing to any agent.
fn set_plain(call: &mut Call<'_>, id: &str) {
    let (now, body) = (call.now, call.body.clone());
    let Some(display) = call.tenant().displays.get_mut(id) else { return };
    display.updated = now;
    let mut changed = Vec::new();
    for (name, value) in body.as_object().into_iter().flatten() {
        let text = value.as_str().map(str::to_owned);
        let whole = text.clone().unwrap_or_default();
        let before = match name.as_str() {
            "name" => json!(std::mem::replace(&mut display.nickname, whole)),
            "description" => json!(std::mem::replace(&mut display.description, text)),
            "location" => json!(std::mem::replace(&mut display.location, text)),
            "deviceId" => json!(std::mem::replace(&mut display.device, whole)),
            "orientation" => json!(std::mem::replace(&mut display.orientation, whole)),
            "resolution" => json!(std::mem::replace(&mut display.resolution, whole)),
            "metadata" => std::mem::replace(&mut display.metadata, value.clone()),
            _ => continue,
        };
        changed.push((name.clone(), before.to_string(), value.to_string()));
    }
    for (name, before, after) in changed {
        call.did(id, format!("set {name}"), &before, &after);
    }
}

fn switch(call: &mut Call<'_>, is_disabled: bool) -> Reply {
    let (id, now) = (call.id().to_owned(), call.now);
    let Some(display) = call.tenant().displays.get_mut(&id) else { return not_found("Display") };
    let before = std::mem::replace(&mut display.is_disabled, is_disabled);
    display.updated = now;
    let what = if is_disabled { "disable display" } else { "enable display" };
    call.did(&id, what, &before.to_string(), &is_disabled.to_string());
    listed(call, &id)
}

fn disable(call: &mut Call<'_>) -> Reply {
    switch(call, true)
}

fn enable(call: &mut Call<'_>) -> Reply {
    switch(call, false)
}

fn push(call: &mut Call<'_>) -> Reply {
    let (id, now) = (call.id().to_owned(), call.now);
    let content = call.text("contentId").unwrap_or_default().to_owned();
    let tenant = call.tenant();
    let Some(display) = tenant.displays.get(&id) else { return not_found("Display") };
    if tenant.content.get(&content).is_none() {
        return not_found("Content");
    }
    if display.seen(now).status != DisplayStatus::Online {
        return Reply::error(503, "Content push failed: no_sockets");
    }
    call.did(&id, format!("push content {content}"), "", &content);
    Reply::ok(&json!({"success": true, "delivered": 1}))
}

/// The displays that a body names, or the refusal where one is not ours.
fn named(call: &mut Call<'_>) -> Result<Vec<String>, Reply> {
    let ids = call.ids("displayIds");
    let tenant = call.tenant();
    if ids.iter().any(|id| tenant.displays.get(id).is_none()) {
        return Err(Reply::error(404, "One or more displays were not found"));
    }
    Ok(ids)
}

fn assign_all(call: &mut Call<'_>) -> Reply {
    let playlist = call.text("playlistId").unwrap_or_default().to_owned();
    let ids = match named(call) {
        Ok(ids) => ids,
        Err(refusal) => return refusal,
    };
    if call.tenant().playlists.get(&playlist).is_none() {
        return Reply::error(404, FOREIGN_PLAYLIST);
    }
    let updated = ids.iter().filter(|id| assign(call, id, Some(playlist.clone()))).count();
    Reply::ok(&json!({ "updated": updated }))
}

fn group_all(call: &mut Call<'_>) -> Reply {
    let (group, now) = (call.text("displayGroupId").unwrap_or_default().to_owned(), call.now);
    let ids = match named(call) {
        Ok(ids) => ids,
        Err(refusal) => return refusal,
    };
    let Some(row) = call.tenant().groups.get_mut(&group) else {
        return not_found("Display group");
    };
    for id in &ids {
        if !row.displays.contains(id) {
            row.displays.push(id.clone());
        }
    }
    row.updated = now;
    for id in &ids {
        call.did(id, format!("join group {group}"), "", &group);
    }
    Reply::ok(&json!({ "updated": ids.len() }))
}

fn delete(call: &mut Call<'_>) -> Reply {
    let (id, cascade) = (call.id().to_owned(), call.dialect() == Dialect::Vizora);
    let tenant = call.tenant();
    if tenant.displays.remove(&id).is_none() {
        return not_found("Display");
    }
    if cascade {
        tenant.schedules.remove_where(|one| one.display_id.as_deref() == Some(id.as_str()));
    }
    for group in tenant.groups.iter_mut() {
        group.displays.retain(|member| *member != id);
    }
    call.did(&id, "delete display", "there", "gone");
    Reply::ok(&json!({ "id": id }))
}

fn groups(call: &mut Call<'_>) -> Reply {
    call.page(
        |tenant| &mut tenant.groups,
        None,
        |tenant, group| {
            let members: Vec<Value> =
                group.displays.iter().map(|id| json!({ "displayId": id })).collect();
            let mut row = group_row(tenant, group);
            row["_count"] = json!({ "displays": members.len() });
            row["displays"] = json!(members);
            row
        },
        |tenant| &tenant.groups,
    )
}

/// A ping over the realtime gateway: whether a player took it. None where there is no such display.
pub(crate) fn ping(
    world: &mut crate::sandbox::model::world::World,
    who: Who,
    id: &str,
    now: crate::sandbox::time::Stamp,
) -> Option<bool> {
    let display = world.tenants[who.tenant].displays.get_mut(id)?;
    let before = display.seen(now).status;
    let taken = display.pinged(now);
    let act = crate::sandbox::effects::Act::new("SEND", "/realtime", id, "ping display");
    world.record(who, now, act, before.name(), before.name());
    Some(taken)
}
