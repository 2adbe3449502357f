//! Another reader of the sandbox, which shares nothing with the client: plain requests, every page in several sizes.

use std::collections::BTreeMap;

use opswarden::sandbox::{PASSWORD, Running};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// An account that is signed in.
pub(crate) struct Raw {
    host: String,
    token: String,
    refresh: String,
}

impl Raw {
    /// Signs in.
    pub(crate) async fn of(running: &Running, email: &str) -> Self {
        let host = running.base_url().trim_start_matches("http://").to_owned();
        let mut raw = Self { host, token: String::new(), refresh: String::new() };
        let account = json!({ "email": email, "password": PASSWORD });
        let (head, body) = raw.ask("POST", "/auth/login", Some(&account)).await;
        body["data"]["access_token"].as_str().unwrap().clone_into(&mut raw.token);
        let cookie = head.split("vizora_refresh_token=").nth(1).unwrap();
        cookie.split(';').next().unwrap().clone_into(&mut raw.refresh);
        raw
    }

    /// Asks once, and returns the head of the answer and its body.
    pub(crate) async fn ask(
        &self,
        verb: &str,
        path: &str,
        body: Option<&Value>,
    ) -> (String, Value) {
        let (host, token, refresh) = (&self.host, &self.token, &self.refresh);
        let body = body.map(Value::to_string).unwrap_or_default();
        let session = if token.is_empty() {
            String::new()
        } else {
            format!("Authorization: Bearer {token}\r\nCookie: vizora_refresh_token={refresh}\r\n")
        };
        let head = format!(
            "{verb} /api/v1{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{session}\
             Content-Type: application/json\r\nContent-Length: {}\r\n",
            body.len()
        );
        let mut stream = TcpStream::connect(host).await.unwrap();
        stream.write_all(format!("{head}\r\n{body}").as_bytes()).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), serde_json::from_str(body).unwrap())
    }

    /// What an enveloped answer carries.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let (_, body) = self.ask("GET", path, None).await;
        assert_eq!(body["success"], true, "{path}: {body}");
        body["data"].clone()
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) {
        let (head, answer) = self.ask("PATCH", path, Some(&body)).await;
        assert!(head.starts_with("HTTP/1.1 200"), "{path}: {answer}");
    }

    /// Every row of a list by its id: sizes of pages follow each other until as many are known as there are.
    pub(crate) async fn rows(&self, path: &str) -> BTreeMap<String, Value> {
        let mut rows = BTreeMap::new();
        for size in [100, 90, 77, 61, 50, 33, 17, 7] {
            let mut page = 1;
            loop {
                let data = self.get(&format!("{path}?page={page}&limit={size}")).await;
                for row in data["data"].as_array().unwrap() {
                    rows.insert(row["id"].as_str().unwrap().to_owned(), row.clone());
                }
                if data["meta"]["total"] == rows.len() {
                    return rows;
                }
                if page * size >= data["meta"]["total"].as_u64().unwrap() {
                    break;
                }
                page += 1;
            }
        }
        panic!("{path}: no size of pages shows all rows")
    }

    /// Signs out, so that only the client's own sessions count.
    pub(crate) async fn leave(self) {
        self.ask("POST", "/auth/logout", None).await;
    }
}
