//! What is asked and what is answered, free of the HTTP library.

use serde::Serialize;
use serde_json::{Value, json};

/// A request as the handlers see it.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) authorization: Option<String>,
    pub(crate) cookies: Vec<(String, String)>,
    pub(crate) csrf: Option<String>,
    pub(crate) internal_key: bool,
    pub(crate) is_json: bool,
    pub(crate) peer: String,
    pub(crate) body: Vec<u8>,
}

impl Asked {
    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        let found = self.cookies.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    pub(crate) fn bearer(&self) -> Option<&str> {
        self.authorization.as_deref()?.strip_prefix("Bearer ")
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) kind: &'static str,
    pub(crate) body: Vec<u8>,
}

const JSON: &str = "application/json; charset=utf-8";

impl Reply {
    /// Any document with any status, as it stands.
    pub(crate) fn raw(status: u16, value: &impl Serialize) -> Self {
        let body = serde_json::to_vec(value).unwrap_or_default();
        Self { status, headers: Vec::new(), kind: JSON, body }
    }

    /// A result in the platform's envelope.
    pub(crate) fn ok(value: &impl Serialize) -> Self {
        let mut body = br#"{"success":true,"data":"#.to_vec();
        if serde_json::to_writer(&mut body, value).is_err() {
            return Self::failure("Internal server error");
        }
        body.push(b'}');
        Self { status: 200, headers: Vec::new(), kind: JSON, body }
    }

    /// The same answer with another status.
    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    pub(crate) fn bytes(status: u16, kind: &'static str, body: Vec<u8>) -> Self {
        Self { status, headers: Vec::new(), kind, body }
    }

    /// A refusal, which is never enveloped.
    pub(crate) fn error(status: u16, message: impl Into<Value>) -> Self {
        let error = match status {
            400 => "Bad Request",
            401 => "Unauthorized",
            403 => "Forbidden",
            404 => "Not Found",
            409 => "Conflict",
            503 => "Service Unavailable",
            _ => "Error",
        };
        let message: Value = message.into();
        Self::raw(status, &json!({"message": message, "error": error, "statusCode": status}))
    }

    /// A refusal of the kind that names no error.
    pub(crate) fn bare(status: u16, message: &str) -> Self {
        Self::raw(status, &json!({"message": message, "statusCode": status}))
    }

    /// What nobody handled.
    pub(crate) fn failure(message: &str) -> Self {
        Self::raw(500, &json!({"statusCode": 500, "message": message}))
    }

    pub(crate) fn no_route(method: &str, path: &str) -> Self {
        Self::error(404, format!("Cannot {method} {path}"))
    }

    pub(crate) fn header(&mut self, name: impl Into<String>, value: impl ToString) {
        self.headers.push((name.into(), value.to_string()));
    }
}
