//! Pages, their limits, and what their rows leave out.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::client::{Session, admin, fields, small, start};

#[tokio::test]
async fn a_page_says_how_many_there_are() {
    let running = start(small());
    let session = admin(&running).await;
    let data = session.get("/content").await.data();
    assert_eq!(data["meta"], json!({"page": 1, "limit": 10, "total": 160, "totalPages": 16}));
    assert_eq!(data["data"].as_array().unwrap().len(), 10);
    let past = session.get("/content?page=999&limit=100").await.data();
    assert_eq!(past["data"], json!([]));
    assert_eq!(past["meta"], json!({"page": 999, "limit": 100, "total": 160, "totalPages": 2}));
    let filtered = session.get("/content?status=archived&limit=100").await.data();
    let rows = filtered["data"].as_array().unwrap();
    assert!(!rows.is_empty() && rows.iter().all(|row| row["status"] == "archived"));
}

#[tokio::test]
async fn limits_and_unknown_fields_of_a_query_are_refused() {
    let running = start(small());
    let session = admin(&running).await;
    let cases = [
        ("/content?limit=101", "limit must not be greater than 100"),
        ("/content?limit=0", "limit must not be less than 1"),
        ("/content?bogus=1", "property bogus should not exist"),
        ("/content?sort=createdAt&limit=1", "property sort should not exist"),
        ("/displays?status=offline&limit=1", "property status should not exist"),
        ("/schedules?isActive=true", "property isActive should not exist"),
        ("/display-groups?limit=500", "limit must not be greater than 100"),
    ];
    for (path, message) in cases {
        session.get(path).await.refuses(400, &json!([message]));
    }
    let status = session.get("/content?status=expiredd").await;
    assert!(status.text.contains("status must be one of the following values: active, archived"));
}

#[tokio::test]
async fn rows_of_lists_leave_out_what_a_detail_shows() {
    let running = start(small());
    let session = admin(&running).await;
    let content = session.get("/content?limit=1").await.data()["data"][0].clone();
    let expected = [
        "createdAt",
        "duration",
        "fileSize",
        "folderId",
        "id",
        "name",
        "organizationId",
        "status",
        "tags",
        "thumbnail",
        "thumbnailUrl",
        "title",
        "type",
        "updatedAt",
    ];
    assert_eq!(fields(&content), expected);
    let id = content["id"].as_str().unwrap();
    let detail = session.get(&format!("/content/{id}")).await.data();
    for name in ["expiresAt", "isGlobal", "replacementContentId", "metadata", "playlistItems"] {
        assert!(detail.get(name).is_some(), "{name}");
    }
    let display = session.get("/displays?limit=1").await.data()["data"][0].clone();
    let expected = [
        "createdAt",
        "currentPlaylistId",
        "description",
        "deviceIdentifier",
        "id",
        "isDisabled",
        "lastHeartbeat",
        "location",
        "nickname",
        "organizationId",
        "orientation",
        "pairedAt",
        "resolution",
        "status",
        "tags",
        "timezone",
        "unpairedAt",
        "updatedAt",
    ];
    assert_eq!(fields(&display), expected);
    let playlist = session.get("/playlists?limit=1").await.data()["data"][0].clone();
    assert_eq!(fields(&playlist["_count"]), ["schedules"]);
    assert!(playlist["items"][0]["content"]["status"].is_string());
    let layouts = session.get("/content/layouts?limit=100").await.data();
    let zone = &layouts["data"][0]["metadata"]["zones"][0];
    assert!(zone["playlistId"].is_string() || zone["contentId"].is_string(), "{zone}");
}

#[tokio::test]
async fn a_schedule_carries_its_display_with_a_secret_that_must_not_leak() {
    let running = start(small());
    let session = admin(&running).await;
    let rows = session.all("/schedules").await;
    let aimed = rows.iter().find(|row| row["display"].is_object()).unwrap();
    assert_eq!(aimed["display"]["jwtToken"].as_str().unwrap().len(), 64);
    assert!(aimed["playlist"]["_count"]["items"].is_u64());
    let sorted = rows.windows(2).all(|pair| {
        (pair[1]["priority"].as_i64(), pair[1]["createdAt"].as_str())
            <= (pair[0]["priority"].as_i64(), pair[0]["createdAt"].as_str())
    });
    assert!(sorted);
}

async fn walked(session: &Session, path: &str, limit: usize, total: usize) -> (usize, usize) {
    let mut ids: Vec<Value> = Vec::new();
    for page in 1..=total.div_ceil(limit) {
        let data = session.get(&format!("{path}?page={page}&limit={limit}")).await.data();
        ids.extend(data["data"].as_array().unwrap().iter().map(|row| row["id"].clone()));
    }
    let unique: BTreeSet<String> = ids.iter().map(Value::to_string).collect();
    (ids.len(), unique.len())
}

#[tokio::test]
async fn rows_of_one_moment_are_repeated_and_left_out_while_the_count_looks_right() {
    let running = start(small());
    let session = admin(&running).await;
    let (count, unique) = walked(&session, "/content", 7, 160).await;
    assert_eq!(count, 160);
    assert!(unique < 160, "ties must show, {unique}");
    let mut seen = BTreeSet::new();
    for limit in [7, 10, 33, 100] {
        for page in 1..=160_usize.div_ceil(limit) {
            let data = session.get(&format!("/content?page={page}&limit={limit}")).await.data();
            seen.extend(data["data"].as_array().unwrap().iter().map(|row| row["id"].to_string()));
        }
    }
    assert_eq!(seen.len(), 160, "and several sizes together see all");
}

#[tokio::test]
async fn groups_name_their_members() {
    let running = start(small());
    let session = admin(&running).await;
    let rows = session.all("/display-groups").await;
    let members = rows.iter().flat_map(|row| row["displays"].as_array().unwrap());
    assert!(members.into_iter().all(|member| fields(member) == ["displayId"]));
    assert!(rows.iter().any(|row| row["displays"] == json!([])));
}
