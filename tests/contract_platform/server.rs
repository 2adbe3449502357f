//! A web server of a few lines: keep-alive, whole requests, and answers that may break off.

use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::model::Model;

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) verb: String,
    /// Below `/api/v1`, where it is.
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) bearer: Option<String>,
    pub(crate) cookie: Option<String>,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn asked(&self) -> String {
        format!("{} {}", self.verb, self.path)
    }

    pub(crate) fn number(&self, name: &str) -> Option<usize> {
        let pairs = self.query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.into_iter().find(|(found, _)| *found == name)?.1.parse().ok()
    }
}

/// What the server does.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    Json(u16, Value),
    /// With more headers.
    With(u16, Vec<(&'static str, String)>, Value),
    /// Nothing, for ever.
    Silence,
    /// The connection is closed without a word.
    Reset,
    /// Headers, and the first half of a body.
    Half(u16),
}

/// The server.
pub(crate) struct Server {
    pub(crate) url: String,
    pub(crate) model: Arc<Mutex<Model>>,
}

impl Server {
    pub(crate) async fn start(model: Model) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let model = Arc::new(Mutex::new(model));
        let shared = Arc::clone(&model);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Self { url, model }
    }

    /// Every request so far.
    pub(crate) fn log(&self) -> Vec<Request> {
        self.model.lock().unwrap().log.clone()
    }

    /// How often this was asked.
    pub(crate) fn count(&self, asked: &str) -> usize {
        self.log().iter().filter(|request| request.asked() == asked).count()
    }

    /// Changes the model.
    pub(crate) fn with<T>(&self, change: impl FnOnce(&mut Model) -> T) -> T {
        change(&mut self.model.lock().unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let allowed = ["GET", "HEAD", "POST", "PATCH"];
        if let Ok(model) = self.model.lock() {
            assert!(model.log.iter().all(|request| allowed.contains(&request.verb.as_str())));
        }
    }
}

async fn serve(mut stream: TcpStream, model: Arc<Mutex<Model>>) {
    let mut bytes = Vec::new();
    while let Some(request) = request(&mut stream, &mut bytes).await {
        let head_only = request.verb == "HEAD";
        let reply = model.lock().unwrap().answer(request);
        let (status, headers, body) = match reply {
            Reply::Json(status, body) => (status, Vec::new(), body.to_string()),
            Reply::With(status, headers, body) => (status, headers, body.to_string()),
            Reply::Silence => std::future::pending().await,
            Reply::Reset => return,
            Reply::Half(status) => {
                let text = format!("HTTP/1.1 {status} X\r\nContent-Length: 500\r\n\r\n{{\"succ");
                let _gone = stream.write_all(text.as_bytes()).await;
                return;
            }
        };
        let date =
            jiff::fmt::rfc2822::to_string(&Timestamp::now().to_zoned(TimeZone::UTC)).unwrap();
        let more: Vec<String> =
            headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let more = more.concat();
        let length = body.len();
        let body = if head_only { String::new() } else { body };
        let text = format!(
            "HTTP/1.1 {status} X\r\nDate: {date}\r\n{more}Content-Length: {length}\r\n\r\n{body}"
        );
        if stream.write_all(text.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn request(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Option<Request> {
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let header = |name: &str| {
        let lines = head.lines().skip(1).filter_map(|line| line.split_once(':'));
        lines
            .into_iter()
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim().to_owned())
    };
    let length: usize = header("content-length").map_or(0, |length| length.parse().unwrap());
    while bytes.len() < end + length {
        if stream.read_buf(bytes).await.ok()? == 0 {
            return None;
        }
    }
    let body = String::from_utf8_lossy(&bytes[end..end + length]).into_owned();
    bytes.drain(..end + length);
    let mut line = head.lines().next()?.split(' ');
    let (verb, target) = (line.next()?.to_owned(), line.next()?);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    Some(Request {
        verb,
        path: path.strip_prefix("/api/v1").unwrap_or(path).to_owned(),
        query: query.to_owned(),
        bearer: header("authorization")
            .and_then(|value| value.strip_prefix("Bearer ").map(str::to_owned)),
        cookie: header("cookie"),
        body,
    })
}
