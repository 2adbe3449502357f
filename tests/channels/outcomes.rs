//! What both Slack's webhook and any webhook make of what a receiver does.

use opswarden::adapters::channel::{SlackWebhook, Webhook};
use opswarden::ports::channel::Delivery;

use crate::receiver::{Deed, Receiver, answer};
use crate::world::{Outcome, assert_outcome, courier, deliver, deliver_soon, form, outcome};

pub(crate) fn slack(url: &str) -> SlackWebhook {
    SlackWebhook::new(url, form(), courier()).unwrap()
}

pub(crate) fn webhook(url: &str) -> Webhook {
    Webhook::new(url, form(), courier()).unwrap()
}

async fn slack_of(deed: Deed) -> Delivery {
    let receiver = Receiver::doing(deed).await;
    deliver(&slack(&receiver.url("/services/hook"))).await
}

async fn webhook_of(deed: Deed) -> Delivery {
    let receiver = Receiver::doing(deed).await;
    deliver(&webhook(&receiver.url("/hook"))).await
}

#[tokio::test]
async fn a_status_means_the_same_wherever_it_comes_from() {
    let soon = "Retry-After: 30";
    let cases: [(&str, &[&str], Outcome); 15] = [
        ("429 Too Many Requests", &[soon], Outcome::LaterAfter(30)),
        ("429 Too Many Requests", &[], Outcome::Later),
        ("503 Service Unavailable", &[soon], Outcome::LaterAfter(30)),
        ("500 Internal Server Error", &[], Outcome::Later),
        ("502 Bad Gateway", &[soon], Outcome::Unknown),
        ("504 Gateway Timeout", &[], Outcome::Unknown),
        ("408 Request Timeout", &[], Outcome::Unknown),
        ("425 Too Early", &[], Outcome::Later),
        ("301 Moved Permanently", &["Location: /elsewhere"], Outcome::Refused),
        ("307 Temporary Redirect", &["Location: /elsewhere"], Outcome::Refused),
        ("400 Bad Request", &[], Outcome::Refused),
        ("401 Unauthorized", &[], Outcome::Refused),
        ("404 Not Found", &[], Outcome::Refused),
        ("410 Gone", &[], Outcome::Refused),
        ("422 Unprocessable Content", &[], Outcome::Refused),
    ];
    for (status, headers, expected) in cases {
        let deed = || answer(status, headers, "why");
        assert_eq!(outcome(&slack_of(deed()).await), expected, "{status} by Slack");
        assert_eq!(outcome(&webhook_of(deed()).await), expected, "{status} by a webhook");
    }
}

#[tokio::test]
async fn a_wait_may_be_a_date() {
    let soon = jiff::Timestamp::now_in_tests() + jiff::SignedDuration::from_secs(600);
    let date = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&soon);
    let header = format!("Retry-After: {}", date.unwrap());
    let delivery = webhook_of(answer("503 Service Unavailable", &[&header], "")).await;
    let Delivery::Later { retry_after: Some(wait), .. } = delivery else { panic!("{delivery:?}") };
    assert!((500..=600).contains(&wait.as_secs()), "{wait:?}");
}

trait NowInTests {
    fn now_in_tests() -> Self;
}

impl NowInTests for jiff::Timestamp {
    fn now_in_tests() -> Self {
        use opswarden::ports::clock::Clock as _;
        opswarden::adapters::system_clock::SystemClock::new().now()
    }
}

#[tokio::test]
async fn a_redirect_is_told_and_not_followed() {
    let receiver =
        Receiver::doing(answer("302 Found", &["Location: /canary", "Set-Cookie: a=b"], "")).await;
    let hook = webhook(&receiver.url("/hook"));
    for _ in 0..2 {
        let delivery = deliver(&hook).await;
        assert_outcome(&delivery, Outcome::Refused, "no redirect is followed");
    }
    let asked = receiver.asked();
    assert_eq!(asked.iter().map(|asked| asked.path.as_str()).collect::<Vec<_>>(), ["/hook"; 2]);
    assert!(asked.iter().all(|asked| asked.header("cookie").is_none()));
}

