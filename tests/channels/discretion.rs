//! Secrets are in no error, no answer and no debug output, whatever a receiver repeats.

use opswarden::adapters::channel::{
    JsonForm, Login, MailSettings, Ping, SlackBot, SlackWebhook, Webhook,
};
use opswarden::domain::incident::RunId;
use opswarden::ports::channel::{Channel, Delivery};
use serde_json::json;

use crate::receiver::{Asked, Deed, Receiver, answer, nobody};
use crate::world::{LONG, courier, form, message, slack_forms};

const PATH: &str = "/services/canary-11/canary-22-abcdef?key=canary-33";

/// Repeats everything that it was asked.
fn repeat(status: &'static str) -> impl Fn(&Asked) -> Deed + Send + Sync + 'static {
    move |asked| {
        let body = String::from_utf8_lossy(&asked.body).into_owned();
        let said = format!("{body} {} {:?}", asked.path, asked.headers);
        answer(status, &["Location: /canary-location"], &said)
    }
}

/// A body that holds a key, as a pager wants it.
fn keyed_form(key: &'static str) -> JsonForm {
    std::sync::Arc::new(move |_| json!({ "to": key }))
}

fn assert_discreet(delivery: &Delivery) {
    let all = format!("{delivery:?}");
    assert!(!all.contains("canary") && !all.contains("Y2FuYXJ5"), "{all}");
}

#[tokio::test]
async fn a_receiver_that_repeats_everything_gives_nothing_away() {
    for status in ["400 Bad", "404 Not Found", "429 Slow", "500 No", "302 Found", "200 OK"] {
        let receiver = Receiver::start(repeat(status)).await;
        let url = receiver.url(PATH).replace("http://", "http://canary-user:canary-pass@");
        let bot = SlackBot::new("xoxb-canary-44", "C0123456789", slack_forms(), courier()).unwrap();
        let signed = Webhook::new(&url, form(), courier()).unwrap().signed("canary-55").unwrap();
        let key = "canary-routing-key-66";
        let keyed = Webhook::new(&url, keyed_form(key), courier()).unwrap().keyed(key);
        let channels: [Box<dyn Channel>; 5] = [
            Box::new(SlackWebhook::new(&url, form(), courier()).unwrap()),
            Box::new(Webhook::new(&url, form(), courier()).unwrap()),
            Box::new(signed),
            Box::new(keyed),
            Box::new(bot.at(&receiver.url("/api")).unwrap()),
        ];
        for channel in channels {
            assert_discreet(&channel.deliver(&message(), None, LONG).await);
        }
        assert_eq!(receiver.asked().len(), 5);
    }
}

#[tokio::test]
async fn an_address_that_cannot_be_reached_is_told_by_its_host() {
    let address = nobody().await;
    let url = format!("http://canary-user:canary-pass@{address}{PATH}");
    for channel in [
        Box::new(SlackWebhook::new(&url, form(), courier()).unwrap()) as Box<dyn Channel>,
        Box::new(Webhook::new(&url, form(), courier()).unwrap()),
    ] {
        let delivery = channel.deliver(&message(), None, LONG).await;
        assert_discreet(&delivery);
        assert!(format!("{delivery:?}").contains(&address.to_string()), "{delivery:?}");
    }
    let why = Ping::new(&url, courier()).unwrap().start(&RunId("r".into())).await.unwrap_err();
    assert!(!why.contains("canary"), "{why}");
}

#[test]
fn debug_output_names_hosts_alone() {
    let url = format!("https://canary-user:canary-pass@hooks.example.test{PATH}");
    let login = Login { user: "canary-user".into(), password: "canary-pass".into() };
    let settings = MailSettings {
        host: "mail.example.test".into(),
        port: 587,
        encryption: opswarden::adapters::channel::Encryption::of_port(587),
        login: Some(login.clone()),
        from: "canary@example.test".into(),
        to: vec!["canary@example.test".into()],
    };
    let all = [
        format!("{:?}", SlackWebhook::new(&url, form(), courier()).unwrap()),
        format!("{:?}", Webhook::new(&url, form(), courier()).unwrap().signed("canary-5").unwrap()),
        format!(
            "{:?}",
            SlackBot::new("canary-6", "C0123456789", slack_forms(), courier()).unwrap()
        ),
        format!("{:?}", Ping::new(&url, courier()).unwrap()),
        format!("{settings:?} {login:?} {:?}", courier()),
    ];
    for text in all {
        assert!(!text.contains("canary"), "{text}");
    }
}

#[test]
fn an_address_that_is_refused_is_not_repeated() {
    for url in ["http://hooks.example.test/canary", "canary", "ftp://canary/", "https://"] {
        let why = SlackWebhook::new(url, form(), courier()).unwrap_err();
        assert!(!why.contains("canary"), "{why}");
    }
    for token in ["", " ", "canary token", "canary\n"] {
        let made = SlackBot::new(token, "C0123456789", slack_forms(), courier());
        assert!(made.is_ok() == (token == "canary\n"), "{token:?}");
    }
}
