//! The hands: one action, from the look at its target to the manager's answer.
//!
//! Read the target, ask the guard, keep what was seen, commit the intent, read again, ask the guard again, act,
//! commit the answer. Whatever dies in between leaves an intent that the next run settles by looking.

use std::time::Duration;

use jiff::Timestamp;

use super::hands::Hands;
use super::run::Engine;
use crate::domain::diagnosis::{Coverage, Origin};
use crate::domain::event::{Event, NewEvent, RemediationOutcome};
use crate::domain::gate::{Answer, Door, DoorAnswer, GateInput, gate_again, licence, refusal};
use crate::domain::incident::{ApprovalId, IncidentId, RemediationId};
use crate::domain::ledger::LedgerView;
use crate::domain::operation::{Inverse, Operation, TargetState};
use crate::domain::plan::Action;
use crate::domain::process::ProcessReading;
use crate::domain::run::Ruling;
use crate::domain::spec::{CheckClass, Spec};
use crate::domain::subject::CheckId;
use crate::ports::processes::ActFailure;
use crate::ports::store::{Batch, Scope, StoreError};

/// At most so much of a log is kept as evidence.
const LOG_TAIL_BYTES: usize = 32 * 1024;

/// What was known right before an act.
struct Before<'a> {
    state: &'a TargetState,
    inverse: Inverse,
    evidence: Vec<String>,
}

/// What became of one planned action.
pub(super) enum Performed {
    /// It was sent, or may have been: its proof is outstanding.
    Sent(RemediationId),
    /// The manager said no; nothing is to be proved.
    Failed { id: RemediationId, before: TargetState, why: String },
    /// It was not sent, for this reason.
    NotSent(Ruling),
    /// The ledger failed; nothing more may be done in this run.
    LedgerFailed(StoreError),
}

impl Engine {
    /// Carries out one action of the plan.
    pub(super) async fn perform(
        &self,
        spec: &Spec,
        action: &Action,
        done: &[Operation],
    ) -> Performed {
        let hands = match self.hands_of(&action.operation) {
            Ok(hands) => hands,
            Err(blind) => return not_sent(action, format!("nobody can carry it out: {blind}")),
        };
        let before = match self.read_target(&action.operation).await {
            Ok(before) => before,
            Err(blind) => return not_sent(action, format!("its target cannot be read: {blind}")),
        };
        if let Err(why) = self.permitted(&action.operation) {
            return refused_at(action, Door::Supported, why);
        }
        if let Err(why) = action.guard.holds(&before) {
            return not_sent(action, why);
        }
        let inverse = self.inverse(&action.operation, &before);
        let evidence = self.keep_evidence(action.incident, &hands, &before).await;
        let last = Before { state: &before, inverse, evidence };
        let id = match self.intend(spec, action, done, last).await {
            Ok(Ok(id)) => id,
            Ok(Err(doors)) => return Performed::NotSent(Ruling::Refused { doors }),
            Err(error) => return Performed::LedgerFailed(error),
        };
        let again = match self.read_target(&action.operation).await {
            Ok(state) => action.guard.holds(&state),
            Err(blind) => Err(format!("its target cannot be read: {blind}")),
        };
        if let Err(why) = again {
            return self.withdraw(spec, action, id, why).await;
        }
        self.act(spec, action, &hands, id, before).await
    }

    async fn act(
        &self,
        spec: &Spec,
        action: &Action,
        hands: &Hands,
        id: RemediationId,
        before: TargetState,
    ) -> Performed {
        tracing::info!(
            remediation.id = %id, subject.id = %action.key.subject,
            "{}: {}", action.operation, action.why
        );
        let answer = hands.carry_out(&action.operation, self.time_left()).await;
        let recorded = match answer {
            Ok(result) => self.record_act(spec, action, id, result).await,
            Err(ActFailure::Refused(why)) => {
                let why = format!("{} refused: {why}", hands.who());
                let noted = self.complete(spec, id, action, RemediationOutcome::Failed, &why).await;
                return match noted {
                    Ok(()) => Performed::Failed { id, before, why },
                    Err(error) => Performed::LedgerFailed(error),
                };
            }
            Err(ActFailure::NotSent(why)) => return self.withdraw(spec, action, id, why).await,
            Err(ActFailure::Unknown(why)) => {
                let why = format!("the answer of {} was lost: {why}", hands.who());
                self.complete(spec, id, action, RemediationOutcome::Unknown, &why).await
            }
        };
        match recorded {
            Ok(()) => Performed::Sent(id),
            Err(error) => Performed::LedgerFailed(error),
        }
    }

