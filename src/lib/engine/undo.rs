//! Taking an act back, because a person wants it: the recorded inverse, through the gate, with a guard of its own.
//!
//! What is taken back is held: the agent finds it again and leaves it alone until the hold is lifted or the finding is
//! another one. The hold stands in the ledger before anything is sent, so that no run can come in between.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::run::Engine;
use crate::domain::diagnosis::{Coverage, Origin};
use crate::domain::event::{Event, NewEvent, RemediationOutcome};
use crate::domain::gate::{DoorAnswer, GateInput, gate_undo, refusal};
use crate::domain::incident::{Remediation, RemediationId, RemediationState, control};
use crate::domain::ledger::LedgerView;
use crate::domain::operation::{Guard, Inverse, Operation, TargetState};
use crate::domain::platform::{Change, RowState};
use crate::domain::proof::{Proof, prove_undo};
use crate::domain::spec::{CheckClass, Spec};
use crate::ports::processes::ActFailure;
use crate::ports::store::{Batch, StoreError};

/// What a person wants taken back.
#[derive(Clone, Copy, Debug)]
pub struct UndoRequest<'a> {
    /// The agent whose act it was.
    pub spec: &'a Spec,
    /// The act.
    pub remediation: &'a Remediation,
    /// The facts of its finding.
    pub facts: &'a BTreeMap<String, String>,
    /// Who asks.
    pub actor: &'a str,
    /// Why.
    pub reason: &'a str,
}

/// What became of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undoing {
    /// It is taken back, and that was proved by looking.
    Done {
        /// The remediation that did it.
        by: RemediationId,
        /// What it changed.
        changes: Vec<Change>,
    },
    /// Nothing was sent.
    Refused {
        /// Why.
        why: String,
    },
    /// It was sent, and it did not take effect, or that is not known.
    NotProved {
        /// The remediation.
        by: RemediationId,
        /// How it ended.
        outcome: RemediationOutcome,
        /// What was seen.
        why: String,
    },
}

impl Engine {
    /// Takes one act back.
    ///
    /// # Errors
    ///
    /// The ledger cannot be read or written.
    pub async fn undo(&self, request: &UndoRequest<'_>) -> Result<Undoing, StoreError> {
        let refused = |why: String| Ok(Undoing::Refused { why });
        let operation = match takes_back(request.remediation) {
            Ok(operation) => operation,
            Err(why) => return refused(why),
        };
        let before = match self.untouched(request.remediation, &operation).await {
            Ok(before) => before,
            Err(why) => return refused(why),
        };
        let by = match self.intend_undo(request, &operation, &before).await? {
            Ok(by) => by,
            Err(doors) => {
                let text = refusal(&doors).map(|(door, why)| {
                    format!("refused at door {} ({}): {why}", door.number(), door.as_str())
                });
                return refused(text.unwrap_or_else(|| "refused".to_owned()));
            }
        };
        if let Err(why) = self.untouched(request.remediation, &operation).await {
            self.give_up(request, by, RemediationOutcome::Withdrawn, &why).await?;
            return refused(why);
        }
        self.send_undo(request, by, &operation, &before).await
    }

    async fn send_undo(
        &self,
        request: &UndoRequest<'_>,
        by: RemediationId,
        operation: &Operation,
        before: &RowState,
    ) -> Result<Undoing, StoreError> {
        let answer = match self.hands_of(operation) {
            Ok(hands) => hands.carry_out(operation, self.time_left()).await,
            Err(blind) => Err(ActFailure::NotSent(blind.why)),
        };
        match answer {
            Ok(result) => {
                let verify_at = self.clock.now();
                let acted = Event::RemediationActed { remediation: by, result, verify_at };
                self.tell(request, vec![acted]).await?;
            }
            Err(ActFailure::Refused(why)) => {
                let (outcome, why) = (RemediationOutcome::Failed, format!("it was refused: {why}"));
                self.give_up(request, by, outcome, &why).await?;
                return Ok(Undoing::NotProved { by, outcome, why });
            }
            Err(ActFailure::NotSent(why)) => {
                self.give_up(request, by, RemediationOutcome::Withdrawn, &why).await?;
                return Ok(Undoing::Refused { why });
            }
            Err(ActFailure::Unknown(why)) => {
                // Whether it was sent is found out by looking, like after any lost answer.
                tracing::warn!(remediation.id = %by, "the answer was lost: {why}");
            }
        }
        self.prove_undone(request, by, operation, before).await
    }