#[tokio::test]
async fn slacks_ok_is_sent_and_its_words_are_refusals_that_say_what_to_change() {
    let sent = slack_of(answer("200 OK", &[], "ok")).await;
    assert_eq!(outcome(&sent), Outcome::Sent);
    assert!(matches!(sent, Delivery::Sent { reference: None, .. }), "a webhook names nothing");
    let cases = [
        ("400 Bad Request", "invalid_payload", "the message's form is at fault"),
        ("400 Bad Request", "no_text", "the message's form is at fault"),
        ("403 Forbidden", "action_prohibited", "administrator"),
        ("403 Forbidden", "invalid_token", "make a new one"),
        ("404 Not Found", "channel_not_found", "check the channel"),
        ("404 Not Found", "no_service", "make a new one"),
        ("410 Gone", "channel_is_archived", "archive"),
    ];
    for (status, word, advice) in cases {
        let delivery = slack_of(answer(status, &[], word)).await;
        assert_outcome(&delivery, Outcome::Refused, word);
        assert_outcome(&delivery, Outcome::Refused, advice);
    }
}

#[tokio::test]
async fn a_success_that_is_not_slacks_may_have_arrived_anywhere() {
    for body in ["<html>please log in</html>", "", "OK", "ok then"] {
        let delivery = slack_of(answer("200 OK", &[], body)).await;
        assert_outcome(&delivery, Outcome::Unknown, "not ok");
    }
}

#[tokio::test]
async fn a_webhook_has_it_by_its_status_whatever_follows() {
    for status in ["200 OK", "201 Created", "202 Accepted", "204 No Content"] {
        assert_eq!(outcome(&webhook_of(answer(status, &[], "")).await), Outcome::Sent, "{status}");
    }
    let half = b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{".to_vec();
    assert_eq!(outcome(&webhook_of(Deed::Half(half.clone())).await), Outcome::Sent);
    // Slack's own word is in the body.
    let delivery = slack_of(Deed::Half(half)).await;
    assert_outcome(&delivery, Outcome::Unknown, "no whole answer: the connection was broken off");
}

#[tokio::test]
async fn a_status_that_says_no_is_believed_without_its_body() {
    let cases = [
        ("429 Slow", "Retry-After: 7\r\n", Outcome::LaterAfter(7)),
        ("500 No", "", Outcome::Later),
        ("404 No", "", Outcome::Refused),
    ];
    for (status, extra, expected) in cases {
        let half = format!("HTTP/1.1 {status}\r\n{extra}Content-Length: 500\r\n\r\nno_serv");
        let delivery = slack_of(Deed::Half(half.into_bytes())).await;
        assert_eq!(outcome(&delivery), expected, "{status}");
    }
}

#[tokio::test]
async fn what_was_sent_without_an_answer_is_unknown() {
    let reset = Receiver::doing(Deed::Reset).await;
    let silent = Receiver::doing(Deed::Silence).await;
    let head = Receiver::doing(Deed::Half(b"HTTP/1.1 200 O".to_vec())).await;
    let drip = Receiver::doing(Deed::Drip(b"HTTP/1.1 200 OK\r\nX-A: ".to_vec())).await;
    let garbage = Receiver::doing(answer("SSH", &[], "")).await;
    for (receiver, word) in [
        (&reset, "the connection was broken off"),
        (&silent, "no answer came in time"),
        (&head, "the connection was broken off"),
        (&drip, "no answer came in time"),
        (&garbage, "no whole answer came"),
    ] {
        let url = receiver.url("/hook");
        assert_outcome(&deliver_soon(&webhook(&url)).await, Outcome::Unknown, word);
        assert_outcome(&deliver_soon(&slack(&url)).await, Outcome::Unknown, word);
    }
    let slow =
        Receiver::doing(Deed::Drip(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\nok".to_vec()));
    let delivery = deliver_soon(&slack(&slow.await.url("/hook"))).await;
    assert_outcome(&delivery, Outcome::Unknown, "did not end in time");
}

#[tokio::test]
async fn an_answer_is_read_up_to_a_bound() {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\nok", 1_u64 << 44);
    let receiver = Receiver::doing(Deed::Flood(head.into_bytes())).await;
    let delivery = deliver(&slack(&receiver.url("/hook"))).await;
    assert_outcome(&delivery, Outcome::Unknown, "not ok");
    assert!(crate::world::words(&delivery).len() < 1_000);
}
