//! Changes of displays, and commands to them.

use std::time::Duration;

use opswarden::sandbox::Running;
use serde_json::{Value, json};

use crate::client::{Session, admin, fields, planted, small, start};

#[tokio::test]
async fn a_display_in_error_is_reset_to_offline_and_comes_back_with_its_next_beat() {
    let running = start(small());
    let session = admin(&running).await;
    let path = format!("/displays/{}", planted(&running, "display_error")[0]);
    session
        .patch(&path, json!({"status": "inactive"}))
        .await
        .refuses(400, &json!(["status must be one of the following values: "]));
    let reset = session.patch(&path, json!({"status": "offline"})).await;
    assert_eq!((reset.status, &reset.data()["status"]), (200, &json!("offline")));
    assert_eq!(running.take_effects()[0].act.what, "reset display");
    running.advance(Duration::from_secs(20));
    assert_eq!(session.get(&path).await.data()["status"], "online");
}

#[tokio::test]
async fn fields_that_a_change_does_not_know_are_refused() {
    let running = start(small());
    let session = admin(&running).await;
    let path = format!("/displays/{}", planted(&running, "display_error")[0]);
    for (body, name) in [(json!({"isDisabled": true}), "isDisabled"), (json!({"foo": 1}), "foo")] {
        let message = format!("property {name} should not exist");
        session.patch(&path, body).await.refuses(400, &json!([message]));
    }
    let named = session.patch(&path, json!({"name": "Hall"})).await.data();
    assert_eq!(named["nickname"], "Hall");
}

#[tokio::test]
async fn a_playlist_is_assigned_and_taken_back() {
    let running = start(small());
    let session = admin(&running).await;
    let fallback = running.accounts()[0].fallback_playlist.clone();
    let id = &planted(&running, "coverage_gap")[0];
    let path = format!("/displays/{id}");
    let given = session.patch(&path, json!({"currentPlaylistId": fallback})).await.data();
    assert_eq!(given["currentPlaylistId"], fallback);
    assert!(
        !running
            .truth_now()
            .iter()
            .any(|entry| { entry.check == "coverage_gap" && entry.subject.ends_with(id.as_str()) })
    );
    for empty in [json!(null), json!("")] {
        let cleared = session.patch(&path, json!({"currentPlaylistId": empty})).await.data();
        assert_eq!(cleared["currentPlaylistId"], Value::Null);
    }
    let all = json!({"displayIds": [id], "playlistId": fallback});
    let done = session.post("/displays/bulk/assign-playlist", all).await;
    assert_eq!((done.status, done.data()), (201, json!({"updated": 1})));
    let detail = session.get(&path).await.data();
    for name in ["metadata", "lastScreenshot", "groups", "schedules"] {
        assert!(fields(&detail).contains(&name.to_owned()));
    }
}

async fn command(session: &Session, id: &str) -> Value {
    let body = json!({"command": "reload", "target": {"type": "device", "id": id}});
    let answer = session.post("/fleet/commands", body).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.data()
}

fn online(running: &Running, rows: &[Value]) -> String {
    let offline = planted(running, "display_offline");
    let found = rows.iter().find(|row| {
        row["status"] == "online" && !offline.contains(&row["id"].as_str().unwrap().to_owned())
    });
    found.unwrap()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_command_reaches_who_is_connected_and_waits_for_the_others() {
    let running = start(small());
    let session = admin(&running).await;
    let rows = session.all("/displays").await;
    let reached = command(&session, &online(&running, &rows)).await;
    assert_eq!((&reached["devicesOnline"], &reached["devicesDelivered"]), (&json!(1), &json!(1)));
    let silent = planted(&running, "display_offline")[0].clone();
    let queued = command(&session, &silent).await;
    assert_eq!((&queued["devicesQueued"], &queued["devicesDelivered"]), (&json!(1), &json!(0)));
    assert_eq!(queued["target"]["type"], "device");
    assert!(session.get(&format!("/displays/{silent}")).await.data()["status"] == "offline");
}

#[tokio::test]
async fn ten_commands_a_minute_are_enough_for_an_organisation() {
    let running = start(small());
    let session = admin(&running).await;
    let id = planted(&running, "display_offline")[0].clone();
    for _ in 0..10 {
        command(&session, &id).await;
    }
    let body = json!({"command": "reload", "target": {"type": "device", "id": id}});
    let message = "Fleet command rate limit exceeded. Max 10 commands per minute.";
    session.post("/fleet/commands", body.clone()).await.refuses(429, &json!(message));
    running.advance(Duration::from_mins(1));
    assert_eq!(session.post("/fleet/commands", body).await.status, 201);
    let ping = json!({"command": "ping", "target": {"type": "device", "id": id}});
    assert_eq!(session.post("/fleet/commands", ping).await.status, 400);
}

#[tokio::test]
async fn disabling_is_for_admins_and_pushing_needs_a_socket() {
    let running = start(small());
    let session = admin(&running).await;
    let id = planted(&running, "display_offline")[0].clone();
    let content = session.all("/content").await[0]["id"].clone();
    let body = json!({"contentId": content, "duration": 10});
    let pushed = session.post(&format!("/displays/{id}/push-content"), body).await;
    pushed.refuses(503, &json!("Content push failed: no_sockets"));
    let off = session.post(&format!("/displays/{id}/disable"), json!({})).await;
    assert_eq!((off.status, &off.data()["isDisabled"]), (201, &json!(true)));
    let on = session.post(&format!("/displays/{id}/enable"), json!({})).await;
    assert_eq!(on.data()["isDisabled"], false);
}
