//! Three independent readers of mail agree on what we wrote: two of JavaScript, one of Rust.

use std::sync::Arc;

use mail_parser::{HeaderValue, MessageParser};
use opswarden::adapters::channel::Mail;
use opswarden::ports::channel::Channel as _;
use serde_json::{Value, json};

use crate::authority::Authority;
use crate::mail_server::MailServer;
use crate::mailers::{settings, writing};
use crate::world::{LONG, Outcome, earlier, message, outcome};

fn mails() -> Vec<Mail> {
    let mail = |subject: &str, text: &str, html: &str| Mail {
        subject: subject.to_owned(),
        text: text.to_owned(),
        html: html.to_owned(),
        message_id: "<INC-1.2@ops.example.test>".to_owned(),
        references: vec!["<INC-1.0@ops.example.test>".to_owned()],
    };
    vec![
        mail("INC-1 web is down", "web is down\n", "<p>web is <b>down</b></p>\n"),
        mail(
            "Ausfall: Bildschirm „Foyer“ 🔥 – ほか",
            "Ümläute, 日本語, 🔥\n",
            "<p>Ümläute, 日本語, 🔥 &amp; €</p>\n",
        ),
        mail(
            &"a long subject about several things ".repeat(12),
            &"x".repeat(5_000),
            &"<i>y</i>".repeat(900),
        ),
        mail("a dot", ".\n..\n.hidden\nFrom here\n\n.\n", "<p>.</p>\n.\n"),
        mail("=?utf-8?q?not=20encoded?=", "=20 = =3D trailing  \n", "<p>=3D</p>"),
        mail("evil\r\nBcc: thief@example.test\r\n\r\nbody", "a\r\nb\n", "<p>\r\n</p>"),
    ]
}

/// What the third reader reads, in the shape of the other two.
fn third(raw: &[u8]) -> Value {
    let mail = MessageParser::default().parse(raw).unwrap();
    let ids = |value: &HeaderValue| -> Vec<String> {
        let list = value.as_text_list().unwrap_or_default();
        list.iter().map(|id| format!("<{id}>")).collect()
    };
    let raw_header = |name: &str| mail.header_raw(name).map(|value| value.trim().to_owned());
    json!({
        "reader": "mail-parser",
        "subject": mail.subject(),
        "text": mail.body_text(0),
        "html": mail.body_html(0),
        "id": mail.message_id().map(|id| format!("<{id}>")),
        "inReplyTo": ids(mail.in_reply_to()).first(),
        "references": ids(mail.references()),
        "headers": mail.headers_raw().map(|(name, _)| name.to_ascii_lowercase()).collect::<Vec<_>>(),
        "autoSubmitted": raw_header("Auto-Submitted"),
        "suppress": raw_header("X-Auto-Response-Suppress"),
    })
}

/// Readers keep or drop the last line's end, and write the ends of lines in their own way.
fn lines(value: &Value) -> String {
    value.as_str().unwrap().replace("\r\n", "\n").trim_end_matches('\n').to_owned()
}

fn assert_read(reading: &Value, mail: &Mail) {
    let reader = &reading["reader"];
    let subject: String =
        mail.subject.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    // A word that looks encoded is broken, so that no reader decodes a stranger's words.
    let subject = subject.replace("=?", "= ?");
    assert_eq!(reading["subject"].as_str().unwrap(), subject.trim(), "{reader}");
    assert_eq!(lines(&reading["text"]), lines(&json!(mail.text)), "{reader}");
    assert_eq!(lines(&reading["html"]), lines(&json!(mail.html)), "{reader}");
    assert_eq!(reading["id"], "<INC-1.2@ops.example.test>", "{reader}");
    assert_eq!(reading["inReplyTo"], "<INC-1.1@ops.example.test>", "{reader}");
    let references = json!(["<INC-1.0@ops.example.test>", "<INC-1.1@ops.example.test>"]);
    assert_eq!(reading["references"], references, "{reader}");
    assert_eq!(reading["autoSubmitted"], "auto-generated", "{reader}");
    assert_eq!(reading["suppress"], "All", "{reader}");
    let headers = reading["headers"].as_array().unwrap();
    assert!(!headers.contains(&json!("bcc")), "{reader}: {headers:?}");
    for name in ["date", "from", "to", "mime-version"] {
        assert_eq!(headers.iter().filter(|header| **header == name).count(), 1, "{reader}: {name}");
    }
}

#[tokio::test]
async fn three_readers_agree_on_what_was_written() {
    let authority = Authority::new();
    let Some(server) = MailServer::start(&authority.good(), json!({})) else { return };
    let before = earlier("<INC-1.1@ops.example.test>", true);
    for (place, mail) in mails().into_iter().enumerate() {
        let own = mail.clone();
        let form = Arc::new(move |_: &_| own.clone());
        let mailer = writing(settings(server.port), authority.trust(), form);
        let delivery = mailer.deliver(&message(), Some(&before), LONG).await;
        assert_eq!(outcome(&delivery), Outcome::Sent, "{delivery:?}");
        let received = server.received(place + 1).remove(place);
        let raw: Vec<u8> =
            received["raw"].as_str().unwrap().chars().map(|c| u8::try_from(c).unwrap()).collect();
        assert!(
            raw.split(|byte| *byte == b'\n').all(|line| line.len() <= 998),
            "a line is too long"
        );
        assert!(raw.is_ascii(), "servers without 8BITMIME take it too");
        let readings = received["readings"].as_array().unwrap();
        assert_eq!(readings.len(), 2);
        for reading in readings.iter().chain([&third(&raw)]) {
            assert_read(reading, &mail);
        }
    }
}
