//! The realtime service's own addresses: health that must be read, not only received, and commands for players.

use serde_json::{Map, Value, json};

use super::answer::is_bare;
use crate::sandbox::options::{Dialect, Options};
use crate::sandbox::serve::reply::{Asked, Reply};
use crate::sandbox::time::{SECOND, Stamp};

const COMMANDS: [&str; 14] = [
    "reload",
    "restart",
    "update",
    "update_config",
    "clear_cache",
    "screenshot",
    "reboot",
    "skip_content",
    "pause",
    "resume",
    "push_content",
    "disable",
    "enable",
    "clear_override",
];

/// Addresses at which only the platform itself may ask.
const INTERNAL: [&str; 7] = [
    "/api/push/playlist",
    "/api/push/content",
    "/api/commands/broadcast",
    "/api/internal/command",
    "/api/internal/device-revoked",
    "/api/internal/tenant-entitlement",
    "/api/notifications/broadcast",
];

/// Answers a request to the realtime service.
pub(crate) fn answer(options: &Options, asked: &Asked, began: Stamp, now: Stamp) -> Reply {
    let path = asked.path.as_str();
    match (asked.method.as_str(), path) {
        ("GET", "/api/health") => health(began, now),
        ("GET", "/health") if options.dialect == Dialect::Reference => health(began, now),
        ("GET", "/api/health/ready") => Reply::raw(200, &json!({"status": "ready", "ready": true})),
        ("GET", "/api/health/live") => Reply::raw(200, &json!({"status": "ok"})),
        ("GET", "/api/status") => Reply::raw(
            200,
            &json!({
                "status": "running", "service": "Realtime Gateway", "version": "1.0.0",
                "websocket": "active",
            }),
        ),
        ("POST", path) if INTERNAL.contains(&path) => internal(asked),
        (method, path) => Reply::no_route(method, path),
    }
}

fn health(began: Stamp, now: Stamp) -> Reply {
    let well = json!({"status": "healthy", "latencyMs": 1});
    Reply::raw(
        200,
        &json!({
            "status": "healthy", "service": "realtime-gateway", "timestamp": now,
            "uptime": now.since(began) / SECOND,
            "dependencies": {
                "redis": well, "database": well, "websocket": {"status": "healthy"},
            },
        }),
    )
}

fn internal(asked: &Asked) -> Reply {
    if !asked.internal_key {
        return Reply::error(401, "Missing x-internal-api-key header");
    }
    let body: Value =
        serde_json::from_slice(&asked.body).unwrap_or_else(|_| Value::Object(Map::new()));
    let complaints = match asked.path.as_str() {
        "/api/internal/command" => command_complaints(&body),
        _ if is_bare(&body) => vec!["body should not be empty".to_owned()],
        _ => Vec::new(),
    };
    if !complaints.is_empty() {
        return Reply::error(400, complaints);
    }
    Reply::raw(201, &json!({"success": true, "message": "Command sent"}))
}

fn command_complaints(body: &Value) -> Vec<String> {
    let mut complaints = Vec::new();
    if !body.get("deviceId").is_some_and(Value::is_string) {
        complaints.push("deviceId should not be empty".to_owned());
        complaints.push("deviceId must be a string".to_owned());
    }
    match body.get("command") {
        Some(Value::Object(command)) => {
            let known = command.get("type").and_then(Value::as_str);
            if !known.is_some_and(|kind| COMMANDS.contains(&kind)) {
                let list = COMMANDS.join(", ");
                complaints
                    .push(format!("command.type must be one of the following values: {list}"));
            }
        }
        _ => complaints.push("nested property command must be either object or array".to_owned()),
    }
    complaints
}
