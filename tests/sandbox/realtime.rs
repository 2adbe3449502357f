//! The realtime service's HTTP.

use opswarden::sandbox::{Fault, FaultKind, Running};
use serde_json::{Value, json};

use crate::client::{Answer, admin, send, small, start};

async fn ask(running: &Running, method: &str, path: &str, body: Value) -> Answer {
    let text = body.to_string();
    let headers = [("Content-Type", "application/json"), ("x-internal-api-key", "key")];
    send(&running.realtime_url(), method, path, &headers, text.as_bytes()).await.unwrap()
}

#[tokio::test]
async fn health_is_always_200_and_readiness_is_a_word_of_its_own() {
    let running = start(small());
    let health = ask(&running, "GET", "/api/health", json!({})).await;
    assert_eq!((health.status, &health.json()["status"]), (200, &json!("healthy")));
    assert!(health.json()["dependencies"]["redis"]["latencyMs"].is_u64());
    let ready = ask(&running, "GET", "/api/health/ready", json!({})).await;
    assert_eq!(ready.json(), json!({"status": "ready", "ready": true}));
    let live = ask(&running, "GET", "/api/health/live", json!({})).await;
    assert_eq!(live.json(), json!({"status": "ok"}));
    let other = ask(&running, "GET", "/health", json!({})).await;
    other.refuses(404, &json!("Cannot GET /health"));
}

#[tokio::test]
async fn there_is_no_ping_among_its_commands() {
    let running = start(small());
    let url = running.realtime_url();
    let bare = send(&url, "POST", "/api/internal/command", &[], b"").await.unwrap();
    bare.refuses(401, &json!("Missing x-internal-api-key header"));
    let path = "/api/internal/command";
    let body = json!({"displayId": "x", "command": "ping"});
    ask(&running, "POST", path, body).await.refuses(
        400,
        &json!([
            "deviceId should not be empty",
            "deviceId must be a string",
            "nested property command must be either object or array",
        ]),
    );
    let ping = json!({"deviceId": "x", "command": {"type": "ping"}});
    assert_eq!(ask(&running, "POST", path, ping).await.status, 400);
    let reload = json!({"deviceId": "x", "command": {"type": "reload"}, "extra": 1});
    assert_eq!(ask(&running, "POST", path, reload).await.status, 201);
}

#[tokio::test]
async fn the_platforms_health_says_nothing_of_storage() {
    let running = start(small());
    let url = running.base_url();
    let health = send(&url, "GET", "/api/v1/health", &[], b"").await.unwrap().data();
    assert_eq!(health["status"], "ok");
    assert!(health.get("storage").is_none());
    let ready = send(&url, "GET", "/api/v1/health/ready", &[], b"").await.unwrap().data();
    assert_eq!(ready["self_test"], "passed");
}

#[tokio::test]
async fn what_ails_the_platform_is_told_in_its_own_ways() {
    let running = start(small());
    let url = running.base_url();
    let ready = async || send(&url, "GET", "/api/v1/health/ready", &[], b"").await.unwrap();
    running.set_faults(vec![Fault::always("GET /health/ready", FaultKind::Degraded)]);
    let degraded = ready().await;
    assert_eq!((degraded.status, &degraded.data()["status"]), (200, &json!("degraded")));
    running.set_faults(vec![Fault::always("*", FaultKind::Unhealthy)]);
    let unhealthy = ready().await;
    assert_eq!((unhealthy.status, &unhealthy.json()["status"]), (503, &json!("unhealthy")));
    let health = ask(&running, "GET", "/api/health", json!({})).await;
    assert_eq!((health.status, &health.json()["status"]), (200, &json!("unhealthy")));
    let session = admin(&running).await;
    assert_eq!(session.get("/content?limit=1").await.status, 200, "rows are none of its health");
    let ready = ask(&running, "GET", "/api/health/ready", json!({})).await;
    assert_eq!((ready.status, ready.json()), (503, json!({"status": "not ready", "ready": false})));
    running.set_faults(vec![Fault::always("GET /api/health", FaultKind::Reset)]);
    assert!(send(&running.realtime_url(), "GET", "/api/health", &[], b"").await.is_err());
}
