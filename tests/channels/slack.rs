//! A model of Slack's Web API, as strict as Slack: it says 200 to nearly everything and `ok: false` to what is wrong.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::receiver::{Asked, Deed, Receiver, answer};

pub(crate) const TOKEN: &str = "xoxb-canary-token";
pub(crate) const CHANNEL: &str = "C0123456789";

/// A message in the channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Post {
    pub(crate) ts: String,
    pub(crate) text: String,
    pub(crate) thread: Option<String>,
    pub(crate) edits: u32,
    /// Whether a line of a thread is seen in the channel as well.
    pub(crate) broadcast: bool,
}

/// What is planted before the next calls: for which method, and what is done instead.
pub(crate) type Plant = (&'static str, Deed);

#[derive(Default)]
struct State {
    posts: Vec<Post>,
    plants: Vec<Plant>,
}

/// A workspace with one channel.
#[derive(Clone)]
pub(crate) struct Slack {
    pub(crate) receiver: Receiver,
    state: Arc<Mutex<State>>,
}

impl Slack {
    pub(crate) async fn start() -> Self {
        let state: Arc<Mutex<State>> = Arc::default();
        let own = Arc::clone(&state);
        let receiver = Receiver::start(move |asked| treat(&mut own.lock().unwrap(), asked)).await;
        Self { receiver, state }
    }

    pub(crate) fn api(&self) -> String {
        self.receiver.url("/api")
    }

    pub(crate) fn posts(&self) -> Vec<Post> {
        self.state.lock().unwrap().posts.clone()
    }

    /// The next call of `method` meets `deed` instead.
    pub(crate) fn plant(&self, method: &'static str, deed: Deed) {
        self.state.lock().unwrap().plants.push((method, deed));
    }

    /// Somebody deletes every message.
    pub(crate) fn forget(&self) {
        self.state.lock().unwrap().posts.clear();
    }

    /// The methods that were called.
    pub(crate) fn called(&self) -> Vec<String> {
        let asked = self.receiver.asked();
        asked.iter().map(|asked| asked.path.trim_start_matches("/api/").to_owned()).collect()
    }
}

pub(crate) fn no(error: &str) -> Deed {
    said(&json!({ "ok": false, "error": error }))
}

fn said(value: &Value) -> Deed {
    let kind = "Content-Type: application/json; charset=utf-8";
    answer("200 OK", &[kind], &value.to_string())
}

fn treat(state: &mut State, asked: &Asked) -> Deed {
    let Some(method) = asked.path.strip_prefix("/api/") else {
        return answer("404 Not Found", &[], "");
    };
    if let Some(place) = state.plants.iter().position(|(planted, _)| *planted == method) {
        return state.plants.remove(place).1;
    }
    match judge(state, method, asked) {
        Ok(value) => said(&value),
        Err(error) => no(error),
    }
}

fn judge(state: &mut State, method: &str, asked: &Asked) -> Result<Value, &'static str> {
    if asked.method != "POST" {
        return Err("invalid_post_type");
    }
    let bearer = asked.header("authorization").ok_or("not_authed")?;
    if bearer != format!("Bearer {TOKEN}") {
        return Err("invalid_auth");
    }
    if asked.header("content-type") != Some("application/json; charset=utf-8") {
        return Err("missing_charset");
    }
    let body: Value = serde_json::from_slice(&asked.body).map_err(|_| "invalid_json")?;
    let text = |name: &str| body[name].as_str().map(str::to_owned);
    let channel = text("channel").ok_or("channel_not_found")?;
    let words = text("text").filter(|text| !text.is_empty()).ok_or("no_text")?;
    let ts = match method {
        "chat.postMessage" => {
            // By name as well as by id; the answer has the id.
            if channel != CHANNEL && channel != "#ops" {
                return Err(if channel == "#elsewhere" {
                    "not_in_channel"
                } else {
                    "channel_not_found"
                });
            }
            let broadcast = body["reply_broadcast"].as_bool().unwrap_or(false);
            post(state, words, text("thread_ts"), broadcast)?
        }
        "chat.update" => {
            if channel != CHANNEL {
                return Err("channel_not_found");
            }
            if body.get("reply_broadcast").is_some() {
                return Err("no_dual_broadcast_content_update");
            }
            update(state, &words, &text("ts").ok_or("message_not_found")?)?
        }
        _ => return Err("unknown_method"),
    };
    Ok(json!({ "ok": true, "channel": CHANNEL, "ts": ts, "message": {} }))
}

fn post(
    state: &mut State,
    text: String,
    thread: Option<String>,
    broadcast: bool,
) -> Result<String, &'static str> {
    let is_there =
        |ts: &String| state.posts.iter().any(|post| post.ts == *ts && post.thread.is_none());
    if thread.as_ref().is_some_and(|ts| !is_there(ts)) {
        return Err("thread_not_found");
    }
    if broadcast && thread.is_none() {
        return Err("invalid_arguments");
    }
    let ts = format!("1795600000.{:06}", state.posts.len() + 1);
    state.posts.push(Post { ts: ts.clone(), text, thread, edits: 0, broadcast });
    Ok(ts)
}

fn update(state: &mut State, text: &str, ts: &str) -> Result<String, &'static str> {
    let post = state.posts.iter_mut().find(|post| post.ts == ts).ok_or("message_not_found")?;
    text.clone_into(&mut post.text);
    post.edits += 1;
    Ok(ts.to_owned())
}
