//! Content: lists and details, and the table of its routes.

use serde_json::Value;

use super::call::{Call, not_found};
use super::content_rows::{detail_row, list_row, raw_row};
use super::content_writes as writes;
use super::fields::{COUNT, Field, Kind, PAGING, TEXT, may, must};
use super::route::{EDITORS, Route};
use crate::sandbox::model::content::{CONTENT_STATUSES, Content, ContentStatus};
use crate::sandbox::options::Dialect;
use crate::sandbox::serve::reply::Reply;
use crate::sandbox::time::{DAY, Stamp};

const TYPES: &[&str] = &["image", "video", "url", "html", "pdf", "template", "layout", "widget"];
const PATCHABLE_TYPES: &[&str] = &["image", "video", "url", "html", "pdf", "template"];
const ORIENTATIONS: &[&str] = &["landscape", "portrait", "both"];

const LIST: &[Field] = &[
    PAGING[0],
    PAGING[1],
    may("type", Kind::Choice(TYPES)),
    may("status", Kind::Choice(CONTENT_STATUSES)),
    may("templateOrientation", Kind::Choice(ORIENTATIONS)),
    may("search", Kind::Text { min: 0, max: 120 }),
    may("dateRange", Kind::Choice(&["7days", "30days", "90days"])),
    may("tagNames", TEXT),
    may("tagIds", TEXT),
];

/// What a change may carry in both wordings; the design document's has one field more.
const PATCH: [Field; 12] = [
    may("name", Kind::Text { min: 1, max: 255 }),
    may("description", TEXT),
    may("type", Kind::Unnamed(PATCHABLE_TYPES)),
    may("url", TEXT),
    may("thumbnail", TEXT),
    may("duration", Kind::Whole { min: 1, max: i64::MAX }),
    may("fileSize", COUNT),
    may("mimeType", TEXT),
    may("metadata", Kind::Object),
    may("expiresAt", Kind::Moment),
    may("replacementContentId", TEXT),
    may("templateOrientation", Kind::Choice(ORIENTATIONS)),
];
const PATCH_WITH_STATUS: [Field; 13] = [
    PATCH[0],
    PATCH[1],
    PATCH[2],
    PATCH[3],
    PATCH[4],
    PATCH[5],
    PATCH[6],
    PATCH[7],
    PATCH[8],
    PATCH[9],
    PATCH[10],
    PATCH[11],
    may("status", Kind::Choice(CONTENT_STATUSES)),
];
const IDS: &[Field] = &[must("ids", Kind::Ids)];
const EXPIRATION: &[Field] = &[must("expiresAt", Kind::Moment), may("replacementContentId", TEXT)];

const fn live(route: Route) -> Route {
    route.edits(EDITORS).only(Dialect::Vizora)
}

pub(super) const ROUTES: &[Route] = &[
    Route::get("/content", list).lists(LIST),
    Route::get("/content/layouts", layouts).lists(PAGING),
    Route::get("/content/widgets", widgets).lists(PAGING),
    Route::get("/content/templates", templates).lists(PAGING),
    live(Route::post("/content/bulk/archive", writes::archive_all)).takes(IDS).answers(200),
    live(Route::post("/content/bulk/restore", writes::restore_all)).takes(IDS).answers(200),
    Route::get("/content/:id", detail).id("Content"),
    live(Route::patch("/content/:id", writes::patch)).takes(&PATCH).id("Content"),
    Route::patch("/content/:id", writes::patch)
        .edits(EDITORS)
        .takes(&PATCH_WITH_STATUS)
        .id("Content")
        .only(Dialect::Reference),
    live(Route::post("/content/:id/archive", writes::archive)).id("Content"),
    live(Route::post("/content/:id/restore", writes::restore)).id("Content").answers(200),
    live(Route::patch("/content/:id/expiration", writes::expiration))
        .takes(EXPIRATION)
        .id("Content"),
    Route::delete("/content/:id/expiration", writes::clear_expiration).id("Content"),
    Route::delete("/content/:id", writes::delete).id("Content"),
];

fn list(call: &mut Call<'_>) -> Reply {
    let word = |name: &str| call.query.get(name).and_then(Value::as_str).map(str::to_owned);
    let (kind, search) = (word("type"), word("search"));
    let status: Option<ContentStatus> =
        call.query.get("status").and_then(|word| serde_json::from_value(word.clone()).ok());
    let since = word("dateRange").and_then(|range| oldest(&range, call.now));
    let filtered = kind.is_some() || status.is_some() || search.is_some() || since.is_some();
    let search = search.map(|text| text.to_lowercase());
    let wanted = |content: &Content| {
        kind.as_ref().is_none_or(|kind| *kind == content.kind)
            && status.is_none_or(|status| content.status == status)
            && search.as_ref().is_none_or(|text| content.name.to_lowercase().contains(text))
            && since.is_none_or(|since| content.created >= since)
    };
    let more = call.dialect() == Dialect::Reference;
    call.page(
        |tenant| &mut tenant.content,
        filtered.then_some(&wanted),
        |tenant, content| {
            let row = list_row(tenant, content, more);
            serde_json::value::to_raw_value(&row).ok()
        },
        |tenant| &tenant.content,
    )
}

fn oldest(range: &str, now: Stamp) -> Option<Stamp> {
    let days: i64 = range.strip_suffix("days")?.parse().ok()?;
    Some(now.minus(days * DAY))
}

fn of_kind(call: &mut Call<'_>, kind: &str) -> Reply {
    let wanted = |content: &Content| content.kind == kind;
    call.page(
        |tenant| &mut tenant.content,
        Some(&wanted),
        |tenant, content| serde_json::value::to_raw_value(&raw_row(tenant, content)).ok(),
        |tenant| &tenant.content,
    )
}

fn layouts(call: &mut Call<'_>) -> Reply {
    of_kind(call, "layout")
}

fn widgets(call: &mut Call<'_>) -> Reply {
    of_kind(call, "widget")
}

fn templates(call: &mut Call<'_>) -> Reply {
    of_kind(call, "template")
}

fn detail(call: &mut Call<'_>) -> Reply {
    let id = call.id().to_owned();
    let tenant = call.tenant();
    let shown_in = tenant.playlists_of(&id);
    match tenant.content.get(&id) {
        Some(content) => Reply::ok(&detail_row(tenant, content, &shown_in)),
        None => not_found("Content"),
    }
}
