//! Schedules.

use serde_json::{Value, json};

use super::call::{Call, not_found};
use super::fields::{Field, Kind, PAGING, TEXT, may, must};
use super::route::{EDITORS, Route};
use super::schedule_rows::{Counted, full_row};
use crate::sandbox::model::schedule::Schedule;
use crate::sandbox::model::tenant::Tenant;
use crate::sandbox::options::Dialect;
use crate::sandbox::serve::reply::Reply;
use crate::sandbox::time::Stamp;

const MINUTE_OF_DAY: Kind = Kind::Whole { min: 0, max: 1439 };
const PRIORITY: Kind = Kind::Whole { min: 0, max: 1000 };

const fn patch_fields(switch: &'static str) -> [Field; 12] {
    [
        may("name", Kind::Text { min: 1, max: 255 }),
        may("description", TEXT),
        may("startDate", Kind::Moment),
        may("endDate", Kind::Moment),
        may("startTime", MINUTE_OF_DAY),
        may("endTime", MINUTE_OF_DAY),
        may("daysOfWeek", Kind::Days),
        may("priority", PRIORITY),
        may(switch, Kind::Switch),
        may("playlistId", TEXT),
        may("displayId", TEXT),
        may("displayGroupId", TEXT),
    ]
}

const LIVE: [Field; 12] = patch_fields("isActive");
const WORDED: [Field; 12] = patch_fields("active");
const fn create_fields(patch: &[Field; 12]) -> [Field; 12] {
    let mut fields = *patch;
    fields[0] = must("name", Kind::Text { min: 1, max: 255 });
    fields[2] = must("startDate", Kind::Moment);
    fields[6] = must("daysOfWeek", Kind::Days);
    fields[9] = must("playlistId", TEXT);
    fields
}
const CREATE: [Field; 12] = create_fields(&LIVE);
const CREATE_WORDED: [Field; 12] = create_fields(&WORDED);
const CONFLICTS: &[Field] = &[
    may("displayId", TEXT),
    may("displayGroupId", TEXT),
    must("daysOfWeek", Kind::Days),
    may("startTime", MINUTE_OF_DAY),
    may("endTime", MINUTE_OF_DAY),
    may("startDate", Kind::Moment),
    may("endDate", Kind::Moment),
    may("excludeScheduleId", TEXT),
];

const fn changing(pattern: Route, fields: &'static [Field], only: Dialect) -> Route {
    pattern.edits(EDITORS).takes(fields).only(only)
}

pub(super) const ROUTES: &[Route] = &[
    Route::get("/schedules", list).lists(PAGING),
    Route::get("/schedules/:id", detail).id("Schedule"),
    Route::post("/schedules/check-conflicts", conflicts).edits(EDITORS).takes(CONFLICTS),
    changing(Route::post("/schedules", create), &CREATE, Dialect::Vizora),
    changing(Route::post("/schedules", create), &CREATE_WORDED, Dialect::Reference),
    changing(Route::patch("/schedules/:id", patch), &LIVE, Dialect::Vizora).id("Schedule"),
    changing(Route::patch("/schedules/:id", patch), &WORDED, Dialect::Reference).id("Schedule"),
    Route::post("/schedules/:id/duplicate", duplicate).edits(EDITORS).id("Schedule"),
    Route::delete("/schedules/:id", delete).id("Schedule"),
];

impl Route {
    /// Whether this is the route that the platform does not promise.
    pub(super) fn is_schedule_detail(&self) -> bool {
        self.method == "GET" && self.pattern == "/schedules/:id"
    }
}

fn list(call: &mut Call<'_>) -> Reply {
    let (now, dialect) = (call.now, call.dialect());
    call.page(
        |tenant| &mut tenant.schedules,
        None,
        |tenant, one| {
            let row = full_row(tenant, one, dialect, now, Counted::Yes);
            serde_json::value::to_raw_value(&row).ok()
        },
        |tenant| &tenant.schedules,
    )
}

fn told(call: &mut Call<'_>, id: &str) -> Reply {
    let (now, dialect) = (call.now, call.dialect());
    let tenant = &*call.tenant();
    match tenant.schedules.get(id) {
        Some(one) => Reply::ok(&full_row(tenant, one, dialect, now, Counted::No)),
        None => not_found("Schedule"),
    }
}

