//! Fleet commands: the only thing that can be sent to a player, and only to one that is connected.

use serde_json::{Value, json};

use super::answer::complaint;
use super::call::{Call, not_found};
use super::fields::{Field, Kind, must};
use super::route::{EDITORS, Route};
use crate::sandbox::model::display::DisplayStatus;
use crate::sandbox::options::Dialect;
use crate::sandbox::serve::reply::Reply;
use crate::sandbox::time::MINUTE;

const COMMANDS: &[&str] = &["reload", "restart", "reboot", "clear_cache", "push_content", "update"];
const TARGETS: [&str; 4] = ["device", "group", "organization", "tag"];
/// Commands a minute and organisation.
const PER_MINUTE: usize = 10;

const COMMAND: &[Field] = &[
    must("command", Kind::Choice(COMMANDS)),
    must("target", Kind::Object),
    super::fields::may("payload", Kind::Object),
];

pub(super) const ROUTES: &[Route] = &[
    Route::post("/fleet/commands", command)
        .edits(EDITORS)
        .publishes()
        .takes(COMMAND)
        .only(Dialect::Vizora),
    Route::get("/fleet/overrides/active", overrides).only(Dialect::Vizora),
];

fn overrides(_call: &mut Call<'_>) -> Reply {
    Reply::ok(&json!([]))
}

fn command(call: &mut Call<'_>) -> Reply {
    let (now, tenant) = (call.now, call.who().tenant);
    let target = call.body.get("target").cloned().unwrap_or_default();
    let word = |name: &str| target.get(name).and_then(Value::as_str).unwrap_or("").to_owned();
    let (kind, id) = (word("type"), word("id"));
    if !TARGETS.contains(&kind.as_str()) {
        let list = TARGETS.join(", ");
        let what = format!("target.type must be one of the following values: {list}");
        return complaint(call, &what);
    }
    let recent = call.world.commands.entry(tenant).or_default();
    recent.retain(|at| now.since(*at) < MINUTE);
    if recent.len() >= PER_MINUTE {
        let message = "Fleet command rate limit exceeded. Max 10 commands per minute.";
        return Reply::bare(429, message);
    }
    recent.push_back(now);
    let Some((name, ids)) = targeted(call, &kind, &id) else {
        return not_found(if kind == "group" { "Display group" } else { "Display" });
    };
    let command = call.text("command").unwrap_or("reload").to_owned();
    let rows = &call.world.tenants[tenant].displays;
    let is_online = |id: &&String| {
        rows.get(id).is_some_and(|row| row.seen(now).status == DisplayStatus::Online)
    };
    let online = ids.iter().filter(is_online).count();
    for id in &ids {
        call.did(id, format!("{command} display"), "", "");
    }
    Reply::ok(&json!({
        "commandId": call.world.seeded.uuid(), "command": command,
        "target": {"type": kind, "id": id, "name": name},
        "devicesTargeted": ids.len(), "devicesOnline": online,
        "devicesQueued": ids.len() - online, "devicesDelivered": online, "devicesFailed": 0,
    }))
}

/// The target's name and its displays.
fn targeted(call: &mut Call<'_>, kind: &str, id: &str) -> Option<(String, Vec<String>)> {
    let tenant = call.tenant();
    match kind {
        "device" => {
            let display = tenant.displays.get(id)?;
            Some((display.nickname.clone(), vec![display.id.clone()]))
        }
        "group" => {
            let group = tenant.groups.get(id)?;
            Some((group.name.clone(), group.displays.clone()))
        }
        "organization" if id == tenant.organisation.id => {
            let enabled = tenant.displays.iter().filter(|display| !display.is_disabled);
            let ids = enabled.map(|display| display.id.clone()).collect();
            Some((tenant.organisation.name.clone(), ids))
        }
        _ => None,
    }
}
