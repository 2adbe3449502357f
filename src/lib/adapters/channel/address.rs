//! Where a message is sent to over HTTP. Such an address is a secret: who knows it can post. Its host may be told.

use std::fmt;
use std::net::IpAddr;

use reqwest::Url;

use crate::adapters::redact::Redactor;

/// A part of a path that is at least this long is a secret; shorter ones are words such as `services` or `hooks`.
const SECRET_PART: usize = 9;

/// Whether messages may be read on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    /// TLS, or plain HTTP to this very machine: what is sent with it is a secret itself.
    Secure,
    /// Plain HTTP to a private network as well, where the administrator says so.
    Any,
}

/// An address, its host, and what takes the rest of it out of texts.
#[derive(Clone)]
pub(super) struct Address {
    url: Url,
    host: String,
    redactor: Redactor,
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({}/***)", self.host)
    }
}

impl Address {
    /// Reads an address. `secrets` are the other values that must not be told.
    pub(super) fn read(text: &str, scheme: Scheme, secrets: &[&str]) -> Result<Self, String> {
        let url: Url = text.trim().parse().map_err(|_| "the address is not a URL".to_owned())?;
        let host = host(&url).ok_or("the address has no host")?;
        match (url.scheme(), scheme) {
            ("https", _) | ("http", Scheme::Any) => {}
            ("http", Scheme::Secure) if is_loopback(&url) => {}
            ("http", Scheme::Secure) => {
                return Err("the address is not encrypted; write https://".to_owned());
            }
            _ => return Err("the address is neither http nor https".to_owned()),
        }
        let known = secret_parts(&url).chain(secrets.iter().map(|&secret| secret.to_owned()));
        let redactor = Redactor::new(known.chain([text.trim().to_owned()]));
        Ok(Self { url, host, redactor })
    }

    /// The address itself, for the one call that needs it.
    pub(super) const fn url(&self) -> &Url {
        &self.url
    }

    /// What may be told of it.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// The same receiver by another path.
    pub(super) fn with_url(&self, url: Url) -> Self {
        Self { url, ..self.clone() }
    }

    /// The same receiver, which is also told this secret.
    pub(super) fn knowing(&self, secret: &str) -> Self {
        let known = secret_parts(&self.url).chain([self.url.to_string(), secret.to_owned()]);
        Self { redactor: Redactor::new(known), ..self.clone() }
    }

    /// What the receiver said, as one short line without secrets.
    pub(super) fn said(&self, body: &[u8]) -> String {
        self.redactor.fragment(&String::from_utf8_lossy(body))
    }
}

fn host(url: &Url) -> Option<String> {
    let host = url.host_str().filter(|host| !host.is_empty())?;
    Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
    host == "localhost" || address.is_some_and(|address| address.is_loopback())
}

fn secret_parts(url: &Url) -> impl Iterator<Item = String> {
    let path = url.path_segments().into_iter().flatten();
    let parts = path.filter(|part| part.len() >= SECRET_PART).map(str::to_owned);
    let pairs = url.query_pairs().map(|(_, value)| value.into_owned());
    let user = [url.username(), url.password().unwrap_or_default()].map(str::to_owned);
    let whole = [url.path(), url.query().unwrap_or_default()].map(str::to_owned);
    let whole = whole.into_iter().filter(|part| part.len() >= SECRET_PART);
    let known: Vec<String> = parts.chain(pairs).chain(user).chain(whole).collect();
    known.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_the_host_is_told_of_an_address() {
        let text =
            "https://user:canary-0@hooks.example.test:8443/services/canary-11/canary-22?k=canary-3";
        let address = Address::read(text, Scheme::Secure, &["canary-4"]).unwrap();
        assert_eq!(address.host(), "hooks.example.test:8443");
        let all = format!("{address:?} {}", address.said(text.as_bytes()));
        assert!(!all.contains("canary"), "{all}");
        let said = address.said(b"no canary-22 of user by canary-3 and canary-4 at canary-0\r\nX");
        assert!(!said.contains("canary") && !said.contains('\n'), "{said}");
    }

    #[test]
    fn what_is_secret_is_not_sent_in_plain_text() {
        for text in
            ["https://a.test/", "http://localhost:1/", "http://127.0.0.1/", "http://[::1]:5/"]
        {
            assert!(Address::read(text, Scheme::Secure, &[]).is_ok(), "{text}");
        }
        for text in ["http://a.test/canary", "ftp://a.test/canary", "canary", "data:canary", ""] {
            let why = Address::read(text, Scheme::Secure, &[]).unwrap_err();
            assert!(!why.contains("canary") && !why.is_empty(), "{why}");
        }
        assert!(Address::read("http://a.test/", Scheme::Any, &[]).is_ok());
    }
}
