//! What the tests have in common: a message, forms, a client, and limits of time.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use opswarden::adapters::channel::{Courier, JsonForm, SlackForms, Trust};
use opswarden::adapters::system_clock::SystemClock;
use opswarden::domain::notice::{Body, Kind, Message};
use opswarden::domain::severity::{Environment, Priority, Severity};
use opswarden::ports::channel::{Channel, Delivery, Earlier};
use opswarden::ports::clock::Clock as _;
use serde_json::{Value, json};

/// Long enough for everything that is to succeed.
pub(crate) const LONG: Duration = Duration::from_secs(20);
/// What is given to a receiver that never answers.
pub(crate) const SHORT: Duration = Duration::from_millis(700);
/// A machine under load is late by this much and no more.
pub(crate) const MARGIN: Duration = Duration::from_secs(8);

pub(crate) fn message() -> Message {
    named("0198f0aa-0000-7000-8000-000000000001", "somebody")
}

/// A message that says `by`.
pub(crate) fn named(id: &str, by: &str) -> Message {
    Message {
        id: id.to_owned(),
        kind: Kind::Test,
        at: Timestamp::from_second(1_795_600_000).unwrap(),
        environment: Environment::Production,
        host: "ops.example.test".to_owned(),
        severity: Severity::Critical,
        priority: Priority::P0,
        thread: "test".to_owned(),
        may_repeat: false,
        others_open: 0,
        runbooks: String::new(),
        body: Body::Test { by: by.to_owned() },
    }
}

fn said(message: &Message) -> String {
    match &message.body {
        Body::Test { by } => by.clone(),
        other => format!("{other:?}"),
    }
}

pub(crate) fn form() -> JsonForm {
    Arc::new(|message| json!({ "text": said(message) }))
}

pub(crate) fn slack_forms() -> SlackForms {
    SlackForms {
        post: Arc::new(|message| json!({ "text": format!("state {}", said(message)) })),
        history: Arc::new(|message| in_thread("history", message)),
        reply: Arc::new(|message| in_thread("reply", message)),
    }
}

fn in_thread(word: &str, message: &Message) -> Value {
    let text = format!("{word} {}", said(message));
    if message.kind.calls_again() {
        json!({ "text": text, "reply_broadcast": true })
    } else {
        json!({ "text": text })
    }
}

pub(crate) fn courier() -> Arc<Courier> {
    trusting(Trust::system())
}

pub(crate) fn trusting(trust: Trust) -> Arc<Courier> {
    Arc::new(Courier::new(Arc::new(trust), Arc::new(SystemClock::new())))
}

/// Delivers within [`LONG`].
pub(crate) async fn deliver(channel: &impl Channel) -> Delivery {
    channel.deliver(&message(), None, LONG).await
}

/// Delivers within [`SHORT`], and asserts that it ended by then.
pub(crate) async fn deliver_soon(channel: &impl Channel) -> Delivery {
    ended_by(SHORT, channel.deliver(&message(), None, SHORT)).await
}

pub(crate) fn earlier(reference: &str, alone: bool) -> Earlier {
    Earlier { reference: reference.to_owned(), alone }
}

/// Asserts that something ended by its deadline.
pub(crate) async fn ended_by<T>(deadline: Duration, future: impl Future<Output = T>) -> T {
    let clock = SystemClock::new();
    let found = future.await;
    let took = clock.elapsed();
    assert!(took < deadline + MARGIN, "it took {took:?} of {deadline:?}");
    found
}

/// The words of an outcome.
pub(crate) fn words(delivery: &Delivery) -> &str {
    match delivery {
        Delivery::Sent { answer, .. } => answer,
        Delivery::Later { why, .. } | Delivery::Refused { why } | Delivery::Unknown { why } => why,
    }
}

/// An outcome without its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Sent,
    Later,
    LaterAfter(u64),
    Refused,
    Unknown,
}

pub(crate) fn outcome(delivery: &Delivery) -> Outcome {
    match delivery {
        Delivery::Sent { .. } => Outcome::Sent,
        Delivery::Later { retry_after: None, .. } => Outcome::Later,
        Delivery::Later { retry_after: Some(wait), .. } => Outcome::LaterAfter(wait.as_secs()),
        Delivery::Refused { .. } => Outcome::Refused,
        Delivery::Unknown { .. } => Outcome::Unknown,
    }
}

/// Asserts the outcome, and that its words say this.
#[track_caller]
pub(crate) fn assert_outcome(delivery: &Delivery, expected: Outcome, words_said: &str) {
    assert_eq!(outcome(delivery), expected, "{delivery:?}");
    assert!(words(delivery).contains(words_said), "`{words_said}` in {delivery:?}");
}
