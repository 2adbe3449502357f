//! The platform's own page for the state of everything.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::forms::JsonForm;
use crate::adapters::platform::PlatformClient;
use crate::domain::notice::{Body, Message};
use crate::ports::Pending;
use crate::ports::channel::{Channel, Delivery, Earlier};
use crate::ports::platform::Platform as _;
use crate::ports::processes::ActFailure;

/// This part of the time is for the message; the rest is for the end of its session, which takes up to 5 s and must not be
/// left out: nobody else can end it.
const SHARE: u32 = 2;

/// A platform that is told how everything stands.
pub struct Dashboard {
    client: Arc<PlatformClient>,
    tenant: String,
    form: JsonForm,
}

impl fmt::Debug for Dashboard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dashboard({})", self.tenant)
    }
}

impl Dashboard {
    /// The platform that `client` speaks to, as a user of this tenant. The client is this channel's own: its session is
    /// ended with each message.
    #[must_use]
    pub fn new(client: Arc<PlatformClient>, tenant: &str, form: JsonForm) -> Self {
        Self { client, tenant: tenant.to_owned(), form }
    }

    async fn tell(&self, message: &Message, deadline: Duration) -> Delivery {
        if !matches!(message.body, Body::Dashboard(_)) {
            let why = "the platform's page takes nothing but the state of everything";
            return Delivery::Refused { why: why.to_owned() };
        }
        let within = deadline / SHARE;
        let told = self.client.report_status(&self.tenant, &(self.form)(message), within).await;
        for (tenant, why) in self.client.release().await {
            tracing::warn!("the session of tenant {tenant} could not be released: {why}");
        }
        match told {
            Ok(answer) => Delivery::Sent { reference: None, answer },
            Err(ActFailure::NotSent(why)) => Delivery::Later { why, retry_after: None },
            Err(ActFailure::Refused(why)) => Delivery::Refused { why },
            Err(ActFailure::Unknown(why)) => Delivery::Unknown { why },
        }
    }
}

impl Channel for Dashboard {
    fn deliver<'a>(
        &'a self,
        message: &'a Message,
        _: Option<&'a Earlier>,
        deadline: Duration,
    ) -> Pending<'a, Delivery> {
        Box::pin(self.tell(message, deadline))
    }
}
