//! One call of Slack's Web API, and what its answer means.

use reqwest::Url;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;

use super::address::Address;
use super::courier::{Answer, Courier, Parcel};
use super::slack_reference::Reference;
use super::slack_words::{Meaning, meaning, word};
use super::status;
use crate::ports::channel::Delivery;

/// The methods that are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Post,
    Update,
}

impl Method {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Post => "chat.postMessage",
            Self::Update => "chat.update",
        }
    }
}

/// What a call came to.
#[derive(Debug)]
pub(super) enum Called {
    /// It was done; the message, where Slack named it.
    Done(Option<Reference>),
    /// The earlier message cannot be edited or continued.
    Gone(String),
    /// Anything else.
    Not(Delivery),
}

/// What is read of an answer.
#[derive(Deserialize)]
struct Said {
    ok: bool,
    error: Option<String>,
    needed: Option<String>,
    channel: Option<String>,
    ts: Option<String>,
}

/// Who calls: the API, its token, its client.
pub(super) struct Caller<'a> {
    pub(super) api: &'a Address,
    pub(super) token: &'a str,
    pub(super) courier: &'a Courier,
    pub(super) end: Instant,
}

impl Caller<'_> {
    /// Calls `method` with `form` and these fields besides.
    pub(super) async fn call(
        &self,
        method: Method,
        form: &Value,
        fields: &[(&str, &str)],
    ) -> Called {
        let to = self.api.with_url(method_url(self.api.url(), method));
        let parcel = Parcel {
            to: &to,
            kind: "application/json; charset=utf-8",
            bearer: Some(self.token),
            headers: Vec::new(),
            body: with_fields(form, fields).to_string().into_bytes(),
            end: self.end,
        };
        match status::answered(&to, self.courier.send(parcel).await) {
            Ok(answer) => understand(&to, method, &answer),
            Err(delivery) => Called::Not(delivery),
        }
    }
}

fn method_url(api: &Url, method: Method) -> Url {
    let mut url = api.clone();
    url.set_path(&format!("{}/{}", api.path().trim_end_matches('/'), method.as_str()));
    url
}

fn with_fields(form: &Value, fields: &[(&str, &str)]) -> Value {
    let mut object = form.as_object().cloned().unwrap_or_default();
    object.extend(fields.iter().map(|&(name, value)| (name.to_owned(), Value::from(value))));
    Value::Object(object)
}

/// Slack answers 200 to nearly everything, and says in the body whether it did it.
fn understand(to: &Address, method: Method, answer: &Answer) -> Called {
    if let Some(refusal) = status::refusal(to, answer, "check the address of Slack's API") {
        return Called::Not(refusal);
    }
    let (host, method) = (to.host(), method.as_str());
    if let Some(why) = &answer.broken {
        let why = format!("{host} was sent {method}, and there is no whole answer: {why}");
        return Called::Not(Delivery::Unknown { why });
    }
    match serde_json::from_slice::<Said>(&answer.body) {
        Ok(said) if said.ok => Called::Done(reference(said)),
        Ok(said) => refused(to, method, answer, said),
        Err(_) => {
            let why = format!("{host} answered {method} with something that is not Slack's");
            Called::Not(Delivery::Unknown { why })
        }
    }
}

fn reference(said: Said) -> Option<Reference> {
    Some(Reference { channel: said.channel?, ts: said.ts?, line: None })
}

fn refused(to: &Address, method: &str, answer: &Answer, said: Said) -> Called {
    let error = said.error.unwrap_or_default();
    let error = word(&error).unwrap_or("no reason");
    let scope = said.needed.map(|scope| format!(" (needed: {})", to.said(scope.as_bytes())));
    let why = format!("{} refused {method}: {error}{}", to.host(), scope.unwrap_or_default());
    match meaning(error) {
        Meaning::Gone => Called::Gone(why),
        Meaning::Later => Called::Not(Delivery::Later { why, retry_after: answer.retry_after }),
        Meaning::Unknown => Called::Not(Delivery::Unknown { why }),
        Meaning::Refused(advice) => {
            Called::Not(Delivery::Refused { why: format!("{why}; {advice}") })
        }
    }
}
