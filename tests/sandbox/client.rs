//! A client of HTTP/1.1 that hides nothing, and a sandbox whose time stands still.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use opswarden::ports::Pending;
use opswarden::ports::clock::Clock;
use opswarden::sandbox::{
    Dialect, Options, PASSWORD, Running, Sandbox, Sizes, Start, Throttle, Validation,
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A clock that stands still, and waits for a hundredth of what is asked.
struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }
    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }
    fn sleep(&self, duration: Duration) -> Pending<'_, ()> {
        Box::pin(tokio::time::sleep(duration / 100))
    }
}

pub(crate) const NOON: &str = "2026-11-20T12:10:00Z";

/// Options of a small broken tenant at a fixed time, whose refusals say why.
pub(crate) fn small() -> Options {
    Options {
        start: Start::Fixed(NOON.parse().unwrap()),
        throttle: Throttle::Off,
        validation: Validation::Development,
        sizes: Sizes { displays: 60, content: 160, playlists: 20, schedules: 40, tenants: 2 },
        ..Options::default()
    }
}

pub(crate) fn reference() -> Options {
    Options { dialect: Dialect::Reference, ..small() }
}

pub(crate) fn start(options: Options) -> Running {
    Sandbox::start(options, Arc::new(Still)).unwrap()
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// What an enveloped answer carries.
    pub(crate) fn data(&self) -> Value {
        let document = self.json();
        assert_eq!(document["success"], true, "{self:?}");
        document["data"].clone()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The value of a cookie that the answer sets.
    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        let set = self.headers.iter().filter(|(key, _)| key == "set-cookie");
        set.filter_map(|(_, line)| line.split(';').next()?.split_once('='))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value.to_owned())
    }

    /// Asserts the status and the message of a refusal.
    pub(crate) fn refuses(&self, status: u16, message: &Value) {
        assert_eq!((self.status, &self.json()["message"]), (status, message), "{self:?}");
        assert!(self.json().get("success").is_none(), "a refusal is not enveloped: {self:?}");
    }
}

/// Sends one request with the given head and body, and reads until the end.
pub(crate) async fn send(
    url: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> std::io::Result<Answer> {
    let host = url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).await?;
    let lines: Vec<String> =
        headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{}\
         Content-Length: {}\r\n\r\n",
        lines.concat(),
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body).await?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await?;
    parsed(&bytes)
}

fn parsed(bytes: &[u8]) -> std::io::Result<Answer> {
    let cut = || std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
    let end = bytes.windows(4).position(|part| part == b"\r\n\r\n").ok_or_else(cut)?;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.lines();
    let status = lines.next().unwrap_or("").split(' ').nth(1).unwrap_or("0").parse().unwrap();
    let pairs = lines.filter_map(|line| line.split_once(": "));
    let headers: Vec<(String, String)> =
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let body = &bytes[end + 4..];
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length: Option<usize> = length.map(|(_, value)| value.parse().unwrap());
    if length.is_some_and(|length| body.len() < length && !body.is_empty()) {
        return Err(cut());
    }
    Ok(Answer { status, headers, text: String::from_utf8_lossy(body).into_owned() })
}

/// Somebody who is logged in with a bearer token alone.
pub(crate) struct Session {
    pub(crate) url: String,
    pub(crate) token: String,
    pub(crate) refresh: String,
}

pub(crate) async fn login(running: &Running, email: &str) -> Answer {
    let body = json!({"email": email, "password": PASSWORD}).to_string();
    let kind = [("Content-Type", "application/json")];
    send(&running.base_url(), "POST", "/api/v1/auth/login", &kind, body.as_bytes()).await.unwrap()
}

/// Logs in and keeps the token.
pub(crate) async fn session(running: &Running, email: &str) -> Session {
    let answer = login(running, email).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    Session {
        url: running.base_url(),
        token: answer.data()["access_token"].as_str().unwrap().to_owned(),
        refresh: answer.cookie("vizora_refresh_token").unwrap(),
    }
}

pub(crate) async fn admin(running: &Running) -> Session {
    session(running, "ops@example.test").await
}

impl Session {
    /// A request below the prefix that may fail on the way.
    pub(crate) async fn tried(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> std::io::Result<Answer> {
        let bearer = format!("Bearer {}", self.token);
        let text = body.map(Value::to_string).unwrap_or_default();
        let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
        let path = format!("/api/v1{path}");
        send(&self.url, method, &path, &headers, text.as_bytes()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.tried("GET", path, None).await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.tried("POST", path, Some(&body)).await.unwrap()
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        self.tried("PATCH", path, Some(&body)).await.unwrap()
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.tried("DELETE", path, None).await.unwrap()
    }

    /// Every row of a list, in pages of a hundred.
    pub(crate) async fn all(&self, path: &str) -> Vec<Value> {
        let mut rows: Vec<Value> = Vec::new();
        for page in 1.. {
            let data = self.get(&format!("{path}?page={page}&limit=100")).await.data();
            rows.extend(data["data"].as_array().unwrap().iter().cloned());
            if page >= data["meta"]["totalPages"].as_u64().unwrap() {
                break;
            }
        }
        rows
    }

    /// Logs out in the way that ends the refresh row as well.
    pub(crate) async fn logout(&self) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        let cookie = format!("vizora_refresh_token={}", self.refresh);
        let headers = [("Authorization", bearer.as_str()), ("Cookie", cookie.as_str())];
        send(&self.url, "POST", "/api/v1/auth/logout", &headers, b"").await.unwrap()
    }
}

/// The ids of the rows that a check of the truth names, without the tenant.
pub(crate) fn planted(running: &Running, check: &str) -> Vec<String> {
    let truth = running.truth().into_iter();
    let named = truth.filter(|entry| entry.check == check && entry.subject.contains(":default/"));
    named.map(|entry| entry.subject.split_once('/').unwrap().1.to_owned()).collect()
}

/// The names of an object's fields.
pub(crate) fn fields(row: &Value) -> Vec<String> {
    let mut names: Vec<String> = row.as_object().unwrap().keys().cloned().collect();
    names.sort();
    names
}
