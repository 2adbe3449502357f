//! The sandbox's own addresses: what is true, what arrived, and the knobs; and the pictures beside the platform.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use super::faults::Fault;
use super::reply::{Asked, Reply};
use super::shared::Shared;
use crate::sandbox::truth::Found;

#[derive(Deserialize)]
struct Advance {
    seconds: u64,
}

/// A body as the type that the call wants, or the refusal.
fn body<T: serde::de::DeserializeOwned>(asked: &Asked) -> Result<T, Reply> {
    serde_json::from_slice(&asked.body).map_err(|error| Reply::error(400, error.to_string()))
}

/// Answers a control call.
pub(crate) fn answer(shared: &Arc<Shared>, asked: &Asked) -> Reply {
    controlled(shared, asked).unwrap_or_else(|refusal| refusal)
}

fn controlled(shared: &Arc<Shared>, asked: &Asked) -> Result<Reply, Reply> {
    Ok(match (asked.method.as_str(), asked.path.as_str()) {
        ("GET", "/sandbox/truth") => Reply::raw(200, &shared.planted()),
        ("GET", "/sandbox/truth/now") => Reply::raw(200, &shared.truth_now()),
        ("GET", "/sandbox/effects") => Reply::raw(200, &shared.lock().world.effects.all()),
        ("GET", "/sandbox/sessions") => Reply::raw(200, &json!({"open": shared.sessions_open()})),
        ("GET", "/sandbox/leftovers") => Reply::raw(200, &shared.leftovers()),
        ("POST", "/sandbox/score") => {
            let found: Vec<Found> = body(asked)?;
            Reply::raw(200, &shared.score(&found))
        }
        ("POST", "/sandbox/faults") => {
            let faults: Vec<Fault> = body(asked)?;
            let count = faults.len();
            shared.lock().faults.set(faults);
            Reply::raw(200, &json!({ "set": count }))
        }
        ("POST", "/sandbox/advance") => {
            let by: Advance = body(asked)?;
            shared.advance(Duration::from_secs(by.seconds));
            Reply::raw(200, &json!({"now": shared.now()}))
        }
        ("POST", "/sandbox/expect-unknown-route") => {
            let named: BTreeSet<String> = body(asked)?;
            let count = named.len();
            shared.lock().world.effects.expected_unknown.extend(named);
            Reply::raw(200, &json!({ "expected": count }))
        }
        (method, path) => return Err(Reply::no_route(method, path)),
    })
}

/// So many bytes are enough for a picture.
const PICTURE: [u8; 200] = [0xff; 200];

/// A thumbnail, or 404 where it is gone.
pub(crate) fn thumbnail(shared: &Arc<Shared>, asked: &Asked) -> Reply {
    let looks = ["GET", "HEAD"].contains(&asked.method.as_str());
    let there = asked.path.starts_with("/static/thumbnails/")
        && !shared.lock().world.dead_thumbnails.contains(&asked.path);
    if looks && there {
        return Reply::bytes(200, "image/jpeg", PICTURE.to_vec());
    }
    Reply::no_route(&asked.method, &asked.path)
}
