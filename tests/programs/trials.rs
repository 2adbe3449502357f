//! Trials of channels by the programs: beside each other, never on the platform's page; and what a look at the settings
//! says of a channel before anybody waits for it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use opswarden::adapters::system_clock::SystemClock;
use opswarden::sandbox::{Options, PASSWORD, Running, Sandbox, Sizes, Throttle};
use serde_json::Value;

use super::fake::OPSCTL;
use super::telling::{House, Inbox, Receiver};

/// Four channels.
fn hooks() -> String {
    let hook = |name| {
        format!("[[notify.channels]]\nname = \"{name}\"\nkind = \"webhook\"\npause = \"0s\"\n")
    };
    ["a", "b", "c", "d"].map(hook).concat()
}

#[test]
fn channels_are_tried_beside_each_other() {
    let silent = Inbox::open(Receiver::NeverAnswers);
    let mut house = House::with(Receiver::Answers, &hooks());
    for name in ["A", "B", "C", "D"] {
        house.given.push((format!("WEBHOOK_URL_{name}"), silent.url.clone()));
    }
    let began = Instant::now();
    let text = house.run(OPSCTL, &["notify", "test", "--all", "-o", "json"]);
    assert!(began.elapsed() < Duration::from_secs(25), "{:?}", began.elapsed());
    let start = text.find("[\n").or_else(|| text.find('[')).expect("a list");
    let end = text.rfind(']').expect("a list");
    let told: Vec<Value> = serde_json::from_str(&text[start..=end]).expect("a list");
    let states: Vec<&str> = told.iter().filter_map(|one| one["state"].as_str()).collect();
    assert_eq!(states, ["unknown"; 4], "{text}");
}

fn platform() -> Running {
    let sizes = Sizes { displays: 1, content: 1, playlists: 1, schedules: 1, tenants: 1 };
    let options = Options { seed: 7, sizes, throttle: Throttle::Off, ..Options::default() };
    Sandbox::start(options, Arc::new(SystemClock::new())).expect("a port is free")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trial_never_writes_on_the_platforms_page() {
    let sandbox = platform();
    let hook = "[[notify.channels]]\nname = \"hook\"\nkind = \"webhook\"\npause = \"0s\"\n";
    let platform = format!("[platform]\nurl = \"{}\"\n{hook}", sandbox.base_url());
    let mut house = House::with(Receiver::Answers, &platform);
    let account = sandbox.accounts().into_iter().find(|one| one.email.starts_with("ops@"));
    house.given.push(("VALIDATOR_EMAIL".to_owned(), account.expect("there is one").email));
    house.given.push(("VALIDATOR_PASSWORD".to_owned(), PASSWORD.to_owned()));
    let all = house.run(OPSCTL, &["notify", "test", "--all"]);
    assert!(all.contains("hook") && !all.contains("dashboard"), "{all}");
    let named = house.run(OPSCTL, &["notify", "test", "dashboard"]);
    assert!(named.contains("ops-reporter"), "{named}");
    assert!(sandbox.take_effects().is_empty());
    let doctor = house.run(OPSCTL, &["doctor"]);
    assert!(doctor.contains("channel dashboard"), "{doctor}");
    assert!(sandbox.take_effects().is_empty());
    assert_eq!(sandbox.sessions_open(), 0);
    sandbox.stop().await;
}

#[test]
fn what_keeps_a_channel_from_working_is_told_before_it_is_needed() {
    let channels = "[[notify.channels]]\nname = \"hook\"\nkind = \"webhook\"\n\
                    [[notify.channels]]\nname = \"night\"\nkind = \"slack\"\n\
                    [[notify.channels]]\nname = \"email\"\nkind = \"email\"\n";
    let mut house = House::with(Receiver::Answers, channels);
    let mut give = |name: &str, value: &str| house.given.push((name.to_owned(), value.to_owned()));
    give("SMTP_HOST", "mail.example.test");
    give("SMTP_PORT", "smtp");
    give("OPS_ALERT_EMAIL", "ops@example.test,");
    let doctor = house.run(OPSCTL, &["doctor"]);
    let checked = house.run(OPSCTL, &["config", "check"]);
    for told in [&doctor, &checked] {
        for words in ["SLACK_WEBHOOK_URL_NIGHT is not set", "SMTP_PORT is `smtp`, no port"] {
            assert!(told.contains(words), "{words} in {told}");
        }
    }
    let rows: Vec<&str> = doctor.lines().filter(|line| line.contains("channel ")).collect();
    let grade = |channel: &str| {
        rows.iter().find(|row| row.contains(channel)).map(|row| row.contains("blocked"))
    };
    let grades = ["channel hook", "channel night", "channel email"].map(grade);
    assert_eq!(grades, [Some(false), Some(true), Some(true)], "{doctor}");
    house.given.retain(|(name, _)| name != "SMTP_PORT");
    let checked = house.run(OPSCTL, &["config", "check"]);
    assert!(!checked.contains("channel email"), "an empty part is nobody: {checked}");
}
