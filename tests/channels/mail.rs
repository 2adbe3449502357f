//! What becomes of a mail at a real mail server.

use opswarden::adapters::channel::{Encryption, Login, MailSettings, Mailer, Trust};
use opswarden::ports::channel::Delivery;
use serde_json::{Value, json};

use crate::authority::Authority;
use crate::mail_server::{MailServer, PASSWORD, USER};
use crate::mailers::{mail, mailer, settings};
use crate::receiver::nobody;
use crate::world::{
    MARGIN, Outcome, SHORT, assert_outcome, deliver, deliver_soon, ended_by, message, outcome,
    words,
};
use opswarden::ports::channel::Channel as _;

struct Told {
    delivery: Delivery,
    server: MailServer,
}

/// Delivers to a server of these settings, which is known to us; `None` where there is no server.
async fn told(behaviour: Value, change: impl FnOnce(&mut MailSettings)) -> Option<Told> {
    let authority = Authority::new();
    let server = MailServer::start(&authority.good(), behaviour)?;
    let mut settings = settings(server.port);
    change(&mut settings);
    let delivery = deliver(&mailer(settings, authority.trust())).await;
    let said = format!("{delivery:?}");
    assert!(!said.contains("canary") && !said.contains("Y2FuYXJ5"), "{said}");
    Some(Told { delivery, server })
}

#[tokio::test]
async fn a_mail_arrives_encrypted_and_with_a_login() {
    let Some(Told { delivery, server }) = told(json!({}), |_| {}).await else { return };
    assert_outcome(&delivery, Outcome::Sent, "localhost answered 250");
    let id = format!("<{}@ops.example.test>", message().id);
    assert!(matches!(&delivery, Delivery::Sent { reference: Some(found), .. } if *found == id));
    let mails = server.received(1);
    assert_eq!(mails[0]["secure"], true);
    assert_eq!(mails[0]["user"], USER);
    // Strict servers take a name of several parts or an address, and nothing else (RFC 5321, 4.1.4).
    let hello = mails[0]["hello"].as_str().unwrap();
    assert!(hello.contains('.') || hello.starts_with("[ipv6:"), "{hello}");
    assert_eq!(mails[0]["from"], "ops@example.test");
    assert_eq!(mails[0]["to"], json!(["first@example.test", "second@example.test"]));
}

#[tokio::test]
async fn a_connection_may_be_encrypted_from_its_first_byte() {
    let wrapped = |settings: &mut MailSettings| settings.encryption = Encryption::Wrapper;
    let Some(both) = told(json!({ "wrapper": true }), wrapped).await else { return };
    assert_outcome(&both.delivery, Outcome::Sent, "250");
    assert_eq!(both.server.received(1)[0]["secure"], true);
    assert_eq!(Encryption::of_port(465), Encryption::Wrapper);
    assert_eq!(Encryption::of_port(587), Encryption::StartTls);
    assert_eq!(Encryption::of_port(25), Encryption::StartTls);
}

#[tokio::test]
async fn a_server_may_know_one_way_to_log_in_or_none() {
    let Some(both) = told(json!({ "methods": ["LOGIN"] }), |_| {}).await else { return };
    assert_outcome(&both.delivery, Outcome::Sent, "250");
    assert_eq!(both.server.received(1)[0]["user"], USER);
    assert_eq!(both.server.of("login"), ["LOGIN"]);
    let open = json!({ "user": null, "methods": [] });
    let Some(both) = told(open, |settings| settings.login = None).await else { return };
    // A server that demands a login says so to whoever has none.
    assert_outcome(&both.delivery, Outcome::Refused, "check the user and the password");
    let Some(both) = told(json!({ "methods": ["XOAUTH2"] }), |_| {}).await else { return };
    assert_outcome(&both.delivery, Outcome::Refused, "no login by PLAIN or LOGIN");
}

#[tokio::test]
async fn a_wrong_password_is_refused_with_the_servers_words_and_without_ours() {
    for method in ["PLAIN", "LOGIN"] {
        let words = format!(
            "no {USER} with {PASSWORD}1, AGNhbmFyeS11c2VyQGV4YW1wbGUudGVzdABjYW5hcnktcGFzc3dvcmQx"
        );
        let behaviour = json!({ "methods": [method], "words": words });
        let wrong = |settings: &mut MailSettings| {
            settings.login = Some(Login { user: USER.into(), password: format!("{PASSWORD}1") });
        };
        let Some(both) = told(behaviour, wrong).await else { return };
        assert_outcome(&both.delivery, Outcome::Refused, "535");
        assert_outcome(&both.delivery, Outcome::Refused, "check the user and the password");
        assert!(both.server.mails().is_empty());
    }
}

#[tokio::test]
async fn a_server_of_an_unknown_authority_is_told_no_password() {
    let authority = Authority::new();
    for (name, trust, word) in [
        ("localhost", Trust::system(), "issuer is not trusted"),
        ("localhost", Authority::new().trust(), "issuer is not trusted"),
        ("other.test", authority.trust(), "for another name"),
    ] {
        let identity = authority.identity(name, [2020, 2090]);
        let Some(server) = MailServer::start(&identity, json!({})) else { return };
        let delivery = deliver(&mailer(settings(server.port), trust)).await;
        assert_outcome(&delivery, Outcome::Refused, word);
        assert!(server.of("login").is_empty() && server.mails().is_empty());
    }
}

#[tokio::test]
async fn without_starttls_nothing_is_sent_even_on_this_machine() {
    let Some(both) = told(json!({ "withoutStartTls": true }), |_| {}).await else { return };
    assert_outcome(&both.delivery, Outcome::Refused, "it offers no STARTTLS");
    assert!(both.server.of("login").is_empty() && both.server.mails().is_empty());
    // The other way round: an encrypted port that is spoken to in plain text, and a plain one that is not.
    let Some(both) = told(json!({}), |settings| settings.encryption = Encryption::Wrapper).await
    else {
        return;
    };
    assert_outcome(&both.delivery, Outcome::Later, "the TLS handshake failed");
}

