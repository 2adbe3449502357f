//! Slack by incoming webhook: it can post, and neither edit nor answer in a thread.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::address::{Address, Scheme};
use super::courier::{Answer, Courier, Parcel, end_of};
use super::forms::JsonForm;
use super::slack_words::{Meaning, meaning, word};
use super::status;
use crate::domain::notice::Message;
use crate::ports::Pending;
use crate::ports::channel::{Channel, Delivery, Earlier};

/// An incoming webhook.
pub struct SlackWebhook {
    to: Address,
    form: JsonForm,
    courier: Arc<Courier>,
}

impl fmt::Debug for SlackWebhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SlackWebhook({})", self.to.host())
    }
}

impl SlackWebhook {
    /// The webhook at `url`, which is a secret.
    ///
    /// # Errors
    ///
    /// A fragment without the address, where it cannot be one.
    pub fn new(url: &str, form: JsonForm, courier: Arc<Courier>) -> Result<Self, String> {
        Ok(Self { to: Address::read(url, Scheme::Secure, &[])?, form, courier })
    }

    async fn tell(&self, message: &Message, deadline: Duration) -> Delivery {
        let parcel = Parcel {
            to: &self.to,
            kind: "application/json",
            bearer: None,
            headers: Vec::new(),
            body: (self.form)(message).to_string().into_bytes(),
            end: end_of(deadline),
        };
        match status::answered(&self.to, self.courier.send(parcel).await) {
            Ok(answer) => self.understand(&answer),
            Err(delivery) => delivery,
        }
    }

    /// Slack says `ok` in plain text, or one word with a status that is no success.
    fn understand(&self, answer: &Answer) -> Delivery {
        let text = String::from_utf8_lossy(&answer.body);
        let advice = match word(&text).map(meaning) {
            Some(Meaning::Refused(advice)) => advice,
            Some(Meaning::Later | Meaning::Gone | Meaning::Unknown) | None => {
                "check the webhook in Slack's settings of the app"
            }
        };
        if let Some(refusal) = status::refusal(&self.to, answer, advice) {
            return refusal;
        }
        let host = self.to.host();
        match &answer.broken {
            None if text.trim() == "ok" => {
                Delivery::Sent { reference: None, answer: format!("{host} answered ok") }
            }
            None => Delivery::Unknown {
                why: format!("{host} answered {} and not ok", status::told(&self.to, answer)),
            },
            Some(why) => Delivery::Unknown {
                why: format!("{host} was sent the message, and there is no whole answer: {why}"),
            },
        }
    }
}

impl Channel for SlackWebhook {
    fn deliver<'a>(
        &'a self,
        message: &'a Message,
        _earlier: Option<&'a Earlier>,
        deadline: Duration,
    ) -> Pending<'a, Delivery> {
        Box::pin(self.tell(message, deadline))
    }
}
