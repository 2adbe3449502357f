//! The programs tell by Slack and by mail, named by the environment as it is usual; and by the other where one of them is dead.

use std::net::TcpListener;

use serde_json::{Value, json};

use super::authority::{Authority, Identity};
use super::fake::{GUARDIAN, OPSCTL};
use super::mail_server::{MailServer, PASSWORD, USER};
use super::telling::{House, Inbox, Receiver};

const TO: &str = "night@example.test";

/// A house whose only channels are what the environment names.
fn house(given: &[(&str, &str)]) -> House {
    let mut house = House::with(Receiver::Answers, "");
    house.given = given.iter().map(|(name, value)| pair(name, value)).collect();
    house
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// Another house, with mail to a server of a private authority beside what the environment names.
fn by_mail(port: u16, authority: &Authority, password: &str) -> House {
    let mail = "[[notify.channels]]\nname = \"email\"\nkind = \"email\"\nauthority = \"ca.pem\"\npause = \"0s\"\n";
    let mut house = House::with(Receiver::Answers, mail);
    std::fs::write(house.path().join("ca.pem"), authority.pem()).expect("it is written");
    house.given = vec![
        pair("SMTP_HOST", "localhost"),
        pair("SMTP_PORT", &port.to_string()),
        pair("SMTP_USER", USER),
        pair("SMTP_PASS", password),
        pair("OPS_ALERT_EMAIL", TO),
    ];
    house
}

fn bodies(inbox: &Inbox) -> Vec<Value> {
    inbox.arrived.lock().expect("nobody panics while it is held").clone()
}

/// The service listens, and three runs see that.
fn well_again(house: &House) {
    let _listens = TcpListener::bind(("127.0.0.1", house.port)).expect("the port is free");
    for _ in 0..3 {
        house.run(GUARDIAN, &[]);
    }
}

#[test]
fn the_address_of_a_slack_webhook_is_all_that_slack_needs() {
    let slack = Inbox::open(Receiver::Answers);
    let house = house(&[("SLACK_WEBHOOK_URL", &slack.url)]);
    house.run(GUARDIAN, &[]);
    house.run(GUARDIAN, &[]);
    let told = bodies(&slack);
    assert_eq!(told.len(), 1, "once: {told:?}");
    assert!(told[0]["attachments"][0]["blocks"].is_array(), "{}", told[0]);
    for wanted in ["web", "opsctl explain INC-1", "opsctl silence"] {
        assert!(told[0].to_string().contains(wanted), "{wanted}: {}", told[0]);
    }
    well_again(&house);
    let told = bodies(&slack);
    assert_eq!(told.len(), 2, "and its end: {told:?}");
}

fn server(authority: &Authority, more: Value) -> Option<MailServer> {
    let identity: Identity = authority.good();
    MailServer::start(&identity, more)
}

#[test]
fn a_mail_tells_a_fault_and_another_in_its_thread_that_it_is_over() {
    let authority = Authority::new();
    let Some(server) = server(&authority, json!({})) else { return };
    let house = by_mail(server.port, &authority, PASSWORD);
    house.run(GUARDIAN, &[]);
    well_again(&house);
    // The finding, a digest because the status is worse; the end, and that the status is well again.
    let mails = server.received(4);
    assert!(mails.iter().all(|mail| mail["secure"] == true), "only under TLS");
    assert_eq!(mails[0]["to"], json!([TO]));
    let readings = mails.iter().map(|mail| &mail["readings"][0]);
    let about = |reading: &&Value| {
        let subject = reading["subject"].as_str().unwrap_or_default();
        subject.contains("INC-1,") || subject.contains("INC-1:")
    };
    let of_it: Vec<&Value> = readings.filter(about).collect();
    let [begun, ended] = of_it.as_slice() else { panic!("{mails:#?}") };
    assert!(begun["text"].as_str().is_some_and(|text| text.contains("opsctl explain INC-1")));
    assert_eq!(begun["references"][0], ended["references"][0], "one thread");
    assert_ne!(begun["id"], ended["id"]);
}

#[test]
fn that_mails_are_refused_is_told_by_the_other_channel() {
    let authority = Authority::new();
    let Some(server) = server(&authority, json!({})) else { return };
    let slack = Inbox::open(Receiver::Answers);
    let mut house = by_mail(server.port, &authority, "wrong");
    let file = house.path().join("agents.toml");
    let text = std::fs::read_to_string(&file).expect("the settings are there");
    let both = "[[notify.channels]]\nname = \"slack\"\nkind = \"slack\"\npause = \"0s\"\n";
    let text = text.replacen("[[notify.channels]]", &format!("{both}[[notify.channels]]"), 1);
    std::fs::write(&file, text).expect("it is written");
    house.given.push(pair("SLACK_WEBHOOK_URL", &slack.url));
    for _ in 0..2 {
        house.run(GUARDIAN, &[]);
    }
    assert!(server.mails().is_empty(), "nobody was let in");
    let told: Vec<String> = bodies(&slack).iter().map(Value::to_string).collect();
    let dead = told.iter().any(|one| one.contains("given up on channel email"));
    let listed = house.run(OPSCTL, &["notify", "list"]);
    assert!(dead, "{told:?}\n{listed}");
    assert!(!told.iter().any(|one| one.contains("wrong")), "the password is nobody's business");
}
