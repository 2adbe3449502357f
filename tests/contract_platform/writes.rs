//! Writes: what is sent, that it is sent once, and what each answer means.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use opswarden::domain::operation::Operation;
use opswarden::domain::platform::{Dialect, RowKind, RowRef};
use opswarden::ports::platform::{Platform as _, PlatformControl as _};
use opswarden::ports::processes::ActFailure;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::Message;

use crate::model::{Model, TOKEN, World, content, display, schedule};
use crate::server::Reply;

fn tables() -> Model {
    let mut s = schedule("s-1");
    s["active"] = json!(true);
    Model::of("/displays", vec![display("d-1")])
        .and("/content", vec![content("c-1")])
        .and("/schedules", vec![s])
}

fn display_row() -> RowRef {
    RowRef::new(RowKind::Display, "shop", "d-1")
}

fn content_row() -> RowRef {
    RowRef::new(RowKind::Content, "shop", "c-1")
}

fn schedule_row() -> RowRef {
    RowRef::new(RowKind::Schedule, "shop", "s-1")
}

fn operations() -> Vec<Operation> {
    let restore = |status: &str| Operation::RestoreContent {
        content: content_row(),
        status: status.to_owned(),
    };
    let assign = |playlist: Option<&str>| Operation::AssignPlaylist {
        display: display_row(),
        playlist: playlist.map(str::to_owned),
    };
    vec![
        Operation::ArchiveContent(content_row()),
        restore("active"),
        restore("draft"),
        Operation::DeactivateSchedule(schedule_row()),
        Operation::ActivateSchedule(schedule_row()),
        Operation::ResetDisplay(display_row()),
        assign(Some("p-1")),
        assign(None),
        Operation::ReloadDisplay(display_row()),
        Operation::PingDisplay(display_row()),
    ]
}

/// What each operation sent, or `no` where it was refused without asking.
async fn sent(dialect: Dialect) -> Vec<String> {
    let world = World::with(tables(), |options| options.dialect = dialect).await;
    let mut sent = Vec::new();
    for operation in operations() {
        let before = world.server.log().len();
        let result = world.client.send(&operation).await;
        let log = world.server.log();
        let writes: Vec<_> =
            log[before..].iter().filter(|request| request.asked() != "POST /auth/login").collect();
        sent.push(match (writes.as_slice(), result) {
            ([], Err(ActFailure::Refused(_))) => "no".to_owned(),
            ([write], Ok(_)) => format!("{} {}", write.asked(), write.body).trim().to_owned(),
            (writes, result) => panic!("{operation}: {writes:?}, {result:?}"),
        });
    }
    assert_eq!(world.client.release().await, []);
    sent
}

#[tokio::test]
async fn the_vizora_dialect_writes_by_its_own_routes() {
    let expected = [
        "POST /content/c-1/archive",
        "POST /content/c-1/restore",
        "no",
        r#"PATCH /schedules/s-1 {"isActive":false}"#,
        r#"PATCH /schedules/s-1 {"isActive":true}"#,
        r#"PATCH /displays/d-1 {"status":"offline"}"#,
        r#"PATCH /displays/d-1 {"currentPlaylistId":"p-1"}"#,
        r#"PATCH /displays/d-1 {"currentPlaylistId":""}"#,
        r#"POST /fleet/commands {"command":"reload","target":{"id":"d-1","type":"device"}}"#,
        "no",
    ];
    assert_eq!(sent(Dialect::Vizora).await, expected);
}

#[tokio::test]
async fn the_reference_dialect_writes_fields() {
    let expected = [
        r#"PATCH /content/c-1 {"status":"archived"}"#,
        r#"PATCH /content/c-1 {"status":"active"}"#,
        r#"PATCH /content/c-1 {"status":"draft"}"#,
        r#"PATCH /schedules/s-1 {"active":false}"#,
        r#"PATCH /schedules/s-1 {"active":true}"#,
        r#"PATCH /displays/d-1 {"status":"inactive"}"#,
        r#"PATCH /displays/d-1 {"currentPlaylistId":"p-1"}"#,
        r#"PATCH /displays/d-1 {"currentPlaylistId":""}"#,
        "no",
        "no",
    ];
    assert_eq!(sent(Dialect::Reference).await, expected);
}

#[tokio::test]
async fn a_write_is_sent_once_and_only_a_clear_no_to_what_it_asks_is_a_refusal() {
    let said = |status: u16, message: &str| {
        Reply::Json(status, json!({ "message": message, "statusCode": status }))
    };
    let cases = [
        (said(400, "Bad Request"), "refused"),
        (said(403, "Insufficient permissions"), "not sent"),
        (said(404, "Content not found"), "refused"),
        (said(404, "Cannot POST /api/v1/x"), "refused"),
        (said(409, "x"), "refused"),
        (said(429, "ThrottlerException: Too Many Requests"), "not sent"),
        (said(500, "Internal server error"), "unknown"),
        (said(503, "x"), "unknown"),
        (Reply::Json(200, json!("<html>")), "unknown"),
        (Reply::Reset, "unknown"),
        (Reply::Half(201), "unknown"),
        (Reply::Silence, "unknown"),
    ];
    for (reply, expected) in cases {
        let change = |options: &mut opswarden::adapters::platform::PlatformOptions| {
            options.request_timeout = Duration::from_millis(400);
        };
        let world = World::with(tables(), change).await;
        world.client.storage("shop").await.unwrap();
        world.server.with(|model| {
            model.always.insert("POST /content/c-1/archive".to_owned(), reply.clone());
        });
        let result = world.client.send(&Operation::ArchiveContent(content_row())).await;
        assert_eq!(word(&result), expected, "{reply:?}: {result:?}");
        assert_eq!(world.server.count("POST /content/c-1/archive"), 1, "{reply:?}");
        assert_eq!(world.client.release().await, []);
    }
}

