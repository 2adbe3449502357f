//! The forms that messages are given, as the composition root hands them in: an adapter carries and does not write.

use std::sync::Arc;

use serde_json::Value;

use crate::domain::notice::Message;

/// Gives a message the JSON that a receiver wants.
pub type JsonForm = Arc<dyn Fn(&Message) -> Value + Send + Sync>;

/// Gives a message the parts of a mail.
pub type MailForm = Arc<dyn Fn(&Message) -> Mail + Send + Sync>;

/// The forms of a Slack bot.
#[derive(Clone)]
pub struct SlackForms {
    /// The message as it stands in the channel: what is true now.
    pub post: JsonForm,
    /// The line that is added to its thread: what changed.
    pub history: JsonForm,
    /// What is added to the thread of a message that stays as it is: what changed, and all that is needed with it.
    pub reply: JsonForm,
}

/// The parts of a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The subject.
    pub subject: String,
    /// The body for readers of text.
    pub text: String,
    /// The same body for readers of HTML.
    pub html: String,
    /// Its id, with or without angle brackets.
    pub message_id: String,
    /// The ids of the mails that it continues, oldest first.
    pub references: Vec<String>,
}