    /// Looks once more, and records what that shows.
    async fn prove_undone(
        &self,
        request: &UndoRequest<'_>,
        by: RemediationId,
        operation: &Operation,
        before: &RowState,
    ) -> Result<Undoing, StoreError> {
        let after = self.read_target(operation).await;
        let store = self.store()?;
        let sent = store.remediations(None, NEWEST).await?.into_iter().find(|one| one.id == by);
        let Some(sent) = sent else {
            return Err(StoreError::Read(format!("{by} cannot be found again")));
        };
        let Proof { outcome, observed } = prove_undo(&sent, &after, self.clock.now());
        let after = after.ok();
        let completed = Event::RemediationCompleted {
            remediation: by,
            incident: None,
            outcome,
            observed: observed.clone(),
            after: after.clone(),
        };
        let proved =
            outcome == RemediationOutcome::Verified && sent.state == RemediationState::Verifying;
        if !proved {
            let outcome = match outcome {
                RemediationOutcome::Verified => RemediationOutcome::Unknown,
                other => other,
            };
            if outcome == RemediationOutcome::Failed {
                self.give_up(request, by, outcome, &observed).await?;
            } else {
                let why = format!("{observed}; the next run of {} settles it", request.spec.name);
                self.tell(request, vec![unanswered(by, &why, after)]).await?;
            }
            return Ok(Undoing::NotProved { by, outcome, why: observed });
        }
        let changes = match &after {
            Some(TargetState::Row(after)) => before.changes(after),
            Some(TargetState::Process(_) | TargetState::Data(_) | TargetState::Missing) | None => {
                Vec::new()
            }
        };
        let undone = Event::RemediationUndone {
            remediation: request.remediation.id,
            by,
            reason: request.reason.to_owned(),
            changes: changes.clone(),
        };
        self.tell(request, vec![completed, undone]).await?;
        Ok(Undoing::Done { by, changes })
    }

    /// The target, where nobody has changed since what the act left.
    async fn untouched(&self, of: &Remediation, operation: &Operation) -> Result<RowState, String> {
        let now = match self.read_target(operation).await {
            Ok(TargetState::Row(state)) => state,
            Ok(TargetState::Missing) => return Err("the platform no longer has the row".to_owned()),
            Ok(TargetState::Process(_)) => {
                return Err("a process that was replaced cannot be brought back".to_owned());
            }
            Ok(TargetState::Data(_)) => {
                return Err("upkeep changes nothing that could be brought back".to_owned());
            }
            Err(blind) => return Err(format!("its target cannot be read: {blind}")),
        };
        let Some(TargetState::Row(left)) = &of.after else {
            return Err(format!("what {} left on its target was never seen", of.id));
        };
        let edited = |change: &&Change| !change.field.changes_by_itself(now.row.kind);
        match left.changes(&now).iter().find(edited) {
            None => Ok(now),
            Some(change) => Err(format!("somebody has changed it since: {change}")),
        }
    }

