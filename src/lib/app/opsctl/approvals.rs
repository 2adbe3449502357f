//! `opsctl approvals`, `approve` and `deny`: what agents ask for, and a person's answer.
//!
//! An answer is recorded and does nothing by itself: the agent's next run acts on it, inside the gate.

use std::time::Duration;

use serde_json::json;

use super::controls::said;
use super::{Desk, Told, Trouble};
use crate::adapters::store::Access;
use crate::app::documents::Answered;
use crate::app::exit::Exit;
use crate::app::saved_plan;
use crate::domain::approval::{Approval, ApprovalState, Verdict};
use crate::domain::event::Event;
use crate::domain::incident::ApprovalId;
use crate::domain::moment::full;
use crate::ports::store::{LedgerView, Store as _};
use crate::render;
use crate::render::page::Page;

/// How far back requests that ended are listed.
const DAY: Duration = Duration::from_hours(24);
/// At most so many of them.
const LIMIT: u32 = 200;

impl Desk<'_> {
    pub(super) async fn approvals(&self) -> Result<Told, Trouble> {
        let now = self.clock.now();
        let found = if self.nothing_is_recorded() {
            Vec::new()
        } else {
            let store = self.store(Access::ReadOnly).await?;
            let found = store.approvals(now.checked_sub(DAY).unwrap_or(now), LIMIT).await;
            store.close().await?;
            found?
        };
        let text = render::approvals::list(&found, now, self.style);
        Ok(Told { text, json: json!(found), exit: Exit::Clean })
    }

    pub(super) async fn answer_request(
        &self,
        id: &str,
        verdict: Verdict,
        reason: &str,
    ) -> Result<Told, Trouble> {
        said(reason)?;
        let id: ApprovalId = id.parse().map_err(|error| Trouble::usage(format!("{error}")))?;
        let now = self.clock.now();
        refused(&self.request(id).await?, verdict, now)?;
        let mut answered = None;
        self.change(&mut |view: &LedgerView| {
            let waiting = view.approval(id).filter(|one| refused(one, verdict, now).is_ok());
            answered = waiting.cloned();
            let reason = reason.trim().to_owned();
            let event = Event::ApprovalDecided { approval: id, verdict, reason };
            if answered.is_some() { vec![event] } else { Vec::new() }
        })
        .await?;
        let Some(found) = answered else {
            // Somebody else was faster.
            refused(&self.request(id).await?, verdict, now)?;
            return Err(Trouble::incomplete(format!("{id} has changed just now; try again")));
        };
        Ok(self.answer_told(&found, verdict, reason))
    }

    async fn request(&self, id: ApprovalId) -> Result<Approval, Trouble> {
        let store = self.store(Access::ReadOnly).await?;
        let found = saved_plan::one(&store, id).await;
        store.close().await?;
        found.map_err(|(message, exit)| Trouble { message, exit })
    }

    fn answer_told(&self, found: &Approval, verdict: Verdict, reason: &str) -> Told {
        let (id, proposal) = (found.id, &found.ask.proposal);
        let agent = &proposal.key.agent;
        let at_once = match verdict {
            Verdict::Granted => Some(format!("{agent} --apply {id}")),
            Verdict::Denied => None,
        };
        let mut page = Page::new(self.style);
        page.paragraph(&match &at_once {
            Some(command) => format!(
                "{id} is granted: {}, once, until {}. The next run of {agent} does it, inside the gate and only if \
                 nothing has changed; at once: `{command}`.",
                proposal.operation,
                full(found.expires_at)
            ),
            None => format!(
                "{id} is denied: {} is not done, and not asked again while the finding stays as it is.",
                proposal.operation
            ),
        });
        let json = json!(Answered {
            approval: id,
            verdict,
            agent: agent.clone(),
            operation: proposal.operation.to_string(),
            digest: found.digest.clone(),
            expires_at: found.expires_at,
            reason: reason.trim().to_owned(),
            at_once,
        });
        Told { text: page.into_text(), json, exit: Exit::Clean }
    }
}

/// Refuses an answer that comes too late, or twice. What was granted and not used yet can still be denied.
fn refused(found: &Approval, verdict: Verdict, now: jiff::Timestamp) -> Result<(), Trouble> {
    let revoked = verdict == Verdict::Denied && found.state == ApprovalState::Granted;
    match found.answered(now) {
        None => Ok(()),
        Some(_) if revoked && found.is_open(now) => Ok(()),
        Some(why) => {
            let message = format!("{} cannot be {} any more: {why}", found.id, verdict.as_str());
            Err(Trouble { message, exit: Exit::Refused })
        }
    }
}
