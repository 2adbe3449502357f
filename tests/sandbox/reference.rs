//! The design document's wording of the same platform, and its web socket.

use std::time::Duration;

use opswarden::sandbox::{Options, Running};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::client::{admin, planted, reference, start};

#[tokio::test]
async fn archiving_is_a_status_that_frees_its_bytes_and_any_status_comes_back() {
    let running = start(reference());
    let session = admin(&running).await;
    let path = format!("/content/{}", planted(&running, "content_orphaned")[0]);
    let used =
        async || session.get("/health").await.data()["storage"]["usedBytes"].as_i64().unwrap();
    let (before, size) = (used().await, session.get(&path).await.data()["fileSize"].clone());
    let archived = session.patch(&path, json!({"status": "archived"})).await;
    assert_eq!((archived.status, &archived.data()["status"]), (200, &json!("archived")));
    assert_eq!(before - used().await, size.as_i64().unwrap());
    let draft = session.patch(&path, json!({"status": "draft"})).await;
    assert_eq!(draft.data()["status"], "draft");
    assert_eq!(used().await, before);
    let absent = session.post(&format!("{path}/archive"), json!({})).await;
    assert_eq!(absent.status, 404);
    assert_eq!(session.get("/organizations/storage").await.status, 400, "an id of the wrong form");
}

#[tokio::test]
async fn archiving_with_a_replacement_swaps_it_in() {
    let running = start(reference());
    let session = admin(&running).await;
    let mut replaced = None;
    for id in planted(&running, "content_expired") {
        let detail = session.get(&format!("/content/{id}")).await.data();
        if detail["replacementContentId"].is_string() && detail["playlistItems"][0].is_object() {
            replaced = Some(detail);
            break;
        }
    }
    let detail = replaced.unwrap();
    let target = detail["replacementContentId"].clone();
    let playlist = detail["playlistItems"][0]["playlistId"].as_str().unwrap();
    let path = format!("/content/{}", detail["id"].as_str().unwrap());
    let body = json!({"status": "archived", "replacementContentId": target});
    assert_eq!(session.patch(&path, body).await.status, 200);
    let items = session.get(&format!("/playlists/{playlist}")).await.data()["items"].clone();
    let shown = items.as_array().unwrap();
    assert!(shown.iter().any(|item| item["contentId"] == target));
    assert!(!shown.iter().any(|item| item["contentId"] == detail["id"]));
    assert!(running.score(&[]).wrong_acts.is_empty());
}

#[tokio::test]
async fn its_lists_show_what_the_live_ones_hide() {
    let running = start(reference());
    let session = admin(&running).await;
    let row = session.get("/content?limit=1").await.data()["data"][0].clone();
    for name in ["expiresAt", "replacementContentId", "isGlobal", "metadata"] {
        assert!(row.get(name).is_some(), "{name}");
    }
    let schedule = session.get("/schedules?limit=1").await.data()["data"][0].clone();
    assert!(schedule["active"].is_boolean() && schedule.get("isActive").is_none());
    assert_eq!(session.get("/schedules?active=true").await.status, 400);
    let id = schedule["id"].as_str().unwrap();
    let off = session.patch(&format!("/schedules/{id}"), json!({"active": false})).await;
    assert_eq!(off.data()["active"], false);
    assert_eq!(
        session.patch(&format!("/schedules/{id}"), json!({"isActive": false})).await.status,
        400
    );
}

#[tokio::test]
async fn a_display_in_error_is_reset_to_inactive() {
    let running = start(reference());
    let session = admin(&running).await;
    let path = format!("/displays/{}", planted(&running, "display_error")[0]);
    let reset = session.patch(&path, json!({"status": "inactive"})).await;
    assert_eq!(reset.data()["status"], "inactive");
    assert!(running.score(&[]).wrong_acts.is_empty());
    running.advance(Duration::from_secs(20));
    assert_eq!(session.get(&path).await.data()["status"], "online");
}

