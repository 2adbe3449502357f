//! What stands before every handler: body limits, unknown routes, ids, roles, tenants, subscriptions, fields.

use opswarden::sandbox::{Options, Validation};
use serde_json::{Value, json};

use crate::client::{admin, planted, send, session, small, start};

#[tokio::test]
async fn an_unknown_route_is_told_from_a_row_that_is_gone() {
    let running = start(small());
    let session = admin(&running).await;
    let ping = session.post("/displays/ping", json!({"displayId": "x"})).await;
    ping.refuses(404, &json!("Cannot POST /api/v1/displays/ping"));
    session.get("/organizations").await.refuses(404, &json!("Cannot GET /api/v1/organizations"));
    let id = "c000000000000000000000000";
    let gone = session.get(&format!("/content/{id}")).await;
    assert_eq!(
        gone.json(),
        json!({"message": "Content not found", "error": "Not Found", "statusCode": 404})
    );
    session
        .get(&format!("/schedules/{id}"))
        .await
        .refuses(404, &json!(format!("Cannot GET /api/v1/schedules/{id}")));
    let url = running.base_url();
    let unprefixed = send(&url, "GET", "/health/ready", &[], b"").await.unwrap();
    unprefixed.refuses(404, &json!("Cannot GET /health/ready"));
    assert_eq!(running.finish().unwrap_err().len(), 5, "and a test hears of each");
}

#[tokio::test]
async fn the_schedule_detail_exists_only_where_it_is_asked_for() {
    let running = start(Options { schedule_detail: true, ..small() });
    let session = admin(&running).await;
    let id = session.get("/schedules").await.data()["data"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(session.get(&format!("/schedules/{id}")).await.data()["id"], id);
}

#[tokio::test]
async fn a_body_is_judged_before_anything_else() {
    let running = start(small());
    let session = admin(&running).await;
    let url = running.base_url();
    let bearer = format!("Bearer {}", session.token);
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    let path = "/api/v1/health/ops-status";
    let bad = send(&url, "POST", path, &headers, b"{bad").await.unwrap();
    bad.refuses(400, &json!("Expected property name or '}' in JSON at position 1"));
    let fits = json!({"a": "x".repeat(101_000)}).to_string();
    assert_eq!(send(&url, "POST", path, &headers, fits.as_bytes()).await.unwrap().status, 201);
    let large = json!({"a": "x".repeat(103_000)}).to_string();
    let refused = send(&url, "POST", path, &headers, large.as_bytes()).await.unwrap();
    refused.refuses(500, &json!("request entity too large"));
}

#[tokio::test]
async fn ids_have_their_forms() {
    let running = start(small());
    let session = admin(&running).await;
    let any = json!("Validation failed (valid ID expected — UUID or CUID format)");
    session.get("/content/notanid").await.refuses(400, &any);
    session.get("/playlists/notanid").await.refuses(400, &any);
    let uuid = json!("Validation failed (uuid is expected)");
    session.get("/displays/c000000000000000000000000").await.refuses(400, &uuid);
}

#[tokio::test]
async fn production_does_not_name_the_field() {
    let running = start(Options { validation: Validation::Production, ..small() });
    let session = admin(&running).await;
    let bare = json!({"message": "Bad Request", "statusCode": 400});
    assert_eq!(session.get("/content?limit=101").await.json(), bare);
    let path = "/schedules/c000000000000000000000000";
    assert_eq!(session.patch(path, json!({"active": false})).await.json(), bare);
}

#[tokio::test]
async fn a_viewer_reads_and_changes_nothing_and_removing_is_for_admins() {
    let running = start(small());
    let viewer = session(&running, "viewer@example.test").await;
    let manager = session(&running, "manager@example.test").await;
    let id = &planted(&running, "content_orphaned")[0];
    let editors = json!("Insufficient permissions. Required roles: admin, manager");
    assert_eq!(viewer.get(&format!("/content/{id}")).await.status, 200);
    viewer.post(&format!("/content/{id}/archive"), json!({})).await.refuses(403, &editors);
    let admins = json!("Insufficient permissions. Required roles: admin");
    manager.delete(&format!("/content/{id}")).await.refuses(403, &admins);
    manager
        .get("/health/monitor/current")
        .await
        .refuses(403, &json!("Super admin access required"));
    assert!(running.effects().is_empty());
    let complaints = running.finish().unwrap_err();
    assert!(complaints.iter().any(|one| one.starts_with("a deletion arrived")), "{complaints:?}");
}

#[tokio::test]
async fn another_tenants_rows_do_not_exist() {
    let running = start(small());
    let mine = admin(&running).await;
    let theirs = session(&running, "ops@tenant-2.example.test").await;
    let id = |rows: &[Value]| rows[0]["id"].as_str().unwrap().to_owned();
    let content = id(&mine.all("/content").await);
    let display = id(&mine.all("/displays").await);
    let playlist = id(&mine.all("/playlists").await);
    let schedule = id(&mine.all("/schedules").await);
    theirs.get(&format!("/content/{content}")).await.refuses(404, &json!("Content not found"));
    theirs.get(&format!("/displays/{display}")).await.refuses(404, &json!("Display not found"));
    let off = json!({"isActive": false});
    theirs
        .patch(&format!("/schedules/{schedule}"), off)
        .await
        .refuses(404, &json!("Schedule not found"));
    let own = id(&theirs.all("/displays").await);
    theirs
        .patch(&format!("/displays/{own}"), json!({"currentPlaylistId": playlist}))
        .await
        .refuses(404, &json!("Playlist not found or does not belong to your organization"));
    let organisation = mine.get("/organizations/current").await.data()["id"].clone();
    let path = format!("/organizations/{}", organisation.as_str().unwrap());
    theirs.get(&path).await.refuses(403, &json!("You can only access your own organization"));
}

#[tokio::test]
async fn a_lapsed_subscription_reads_and_does_not_write() {
    let running = start(small());
    let session = admin(&running).await;
    let id = &planted(&running, "content_orphaned")[0];
    running.set_subscription("default", "canceled");
    assert_eq!(session.get(&format!("/content/{id}")).await.status, 200);
    let refused = session.post(&format!("/content/{id}/archive"), json!({})).await;
    assert_eq!(refused.status, 403);
    running.set_subscription("default", "publish_locked");
    assert_eq!(session.post(&format!("/content/{id}/archive"), json!({})).await.status, 201);
    let display = session.all("/displays").await[0]["id"].clone();
    let command = json!({"command": "reload", "target": {"type": "device", "id": display}});
    assert_eq!(session.post("/fleet/commands", command).await.status, 403);
}
