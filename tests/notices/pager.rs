//! Which alert of a pager a message opens, and which one ends it.

use opswarden::domain::notice::{Body, Digest, Kind, Message, Template};
use opswarden::domain::severity::Severity;
use opswarden::domain::view::SystemStatus;
use opswarden::render::notice::webhook;
use serde_json::Value;

use super::samples;

fn event(message: &Message) -> Value {
    webhook::body(Template::Pagerduty, message, "routing-key")
}

fn sample(name: &str) -> Message {
    let found = samples::all().into_iter().find(|(known, _)| *known == name);
    found.unwrap_or_else(|| panic!("no sample {name}")).1
}

fn digest(severity: Severity, status: SystemStatus) -> Message {
    let Body::Digest(told) = sample("digest").body else { panic!("a digest") };
    let told = Digest { status, ..*told };
    Message { severity, body: Body::Digest(Box::new(told)), ..sample("digest") }
}

#[test]
fn what_a_change_of_the_status_opens_is_ended_by_the_next_one() {
    let well = event(&sample("status_healthy"));
    assert_eq!(
        (&well["event_action"], &well["dedup_key"]),
        (&"resolve".into(), &"host-a/status".into())
    );
    let ill = digest(Severity::Critical, SystemStatus::Critical);
    for message in [sample("status_critical"), ill] {
        let event = event(&message);
        assert_eq!(event["event_action"], "trigger", "{event:#}");
        assert_eq!(event["dedup_key"], well["dedup_key"], "{event:#}");
    }
    // It was well again before it left.
    let over = event(&digest(Severity::Warning, SystemStatus::Healthy));
    assert_eq!(
        (&over["event_action"], &over["dedup_key"]),
        (&well["event_action"], &well["dedup_key"])
    );
}

#[test]
fn what_nothing_would_end_opens_nothing() {
    let daily = digest(Severity::Info, SystemStatus::Critical);
    for message in [daily, sample("dashboard"), sample("approval")] {
        let event = event(&message);
        assert_eq!(event["event_action"], "resolve", "{event:#}");
        assert_ne!(event["dedup_key"], "host-a/status", "{event:#}");
    }
}

#[test]
fn a_trial_is_seen_and_wakes_nobody() {
    for severity in [Severity::Info, Severity::Critical] {
        let event = event(&Message { severity, ..sample("test") });
        assert_eq!(event["event_action"], "trigger");
        assert_eq!(event["payload"]["severity"], "info");
    }
}

#[test]
fn an_incident_is_open_until_its_end_whoever_is_on_it() {
    for kind in [Kind::Opened, Kind::Worse, Kind::News, Kind::Reminder, Kind::Unacknowledged] {
        let event = event(&Message { kind, ..sample("news") });
        assert_eq!(event["event_action"], "trigger", "{kind:?}");
    }
    let opened = event(&sample("opened"));
    let ended = event(&sample("recovered_fixed"));
    assert_eq!(ended["event_action"], "resolve");
    assert_eq!(ended["dedup_key"], opened["dedup_key"]);
}

#[test]
fn the_alert_of_several_incidents_ends_with_the_last_of_them() {
    let of_group = |others_open| {
        let message =
            Message { thread: "group-7".to_owned(), others_open, ..sample("recovered_fixed") };
        event(&message)
    };
    assert_eq!(of_group(0)["dedup_key"], "host-a/group-7");
    let one = of_group(2);
    assert_eq!(
        (&one["event_action"], &one["dedup_key"]),
        (&"resolve".into(), &"host-a/INC-12".into())
    );
}

#[test]
fn the_word_that_the_ledger_can_be_used_again_ends_its_alert_whatever_else_is_wrong() {
    let body = Body::Status {
        was: Some(SystemStatus::Critical),
        now: SystemStatus::Degraded,
        reasons: vec!["the ledger can be written again".to_owned()],
    };
    let thread = "ledger".to_owned();
    let event =
        event(&Message { severity: Severity::Info, thread, body, ..sample("status_healthy") });
    assert_eq!(
        (&event["event_action"], &event["dedup_key"]),
        (&"resolve".into(), &"host-a/ledger".into())
    );
}
