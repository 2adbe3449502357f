//! The second pass: looking again at what was acted on, by this run or an earlier one.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use super::progress::Progress;
use super::run::{Engine, RESERVE, tried};
use super::tape::{Pass, Target};
use crate::agent::{Agent, Scope};
use crate::domain::diagnosis::{Diagnosis, Symptom};
use crate::domain::event::{Event, RemediationOutcome};
use crate::domain::incident::{Remediation, RemediationId, RemediationState};
use crate::domain::ledger::LedgerView;
use crate::domain::operation::TargetState;
use crate::domain::proof::{Proof, prove_by};
use crate::domain::run::Recall;
use crate::domain::sight::Sight;
use crate::domain::spec::Spec;
use crate::domain::subject::Key;
use crate::ports::sensors::Sensors;
use crate::ports::store::StoreError;

impl Engine {
    /// Proves what can be proved now, and merges what that shows.
    pub(super) async fn second_pass<A: Agent>(
        &self,
        agent: &A,
        recall: &Recall,
        first: &Diagnosis<Symptom>,
        progress: &mut Progress,
    ) {
        let spec = &A::SPEC;
        let Some(open) = self.open_remediations(spec, progress).await else { return };
        let acted_on: BTreeSet<Key> = open.iter().map(|found| found.key.clone()).collect();
        // A chore that failed at once has nothing to prove, and is an incident from now on.
        let failed = progress.failed_chores();
        if acted_on.is_empty() && failed.is_empty() {
            return;
        }
        // What a fixed cause explained is looked at too: it must be well now for a reason of its own.
        let wanted: BTreeSet<Key> = acted_on
            .iter()
            .cloned()
            .chain(progress.explained_by(&acted_on))
            .chain(failed)
            .collect();
        let scope = Scope::Proof(wanted.clone());
        let snapshot = agent.observe(&self.eyes_for_proof(), &scope, recall).await;
        let targets = self.targets(&open).await;
        let now = self.clock.now();
        let plain = agent.detect(&snapshot, recall, now).plain();
        let gone = first.gone(&acted_on);
        let proofs: Vec<(RemediationId, Proof)> = targets
            .iter()
            .map(|target| {
                let found = &target.remediation;
                (found.id, prove_by(spec, found, &plain, &gone, &target.after, now))
            })
            .collect();
        self.record_proofs(spec, &targets, &proofs, progress).await;
        progress.looked_again(&plain, &wanted, &self.setting.policy.disabled_checks);
        let (before_merge, merged) = self.merged(spec, &plain, now, progress).await;
        self.recording.with(|tape| {
            tape.passes.push(Pass {
                now,
                snapshot: super::tape::bounded(&snapshot),
                targets,
                proofs,
                before_merge,
                merged,
                before_plan: None,
                plan: None,
            });
        });
    }

    /// The eyes for a proof: they may look longer than those of the first pass.
    pub(super) fn eyes_for_proof(&self) -> Sensors {
        Sensors { deadline: self.until(2 * RESERVE), ..self.sensors.clone() }
    }

    /// The open remediations whose time of proof has come, after waiting for it where that fits.
    pub(super) async fn due_for_proof(
        &self,
        spec: &Spec,
        view: &LedgerView,
    ) -> BTreeSet<RemediationId> {
        let now = self.clock.now();
        let fits = now.checked_add(self.time_left()).unwrap_or(now);
        let ready_at = |found: &Remediation| self.ready_at(spec, found, now);
        let due: Vec<_> =
            view.open_of(&spec.name).filter(|found| ready_at(found) <= fits).collect();
        let last = due.iter().map(|found| ready_at(found)).max().unwrap_or(now);
        if last > now {
            let wait = Duration::try_from(last.duration_since(now)).unwrap_or_default();
            // One millisecond more, so that the first look is strictly newer.
            self.clock.sleep(wait + Duration::from_millis(1)).await;
        }
        due.into_iter().map(|found| found.id).collect()
    }

    /// When a remediation may be proved: when its target has settled. One without an answer may have been sent as late
    /// as when its run died, which is not known; it settles from its intent on.
    fn ready_at(&self, spec: &Spec, found: &Remediation, now: Timestamp) -> Timestamp {
        if found.sent_at() > now {
            // Recorded before the clock was set back, so it lies behind.
            return now;
        }
        let settle = self.settle_of(spec, &found.key.check);
        found.verify_at.or_else(|| found.intended_at.checked_add(settle).ok()).unwrap_or(now)
    }

    async fn open_remediations(
        &self,
        spec: &Spec,
        progress: &mut Progress,
    ) -> Option<Vec<Remediation>> {
        let view = self.read_view(spec, progress).await?;
        if view.open_of(&spec.name).next().is_none() {
            return Some(Vec::new());
        }
        let due = self.due_for_proof(spec, &view).await;
        for found in view.open_of(&spec.name).filter(|found| !due.contains(&found.id)) {
            progress.pending(found);
        }
        Some(view.remediations.into_iter().filter(|found| due.contains(&found.id)).collect())
    }

    async fn read_view(&self, spec: &Spec, progress: &mut Progress) -> Option<LedgerView> {
        let store = self.store().ok()?;
        let read = store.view(self.scope(spec, self.clock.now())).await;
        tried(progress, read)
    }

    async fn targets(&self, open: &[Remediation]) -> Vec<Target> {
        let mut seen: BTreeMap<_, Sight<TargetState>> = BTreeMap::new();
        let mut targets = Vec::with_capacity(open.len());
        for remediation in open {
            let operation = &remediation.operation;
            if !seen.contains_key(operation) {
                seen.insert(operation.clone(), self.read_target(operation).await);
            }
            if let Some(after) = seen.get(operation) {
                targets.push(Target { remediation: remediation.clone(), after: after.clone() });
            }
        }
        targets
    }

    /// Writes down what was proved: all of it at once, as all of it was seen at once.
    async fn record_proofs(
        &self,
        spec: &Spec,
        targets: &[Target],
        proofs: &[(RemediationId, Proof)],
        progress: &mut Progress,
    ) {
        let mut events = Vec::new();
        for (target, (_, proof)) in targets.iter().zip(proofs) {
            progress.proved(&target.remediation, proof, target.after.as_ref().ok());
            events.extend(self.proof_event(target, proof));
        }
        let recorded = self.record_all(spec, events.clone()).await;
        if matches!(recorded, Err(StoreError::Illegal(_))) {
            // One of them was settled by somebody else meanwhile; that is no reason to lose the others.
            for event in events {
                let recorded = self.record_all(spec, vec![event]).await;
                tried(progress, recorded);
            }
        } else {
            tried(progress, recorded);
        }
    }

    /// An answer ends a remediation; a doubt is recorded once and leaves it open for the next run.
    fn proof_event(&self, target: &Target, proof: &Proof) -> Option<Event> {
        let found = &target.remediation;
        let own = found.run == self.run && found.state == RemediationState::Verifying;
        let after = target.after.clone().ok();
        let (remediation, incident, outcome) = (found.id, found.incident, proof.outcome);
        let observed = proof.observed.clone();
        match outcome {
            RemediationOutcome::Withdrawn => None,
            RemediationOutcome::Unknown if found.state == RemediationState::Unknown => None,
            RemediationOutcome::Verified | RemediationOutcome::Failed if !own => {
                Some(Event::RemediationSettled { remediation, outcome, observed, after })
            }
            RemediationOutcome::Unknown
            | RemediationOutcome::Verified
            | RemediationOutcome::Failed => Some(Event::RemediationCompleted {
                remediation,
                incident,
                outcome,
                observed,
                after,
            }),
        }
    }
}
