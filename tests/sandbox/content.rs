//! Changes of content.

use serde_json::{Value, json};

use crate::client::{admin, planted, send, small, start};

#[tokio::test]
async fn archiving_is_a_route_of_its_own_idempotent_and_frees_nothing() {
    let running = start(small());
    let session = admin(&running).await;
    let id = &planted(&running, "content_expired")[0];
    let before = session.get("/organizations/storage").await.data();
    let status = session.patch(&format!("/content/{id}"), json!({"status": "archived"})).await;
    status.refuses(400, &json!(["property status should not exist"]));
    for _ in 0..2 {
        let archived = session.post(&format!("/content/{id}/archive"), json!({})).await;
        assert_eq!((archived.status, &archived.data()["status"]), (201, &json!("archived")));
        assert_eq!(archived.data()["updatedAt"], "2026-11-20T12:10:00.000Z");
    }
    let restored = session.post(&format!("/content/{id}/restore"), json!({})).await;
    assert_eq!((restored.status, &restored.data()["status"]), (200, &json!("active")));
    assert_eq!(session.get("/organizations/storage").await.data(), before);
    let effects = running.take_effects();
    let what: Vec<&str> = effects.iter().map(|effect| effect.act.what.as_str()).collect();
    assert_eq!(what, ["archive content", "archive content", "restore content"]);
    assert!(effects[2].undoes);
}

#[tokio::test]
async fn many_are_archived_together_or_none() {
    let running = start(small());
    let session = admin(&running).await;
    let ids = planted(&running, "content_orphaned");
    let done = session.post("/content/bulk/archive", json!({"ids": &ids[..3]})).await;
    assert_eq!((done.status, done.data()), (200, json!({"archived": 3})));
    let foreign = json!({"ids": [ids[4], "c000000000000000000000000"]});
    assert_eq!(session.post("/content/bulk/archive", foreign).await.status, 400);
    assert_eq!(session.get(&format!("/content/{}", ids[4])).await.data()["status"], "active");
    let none = session.post("/content/bulk/archive", json!({"ids": []})).await;
    none.refuses(400, &json!(["ids must contain at least 1 elements"]));
}

#[tokio::test]
async fn a_change_is_checked_field_by_field() {
    let running = start(small());
    let session = admin(&running).await;
    let path = format!("/content/{}", planted(&running, "content_expired")[0]);
    let bad = json!({"type": "gif", "duration": 0, "expiresAt": "tomorrow"});
    session.patch(&path, bad).await.refuses(
        400,
        &json!([
            "type must be one of the following values: ",
            "duration must not be less than 1",
            "expiresAt must be a valid ISO 8601 date string",
        ]),
    );
    let dangling = json!({"replacementContentId": "c000000000000000000000000"});
    assert_eq!(session.patch(&path, dangling).await.status, 500);
    let cleared = session.patch(&path, json!({"replacementContentId": null})).await;
    assert_eq!(cleared.data()["replacementContentId"], Value::Null);
    let text =
        session.patch(&path, json!({"description": " <b>by</b> hand ", "duration": "7"})).await;
    assert_eq!(text.data()["description"], "by hand");
    assert_eq!(text.data()["duration"], 7);
    let past = json!({"expiresAt": "2020-01-01T00:00:00Z"});
    let refused = session.patch(&format!("{path}/expiration"), past).await;
    refused.refuses(400, &json!("expiresAt must be in the future"));
    let future = json!({"expiresAt": "2027-01-01T00:00:00Z"});
    let moved = session.patch(&format!("{path}/expiration"), future).await;
    assert_eq!(moved.data()["expiresAt"], "2027-01-01T00:00:00.000Z");
}

#[tokio::test]
async fn a_detail_names_the_playlists_that_show_it() {
    let running = start(small());
    let session = admin(&running).await;
    let id = &planted(&running, "content_expired")[0];
    let detail = session.get(&format!("/content/{id}")).await.data();
    let item = &detail["playlistItems"][0];
    assert_eq!(item["contentId"], **id);
    assert_eq!(item["playlistId"], item["playlist"]["id"]);
    assert!(detail["expiresAt"].as_str().unwrap() < "2026-11-20T11:05");
}

#[tokio::test]
async fn a_dead_thumbnail_is_404_and_the_others_are_pictures() {
    let running = start(small());
    let session = admin(&running).await;
    let dead = planted(&running, "thumbnail_dead");
    let rows = session.all("/content").await;
    let mut looked = 0;
    for row in rows.iter().filter(|row| row["thumbnailUrl"].is_string()).take(60) {
        let path = row["thumbnailUrl"].as_str().unwrap();
        let answer = send(&running.base_url(), "HEAD", path, &[], b"").await.unwrap();
        let expected =
            if dead.contains(&row["id"].as_str().unwrap().to_owned()) { 404 } else { 200 };
        assert_eq!(answer.status, expected);
        looked += 1;
    }
    assert_eq!(looked, 60);
    let row = rows.iter().find(|row| dead.contains(&row["id"].as_str().unwrap().to_owned()));
    let path = row.unwrap()["thumbnail"].as_str().unwrap().to_owned();
    let answer = send(&running.base_url(), "GET", &path, &[], b"").await.unwrap();
    assert_eq!(answer.status, 404);
}

#[tokio::test]
async fn the_platforms_own_validation_reads_no_more_than_five_hundred_rows() {
    let mut options = small();
    options.sizes.content = 1500;
    let running = start(options);
    let session = admin(&running).await;
    let data = session.get("/health/validation").await.data();
    let issues = data["issues"].as_array().unwrap();
    let told = issues.iter().filter(|issue| issue["rule"] == "C-002").count();
    let due = planted(&running, "content_expired").len();
    assert!(told > 0 && told < due, "{told} of {due}, and no word of the rest");
    assert_eq!(data["readiness"], "NOT READY");
}

#[tokio::test]
async fn deleting_a_playlist_takes_its_schedules_along() {
    let running = start(small());
    let session = admin(&running).await;
    let schedules = session.all("/schedules").await;
    let playlist = schedules[0]["playlistId"].as_str().unwrap();
    let with = schedules.iter().filter(|row| row["playlistId"] == playlist).count();
    assert_eq!(session.delete(&format!("/playlists/{playlist}")).await.status, 200);
    assert_eq!(session.all("/schedules").await.len(), schedules.len() - with);
    let displays = session.all("/displays").await;
    assert!(displays.iter().all(|row| row["currentPlaylistId"] != playlist));
}

#[tokio::test]
async fn playlists_are_made_and_filled() {
    let running = start(small());
    let session = admin(&running).await;
    let content = session.all("/content").await[0]["id"].clone();
    let body = json!({"name": "New", "items": [{"contentId": content}]});
    let made = session.post("/playlists", body).await;
    assert_eq!(made.status, 201);
    let id = made.data()["id"].as_str().unwrap().to_owned();
    let item = session.post(&format!("/playlists/{id}/items"), json!({"contentId": content})).await;
    assert_eq!((item.status, &item.data()["order"]), (201, &json!(1)));
    let patched = session.patch(&format!("/playlists/{id}"), json!({"isDefault": true})).await;
    assert_eq!(patched.data()["isDefault"], true);
    assert_eq!(patched.data()["items"].as_array().unwrap().len(), 2);
    let detail = session.get(&format!("/playlists/{id}")).await.data();
    assert!(detail["items"][0]["content"]["metadata"].is_object());
}