    /// Gives an attempt back that did not come to anything: it is no evidence about the remedy.
    async fn withdraw(
        &self,
        spec: &Spec,
        action: &Action,
        id: RemediationId,
        why: String,
    ) -> Performed {
        match self.complete(spec, id, action, RemediationOutcome::Withdrawn, &why).await {
            Ok(()) => not_sent(action, why),
            Err(error) => Performed::LedgerFailed(error),
        }
    }

    async fn record_act(
        &self,
        spec: &Spec,
        action: &Action,
        id: RemediationId,
        result: String,
    ) -> Result<(), StoreError> {
        let settle = self.settle_of(spec, &action.key.check);
        let at = self.clock.now();
        let verify_at = at.checked_add(settle).unwrap_or(at);
        self.record(spec, Event::RemediationActed { remediation: id, result, verify_at }).await
    }

    /// How long a subject of `check` is left alone after an act.
    pub(super) fn settle_of(&self, spec: &Spec, check: &CheckId) -> Duration {
        let own = spec.check(check).map_or(Duration::ZERO, |check| check.settle);
        self.setting.policy.settle.map_or(own, crate::domain::duration::HumanDuration::get)
    }

    /// The committed intent's id, or the doors that refused under the write lock. Where a person's word is all that is
    /// missing, it is asked for in the same commit: only the target itself may have told that it is needed.
    async fn intend(
        &self,
        spec: &Spec,
        action: &Action,
        done: &[Operation],
        last: Before<'_>,
    ) -> Result<Result<RemediationId, Vec<DoorAnswer>>, StoreError> {
        let now = self.clock.now();
        let not_undoable = last.inverse.falls_short();
        let mut outcome: Result<RemediationId, Vec<DoorAnswer>> = Err(Vec::new());
        let mut decide = |view: &LedgerView| {
            let input = self.input_again(spec, action, done, not_undoable, view, now);
            let doors = gate_again(&input);
            let event = if refusal(&doors).is_some() {
                outcome = Err(doors);
                self.late_request(action, &input)
            } else {
                let id = RemediationId(view.next_remediation);
                outcome = Ok(id);
                Some(intent(id, action, &last, licence(&input)))
            };
            let events = event.into_iter().map(|event| self.new_event(spec, now, event));
            Batch { events: events.collect(), notes: Vec::new() }
        };
        let scope = Scope { about: Some(action.key.clone()), ..self.scope(spec, now) };
        self.store()?.commit(scope, &mut decide).await?;
        Ok(outcome)
    }