fn word(result: &Result<String, ActFailure>) -> &'static str {
    match result {
        Ok(_) => "ok",
        Err(ActFailure::Refused(_)) => "refused",
        Err(ActFailure::NotSent(_)) => "not sent",
        Err(ActFailure::Unknown(_)) => "unknown",
    }
}

#[tokio::test]
async fn what_never_left_the_house_is_not_sent() {
    for (url, deadline) in [(Some("http://127.0.0.1:9"), 60), (None, 0)] {
        let world = World::with(tables(), |options| {
            options.url = url.map_or_else(|| options.url.clone(), str::to_owned);
            options.deadline = Duration::from_secs(deadline);
        })
        .await;
        let result = world.client.send(&Operation::ArchiveContent(content_row())).await;
        assert_eq!(word(&result), "not sent", "{result:?}");
        assert_eq!(world.server.log().len(), 0);
    }
}

#[tokio::test]
async fn a_403_is_the_last_answer_that_a_run_asks_for_until_a_new_sign_in_too() {
    let world = World::of(tables()).await;
    let locked = Reply::Json(403, json!({ "message": "It is locked", "statusCode": 403 }));
    let (reload, archive) =
        (Operation::ReloadDisplay(display_row()), Operation::ArchiveContent(content_row()));
    let send = async |operation: &Operation| {
        let result = world.client.send(operation).await;
        (word(&result), result.err().map(|failure| failure.to_string()).unwrap_or_default())
    };
    world
        .server
        .with(|model| model.always.insert("POST /fleet/commands".to_owned(), locked.clone()));
    for _ in 0..2 {
        let (found, why) = send(&reload).await;
        assert_eq!(found, "not sent");
        assert!(why.contains("It is locked"), "{why}");
    }
    assert_eq!(world.server.count("POST /fleet/commands"), 1);
    assert_eq!(send(&archive).await.0, "ok", "a lock on commands is for commands");
    world.server.with(|model| {
        model.always.insert("POST /content/c-1/archive".to_owned(), locked);
        model.always.remove("POST /fleet/commands");
    });
    assert_eq!(send(&archive).await.0, "not sent");
    world.server.with(Model::forget_tokens);
    world.client.storage("shop").await.unwrap();
    assert_eq!(world.server.count("POST /auth/login"), 2);
    assert_eq!(send(&archive).await.0, "not sent");
    assert_eq!(send(&Operation::ResetDisplay(display_row())).await.0, "not sent");
    assert_eq!(world.server.count("POST /content/c-1/archive"), 2);
    assert_eq!(world.server.count("PATCH /displays/d-1"), 0);
    assert_eq!(world.client.release().await, []);
}

#[tokio::test]
async fn a_write_that_met_a_forgotten_token_is_sent_again_once() {
    let world = World::of(tables()).await;
    world.client.storage("shop").await.unwrap();
    world.server.with(Model::forget_tokens);
    let answer = world.client.send(&Operation::ArchiveContent(content_row())).await.unwrap();
    assert_eq!(answer, "the platform answered 200");
    assert_eq!(world.server.count("POST /content/c-1/archive"), 2);
    assert_eq!(world.client.release().await, []);
}

/// A gateway that lets in whoever shows a token, and answers pings with this.
async fn gateway(pong: Option<Value>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else { continue };
            while let Some(Ok(Message::Text(text))) = socket.next().await {
                let word: Value = serde_json::from_str(&text).unwrap();
                let shown = word["token"].as_str().is_some_and(|token| token.starts_with(TOKEN));
                let answer = match word["event"].as_str().unwrap() {
                    "auth" if shown => Some(json!({ "event": "ready" })),
                    "auth" => Some(json!({ "event": "error" })),
                    "ping" => pong.clone(),
                    other => panic!("{other}"),
                };
                let Some(answer) = answer else { break };
                socket.send(Message::text(answer.to_string())).await.unwrap();
            }
        }
    });
    format!("ws://{address}")
}

#[tokio::test]
async fn a_ping_tells_whether_it_was_delivered() {
    let pong = |delivered: bool| {
        Some(json!({ "event": "pong", "displayId": "d-1", "delivered": delivered }))
    };
    let cases = [(pong(true), "ok"), (pong(false), "refused"), (None, "unknown")];
    for (pong, expected) in cases {
        let realtime = gateway(pong).await;
        let world = World::with(tables(), |options| {
            options.dialect = Dialect::Reference;
            options.realtime = realtime;
        })
        .await;
        let result = world.client.send(&Operation::PingDisplay(display_row())).await;
        assert_eq!(word(&result), expected, "{result:?}");
        assert_eq!(world.client.release().await, []);
    }
}
