//! Any receiver of JSON. It can drop a repetition by the id, and refuse a stranger by the signature.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::address::{Address, Scheme};
use super::courier::{Courier, Parcel, end_of};
use super::forms::JsonForm;
use super::{signature, status};
use crate::domain::notice::Message;
use crate::ports::Pending;
use crate::ports::channel::{Channel, Delivery, Earlier};

/// A receiver of JSON.
pub struct Webhook {
    to: Address,
    secret: Option<String>,
    form: JsonForm,
    courier: Arc<Courier>,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Webhook({})", self.to.host())
    }
}

impl Webhook {
    /// The receiver at `url`, which is a secret.
    ///
    /// # Errors
    ///
    /// A fragment without the address, where it cannot be one.
    pub fn new(url: &str, form: JsonForm, courier: Arc<Courier>) -> Result<Self, String> {
        Ok(Self { to: Address::read(url, Scheme::Any, &[])?, secret: None, form, courier })
    }

    /// The same receiver, whose messages are signed.
    ///
    /// # Errors
    ///
    /// A fragment, where the secret is empty.
    pub fn signed(mut self, secret: &str) -> Result<Self, String> {
        if secret.is_empty() {
            return Err("the secret for the signature is empty".to_owned());
        }
        self.to = self.to.knowing(secret);
        self.secret = Some(secret.to_owned());
        Ok(self)
    }

    /// The same receiver, whose messages hold this key: it is a secret, whatever the receiver repeats of them.
    #[must_use]
    pub fn keyed(mut self, key: &str) -> Self {
        self.to = self.to.knowing(key);
        self
    }

    fn headers(&self, message: &Message, body: &[u8]) -> Vec<(&'static str, String)> {
        let seconds = self.courier.clock().now().as_second();
        let mut headers = vec![
            ("x-opswarden-id", message.id.clone()),
            ("idempotency-key", message.id.clone()),
            ("x-opswarden-timestamp", seconds.to_string()),
        ];
        if let Some(secret) = &self.secret {
            let signature = signature::signature(secret.as_bytes(), seconds, body);
            headers.push(("x-opswarden-signature", signature));
        }
        headers
    }

    async fn tell(&self, message: &Message, deadline: Duration) -> Delivery {
        let end = end_of(deadline);
        let body = (self.form)(message).to_string().into_bytes();
        let parcel = Parcel {
            to: &self.to,
            kind: "application/json",
            bearer: None,
            headers: self.headers(message, &body),
            body,
            end,
        };
        let answer = match status::answered(&self.to, self.courier.send(parcel).await) {
            Ok(answer) => answer,
            Err(delivery) => return delivery,
        };
        // A success is told by the status alone: what follows it is not for us.
        status::refusal(&self.to, &answer, "the receiver, or its address, must be changed")
            .unwrap_or_else(|| Delivery::Sent {
                reference: None,
                answer: format!("{} answered {}", self.to.host(), answer.status),
            })
    }
}

impl Channel for Webhook {
    fn deliver<'a>(
        &'a self,
        message: &'a Message,
        _earlier: Option<&'a Earlier>,
        deadline: Duration,
    ) -> Pending<'a, Delivery> {
        Box::pin(self.tell(message, deadline))
    }
}