fn detail(call: &mut Call<'_>) -> Reply {
    let id = call.id().to_owned();
    told(call, &id)
}

/// The refusal where a body names something that is not there.
fn dangling(call: &mut Call<'_>) -> Option<Reply> {
    let named = |name: &str| call.text(name).map(str::to_owned);
    let (playlist, display) = (named("playlistId"), named("displayId"));
    let group = named("displayGroupId");
    let tenant = call.tenant();
    if playlist.is_some_and(|id| tenant.playlists.get(&id).is_none()) {
        return Some(not_found("Playlist"));
    }
    if display.is_some_and(|id| !id.is_empty() && tenant.displays.get(&id).is_none()) {
        return Some(not_found("Display"));
    }
    let gone = group.is_some_and(|id| !id.is_empty() && tenant.groups.get(&id).is_none());
    gone.then(|| not_found("Display group"))
}

fn patch(call: &mut Call<'_>) -> Reply {
    let id = call.id().to_owned();
    if call.tenant().schedules.get(&id).is_none() {
        return not_found("Schedule");
    }
    if let Some(refusal) = dangling(call) {
        return refusal;
    }
    let (now, body) = (call.now, call.body.clone());
    let mut changed = Vec::new();
    if let Some(one) = call.tenant().schedules.get_mut(&id) {
        for (name, value) in body.as_object().into_iter().flatten() {
            changed.extend(set_field(one, name, value));
        }
        one.updated = now;
    }
    for (what, before, after) in changed {
        call.did(&id, what, &before, &after);
    }
    told(call, &id)
}

/// Sets one field; says what that is called, what it was and what it is.
fn set_field(one: &mut Schedule, name: &str, value: &Value) -> Option<(String, String, String)> {
    let text = value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let after = value.to_string();
    let plain = |before: Value| Some((format!("set {name}"), before.to_string(), after.clone()));
    match name {
        "isActive" | "active" => {
            let is = value.as_bool()?;
            let what = if is { "activate schedule" } else { "deactivate schedule" };
            let before = std::mem::replace(&mut one.is_active, is);
            Some((what.to_owned(), before.to_string(), is.to_string()))
        }
        "playlistId" => {
            let id = text?;
            let before = std::mem::replace(&mut one.playlist_id, id.clone());
            Some((format!("show playlist {id}"), before, id))
        }
        "name" => plain(json!(std::mem::replace(&mut one.name, text?))),
        "description" => plain(json!(std::mem::replace(&mut one.description, text))),
        "startDate" => plain(json!(std::mem::replace(&mut one.start, Stamp(value.as_i64()?)))),
        // Null is ignored: an end cannot be taken back.
        "endDate" => {
            let end = Some(Stamp(value.as_i64()?));
            plain(json!(std::mem::replace(&mut one.end, end)))
        }
        "startTime" => plain(json!(std::mem::replace(&mut one.start_time, value.as_i64()))),
        "endTime" => plain(json!(std::mem::replace(&mut one.end_time, value.as_i64()))),
        "daysOfWeek" => {
            let days = value.as_array()?.iter().filter_map(Value::as_i64).collect();
            plain(json!(std::mem::replace(&mut one.days, days)))
        }
        "priority" => plain(json!(std::mem::replace(&mut one.priority, value.as_i64()?))),
        "displayId" => plain(json!(std::mem::replace(&mut one.display_id, text))),
        "displayGroupId" => plain(json!(std::mem::replace(&mut one.group_id, text))),
        _ => None,
    }
}

fn create(call: &mut Call<'_>) -> Reply {
    let targets = ["displayId", "displayGroupId"];
    let aimed = targets.iter().filter(|name| call.text(name).is_some_and(|id| !id.is_empty()));
    if aimed.count() != 1 {
        return Reply::error(400, "Exactly one of displayId or displayGroupId must be provided");
    }
    if let Some(refusal) = dangling(call) {
        return refusal;
    }
    let id = call.world.seeded.cuid();
    let (now, body) = (call.now, call.body.clone());
    let mut one = Schedule {
        id: id.clone(),
        name: String::new(),
        description: None,
        start: now,
        end: None,
        start_time: None,
        end_time: None,
        days: Vec::new(),
        priority: 0,
        is_active: true,
        created: now,
        updated: now,
        playlist_id: String::new(),
        display_id: None,
        group_id: None,
    };
    for (name, value) in body.as_object().into_iter().flatten() {
        set_field(&mut one, name, value);
    }
    call.tenant().schedules.insert(one);
    call.did(&id, "create schedule", "", &id);
    told(call, &id)
}

