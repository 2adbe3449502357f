//! Every kind of message on every channel, as it stands.

use std::fmt::Write as _;

use opswarden::domain::notice::{Body, Message, Template};
use opswarden::render::notice::{dashboard, mail, slack, webhook};

use super::{judges, samples};

/// The message on every channel, one below the other.
fn page(message: &Message) -> String {
    let mail = mail::mail(message);
    let mut page = format!(
        "==== mail\nSubject: {}\nMessage-ID: {}\nReferences: {}\n\n{}",
        mail.subject,
        mail.message_id("ops.example.test"),
        mail.references("ops.example.test"),
        mail.text
    );
    let mut add = |name: &str, text: &str| {
        let _infallible = write!(page, "\n==== {name}\n{text}\n");
    };
    add("mail, html", &mail.html);
    add("slack, webhook", &format!("{:#}", slack::webhook(message)));
    // The bot's message differs in what is not said.
    let mut post = slack::post(message);
    if let Some(fields) = post.as_object_mut() {
        fields.remove("blocks");
        fields.remove("attachments");
    }
    add("slack, post without its blocks", &format!("{post:#}"));
    add("slack, history", &format!("{:#}", slack::history(message)));
    for template in Template::ALL {
        add(template.as_str(), &format!("{:#}", webhook::body(template, message, "routing-key")));
    }
    if let Body::Dashboard(state) = &message.body {
        add("dashboard", &format!("{:#}", dashboard::projection(state)));
    }
    page
}

#[test]
fn every_kind_of_message_reads_as_it_should_on_every_channel() {
    for (name, message) in samples::all() {
        assert_eq!(judges::unfit(&message), Vec::<String>::new(), "{name}");
        let mut settings = insta::Settings::clone_current();
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.set_snapshot_path("../snapshots/notices");
        settings.bind(|| insta::assert_snapshot!(name, page(&message)));
    }
}

#[test]
fn a_post_has_the_blocks_of_the_webhook() {
    for (name, message) in samples::all() {
        let (post, webhook) = (slack::post(&message), slack::webhook(&message));
        for part in ["text", "blocks", "attachments"] {
            assert_eq!(post[part], webhook[part], "{name}");
        }
    }
}
