//! A ping over the realtime gateway's web socket.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use rustls::crypto::ring;
use serde::Deserialize;
use serde_json::json;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

use super::ask::Asker;
use super::failure::Failure;
use super::limiter::GATEWAY;
use super::tenant::Tenant;
use crate::ports::processes::ActFailure;

const PATH: &str = "/realtime";
/// Words of the gateway are short.
const WORD_BYTES: usize = 64 * 1024;
/// The gateway may tell other things before it answers.
const WORDS: usize = 1_000;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Word {
    event: String,
    display_id: Option<String>,
    delivered: Option<bool>,
}

fn refused(why: impl Into<String>) -> ActFailure {
    ActFailure::Refused(why.into())
}

fn not_sent(why: impl Into<String>) -> ActFailure {
    ActFailure::NotSent(why.into())
}

/// Pings a display.
pub(super) async fn ping(
    asker: &Arc<Asker>,
    tenant: &Arc<Tenant>,
    id: &str,
) -> Result<String, ActFailure> {
    if asker.options.realtime.is_empty() {
        return Err(refused("no address of the realtime gateway is set"));
    }
    let session = tenant.session(asker, None).await.map_err(Failure::of_act)?;
    let pace = asker.limiter.bucket(GATEWAY, 1);
    pace.next(asker.deadline()).await.map_err(Failure::of_act)?;
    let timeout = asker.timeout().map_err(Failure::of_act)?;
    let began = asker.clock().elapsed();
    let entered = tokio::time::timeout(timeout, enter(asker, &session.token)).await;
    let mut socket = entered
        .map_err(|_| not_sent("the realtime gateway did not let us in in time"))?
        .map_err(not_sent)?;
    let left = timeout.saturating_sub(asker.clock().elapsed().saturating_sub(began));
    let result = ask(&mut socket, id, left.max(Duration::from_millis(1))).await;
    let _closing_is_a_courtesy =
        tokio::time::timeout(Duration::from_millis(200), socket.close(None)).await;
    result
}

/// Connects and shows the token; nothing is pinged yet.
async fn enter(asker: &Asker, token: &str) -> Result<Socket, String> {
    let _installed_before = ring::default_provider().install_default();
    let base = asker.options.realtime.trim_end_matches('/');
    let config = WebSocketConfig::default()
        .max_message_size(Some(WORD_BYTES))
        .max_frame_size(Some(WORD_BYTES));
    let connected = connect_async_with_config(format!("{base}{PATH}"), Some(config), true).await;
    // Its errors may name the address with everything in it.
    let (mut socket, _) =
        connected.map_err(|_| "the realtime gateway could not be reached".to_owned())?;
    let hello = json!({ "event": "auth", "token": token }).to_string();
    let sent = socket.send(Message::text(hello)).await;
    sent.map_err(|_| "the realtime gateway broke off".to_owned())?;
    for _ in 0..WORDS {
        match next(&mut socket).await {
            Some(word) if word.event == "ready" => return Ok(socket),
            Some(word) if word.event == "error" => break,
            Some(_) => {}
            None => break,
        }
    }
    Err("the realtime gateway did not let us in".to_owned())
}

async fn ask(socket: &mut Socket, id: &str, left: Duration) -> Result<String, ActFailure> {
    let unknown = |why: &str| ActFailure::Unknown(why.to_owned());
    let ping = json!({ "event": "ping", "displayId": id }).to_string();
    let answered = tokio::time::timeout(left, async {
        socket.send(Message::text(ping)).await.ok()?;
        for _ in 0..WORDS {
            let word = next(socket).await?;
            let ours = word.display_id.as_deref().is_none_or(|display| display == id);
            if ours && (word.event == "pong" || word.event == "error") {
                return Some(word);
            }
        }
        None
    });
    let answered = answered.await;
    let word = answered.map_err(|_| unknown("the realtime gateway did not answer in time"))?;
    let word = word.ok_or_else(|| unknown("the realtime gateway broke off"))?;
    match word.delivered {
        _ if word.event == "error" => Err(refused("the realtime gateway refused the ping")),
        Some(true) => Ok("the realtime gateway delivered the ping".to_owned()),
        Some(false) => Err(refused("the realtime gateway has no way to the display")),
        None => Err(unknown("the realtime gateway did not say whether it delivered the ping")),
    }
}

/// The next word; `None` when the gateway hangs up or says what is not understood.
async fn next(socket: &mut Socket) -> Option<Word> {
    loop {
        match socket.next().await? {
            Ok(Message::Text(text)) => return serde_json::from_str(text.as_str()).ok(),
            Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => {}
            Ok(Message::Binary(_) | Message::Close(_)) | Err(_) => return None,
        }
    }
}