fn duplicate(call: &mut Call<'_>) -> Reply {
    let (id, now) = (call.id().to_owned(), call.now);
    let copy = call.world.seeded.cuid();
    let Some(mut one) = call.tenant().schedules.get(&id).cloned() else {
        return not_found("Schedule");
    };
    one.id.clone_from(&copy);
    one.is_active = false;
    one.created = now;
    one.updated = now;
    one.name = format!("{} (copy)", one.name);
    call.tenant().schedules.insert(one);
    call.did(&copy, "create schedule", "", &copy);
    told(call, &copy)
}

fn delete(call: &mut Call<'_>) -> Reply {
    let id = call.id().to_owned();
    if call.tenant().schedules.remove(&id).is_none() {
        return not_found("Schedule");
    }
    call.did(&id, "delete schedule", "there", "gone");
    Reply::ok(&json!({ "id": id }))
}

/// The minutes of a week in which a window is open, each a pair of begin and end.
fn week(days: &[i64], start: Option<i64>, end: Option<i64>) -> Vec<(i64, i64)> {
    let (begin, length) = match (start, end) {
        (Some(start), Some(end)) if end < start => (start, end + 1440 - start),
        (Some(start), Some(end)) => (start, end - start),
        _ => (0, 1440),
    };
    days.iter().map(|day| (day * 1440 + begin, day * 1440 + begin + length)).collect()
}

fn touch(one: &[(i64, i64)], other: &[(i64, i64)]) -> bool {
    let shifted = |by: i64| move |(a, b): &(i64, i64)| (a + by, b + by);
    let all: Vec<(i64, i64)> =
        [-10_080, 0, 10_080].iter().flat_map(|by| other.iter().map(shifted(*by))).collect();
    one.iter().any(|(a, b)| all.iter().any(|(c, d)| a < d && c < b))
}

/// The platform's own answer: it looks at group members, and not at priorities.
fn conflicts(call: &mut Call<'_>) -> Reply {
    let (now, dialect) = (call.now, call.dialect());
    let days: Vec<i64> = call
        .body
        .get("daysOfWeek")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_i64)
        .collect();
    let asked = week(&days, call.number("startTime"), call.number("endTime"));
    let from = call.number("startDate").map_or(now, Stamp);
    let until = call.number("endDate").map(Stamp);
    let excluded = call.text("excludeScheduleId").unwrap_or_default().to_owned();
    let display = call.text("displayId").unwrap_or_default().to_owned();
    let group = call.text("displayGroupId").unwrap_or_default().to_owned();
    let tenant = &*call.tenant();
    let members = tenant.groups.get(&group).map(|group| group.displays.clone());
    let aimed: Vec<String> = members.into_iter().flatten().chain([display]).collect();
    let hits = |one: &&Schedule| {
        let meets = one.end.is_none_or(|end| end >= from)
            && until.is_none_or(|until| one.start <= until)
            && touch(&asked, &week(&one.days, one.start_time, one.end_time));
        let shares = tenant.targets(one).iter().any(|display| aimed.contains(&display.id));
        one.is_active && one.id != excluded && meets && shares
    };
    let found: Vec<Value> = tenant
        .schedules
        .iter()
        .filter(hits)
        .map(|one| conflict_row(tenant, one, dialect, now))
        .collect();
    Reply::ok(&json!({"hasConflicts": !found.is_empty(), "conflicts": found}))
}

fn conflict_row(tenant: &Tenant, one: &Schedule, dialect: Dialect, now: Stamp) -> Value {
    let row = full_row(tenant, one, dialect, now, Counted::No);
    let row = serde_json::to_value(row).unwrap_or_default();
    let names = ["id", "name", "startTime", "endTime", "daysOfWeek", "playlist", "display"];
    let kept = names.iter().chain(&["displayGroup"]);
    kept.map(|name| ((*name).to_owned(), row[*name].clone())).collect()
}
