//! What a dead man's switch hears.

use std::sync::Mutex;
use std::time::Duration;

use opswarden::adapters::channel::Ping;
use opswarden::domain::incident::RunId;

use crate::receiver::{Deed, Receiver, answer, nobody};
use crate::world::{courier, ended_by};

const DEADLINE: Duration = Duration::from_secs(5);

fn run() -> RunId {
    RunId("0198f0aa-0000-7000-8000-0000000000aa".to_owned())
}

fn ping(url: &str) -> Ping {
    Ping::new(url, courier()).unwrap()
}

/// The paths that were asked, with the bodies.
fn heard(receiver: &Receiver) -> Vec<(String, usize)> {
    receiver.asked().iter().map(|asked| (asked.path.clone(), asked.body.len())).collect()
}

#[tokio::test]
async fn a_run_is_told_from_its_start_to_its_end() {
    let receiver = Receiver::doing(answer("200 OK", &[], "OK")).await;
    let ping = ping(&receiver.url("/ping/canary/"));
    ping.start(&run()).await.unwrap();
    for code in [0, 1, 2, 75] {
        ping.finish(&run(), code, "what was found").await.unwrap();
    }
    let rid = format!("rid={}", run().0);
    let expected = [
        (format!("/ping/canary/start?{rid}"), 0),
        (format!("/ping/canary?{rid}"), 14),
        (format!("/ping/canary?{rid}"), 14),
        (format!("/ping/canary/2?{rid}"), 14),
        (format!("/ping/canary/75?{rid}"), 14),
    ];
    assert_eq!(heard(&receiver), expected);
    assert!(receiver.asked().iter().all(|asked| asked.method == "POST"));
}

#[tokio::test]
async fn a_query_stays_and_a_long_body_is_cut() {
    let receiver = Receiver::doing(answer("200 OK", &[], "OK")).await;
    let ping = ping(&receiver.url("/key/slug?create=1"));
    ping.finish(&run(), 3, &"x".repeat(50_000)).await.unwrap();
    let expected = format!("/key/slug/3?create=1&rid={}", run().0);
    assert_eq!(heard(&receiver), [(expected, 10_000)]);
}

#[tokio::test]
async fn a_failure_that_may_pass_is_tried_three_times() {
    let left = Mutex::new(2);
    let receiver = Receiver::start(move |_| {
        let mut left = left.lock().unwrap();
        *left -= 1;
        if *left >= 0 { answer("503 Busy", &[], "") } else { answer("200 OK", &[], "OK") }
    })
    .await;
    ping(&receiver.url("/ping")).start(&run()).await.unwrap();
    assert_eq!(receiver.asked().len(), 3);
    let receiver = Receiver::doing(answer("500 No", &[], "canary-body")).await;
    let why = ping(&receiver.url("/ping/canary-secret")).start(&run()).await.unwrap_err();
    assert_eq!(receiver.asked().len(), 3);
    assert!(
        why.contains("500") && why.contains("3 times") && !why.contains("canary-secret"),
        "{why}"
    );
}

#[tokio::test]
async fn silence_costs_no_more_than_the_deadline_and_leaves_room_for_another_try() {
    let receiver = Receiver::doing(Deed::Silence).await;
    let url = receiver.url("/ping/canary-secret");
    let why = ended_by(DEADLINE, ping(&url).start(&run())).await.unwrap_err();
    assert!(!why.contains("canary"), "{why}");
    assert_eq!(receiver.asked().len(), 3);
    let url = format!("http://{}/canary-secret", nobody().await);
    let why = ended_by(DEADLINE, ping(&url).start(&run())).await.unwrap_err();
    assert!(why.contains("the connection was refused") && !why.contains("canary"), "{why}");
}

#[tokio::test]
async fn what_will_not_pass_is_told_at_once() {
    for (status, body, word) in [
        ("404 Not Found", "not found", "check the address"),
        ("409 Conflict", "ambiguous slug", "check the address"),
        ("200 OK", "OK (not found)", "OK (not found)"),
        ("200 OK", "OK (rate limited)", "OK (rate limited)"),
        ("302 Found", "", "check the address"),
    ] {
        let receiver = Receiver::doing(answer(status, &[], body)).await;
        let why = ping(&receiver.url("/ping")).start(&run()).await.unwrap_err();
        assert!(why.contains(word), "{why}");
        assert_eq!(receiver.asked().len(), 1, "{status} {body}");
    }
}