    fn input_again<'a>(
        &'a self,
        spec: &'a Spec,
        action: &'a Action,
        done: &'a [Operation],
        not_undoable: Option<&'a str>,
        view: &'a LedgerView,
        now: Timestamp,
    ) -> GateInput<'a> {
        GateInput {
            agent: &spec.name,
            key: &action.key,
            operation: &action.operation,
            guard: &action.guard,
            not_undoable,
            facts: &action.facts,
            class: spec.check(&action.key.check).map_or(CheckClass::Incident, |one| one.class),
            origin: Origin::Manager,
            coverage: &Coverage::Whole,
            census: None,
            dialect: self.setting.dialect,
            policy: &self.setting.policy,
            budgets: &self.setting.budgets,
            view,
            run_so_far: done,
            // The ledger holds what this run has sent.
            unrecorded: 0,
            only_looks: self.setting.only_looks.as_deref(),
            seed: self.setting.seed,
            now,
        }
    }

    async fn complete(
        &self,
        spec: &Spec,
        id: RemediationId,
        action: &Action,
        outcome: RemediationOutcome,
        observed: &str,
    ) -> Result<(), StoreError> {
        let event = Event::RemediationCompleted {
            remediation: id,
            incident: action.incident,
            outcome,
            observed: observed.to_owned(),
            after: None,
        };
        self.record(spec, event).await
    }

    /// Appends one event.
    pub(super) async fn record(&self, spec: &Spec, event: Event) -> Result<(), StoreError> {
        self.record_all(spec, vec![event]).await
    }

    /// Appends events, all or none of them.
    pub(super) async fn record_all(
        &self,
        spec: &Spec,
        events: Vec<Event>,
    ) -> Result<(), StoreError> {
        if events.is_empty() {
            return Ok(());
        }
        let now = self.clock.now();
        let events = events.into_iter().map(|event| self.new_event(spec, now, event)).collect();
        self.store()?.record(Batch { events, notes: Vec::new() }).await.map(drop)
    }

    /// An event of this run.
    pub(super) fn new_event(&self, spec: &Spec, at: jiff::Timestamp, event: Event) -> NewEvent {
        NewEvent { at, actor: format!("agent:{}", spec.name), run: Some(self.run.clone()), event }
    }

    /// What takes `operation` back.
    pub(super) fn inverse(&self, operation: &Operation, before: &TargetState) -> Inverse {
        operation.inverse(before, self.setting.dialect.unwrap_or_default())
    }

    /// Keeps the log's tail and the last status. What cannot be kept does not stop a repair.
    async fn keep_evidence(
        &self,
        incident: Option<IncidentId>,
        hands: &Hands,
        before: &TargetState,
    ) -> Vec<String> {
        let (Some(incident), Hands::Manager(manager), TargetState::Process(reading)) =
            (incident, hands, before)
        else {
            return Vec::new();
        };
        let tail = match manager.eyes.log_tail(reading, LOG_TAIL_BYTES).await {
            Ok(text) => text,
            Err(blind) => format!("(no log could be read: {blind})\n"),
        };
        let text = format!("{}\n--- latest output ---\n{tail}", status_lines(reading));
        match self.hands.evidence.keep(incident, &reading.process.to_string(), &text).await {
            Ok(path) => vec![path],
            Err(why) => {
                tracing::warn!(incident.id = %incident, "failed to keep evidence: {why}");
                Vec::new()
            }
        }
    }
}

fn intent(
    remediation: RemediationId,
    action: &Action,
    last: &Before<'_>,
    approval: Option<ApprovalId>,
) -> Event {
    Event::RecoveryAttempted {
        remediation,
        incident: action.incident,
        key: action.key.clone(),
        operation: action.operation.clone(),
        reason: action.why.clone(),
        attempt: action.attempt,
        before: last.state.clone(),
        inverse: last.inverse.clone(),
        evidence: last.evidence.clone(),
        undo_of: None,
        approval,
    }
}

fn not_sent(action: &Action, why: String) -> Performed {
    refused_at(action, Door::Guard, why)
}

fn refused_at(action: &Action, door: Door, why: String) -> Performed {
    let mut doors = action.doors.clone();
    doors.push(DoorAnswer { door, answer: Answer::Refused(why) });
    Performed::NotSent(Ruling::Refused { doors })
}

fn status_lines(reading: &ProcessReading) -> String {
    let or_unknown = |value: Option<String>| value.unwrap_or_else(|| "unknown".to_owned());
    format!(
        "process: {}\nstatus: {}\nidentity: {}\nstarted: {}\nrestarts: {}\nlast exit: {}\nmemory: {} of {} bytes",
        reading.process,
        reading.status.as_str(),
        or_unknown(reading.identity.clone()),
        or_unknown(reading.started_at.map(|at| at.to_string())),
        or_unknown(reading.restarts.map(|count| count.to_string())),
        or_unknown(reading.last_exit.clone()),
        or_unknown(reading.memory_bytes.map(|bytes| bytes.to_string())),
        or_unknown(reading.memory_limit_bytes.map(|bytes| bytes.to_string())),
    )
}
