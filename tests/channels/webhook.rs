//! What a receiver of JSON can rely on.

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit as _, Mac as _};
use opswarden::ports::channel::Channel as _;
use sha2::Sha256;

use crate::outcomes::webhook;
use crate::receiver::{Asked, Receiver, answer};
use crate::world::{LONG, Outcome, deliver, message, outcome};

const SECRET: &str = "canary-signing-secret";

/// The check of docs/NOTICES.md, in this language.
fn is_ours(secret: &str, asked: &Asked) -> bool {
    let timestamp = asked.header("x-opswarden-timestamp").unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{timestamp}.").as_bytes());
    mac.update(&asked.body);
    let mut code = "v1=".to_owned();
    for byte in mac.finalize().into_bytes() {
        write!(code, "{byte:02x}").unwrap();
    }
    asked.header("x-opswarden-signature") == Some(code.as_str())
}

async fn received(signed: bool) -> Asked {
    let receiver = Receiver::doing(answer("202 Accepted", &[], "")).await;
    let hook = webhook(&receiver.url("/hook"));
    let hook = if signed { hook.signed(SECRET).unwrap() } else { hook };
    assert_eq!(outcome(&deliver(&hook).await), Outcome::Sent);
    receiver.asked().remove(0)
}

#[tokio::test]
async fn a_signature_covers_the_moment_and_the_body() {
    let asked = received(true).await;
    assert!(is_ours(SECRET, &asked));
    assert!(!is_ours("another", &asked));
    let mut changed = asked.clone();
    changed.body.push(b' ');
    assert!(!is_ours(SECRET, &changed));
    let mut replayed = asked;
    replayed.headers.insert("x-opswarden-timestamp".to_owned(), "1".to_owned());
    assert!(!is_ours(SECRET, &replayed));
}

#[tokio::test]
async fn without_a_secret_there_is_no_signature() {
    let asked = received(false).await;
    assert_eq!(asked.header("x-opswarden-signature"), None);
    assert!(asked.header("x-opswarden-timestamp").unwrap().parse::<i64>().unwrap() > 1_700_000_000);
    assert!(webhook("https://a.test/").signed("").is_err());
}

#[tokio::test]
async fn a_repetition_has_the_same_id() {
    let receiver = Receiver::doing(answer("503 Busy", &[], "")).await;
    let hook = webhook(&receiver.url("/hook"));
    for _ in 0..2 {
        let delivery = hook.deliver(&message(), None, LONG).await;
        assert_eq!(outcome(&delivery), Outcome::Later);
    }
    for asked in receiver.asked() {
        assert_eq!(asked.header("x-opswarden-id"), Some(message().id.as_str()));
        assert_eq!(asked.header("idempotency-key"), Some(message().id.as_str()));
        assert_eq!(asked.header("content-type"), Some("application/json"));
    }
    assert_eq!(receiver.asked().len(), 2);
}
