//! Mailers for the tests' own server, and the mail that they write.

use std::sync::Arc;

use opswarden::adapters::channel::{
    Encryption, Login, Mail, MailForm, MailSettings, Mailer, Trust,
};
use opswarden::domain::notice::{Body, Message};

use crate::mail_server::{PASSWORD, USER};

/// Settings for the server at `port` on this machine.
pub(crate) fn settings(port: u16) -> MailSettings {
    MailSettings {
        host: "localhost".to_owned(),
        port,
        encryption: Encryption::of_port(port),
        login: Some(Login { user: USER.to_owned(), password: PASSWORD.to_owned() }),
        from: "Operations <ops@example.test>".to_owned(),
        to: vec!["first@example.test".to_owned(), "second@example.test".to_owned()],
    }
}

/// A mail that says what the message says.
pub(crate) fn mail(message: &Message) -> Mail {
    let Body::Test { by } = &message.body else { panic!("{message:?}") };
    Mail {
        subject: format!("about {by}"),
        text: format!("in text: {by}\n"),
        html: format!("<p>in HTML: {by}</p>\n"),
        message_id: format!("{}@ops.example.test", message.id),
        references: Vec::new(),
    }
}

pub(crate) fn mailer(settings: MailSettings, trust: Trust) -> Mailer {
    writing(settings, trust, Arc::new(mail))
}

pub(crate) fn writing(settings: MailSettings, trust: Trust, form: MailForm) -> Mailer {
    Mailer::new(settings, form, Arc::new(trust)).unwrap()
}
