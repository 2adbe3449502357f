//! The platform's own page for the state of everything.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::forms::JsonForm;
use crate::adapters::platform::PlatformClient;
use crate::domain::notice::Message;
use crate::ports::Pending;
use crate::ports::channel::{Channel, Delivery, Earlier};
use crate::ports::platform::Platform as _;
use crate::ports::processes::ActFailure;

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

    async fn tell(&self, message: &Message) -> Delivery {
        let told = self.client.report_status(&self.tenant, &(self.form)(message)).await;
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
    /// The client keeps the deadlines of its requests.
    fn deliver<'a>(
        &'a self,
        message: &'a Message,
        _: Option<&'a Earlier>,
        _: Duration,
    ) -> Pending<'a, Delivery> {
        Box::pin(self.tell(message))
    }
}
