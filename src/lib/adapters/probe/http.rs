//! One HTTP answer: its status, the wanted values of its body, its assets.

use std::collections::BTreeMap;

use reqwest::{Client, Response, Url};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::{certificate, failure, page};
use crate::adapters::redact::Redactor;
use crate::ports::probe::{AssetReading, NamedAssets, ProbeAnswer, ProbeRequest};

/// How much of a body is read.
const BODY_BYTES: usize = 1024 * 1024;
/// A wanted value is a word; a longer one is cut.
const VALUE_CHARS: usize = 1_000;

struct Body {
    bytes: Vec<u8>,
    truncated: bool,
}

/// Looks at one address until `end`.
pub(super) async fn look(
    client: &Client,
    url: Url,
    request: &ProbeRequest,
    end: Instant,
) -> ProbeAnswer {
    let (response, body) = match timeout_at(end, fetch(client, url.clone())).await {
        Ok(Ok(fetched)) => fetched,
        Ok(Err(error)) => return failure::of_http(&error),
        Err(_) => return ProbeAnswer::TimedOut,
    };
    let status = response.status;
    let (named, followed) = if request.assets && (200..300).contains(&status) {
        assets_of(&url, &String::from_utf8_lossy(&body.bytes))
    } else {
        (NamedAssets::None, Vec::new())
    };
    let mut assets = Vec::new();
    for asset in followed {
        let path = asset.path().to_owned();
        let fetched = timeout_at(end, fetch(client, asset)).await;
        let status = fetched.ok().and_then(Result::ok).map(|(response, _)| response.status);
        assets.push(AssetReading { path, status });
    }
    let json = if body.truncated { None } else { serde_json::from_slice(&body.bytes).ok() };
    ProbeAnswer::Http {
        status,
        values: values(json.as_ref(), &request.pointers),
        json: json.is_some(),
        size_bytes: u64::try_from(body.bytes.len()).unwrap_or(u64::MAX),
        truncated: body.truncated,
        assets,
        named,
        certificate_ends: response.certificate.as_deref().and_then(certificate::ends),
    }
}

struct Head {
    status: u16,
    certificate: Option<Vec<u8>>,
}

async fn fetch(client: &Client, url: Url) -> Result<(Head, Body), reqwest::Error> {
    let response = client.get(url).send().await?;
    let tls = response.extensions().get::<reqwest::tls::TlsInfo>();
    let certificate = tls.and_then(|tls| tls.peer_certificate()).map(<[u8]>::to_vec);
    let status = response.status().as_u16();
    Ok((Head { status, certificate }, read(response).await?))
}

/// Reads the body to its end or to the limit, never on and on.
async fn read(mut response: Response) -> Result<Body, reqwest::Error> {
    let mut body = Body { bytes: Vec::new(), truncated: false };
    while let Some(chunk) = response.chunk().await? {
        let room = BODY_BYTES - body.bytes.len();
        body.bytes.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() > room {
            body.truncated = true;
            break;
        }
    }
    Ok(body)
}

/// A service may write a whole address with its password where a word is expected.
fn values(json: Option<&Value>, pointers: &[String]) -> BTreeMap<String, String> {
    let Some(json) = json else { return BTreeMap::new() };
    let redactor = Redactor::default();
    let found = |pointer: &String| {
        let text = match json.pointer(pointer)? {
            Value::String(text) => text.clone(),
            value => value.to_string(),
        };
        Some((pointer.clone(), redactor.redact(&text).chars().take(VALUE_CHARS).collect()))
    };
    pointers.iter().filter_map(found).collect()
}

/// The first script and the first style sheet of the page's own origin.
fn assets_of(url: &Url, text: &str) -> (NamedAssets, Vec<Url>) {
    let page = page::named(text);
    let base = page.base.and_then(|base| url.join(&base).ok()).unwrap_or_else(|| url.clone());
    let is_asset = |found: &Url| ["http", "https"].contains(&found.scheme());
    let joined = |addresses: Vec<String>| -> Vec<Url> {
        addresses.iter().filter_map(|address| base.join(address).ok()).filter(is_asset).collect()
    };
    let (scripts, styles) = (joined(page.scripts), joined(page.styles));
    let own = |found: &&Url| found.origin() == url.origin();
    let followed: Vec<Url> = [scripts.iter().find(own), styles.iter().find(own)]
        .into_iter()
        .flatten()
        .cloned()
        .collect();
    let named = match (followed.is_empty(), scripts.is_empty() && styles.is_empty()) {
        (false, _) => NamedAssets::Own,
        (true, false) => NamedAssets::Foreign,
        (true, true) => NamedAssets::None,
    };
    (named, followed)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn wanted_values_are_text_and_a_pointer_without_a_hit_is_missing() {
        let body = json!({ "success": true, "data": { "status": "degraded", "n": 3, "x": null } });
        let wanted = ["/data/status", "/data/n", "/data/x", "/success", "/nowhere", "status"];
        let found = values(Some(&body), &wanted.map(str::to_owned));
        let expected = [
            ("/data/n", "3"),
            ("/data/status", "degraded"),
            ("/data/x", "null"),
            ("/success", "true"),
        ];
        let expected = expected.map(|(pointer, text)| (pointer.to_owned(), text.to_owned()));
        assert_eq!(found, BTreeMap::from(expected));
    }

    #[test]
    fn a_wanted_value_loses_its_secrets() {
        let body = json!({ "status": "cannot reach redis://:hunter2-hunter2@cache.test/0" });
        let found = values(Some(&body), &["/status".to_owned()]);
        assert_eq!(found["/status"], "cannot reach redis://***@cache.test/0");
    }

    #[test]
    fn only_the_first_of_each_kind_of_the_same_origin_is_followed() {
        let url: Url = "http://a.test:81/app/".parse().unwrap();
        let page = "<script src='//cdn.test/x.js'></script><script src='http://a.test/y.js'></script>\
            <script src='m.js?v=1'></script><script src='/n.js'></script>\
            <link rel=stylesheet href='/s.css'>";
        let (named, followed) = assets_of(&url, page);
        let found: Vec<String> = followed.iter().map(Url::to_string).collect();
        assert_eq!(found, ["http://a.test:81/app/m.js?v=1", "http://a.test:81/s.css"]);
        assert_eq!(named, NamedAssets::Own);
        let inline = "<script src='data:text/javascript,1'></script>";
        assert_eq!(assets_of(&url, inline), (NamedAssets::None, Vec::new()));
        let foreign = "<script src='//cdn.test/x.js'></script>";
        assert_eq!(assets_of(&url, foreign), (NamedAssets::Foreign, Vec::new()));
    }
}
