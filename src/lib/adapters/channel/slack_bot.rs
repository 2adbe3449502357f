//! Slack by a bot's token: one message per thing, which is edited as the thing changes; its thread is the history.
//!
//! The edit comes first. Once it is done people can see what is true, so a thread that cannot be written to is told
//! in the answer and is no reason to tell everything again; unless people are called again: an edit calls nobody, and it
//! may be made a second time without harm.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::address::{Address, Scheme};
use super::courier::{Courier, end_of};
use super::forms::SlackForms;
use super::slack_call::{Called, Caller, Method};
use super::slack_reference::{Place, Reference, place};
use crate::domain::notice::Message;
use crate::ports::Pending;
use crate::ports::channel::{Channel, Delivery, Earlier};

/// Where Slack is.
const API: &str = "https://slack.com/api";

/// A bot in a channel.
pub struct SlackBot {
    api: Address,
    token: String,
    channel: String,
    forms: SlackForms,
    courier: Arc<Courier>,
}

impl fmt::Debug for SlackBot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SlackBot({}, {})", self.api.host(), self.channel)
    }
}

impl SlackBot {
    /// The bot of `token`, which is a secret, in `channel`, which is best given by its id.
    ///
    /// # Errors
    ///
    /// A fragment, where the token or the channel cannot be one.
    pub fn new(
        token: &str,
        channel: &str,
        forms: SlackForms,
        courier: Arc<Courier>,
    ) -> Result<Self, String> {
        let (token, channel) = (token.trim().to_owned(), channel.trim().to_owned());
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("the token of the bot is empty or no token".to_owned());
        }
        if channel.is_empty() {
            return Err("the channel is empty".to_owned());
        }
        let api = Address::read(API, Scheme::Secure, &[&token])?;
        Ok(Self { api, token, channel, forms, courier })
    }

    /// The same bot at another address of the API.
    ///
    /// # Errors
    ///
    /// A fragment, where the address cannot be one.
    pub fn at(mut self, api: &str) -> Result<Self, String> {
        self.api = Address::read(api, Scheme::Secure, &[&self.token])?;
        Ok(self)
    }

    async fn tell(
        &self,
        message: &Message,
        earlier: Option<&Earlier>,
        deadline: Duration,
    ) -> Delivery {
        let caller = Caller {
            api: &self.api,
            token: &self.token,
            courier: &self.courier,
            end: end_of(deadline),
        };
        match earlier.and_then(|earlier| place(earlier, &self.channel)) {
            None => self.post(&caller, message, "").await,
            Some(Place::Edit(reference)) => self.edit(&caller, message, &reference).await,
            Some(Place::Continue(reference)) => self.carry_on(&caller, message, &reference).await,
        }
    }

    async fn post(&self, caller: &Caller<'_>, message: &Message, because: &str) -> Delivery {
        let form = (self.forms.post)(message);
        match caller.call(Method::Post, &form, &[("channel", &self.channel)]).await {
            Called::Done(reference) => Delivery::Sent {
                reference: reference.map(|reference| reference.to_string()),
                answer: format!("posted{because}"),
            },
            // A new message has no earlier one that could be missing.
            Called::Gone(why) => Delivery::Refused { why },
            Called::Not(delivery) => delivery,
        }
    }

    async fn edit(&self, caller: &Caller<'_>, message: &Message, earlier: &Reference) -> Delivery {
        let form = (self.forms.post)(message);
        let fields = [("channel", earlier.channel.as_str()), ("ts", earlier.ts.as_str())];
        match caller.call(Method::Update, &form, &fields).await {
            Called::Gone(why) => self.post(caller, message, &anew(&why)).await,
            Called::Not(delivery) => delivery,
            Called::Done(_) => self.edited(caller, message, earlier).await,
        }
    }

    /// The earlier message says what is true now, and its thread gets a line.
    async fn edited(
        &self,
        caller: &Caller<'_>,
        message: &Message,
        earlier: &Reference,
    ) -> Delivery {
        let form = (self.forms.history)(message);
        let added = match self.add(caller, &form, earlier).await {
            Called::Gone(why) if message.kind.calls_again() => {
                return self.post(caller, message, &anew(&why)).await;
            }
            Called::Not(delivery) if message.kind.calls_again() => return delivery,
            Called::Done(_) => "its thread has a new line".to_owned(),
            Called::Gone(why) => format!("its thread has no new line: {why}"),
            Called::Not(delivery) => format!("its thread may have no new line: {}", why(delivery)),
        };
        Delivery::Sent { reference: Some(earlier.to_string()), answer: format!("edited; {added}") }
    }

    /// The earlier message tells of more than this: it stays, and its thread gets a line.
    async fn carry_on(
        &self,
        caller: &Caller<'_>,
        message: &Message,
        earlier: &Reference,
    ) -> Delivery {
        let form = (self.forms.reply)(message);
        match self.add(caller, &form, earlier).await {
            Called::Done(line) => Delivery::Sent {
                reference: Some(earlier.with_line(line.map(|line| line.ts)).to_string()),
                answer: "posted in the thread of the earlier message".to_owned(),
            },
            Called::Gone(why) => self.post(caller, message, &anew(&why)).await,
            Called::Not(delivery) => delivery,
        }
    }

    /// Adds `form` to the thread of `earlier`.
    async fn add(&self, caller: &Caller<'_>, form: &Value, earlier: &Reference) -> Called {
        let fields = [("channel", earlier.channel.as_str()), ("thread_ts", earlier.ts.as_str())];
        caller.call(Method::Post, form, &fields).await
    }
}

fn anew(why: &str) -> String {
    format!(" anew, because {why}")
}

fn why(delivery: Delivery) -> String {
    match delivery {
        Delivery::Sent { answer, .. } => answer,
        Delivery::Later { why, .. } | Delivery::Refused { why } | Delivery::Unknown { why } => why,
    }
}

impl Channel for SlackBot {
    fn deliver<'a>(
        &'a self,
        message: &'a Message,
        earlier: Option<&'a Earlier>,
        deadline: Duration,
    ) -> Pending<'a, Delivery> {
        Box::pin(self.tell(message, earlier, deadline))
    }
}
