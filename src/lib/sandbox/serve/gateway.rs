//! The web socket of the design document: plain JSON in text frames. The live platform has nothing like it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{ConnectInfo, State};
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse as _;
use serde::Deserialize;
use serde_json::{Value, json};

use super::faults::{FaultKind, instead};
use super::line::Line;
use super::listen::{DRIP, closed, delayed, finished};
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

/// Opens a socket, in the dialect that has one. Its faults are those of `GET /realtime`.
pub(crate) async fn open(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(line): ConnectInfo<Line>,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Response<Body> {
    let faults = shared.lock().faults.strike("GET", "/realtime");
    tokio::select! {
        response = delayed(&shared, &line, &faults) => {
            if let Some(response) = response {
                return response;
            }
        }
        () = closed(Arc::clone(&shared)) => return Response::new(Body::empty()),
    }
    let instead = faults.iter().find_map(|fault| instead(fault, "GET", "/realtime", "Socket"));
    if let Some(reply) = instead {
        return finished(&shared, "GET", reply, &faults);
    }
    match upgrade {
        Ok(upgrade) if shared.options.dialect == Dialect::Reference => {
            upgrade.on_upgrade(move |socket| talk(shared, socket, faults))
        }
        Ok(_) => StatusCode::NOT_FOUND.into_response(),
        Err(rejection) => rejection.into_response(),
    }
}

async fn talk(shared: Arc<Shared>, mut socket: WebSocket, faults: Vec<FaultKind>) {
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
            Ok(Said::Ping { .. }) if faults.contains(&FaultKind::HalfBody) => return,
            Ok(Said::Ping { display }) if faults.contains(&FaultKind::LyingWrite) => {
                json!({"event": "pong", "displayId": display, "delivered": true})
            }
            Ok(said) => answer(&shared, &mut who, said),
            Err(_) => refusal("unknown event"),
        };
        let reply = if faults.contains(&FaultKind::WrongType) { json!([reply]) } else { reply };
        let text = reply.to_string();
        if faults.contains(&FaultKind::Drip) {
            let slow = DRIP.saturating_mul(u32::try_from(text.len()).unwrap_or(u32::MAX));
            tokio::select! {
                () = shared.clock.sleep(slow) => {}
                () = closed(Arc::clone(&shared)) => return,
            }
        }
        let failed = socket.send(Message::text(text)).await.is_err();
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