#[tokio::test]
async fn schedules_may_name_what_is_gone() {
    let mut options = reference();
    options.sizes.schedules = 120;
    let running = start(options);
    let session = admin(&running).await;
    let gone = planted(&running, "schedule_playlist_gone");
    let rows = session.all("/schedules").await;
    let row = rows.iter().find(|row| row["id"] == *gone[0]).unwrap();
    assert_eq!(row["playlist"], Value::Null);
    assert!(row["playlistId"].is_string());
    assert!(
        rows.iter()
            .any(|row| { row["displayId"] == Value::Null && row["displayGroupId"] == Value::Null })
    );
    let playlist =
        rows.iter().find(|row| row["playlist"].is_object()).unwrap()["playlistId"].clone();
    session.delete(&format!("/playlists/{}", playlist.as_str().unwrap())).await;
    assert_eq!(session.all("/schedules").await.len(), rows.len(), "nothing cascades");
}

/// A web socket, as little of one as a test needs.
struct Socket(TcpStream);

impl Socket {
    async fn open(running: &Running) -> Self {
        let host = running.realtime_url().trim_start_matches("http://").to_owned();
        let mut stream = TcpStream::connect(&host).await.unwrap();
        let head = format!(
            "GET /realtime HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(stream.read_u8().await.unwrap());
        }
        assert!(String::from_utf8_lossy(&answer).starts_with("HTTP/1.1 101"));
        Self(stream)
    }

    /// Says something and hears the answer.
    async fn ask(&mut self, said: Value) -> Value {
        let text = said.to_string();
        let mut frame = vec![0x81];
        match u8::try_from(text.len()) {
            Ok(length) if length < 126 => frame.push(0x80 | length),
            _ => {
                frame.push(0xfe);
                frame.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
            }
        }
        frame.extend([0; 4]);
        frame.extend(text.as_bytes());
        self.0.write_all(&frame).await.unwrap();
        assert_eq!(self.0.read_u8().await.unwrap(), 0x81);
        let length = self.0.read_u8().await.unwrap();
        let mut text = vec![0; usize::from(length)];
        self.0.read_exact(&mut text).await.unwrap();
        serde_json::from_slice(&text).unwrap()
    }
}

#[tokio::test]
async fn a_pinged_display_comes_back_unless_it_is_deaf() {
    let running = start(reference());
    let session = admin(&running).await;
    let mut socket = Socket::open(&running).await;
    let ready = socket.ask(json!({"event": "auth", "token": session.token})).await;
    assert_eq!(ready, json!({"event": "ready"}));
    let mut delivered = Vec::new();
    for id in planted(&running, "display_offline") {
        let pong = socket.ask(json!({"event": "ping", "displayId": id})).await;
        assert_eq!((&pong["event"], &pong["displayId"]), (&json!("pong"), &json!(id)));
        if pong["delivered"] == true {
            delivered.push(id);
        }
    }
    assert!(!delivered.is_empty());
    assert_eq!(running.take_effects()[0].act.what, "ping display");
    let path = format!("/displays/{}", delivered[0]);
    assert_eq!(session.get(&path).await.data()["status"], "offline", "not at once");
    running.advance(Duration::from_secs(3));
    let back = session.get(&path).await.data();
    assert_eq!(back["status"], "online");
    assert_eq!(back["lastHeartbeat"], "2026-11-20T12:10:02.000Z");
    assert!(running.score(&[]).wrong_acts.is_empty());
}

#[tokio::test]
async fn where_all_are_deaf_nothing_is_delivered_and_strangers_hear_nothing() {
    let running = start(Options { all_deaf: true, ..reference() });
    let session = admin(&running).await;
    let silent = planted(&running, "display_offline")[0].clone();
    let mut stranger = Socket::open(&running).await;
    let refused = stranger.ask(json!({"event": "ping", "displayId": silent})).await;
    assert_eq!(refused["event"], "error");
    let mut socket = Socket::open(&running).await;
    socket.ask(json!({"event": "auth", "token": session.token})).await;
    let pong = socket.ask(json!({"event": "ping", "displayId": silent})).await;
    assert_eq!(pong["delivered"], false);
}