#[tokio::test]
async fn a_code_that_begins_with_4_passes_and_one_with_5_must_be_cured() {
    for (behaviour, expected, word) in [
        (json!({ "connect": 421 }), Outcome::Later, "421"),
        (json!({ "connect": 554 }), Outcome::Refused, "554"),
        (json!({ "auth": 454 }), Outcome::Later, "454"),
        (json!({ "from": 451 }), Outcome::Later, "451"),
        (json!({ "from": 550 }), Outcome::Refused, "check the addresses"),
        (json!({ "data": 451 }), Outcome::Later, "451"),
        (json!({ "data": 421 }), Outcome::Later, "421"),
        (json!({ "data": 550 }), Outcome::Refused, "550"),
        (json!({ "data": 552 }), Outcome::Refused, "too full"),
        (json!({ "data": 554 }), Outcome::Refused, "ask the administrator of the mail server"),
    ] {
        let Some(both) = told(behaviour.clone(), |_| {}).await else { return };
        assert_outcome(&both.delivery, expected, word);
    }
}

#[tokio::test]
async fn one_receiver_that_is_gone_keeps_the_mail_from_nobody_else() {
    let first = "first@example.test";
    let behaviour = json!({ "to": { first: 550 }, "words": format!("no {first} here") });
    let Some(both) = told(behaviour, |_| {}).await else { return };
    assert_outcome(&both.delivery, Outcome::Sent, "receiver 1 of 2");
    assert!(words(&both.delivery).contains("550") && !words(&both.delivery).contains(first));
    assert_eq!(both.server.received(1)[0]["to"], json!(["second@example.test"]));
    for (codes, expected) in [([550, 550], Outcome::Refused), ([550, 450], Outcome::Later)] {
        let behaviour = json!({ "to": { first: codes[0], "second@example.test": codes[1] } });
        let Some(both) = told(behaviour, |_| {}).await else { return };
        assert_eq!(outcome(&both.delivery), expected, "{:?}", both.delivery);
        assert!(both.server.mails().is_empty());
    }
}

#[tokio::test]
async fn a_receiver_that_is_refused_for_now_is_named_and_nobody_gets_it_twice() {
    let behaviour = json!({ "to": { "second@example.test": 451 }, "words": "try again later" });
    let Some(both) = told(behaviour, |_| {}).await else { return };
    assert_outcome(&both.delivery, Outcome::Sent, "taken for 1 of 2 receivers");
    assert_outcome(&both.delivery, Outcome::Sent, "receiver 2 of 2");
    assert_outcome(&both.delivery, Outcome::Sent, "451");
    let mails = both.server.received(1);
    assert_eq!(mails[0]["to"], json!(["first@example.test"]));
    let Some(both) = told(json!({}), |_| {}).await else { return };
    assert!(!words(&both.delivery).contains("receivers"), "{:?}", both.delivery);
}

#[tokio::test]
async fn a_server_that_falls_silent_is_left_at_the_deadline() {
    for (behaviour, expected, word) in [
        (json!({ "connect": "hang" }), Outcome::Later, "our greeting"),
        (json!({ "auth": "hang" }), Outcome::Later, "the login"),
        (json!({ "from": "hang" }), Outcome::Later, "the sender and the receivers"),
        (json!({ "data": "hang" }), Outcome::Unknown, "the letter"),
        (json!({ "data": "reset" }), Outcome::Unknown, "the whole letter"),
        (json!({ "auth": "reset" }), Outcome::Later, ""),
    ] {
        let authority = Authority::new();
        let Some(server) = MailServer::start(&authority.good(), behaviour) else { return };
        let mailer = mailer(settings(server.port), authority.trust());
        // Long enough for the handshakes on a slow machine.
        let deadline = SHORT + MARGIN / 4;
        let delivery = ended_by(deadline, mailer.deliver(&message(), None, deadline)).await;
        assert_outcome(&delivery, expected, word);
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_tried_again() {
    let there = nobody().await;
    let delivery = deliver(&mailer(settings(there.port()), Trust::system())).await;
    assert_outcome(&delivery, Outcome::Later, "the connection was refused");
    let mut nowhere = settings(587);
    nowhere.host = "no-such-host.invalid".to_owned();
    let delivery = deliver(&mailer(nowhere, Trust::system())).await;
    assert_outcome(&delivery, Outcome::Later, "its name cannot be resolved");
    let url = crate::receiver::mute().await;
    let delivery = deliver_soon(&mailer(settings(url.port()), Trust::system())).await;
    assert_outcome(&delivery, Outcome::Later, "our greeting");
}

#[test]
fn an_address_that_is_none_is_told_before_anything_is_sent() {
    let made = |change: &dyn Fn(&mut MailSettings)| {
        let mut settings = settings(587);
        change(&mut settings);
        Mailer::new(settings, std::sync::Arc::new(mail), std::sync::Arc::default())
    };
    assert!(made(&|_| {}).is_ok());
    let cases: [&dyn Fn(&mut MailSettings); 4] = [
        &|settings| settings.from = "canary".to_owned(),
        &|settings| settings.to = vec!["canary\r\nRCPT TO:<x@y.test>".to_owned()],
        &|settings| settings.to = vec!["<a@b.test>\r\nDATA".to_owned()],
        &|settings| settings.to = Vec::new(),
    ];
    for change in cases {
        let why = made(change).unwrap_err();
        assert!(!why.contains("canary"), "{why}");
    }
}