    async fn intend_undo(
        &self,
        request: &UndoRequest<'_>,
        operation: &Operation,
        before: &RowState,
    ) -> Result<Result<RemediationId, Vec<DoorAnswer>>, StoreError> {
        let now = self.clock.now();
        let of = request.remediation;
        // An undoing compares every field that people set with what the act left.
        let guard = Guard::SameRow { fields: BTreeMap::new() };
        let mut outcome = Err(Vec::new());
        let mut decide = |view: &LedgerView| {
            let doors = gate_undo(&GateInput {
                agent: &request.spec.name,
                key: &of.key,
                operation,
                guard: &guard,
                not_undoable: None,
                facts: request.facts,
                class: CheckClass::Incident,
                origin: Origin::Platform,
                coverage: &Coverage::Whole,
                census: None,
                dialect: self.setting.dialect,
                policy: &self.setting.policy,
                budgets: &self.setting.budgets,
                view,
                run_so_far: &[],
                unrecorded: 0,
                only_looks: None,
                seed: self.setting.seed,
                now,
            });
            if refusal(&doors).is_some() {
                outcome = Err(doors);
                return Batch::default();
            }
            let by = RemediationId(view.next_remediation);
            outcome = Ok(by);
            let before = TargetState::Row(before.clone());
            let intent = Event::RecoveryAttempted {
                remediation: by,
                incident: None,
                key: of.key.clone(),
                operation: operation.clone(),
                reason: format!("{} is taken back: {}", of.id, request.reason),
                attempt: 1,
                inverse: self.inverse(operation, &before),
                before,
                evidence: Vec::new(),
                undo_of: Some(of.id),
                approval: None,
            };
            let events = vec![intent, hold(request, true)];
            Batch { events: self.said_by(request, now, events), notes: Vec::new() }
        };
        self.store()?.commit(self.scope(request.spec, now), &mut decide).await?;
        Ok(outcome)
    }

    /// Ends an undoing that changed nothing, and lifts its hold.
    async fn give_up(
        &self,
        request: &UndoRequest<'_>,
        by: RemediationId,
        outcome: RemediationOutcome,
        why: &str,
    ) -> Result<(), StoreError> {
        let ended = Event::RemediationCompleted {
            remediation: by,
            incident: None,
            outcome,
            observed: why.to_owned(),
            after: None,
        };
        self.tell(request, vec![ended, hold(request, false)]).await
    }

    async fn tell(&self, request: &UndoRequest<'_>, events: Vec<Event>) -> Result<(), StoreError> {
        let now = self.clock.now();
        let events = self.said_by(request, now, events);
        self.store()?.record(Batch { events, notes: Vec::new() }).await.map(drop)
    }

    fn said_by(
        &self,
        request: &UndoRequest<'_>,
        at: Timestamp,
        events: Vec<Event>,
    ) -> Vec<NewEvent> {
        let said = |event| NewEvent {
            at,
            actor: request.actor.to_owned(),
            run: Some(self.run.clone()),
            event,
        };
        events.into_iter().map(said).collect()
    }
}

/// The undoing that was just intended is among so many.
const NEWEST: u32 = 100;

/// The operation that takes `of` back.
fn takes_back(of: &Remediation) -> Result<Operation, String> {
    if let Some(undone) = &of.undone {
        return Err(format!("{} took it back already", undone.by));
    }
    if of.undo_of.is_some() {
        return Err(
            "it is itself an undoing; the next run decides anew once its hold is lifted".to_owned()
        );
    }
    match of.state {
        RemediationState::Withdrawn => return Err("nothing was sent".to_owned()),
        RemediationState::Intended | RemediationState::Verifying | RemediationState::Unknown => {
            return Err(format!("it is {}: how it ended is not known yet", of.state.as_str()));
        }
        RemediationState::Verified | RemediationState::Failed => {}
    }
    match &of.inverse {
        Inverse::Exact(operation) => Ok(operation.clone()),
        Inverse::Approximate { why, .. } | Inverse::None { why } => {
            Err(format!("it cannot be undone: {why}"))
        }
    }
}

fn hold(request: &UndoRequest<'_>, on: bool) -> Event {
    let of = request.remediation;
    let reason = if on {
        format!("{} was undone: {}", of.id, request.reason)
    } else {
        format!("{} was not undone after all", of.id)
    };
    Event::ControlChanged {
        control: control::hold_of(&of.key),
        on,
        reason,
        expires_at: None,
        facts: request.facts.clone(),
    }
}

fn unanswered(by: RemediationId, why: &str, after: Option<TargetState>) -> Event {
    Event::RemediationCompleted {
        remediation: by,
        incident: None,
        outcome: RemediationOutcome::Unknown,
        observed: why.to_owned(),
        after,
    }
}
