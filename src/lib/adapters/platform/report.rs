//! The state of everything, posted to the platform.

use std::time::Duration;

use serde_json::Value;

use super::ask::Question;
use super::client::PlatformClient;
use super::dialect::Route;
use super::failure::Failure;
use crate::ports::processes::ActFailure;

/// The same in both dialects.
const STATUS: Route = Route::post("/health/ops-status");

impl PlatformClient {
    /// Posts the state of everything as a user of this tenant, once and within this time. Ending the session is left to
    /// whoever calls, and takes time of its own.
    ///
    /// # Errors
    ///
    /// [`ActFailure::NotSent`] where it surely did not arrive, [`ActFailure::Refused`] where the platform wants none of it,
    /// [`ActFailure::Unknown`] where there was no answer.
    pub async fn report_status(
        &self,
        tenant: &str,
        state: &Value,
        within: Duration,
    ) -> Result<String, ActFailure> {
        let asker = self.asker();
        asker.until(asker.clock().elapsed().saturating_add(within));
        let tenant = asker.tenant(tenant).map_err(|blind| ActFailure::Refused(blind.why))?;
        // Before anybody is let in nothing is told, whatever becomes of the sign-in.
        let session = tenant.session(asker, None).await;
        session.map_err(|failure| ActFailure::NotSent(failure.to_string()))?;
        let pace = asker.limiter.route(STATUS, 1);
        let question = Question { route: STATUS, id: "", query: "" };
        let body = state.to_string().into_bytes();
        let answer = asker.once(tenant, &pace, question, Some(&body)).await;
        let answer = answer.map_err(Failure::of_act)?;
        Ok(format!("the platform answered {}", answer.status))
    }
}
