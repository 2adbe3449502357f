//! The web socket of the design document: plain JSON in text frames. The live platform has nothing like it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse as _;
use serde::Deserialize;
use serde_json::{Value, json};

use super::listen::closed;
use super::shared::Shared;
use crate::sandbox::api::ping;
use crate::sandbox::model::session::Who;
use crate::sandbox::options::Dialect;

#[derive(Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum Said {
    Auth {
        token: String,
    },
    Ping {
        #[serde(rename = "displayId")]
        display: String,
    },
}

/// Opens a socket, in the dialect that has one.
pub(crate) async fn open(
    State(shared): State<Arc<Shared>>,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Response<Body> {
    match upgrade {
        Ok(upgrade) if shared.options.dialect == Dialect::Reference => {
            upgrade.on_upgrade(move |socket| talk(shared, socket))
        }
        Ok(_) => StatusCode::NOT_FOUND.into_response(),
        Err(rejection) => rejection.into_response(),
    }
}

async fn talk(shared: Arc<Shared>, mut socket: WebSocket) {
    let mut who = None;
    loop {
        let message = tokio::select! {
            message = socket.recv() => message,
            () = closed(Arc::clone(&shared)) => return,
        };
        let text = match message {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Binary(_))) => continue,
            Some(Ok(Message::Close(_)) | Err(_)) | None => return,
        };
        let reply = match serde_json::from_str::<Said>(&text) {
            Ok(said) => answer(&shared, &mut who, said),
            Err(_) => refusal("unknown event"),
        };
        let failed = socket.send(Message::text(reply.to_string())).await.is_err();
        if failed || (who.is_none() && reply["event"] == "error") {
            return;
        }
    }
}

fn refusal(message: &str) -> Value {
    json!({"event": "error", "message": message})
}

fn answer(shared: &Shared, who: &mut Option<Who>, said: Said) -> Value {
    let now = shared.now();
    let mut inner = shared.lock();
    match said {
        Said::Auth { token } => match inner.world.sessions.open(&token, now) {
            Ok(found) => {
                *who = Some(found);
                json!({"event": "ready"})
            }
            Err(_) => refusal("unauthorized"),
        },
        Said::Ping { display } => {
            let Some(who) = *who else { return refusal("unauthorized") };
            inner.planted(&shared.options);
            match ping(&mut inner.world, who, &display, now) {
                Some(delivered) => {
                    json!({"event": "pong", "displayId": display, "delivered": delivered})
                }
                None => refusal("display not found"),
            }
        }
    }
}
