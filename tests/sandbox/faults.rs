//! What goes wrong on demand.

use std::time::{Duration, Instant};

use opswarden::sandbox::{Fault, FaultKind};
use serde_json::json;
use tokio::time::timeout;

use crate::client::{Session, admin, planted, small, start};

const LIST: &str = "GET /content";

#[tokio::test]
async fn a_status_comes_with_the_body_that_the_platform_gives() {
    let running = start(small());
    let session = admin(&running).await;
    for (status, message) in [
        (401, "Unauthorized"),
        (409, "Conflict"),
        (429, "ThrottlerException: Too Many Requests"),
        (500, "Internal server error"),
        (503, "Service Unavailable"),
    ] {
        running.set_faults(vec![Fault::times(LIST, FaultKind::Status(status), 1)]);
        session.get("/content").await.refuses(status, &json!(message));
        assert_eq!(session.get("/content").await.status, 200, "once is once");
    }
    running.set_faults(vec![Fault::always("*", FaultKind::Status(502))]);
    assert!(session.get("/displays").await.text.starts_with("<html>"));
    running.set_faults(vec![Fault::always(LIST, FaultKind::NoRoute)]);
    session.get("/content").await.refuses(404, &json!("Cannot GET /api/v1/content"));
    running.set_faults(vec![Fault::always("GET /content/:id", FaultKind::NoEntity)]);
    let path = format!("/content/{}", planted(&running, "content_expired")[0]);
    session.get(&path).await.refuses(404, &json!("Content not found"));
}

#[tokio::test]
async fn connections_break_hang_and_end_in_the_middle() {
    let running = start(small());
    let session = admin(&running).await;
    running.set_faults(vec![Fault::always(LIST, FaultKind::Reset)]);
    assert!(session.tried("GET", "/content", None).await.is_err());
    running.set_faults(vec![Fault::always(LIST, FaultKind::HalfBody)]);
    assert!(session.tried("GET", "/content", None).await.is_err());
    running.set_faults(vec![Fault::always(LIST, FaultKind::Hang)]);
    let hung = timeout(Duration::from_millis(200), session.get("/content")).await;
    assert!(hung.is_err());
    running.set_faults(vec![Fault::always(LIST, FaultKind::Drip)]);
    let dripping = timeout(Duration::from_millis(300), session.get("/content")).await;
    assert!(dripping.is_err());
    running.set_faults(Vec::new());
    assert_eq!(session.get("/content").await.status, 200);
}

#[tokio::test]
async fn stopping_ends_what_hangs() {
    let running = start(small());
    let session = admin(&running).await;
    running.set_faults(vec![Fault::always(LIST, FaultKind::Hang)]);
    let hanging =
        tokio::spawn(async move { session.tried("GET", "/content", None).await.is_err() });
    tokio::time::sleep(Duration::from_millis(100)).await;
    timeout(Duration::from_secs(5), running.stop()).await.unwrap();
    assert!(hanging.await.unwrap());
}

async fn list(session: &Session) -> serde_json::Value {
    session.get("/content?limit=20").await.json()["data"].clone()
}

#[tokio::test]
async fn answers_are_bent() {
    let running = start(small());
    let session = admin(&running).await;
    running.set_faults(vec![Fault::always(LIST, FaultKind::EmptyList)]);
    let empty = list(&session).await;
    assert_eq!((&empty["data"], &empty["meta"]["total"]), (&json!([]), &json!(160)));
    running.set_faults(vec![Fault::always(LIST, FaultKind::TruncatedPage)]);
    assert_eq!(list(&session).await["data"].as_array().unwrap().len(), 10);
    running.set_faults(vec![Fault::always(LIST, FaultKind::WrongType)]);
    assert!(list(&session).await["data"].is_object());
    running.set_faults(vec![Fault::always("GET /organizations/storage", FaultKind::WrongType)]);
    assert!(session.get("/organizations/storage").await.data().is_array());
    running.set_faults(vec![Fault::always(LIST, FaultKind::LatencyMs(2_000))]);
    let began = Instant::now();
    list(&session).await;
    assert!(began.elapsed() >= Duration::from_millis(20), "the test's clock waits a hundredth");
}

#[tokio::test]
async fn pages_shift_while_they_are_read_and_nothing_true_changes() {
    let running = start(small());
    let session = admin(&running).await;
    let truth = running.truth_now();
    running.set_faults(vec![Fault::always(LIST, FaultKind::ShiftingPages)]);
    let totals: Vec<_> = [list(&session).await, list(&session).await, list(&session).await]
        .iter()
        .map(|data| data["meta"]["total"].as_u64().unwrap())
        .collect();
    assert_eq!(totals, [163, 160, 163]);
    assert_eq!(running.truth_now(), truth);
}

#[tokio::test]
async fn a_lying_write_says_that_it_happened() {
    let running = start(small());
    let session = admin(&running).await;
    let path = format!("/content/{}", planted(&running, "content_expired")[0]);
    running.set_faults(vec![Fault::always("POST /content/:id/archive", FaultKind::LyingWrite)]);
    let told = session.post(&format!("{path}/archive"), json!({})).await;
    assert_eq!((told.status, &told.data()["status"]), (201, &json!("archived")));
    assert_eq!(session.get(&path).await.data()["status"], "active");
    assert!(!running.take_effects()[0].applied);
}

#[tokio::test]
async fn tokens_are_good_for_so_many_requests() {
    let running = start(small());
    let session = admin(&running).await;
    running.set_faults(vec![Fault::times("GET /auth/me", FaultKind::TokenUses(2), 1)]);
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(session.get("/auth/me").await.status);
    }
    assert_eq!(statuses, [200, 200, 401]);
}

#[tokio::test]
async fn a_probability_is_kept_and_follows_the_seed() {
    let count = async || {
        let running = start(small());
        let session = admin(&running).await;
        let fault = Fault { probability: 0.5, ..Fault::always(LIST, FaultKind::Status(500)) };
        running.set_faults(vec![fault]);
        let mut statuses = Vec::new();
        for _ in 0..40 {
            statuses.push(session.get("/content").await.status);
        }
        statuses
    };
    let (one, two) = (count().await, count().await);
    assert_eq!(one, two);
    let failed = one.iter().filter(|status| **status == 500).count();
    assert!((8..=32).contains(&failed), "{failed}");
}
