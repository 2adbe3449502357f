//! What the platform does by itself as its time goes on.

use std::time::Duration;

use opswarden::sandbox::Options;
use serde_json::Value;

use crate::client::{admin, planted, session, small, start};

#[tokio::test]
async fn the_hourly_expiry_marks_what_is_due_and_swaps_in_an_active_replacement() {
    let running = start(small());
    let session = admin(&running).await;
    let mut before = Vec::new();
    for id in planted(&running, "content_expired") {
        before.push(session.get(&format!("/content/{id}")).await.data());
    }
    running.advance(Duration::from_mins(59));
    let session = crate::client::admin(&running).await;
    let first = format!("/content/{}", before[0]["id"].as_str().unwrap());
    assert_eq!(session.get(&first).await.data()["status"], "active");
    running.advance(Duration::from_mins(2));
    let mut swapped = 0;
    for row in before {
        let path = format!("/content/{}", row["id"].as_str().unwrap());
        let now = session.get(&path).await.data();
        assert_eq!(now["status"], "expired");
        assert_eq!(now["playlistItems"], Value::Array(Vec::new()));
        let Some(target) = row["replacementContentId"].as_str() else { continue };
        let other = session.get(&format!("/content/{target}")).await.data();
        let shown = other["playlistItems"].as_array().unwrap().iter();
        let takes_over =
            shown.clone().any(|item| item["playlistId"] == row["playlistItems"][0]["playlistId"]);
        assert_eq!(takes_over, other["status"] == "active");
        swapped += usize::from(takes_over);
    }
    assert!(swapped > 0);
    assert!(running.effects().is_empty(), "the platform's own work is nobody's act");
}

#[tokio::test]
async fn the_expiry_can_be_switched_off() {
    let running = start(Options { expiry_job: false, ..small() });
    let due = planted(&running, "content_expired");
    running.advance(Duration::from_hours(5));
    let session = admin(&running).await;
    assert_eq!(session.get(&format!("/content/{}", due[0])).await.data()["status"], "active");
}

#[tokio::test]
async fn healthy_displays_go_on_beating_and_silent_ones_do_not() {
    let running = start(small());
    let session = admin(&running).await;
    let offline = planted(&running, "display_offline");
    let silent = format!("/displays/{}", offline[0]);
    let before = session.get(&silent).await.data()["lastHeartbeat"].clone();
    running.advance(Duration::from_mins(20));
    let now = "2026-11-20T12:30";
    for row in session.all("/displays").await {
        let beat = row["lastHeartbeat"].as_str().unwrap_or("");
        if row["status"] == "online" {
            assert!(("2026-11-20T12:28".."2026-11-20T12:31").contains(&beat), "{row}");
            assert!(row["updatedAt"].as_str().unwrap() >= beat);
        }
    }
    assert!(before.as_str().unwrap() < now);
    assert_eq!(session.get(&silent).await.data()["lastHeartbeat"], before);
}

#[tokio::test]
async fn a_pairing_that_takes_too_long_is_given_up() {
    let mut options = small();
    options.sizes.displays = 300;
    let running = start(options);
    let before = admin(&running).await.all("/displays").await;
    let pairing = before.iter().find(|row| row["status"] == "pairing").unwrap();
    running.advance(Duration::from_mins(31));
    let session = session(&running, "ops@example.test").await;
    let path = format!("/displays/{}", pairing["id"].as_str().unwrap());
    assert_eq!(session.get(&path).await.data()["status"], "offline");
}

#[tokio::test]
async fn every_write_moves_the_row_on() {
    let running = start(small());
    let session = admin(&running).await;
    let content = planted(&running, "content_orphaned")[0].clone();
    let schedule = planted(&running, "schedule_ended")[0].clone();
    let display = planted(&running, "display_error")[0].clone();
    running.advance(Duration::from_secs(61));
    let stamp = |value: Value| value["updatedAt"].as_str().unwrap().to_owned();
    let now = "2026-11-20T12:11:01.000Z";
    let body = serde_json::json!({});
    let done = session.post(&format!("/content/{content}/archive"), body.clone()).await;
    assert_eq!(stamp(done.data()), now);
    let done = session.patch(&format!("/content/{content}"), body.clone()).await;
    assert_eq!(stamp(done.data()), now);
    let off = serde_json::json!({"isActive": false});
    assert_eq!(stamp(session.patch(&format!("/schedules/{schedule}"), off).await.data()), now);
    let offline = serde_json::json!({"status": "offline"});
    assert_eq!(stamp(session.patch(&format!("/displays/{display}"), offline).await.data()), now);
}
