//! Changes of schedules.

use serde_json::{Value, json};

use crate::client::{Session, admin, planted, small, start};

async fn row(session: &Session, id: &str) -> Value {
    let rows = session.all("/schedules").await;
    rows.into_iter().find(|row| row["id"] == id).unwrap()
}

#[tokio::test]
async fn a_schedule_is_switched_off_by_its_own_field_and_a_boolean() {
    let running = start(small());
    let session = admin(&running).await;
    let id = planted(&running, "schedule_ended")[0].clone();
    let path = format!("/schedules/{id}");
    let active = session.patch(&path, json!({"active": false})).await;
    active.refuses(400, &json!(["property active should not exist"]));
    let off = session.patch(&path, json!({"isActive": false})).await;
    assert_eq!((off.status, &off.data()["isActive"]), (200, &json!(false)));
    assert!(off.data()["display"]["jwtToken"].is_string());
    let text = session.patch(&path, json!({"isActive": "false"})).await;
    assert_eq!(text.data()["isActive"], true, "a text is true, whatever it says");
    let what: Vec<String> = running.take_effects().into_iter().map(|one| one.act.what).collect();
    assert_eq!(what, ["deactivate schedule", "activate schedule"]);
}

#[tokio::test]
async fn a_change_is_checked_and_an_end_cannot_be_taken_back() {
    let running = start(small());
    let session = admin(&running).await;
    let id = planted(&running, "schedule_ended")[0].clone();
    let path = format!("/schedules/{id}");
    let bad = json!({"startTime": 1500, "daysOfWeek": [9], "endDate": "x"});
    session.patch(&path, bad).await.refuses(
        400,
        &json!([
            "endDate must be a valid ISO 8601 date string",
            "startTime must not be greater than 1439",
            "each value in daysOfWeek must not be greater than 6",
        ]),
    );
    let gone = json!({"playlistId": "c000000000000000000000000"});
    session.patch(&path, gone).await.refuses(404, &json!("Playlist not found"));
    let end = row(&session, &id).await["endDate"].clone();
    assert_eq!(session.patch(&path, json!({"endDate": null})).await.data()["endDate"], end);
}

#[tokio::test]
async fn a_new_schedule_aims_at_one_thing() {
    let running = start(small());
    let session = admin(&running).await;
    let display = session.all("/displays").await[0]["id"].clone();
    let group = session.all("/display-groups").await[0]["id"].clone();
    let playlist = session.all("/playlists").await[0]["id"].clone();
    let body = json!({
        "name": "New", "startDate": "2026-11-01", "daysOfWeek": [1], "playlistId": playlist,
    });
    let with = |more: Value| {
        let mut body = body.clone();
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    assert_eq!(session.post("/schedules", body.clone()).await.status, 400);
    let both = with(json!({"displayId": display, "displayGroupId": group}));
    assert_eq!(session.post("/schedules", both).await.status, 400);
    let made = session.post("/schedules", with(json!({"displayId": display}))).await;
    assert_eq!((made.status, &made.data()["isActive"]), (201, &json!(true)));
    let id = made.data()["id"].as_str().unwrap().to_owned();
    let copy = session.post(&format!("/schedules/{id}/duplicate"), json!({})).await;
    assert_eq!((copy.status, &copy.data()["isActive"]), (201, &json!(false)));
}

#[tokio::test]
async fn the_platforms_own_conflicts_ignore_priority_and_wrap_over_midnight() {
    let running = start(small());
    let session = admin(&running).await;
    let display = session.all("/displays").await[0]["id"].clone();
    let playlist = session.all("/playlists").await[0]["id"].clone();
    let night = json!({
        "name": "Night", "startDate": "2026-11-01", "daysOfWeek": [6], "playlistId": playlist,
        "startTime": 1380, "endTime": 60, "priority": 999, "displayId": display,
    });
    let made = session.post("/schedules", night).await.data()["id"].clone();
    let ask = |day: u8, start: u16, end: u16| {
        json!({
            "displayId": display, "daysOfWeek": [day], "startTime": start, "endTime": end,
            "startDate": "2026-11-01",
        })
    };
    let found = session.post("/schedules/check-conflicts", ask(0, 30, 45)).await;
    assert_eq!(found.status, 201);
    let conflicts = found.data()["conflicts"].as_array().unwrap().clone();
    assert!(conflicts.iter().any(|row| row["id"] == made), "{conflicts:?}");
    let apart = session.post("/schedules/check-conflicts", ask(0, 61, 70)).await.data();
    let conflicts = apart["conflicts"].as_array().unwrap();
    assert!(!conflicts.iter().any(|row| row["id"] == made));
}
