//! Asking people: requests are made, withdrawn and expire in one commit, before the plan that rests on them.

use jiff::Timestamp;

use super::judge::Judged;
use super::progress::Progress;
use super::run::{Engine, Mode, tried};
use crate::domain::approval::{Approval, Ask, expires_at};
use crate::domain::asking::{Asking, room};
use crate::domain::diagnosis::{Diagnosis, Standing, Symptom};
use crate::domain::event::{Event, NewEvent};
use crate::domain::gate::{GateInput, unasked};
use crate::domain::incident::ApprovalId;
use crate::domain::ledger::LedgerView;
use crate::domain::plan::{Action, Plan};
use crate::domain::proposal::Proposal;
use crate::domain::report::NotApplied;
use crate::domain::spec::Spec;
use crate::ports::store::{Batch, StoreError};

impl Engine {
    /// Records what is asked and what is not asked any more. Whether the ledger was changed.
    pub(super) async fn ask_people(
        &self,
        spec: &Spec,
        judged: &Judged,
        (view, now): (&LedgerView, Timestamp),
        progress: &mut Progress,
    ) -> bool {
        let idle = self.asking(spec, judged, view, now).events().is_empty();
        if idle || self.mode == Mode::Plan || !progress.ledger_works() {
            return false;
        }
        let committed = self.commit_requests(spec, judged, now).await;
        let changed = tried(progress, committed).is_some();
        if changed {
            self.publish(progress).await;
        }
        changed
    }

    fn asking<'a>(
        &'a self,
        spec: &'a Spec,
        judged: &'a Judged,
        view: &'a LedgerView,
        now: Timestamp,
    ) -> Asking<'a> {
        Asking {
            agent: &spec.name,
            view,
            wishes: &judged.wishes,
            asks: &judged.plan.asks,
            expiry: self.setting.policy.approval_expiry,
            applying: self.setting.applying.as_ref(),
            now,
        }
    }

    /// Decides once more under the write lock: a person may have answered just now.
    async fn commit_requests(
        &self,
        spec: &Spec,
        judged: &Judged,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut decide = |view: &LedgerView| {
            let events = self.asking(spec, judged, view, now).events().into_iter();
            let said = |event: Event| self.said(spec, now, event);
            Batch { events: events.map(said).collect(), notes: Vec::new() }
        };
        self.store()?.commit(self.scope(spec, now), &mut decide).await.map(drop)
    }

    /// An answer is the person's who applies something; everything else is the agent's.
    fn said(&self, spec: &Spec, now: Timestamp, event: Event) -> NewEvent {
        let new = self.new_event(spec, now, event);
        match (&new.event, &self.setting.applying) {
            (Event::ApprovalDecided { .. }, Some(applying)) => {
                NewEvent { actor: applying.by.clone(), ..new }
            }
            _ => new,
        }
    }

    /// The request for an act of which only its target told that a person must approve it.
    pub(super) fn late_request(&self, action: &Action, input: &GateInput<'_>) -> Option<Event> {
        if !unasked(input) || room(input.view, input.agent, input.now) == 0 {
            return None;
        }
        let not_undoable = input.not_undoable.map(str::to_owned);
        let expiry = self.setting.policy.approval_expiry;
        // Another request of the finding is withdrawn by the next run first.
        let open = |one: &Approval| one.state.is_open() && one.ask.proposal.key == *input.key;
        (!input.view.approvals.iter().any(open)).then(|| Event::ApprovalRequested {
            approval: ApprovalId(input.view.next_approval.max(1)),
            ask: Ask { not_undoable, ..action.ask() },
            expires_at: expires_at(input.now, expiry),
        })
    }

    /// Notes what of an applied plan is not carried out, and why.
    pub(super) fn not_applied(
        &self,
        plan: &Plan,
        diagnosis: &Diagnosis<Symptom>,
        progress: &mut Progress,
    ) {
        let Some(applying) = &self.setting.applying else { return };
        progress.applies = true;
        for wanted in applying.wanted.values() {
            if plan.actions.iter().any(|action| action.key == wanted.key) {
                continue;
            }
            progress.not_applied.push(NotApplied {
                key: wanted.key.clone(),
                operation: wanted.operation.to_string(),
                why: why_not(wanted, plan, diagnosis),
            });
        }
    }
}

/// Why something that was to be applied is not in the plan.
fn why_not(wanted: &Proposal, plan: &Plan, diagnosis: &Diagnosis<Symptom>) -> String {
    let key = &wanted.key;
    if let Some(left) = plan.deferrals.iter().find(|one| one.key == *key) {
        return left.ruling.reason();
    }
    match diagnosis.standing(&key.check, &key.subject) {
        Standing::Healthy(_) => "it is well now: the finding is gone".to_owned(),
        Standing::Gone => "it is no longer found: what it is about is gone".to_owned(),
        Standing::Excused { why } => format!("nothing is asked of it any more: {why}"),
        Standing::Unknown { why } => format!("it could not be seen again: {why}"),
        Standing::Faulty(..) => "it is found, and not planned".to_owned(),
    }
}
