//! Health, the platform's own validation, and the state that agents report.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::call::Call;
use super::route::Route;
use crate::sandbox::model::content::ContentStatus;
use crate::sandbox::model::table::Row as _;
use crate::sandbox::model::tenant::Tenant;
use crate::sandbox::options::Dialect;
use crate::sandbox::seed::mixed;
use crate::sandbox::serve::reply::Reply;
use crate::sandbox::time::{SECOND, Stamp};

/// The validation reads so many rows of each kind, in no order.
const READ: usize = 500;

pub(super) const ROUTES: &[Route] = &[
    Route::get("/health", health).public(),
    Route::get("/health/live", live).public(),
    Route::get("/health/ready", ready).public(),
    Route::get("/health/validation", validation),
    Route::get("/health/ops-status", ops_status),
    Route::post("/health/ops-status", set_ops_status).takes_anything(),
    Route::get("/health/monitor/current", monitor).for_super(),
];

fn uptime(call: &Call<'_>) -> i64 {
    call.now.since(call.world.began) / SECOND
}

fn health(call: &mut Call<'_>) -> Reply {
    let mut data = json!({
        "status": "ok", "timestamp": call.now, "uptime": uptime(call), "database": "connected",
    });
    if call.dialect() == Dialect::Reference {
        let tenants = call.world.tenants.iter().enumerate();
        let own = tenants.filter(|(place, _)| call.who.is_none_or(|who| who.tenant == *place));
        let sums = own.fold((0, 0), |(used, quota), (_, tenant)| {
            (used + tenant.organisation.used_bytes, quota + tenant.organisation.quota_bytes)
        });
        data["storage"] = json!({"usedBytes": sums.0, "quotaBytes": sums.1});
    }
    Reply::ok(&data)
}

fn live(call: &mut Call<'_>) -> Reply {
    Reply::ok(&json!({"status": "ok", "timestamp": call.now}))
}

fn ready(call: &mut Call<'_>) -> Reply {
    Reply::ok(&json!({
        "status": "ok", "timestamp": call.now, "uptime": uptime(call), "version": "1.0.0",
        "self_test": "passed",
    }))
}

fn monitor(_call: &mut Call<'_>) -> Reply {
    Reply::ok(&json!({"status": "pending", "message": "No health checks run yet"}))
}

fn ops_status(call: &mut Call<'_>) -> Reply {
    let nothing = json!({"systemStatus": "unknown", "message": "No ops data available"});
    Reply::ok(call.world.ops_status(call.now).unwrap_or(&nothing))
}

/// Anything from anybody, for everybody.
fn set_ops_status(call: &mut Call<'_>) -> Reply {
    let (state, now) = (std::mem::take(&mut call.body), call.now);
    call.world.set_ops_status(state, now);
    call.did("ops-status", "report ops status", "", "");
    Reply::ok(&json!({"status": "ok"}))
}

/// What the platform's own monitor says: at most so many rows of each kind, and no word of the rest.
fn validation(call: &mut Call<'_>) -> Reply {
    let now = call.now;
    let tenant = &*call.tenant();
    let mut issues = content_issues(tenant, now);
    let displays = tenant.displays.iter().take(READ);
    let silent = displays.filter(|display| {
        display.is_judged() && display.seen(now).heartbeat.is_none_or(|at| now.since(at) > SILENT)
    });
    issues.extend(silent.map(|display| {
        issue("D-001", "critical", "display", &display.id, &display.nickname, "Display is offline")
    }));
    let of = |severity: &str| issues.iter().filter(|one| one["severity"] == severity).count();
    let (critical, warning, info) = (of("critical"), of("warning"), of("info"));
    let readiness = match (critical, warning) {
        (0, 0) => "READY",
        (0, _) => "DEGRADED",
        _ => "NOT READY",
    };
    Reply::ok(&json!({
        "readiness": readiness, "timestamp": now, "durationMs": 210, "critical": critical,
        "warning": warning, "info": info, "trigger": "interval", "issues": issues,
    }))
}

/// Silence that the monitor reports.
const SILENT: i64 = 900 * SECOND;

fn content_issues(tenant: &Tenant, now: Stamp) -> Vec<Value> {
    let mut rows: Vec<_> = tenant.content.iter().collect();
    rows.sort_by_key(|row| row.id().bytes().fold(7, |sum, byte| mixed(sum ^ u64::from(byte))));
    rows.truncate(READ);
    let shown: BTreeSet<&str> = tenant
        .playlists
        .iter()
        .flat_map(|list| list.items.iter().map(|item| item.content_id.as_str()))
        .collect();
    let mut issues = Vec::new();
    for row in rows {
        let mut add = |rule, severity, message| {
            issues.push(issue(rule, severity, "content", &row.id, &row.name, message));
        };
        let expired = row.expires.is_some_and(|end| end <= now);
        if row.status == ContentStatus::Active && expired {
            add("C-002", "warning", "Content expired but still active");
        }
        if !shown.contains(row.id.as_str()) {
            add("C-003", "info", "Content not in any playlist");
        }
    }
    issues
}

fn issue(rule: &str, severity: &str, entity: &str, id: &str, name: &str, message: &str) -> Value {
    json!({
        "rule": rule, "severity": severity, "entity": entity, "entityId": id,
        "entityName": name, "message": message,
    })
}
