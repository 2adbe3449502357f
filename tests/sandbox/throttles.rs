//! The limits of requests, as measured.

use std::time::Duration;

use opswarden::sandbox::{Options, Throttle};
use serde_json::json;

use crate::client::{admin, login, small, start};

fn production() -> Options {
    Options { throttle: Throttle::Production, ..small() }
}

#[tokio::test]
async fn the_eleventh_request_in_a_second_waits_a_second() {
    let running = start(production());
    let session = admin(&running).await;
    let first = session.get("/displays?limit=1").await;
    assert_eq!(first.header("X-RateLimit-Limit-short"), Some("10"));
    assert_eq!(first.header("X-RateLimit-Remaining-short"), Some("9"));
    assert_eq!(first.header("X-RateLimit-Limit-medium"), Some("100"));
    assert_eq!(first.header("X-RateLimit-Limit"), Some("1000"));
    assert_eq!(first.header("X-RateLimit-Limit-long"), Some("1000"));
    for _ in 0..9 {
        assert_eq!(session.get("/displays?limit=1").await.status, 200);
    }
    let blocked = session.get("/displays?limit=1").await;
    let body = json!({"statusCode": 429, "message": "ThrottlerException: Too Many Requests"});
    assert_eq!((blocked.status, blocked.json()), (429, body));
    assert_eq!(blocked.header("Retry-After-short"), Some("1"));
    assert_eq!(blocked.header("Retry-After"), None);
    assert_eq!(session.get("/content?limit=1").await.status, 200, "each handler counts alone");
    running.advance(Duration::from_secs(1));
    assert_eq!(session.get("/displays?limit=1").await.status, 200);
}

#[tokio::test]
async fn a_hundred_a_minute() {
    let running = start(production());
    let session = admin(&running).await;
    let mut refused = Vec::new();
    for turn in 0..101 {
        if turn % 10 == 0 {
            running.advance(Duration::from_secs(1));
        }
        let answer = session.get("/health/ready").await;
        if answer.status == 429 {
            refused.push(answer.header("Retry-After-medium").map(str::to_owned));
        }
    }
    assert_eq!(refused, [Some("60".to_owned())], "readiness is throttled as well");
}

#[tokio::test]
async fn five_logins_a_minute() {
    let running = start(production());
    for _ in 0..5 {
        assert_eq!(login(&running, "ops@example.test").await.status, 201);
    }
    let blocked = login(&running, "ops@example.test").await;
    assert_eq!((blocked.status, blocked.header("Retry-After")), (429, Some("60")));
    assert_eq!(blocked.header("X-RateLimit-Remaining-short"), Some("4"));
    running.advance(Duration::from_mins(1));
    assert_eq!(login(&running, "ops@example.test").await.status, 201);
}

#[tokio::test]
async fn development_is_generous_and_off_says_nothing() {
    let running = start(Options { throttle: Throttle::Development, ..small() });
    let session = admin(&running).await;
    let answer = session.get("/displays?limit=1").await;
    assert_eq!(answer.header("X-RateLimit-Limit-short"), Some("1000"));
    let running = start(small());
    let session = admin(&running).await;
    assert_eq!(session.get("/displays?limit=1").await.header("X-RateLimit-Limit-short"), None);
}
