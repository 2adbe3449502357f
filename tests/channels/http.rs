//! How requests are made: what is known to have stayed at home, whom TLS believes, what is sent along.

use opswarden::ports::channel::Channel as _;

use crate::authority::Authority;
use crate::outcomes::{slack, webhook};
use crate::receiver::{Receiver, answer, mute, nobody, resetting};
use crate::world::{
    LONG, Outcome, assert_outcome, deliver, deliver_soon, form, message, outcome, trusting, words,
};
use opswarden::adapters::channel::{SlackWebhook, Trust, Webhook};

#[tokio::test]
async fn what_never_left_this_machine_is_tried_again() {
    let url = format!("http://{}/hook", nobody().await);
    assert_outcome(&deliver(&webhook(&url)).await, Outcome::Later, "the connection was refused");
    assert_outcome(&deliver(&slack(&url)).await, Outcome::Later, "the connection was refused");
    let unresolved = deliver(&webhook("http://no-such-host.invalid/hook")).await;
    assert_outcome(&unresolved, Outcome::Later, "cannot be resolved");
}

#[tokio::test]
async fn a_handshake_that_never_ends_has_sent_nothing() {
    let url = format!("https://localhost:{}/hook", mute().await.port());
    let delivery = deliver_soon(&webhook(&url)).await;
    assert_outcome(&delivery, Outcome::Later, "no connection was made in time");
}

#[tokio::test]
async fn a_connection_that_is_reset_at_once_is_never_a_success() {
    let url = format!("http://{}/hook", resetting().await);
    for _ in 0..20 {
        let delivery = deliver(&webhook(&url)).await;
        let found = outcome(&delivery);
        assert!(matches!(found, Outcome::Later | Outcome::Unknown), "{delivery:?}");
    }
}

#[tokio::test]
async fn a_certificate_of_a_private_authority_is_believed_where_it_is_named() {
    let authority = Authority::new();
    let ok = || answer("200 OK", &[], "ok");
    let receiver = Receiver::start_tls(ok(), authority.good().acceptor()).await;
    let url = format!("https://localhost:{}/canary-hook", receiver.address.port());
    let hook = |trust| SlackWebhook::new(&url, form(), trusting(trust)).unwrap();
    assert_eq!(outcome(&deliver(&hook(authority.trust())).await), Outcome::Sent);
    let untrusted = deliver(&hook(Trust::system())).await;
    assert_outcome(&untrusted, Outcome::Refused, "issuer is not trusted");
    let stranger = deliver(&hook(Authority::new().trust())).await;
    assert_outcome(&stranger, Outcome::Refused, "issuer is not trusted");
    assert!(!words(&untrusted).contains("canary"), "{untrusted:?}");
    assert_eq!(receiver.asked().len(), 1, "nothing is sent to a stranger");
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused_and_one_out_of_its_time_may_be_renewed() {
    let authority = Authority::new();
    for (name, years, expected, word) in [
        ("other.test", [2020, 2090], Outcome::Refused, "for another name"),
        ("localhost", [2019, 2020], Outcome::Later, "has expired"),
        ("localhost", [2090, 2091], Outcome::Later, "not valid yet"),
    ] {
        let acceptor = authority.identity(name, years).acceptor();
        let receiver = Receiver::start_tls(answer("200 OK", &[], "ok"), acceptor).await;
        let url = format!("https://localhost:{}/", receiver.address.port());
        let hook = Webhook::new(&url, form(), trusting(authority.trust())).unwrap();
        assert_outcome(&deliver(&hook).await, expected, word);
        assert!(receiver.asked().is_empty(), "nothing is sent");
    }
}

#[tokio::test]
async fn a_request_is_json_and_names_its_program() {
    let receiver = Receiver::doing(answer("200 OK", &["Set-Cookie: a=b; Path=/"], "ok")).await;
    let hook = slack(&receiver.url("/services/hook?x=1"));
    for _ in 0..2 {
        assert_eq!(outcome(&hook.deliver(&message(), None, LONG).await), Outcome::Sent);
    }
    let version = env!("CARGO_PKG_VERSION");
    for asked in receiver.asked() {
        assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "/services/hook?x=1"));
        assert_eq!(asked.header("content-type"), Some("application/json"));
        assert_eq!(asked.header("user-agent"), Some(format!("opswarden/{version}").as_str()));
        assert_eq!(asked.header("cookie"), None);
        assert_eq!(asked.json(), serde_json::json!({ "text": "somebody" }));
    }
}
