//! What a run has seen and done so far: the source of its row, its rulings and its report.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::judge::faulty;
use crate::domain::diagnosis::{CheckFindings, Coverage, Diagnosis, Standing, Symptom, Verdict};
use crate::domain::event::{Event, RemediationOutcome};
use crate::domain::incident::{IncidentId, Remediation, RemediationId, RunId};
use crate::domain::moment;
use crate::domain::operation::TargetState;
use crate::domain::plan::{Action, Plan};
use crate::domain::platform::Population;
use crate::domain::proof::Proof;
use crate::domain::report::{Attempt, Change, NotApplied, NotSent};
use crate::domain::run::{Claim, Ruling, Trigger};
use crate::domain::spec::{CheckClass, Spec};
use crate::domain::subject::{CheckId, Key};
use crate::ports::store::StoreError;

/// How many subjects a check asked about: those of each census, and those of the findings where there is none.
fn population_of(of_check: &CheckFindings<Symptom>) -> usize {
    let counted: u64 = of_check.census.values().map(|census| census.seen).sum();
    usize::try_from(counted).unwrap_or(usize::MAX).max(of_check.findings.len())
}

/// The course of one run.
pub(super) struct Progress {
    pub(super) spec: Spec,
    pub(super) run: RunId,
    pub(super) trigger: Trigger,
    pub(super) claim: Option<Claim>,
    pub(super) owner: String,
    pub(super) started_at: Timestamp,
    pub(super) ledger_works: bool,
    pub(super) troubles: Vec<String>,
    pub(super) plan: Plan,
    pub(super) rulings: BTreeMap<Key, Ruling>,
    pub(super) unproven: BTreeMap<Key, Symptom>,
    pub(super) unknown: BTreeMap<CheckId, BTreeMap<String, String>>,
    pub(super) seen: Vec<CheckId>,
    pub(super) samples: Vec<crate::domain::diagnosis::Sample>,
    pub(super) changes: Vec<(IncidentId, Change)>,
    pub(super) attempts: BTreeMap<RemediationId, Attempt>,
    pub(super) not_sent: Vec<NotSent>,
    pub(super) applies: bool,
    pub(super) not_applied: Vec<NotApplied>,
    pub(super) counts: BTreeMap<String, u64>,
    pub(super) populations: Vec<Population>,
    pub(super) partial: BTreeMap<String, String>,
}

/// The state of an attempt that failed.
const FAILED: &str = RemediationOutcome::Failed.state().as_str();

impl Progress {
    pub(super) fn new(
        spec: &Spec,
        run: RunId,
        trigger: Trigger,
        owner: &str,
        started_at: Timestamp,
    ) -> Self {
        let zero = |name: &str| (name.to_owned(), 0);
        let counts = [
            "detected",
            "acted",
            "verified",
            "failed",
            "cleared",
            "deferred",
            "refused",
            "unknown",
            "population",
        ];
        Self {
            spec: spec.clone(),
            run,
            trigger,
            claim: None,
            owner: owner.to_owned(),
            started_at,
            ledger_works: true,
            troubles: Vec::new(),
            plan: Plan::default(),
            rulings: BTreeMap::new(),
            unproven: BTreeMap::new(),
            unknown: BTreeMap::new(),
            seen: Vec::new(),
            samples: Vec::new(),
            changes: Vec::new(),
            attempts: BTreeMap::new(),
            not_sent: Vec::new(),
            applies: false,
            not_applied: Vec::new(),
            counts: counts.into_iter().map(zero).collect(),
            populations: Vec::new(),
            partial: BTreeMap::new(),
        }
    }

    fn count(&mut self, name: &str, by: usize) {
        let by = u64::try_from(by).unwrap_or(u64::MAX);
        *self.counts.entry(name.to_owned()).or_default() += by;
    }

    pub(super) fn trouble(&mut self, what: String) {
        if !self.troubles.contains(&what) {
            self.troubles.push(what);
        }
    }

    pub(super) fn ledger_failed(&mut self, error: &StoreError) {
        self.ledger_works = false;
        self.trouble(error.to_string());
    }

    pub(super) const fn ledger_works(&self) -> bool {
        self.ledger_works
    }

    /// The first pass: everything that was looked at. A check that is switched off says nothing.
    pub(super) fn saw(&mut self, whole: &Diagnosis<Symptom>, disabled: &BTreeSet<String>) {
        let mut enabled = whole.clone();
        enabled.checks.retain(|check, _| !disabled.contains(check.as_str()));
        let diagnosis = &enabled;
        self.unproven = faulty(&self.spec.name, diagnosis);
        self.count("detected", self.unproven.len());
        for (check, of_check) in &diagnosis.checks {
            let unknown = |verdict: &Verdict<Symptom>| matches!(verdict, Verdict::Unknown { .. });
            if !of_check.findings.values().any(unknown) {
                self.seen.push(check.clone());
            }
            self.count("population", population_of(of_check));
            if let Coverage::Partial { why } = &of_check.coverage {
                self.partial.insert(check.to_string(), why.clone());
            }
            for (subject, finding) in &of_check.findings {
                if let Verdict::Unknown { why } = finding {
                    self.count("unknown", 1);
                    let of = self.unknown.entry(check.clone()).or_default();
                    of.insert(subject.short(), why.clone());
                }
            }
        }
        // What could not be judged says more.
        self.partial.retain(|check, _| self.unknown.keys().all(|other| other.as_str() != check));
        self.samples.clone_from(&diagnosis.samples);
        for population in &diagnosis.populations {
            let name = format!("population.{}.{}", population.tenant, population.what);
            self.counts.insert(name, population.seen);
        }
        self.populations.clone_from(&diagnosis.populations);
    }

    /// Checks that gave an answer on every subject.
    pub(super) fn answered(&self) -> BTreeSet<CheckId> {
        self.seen.iter().cloned().collect()
    }

    pub(super) fn planned(&mut self, plan: &Plan) {
        for deferral in &plan.deferrals {
            self.ruled(&deferral.key, deferral.ruling.clone());
            if matches!(deferral.ruling, Ruling::Refused { .. }) {
                self.count("refused", 1);
            }
        }
        self.count("deferred", plan.deferrals.len());
        self.plan = plan.clone();
    }

    pub(super) fn ruled(&mut self, key: &Key, ruling: Ruling) {
        self.rulings.insert(key.clone(), ruling);
    }

    pub(super) fn not_sent(&mut self, action: &Action, ruling: Ruling) {
        tracing::warn!(subject.id = %action.key.subject, "{} was not sent: {}", action.operation, ruling.reason());
        self.count("refused", 1);
        if self.applies {
            self.not_applied.push(NotApplied {
                key: action.key.clone(),
                operation: action.operation.to_string(),
                why: ruling.reason(),
            });
        }
        self.not_sent.push(NotSent {
            incident: action.incident,
            key: action.key.clone(),
            operation: action.operation.to_string(),
            why: ruling.reason(),
        });
        self.ruled(&action.key, ruling);
    }

    /// The manager said no: an attempt that failed at once.
    pub(super) fn failed(
        &mut self,
        id: RemediationId,
        action: &Action,
        before: &TargetState,
        why: String,
    ) {
        tracing::warn!(remediation.id = %id, subject.id = %action.key.subject, "{}: {why}", action.operation);
        self.sent(id, action);
        self.count("failed", 1);
        let attempt = Attempt {
            remediation: id,
            key: action.key.clone(),
            operation: action.operation.to_string(),
            state: FAILED.to_owned(),
            observed: why,
            before: before.summary(),
            after: None,
            from_earlier_run: false,
        };
        self.attempts.insert(id, attempt);
    }

    /// The chores that were tried in this run, and failed without an effect that could be proved.
    pub(super) fn failed_chores(&self) -> BTreeSet<Key> {
        let is_chore = |key: &Key| {
            self.spec.check(&key.check).is_some_and(|check| check.class == CheckClass::Chore)
        };
        let failed = self.attempts.values().filter(|one| one.state == FAILED);
        failed.map(|one| &one.key).filter(|key| is_chore(key)).cloned().collect()
    }

    pub(super) fn sent(&mut self, id: RemediationId, action: &Action) {
        self.count("acted", 1);
        let acted = Ruling::Acted {
            operation: format!("{id}: {}", action.operation),
            doors: action.doors.clone(),
        };
        self.ruled(&action.key, acted);
    }

    pub(super) fn changed(&mut self, events: &[Event]) {
        for event in events {
            let change = match event {
                Event::IncidentOpened { incident, message, severity, .. } => {
                    (*incident, Change::Opened { message: message.clone(), severity: *severity })
                }
                Event::IncidentSeverityChanged { incident, from, to, .. } => {
                    (*incident, Change::Severity { from: *from, to: *to })
                }
                Event::IncidentFactsChanged { incident, message, .. } => {
                    (*incident, Change::Facts { message: message.clone() })
                }
                Event::Escalation { incident, reason, .. } => {
                    (*incident, Change::Escalated { reason: reason.clone() })
                }
                Event::IncidentResolved { incident, resolution, proof, remediation } => {
                    if remediation.is_none() {
                        self.count("cleared", 1);
                    }
                    let (resolution, proof) = (*resolution, proof.clone());
                    (*incident, Change::Resolved { resolution, proof })
                }
                Event::IncidentAcknowledged { .. }
                | Event::RecoveryAttempted { .. }
                | Event::RemediationActed { .. }
                | Event::RemediationCompleted { .. }
                | Event::RemediationSettled { .. }
                | Event::RemediationUndone { .. }
                | Event::ApprovalRequested { .. }
                | Event::ApprovalDecided { .. }
                | Event::ApprovalExpired { .. }
                | Event::ApprovalWithdrawn { .. }
                | Event::ControlChanged { .. }
                | Event::ControlPlaneDegraded { .. }
                | Event::LedgerImported { .. }
                | Event::TaskStarted { .. }
                | Event::TaskCompleted { .. } => continue,
            };
            tracing::info!(incident.id = %change.0, "{}: {}", change.0, change.1.sentence());
            self.changes.push(change);
        }
    }

    pub(super) fn pending(&mut self, found: &Remediation) {
        let why = match found.verify_at {
            Some(at) => {
                let at = moment::full(at);
                format!("its proof is due at {at}, after this run's end")
            }
            None => "its answer is not known yet".to_owned(),
        };
        self.attempted(found, found.state.as_str(), &why, None);
    }

    pub(super) fn proved(
        &mut self,
        found: &Remediation,
        proof: &Proof,
        after: Option<&TargetState>,
    ) {
        match proof.outcome {
            RemediationOutcome::Verified => self.count("verified", 1),
            RemediationOutcome::Failed => self.count("failed", 1),
            RemediationOutcome::Unknown | RemediationOutcome::Withdrawn => {}
        }
        tracing::info!(
            remediation.id = %found.id, subject.id = %found.key.subject,
            "{} {}: {}", found.id, proof.outcome.state().as_str(), proof.observed
        );
        self.attempted(found, proof.outcome.state().as_str(), &proof.observed, after);
    }

    fn attempted(
        &mut self,
        found: &Remediation,
        state: &str,
        observed: &str,
        after: Option<&TargetState>,
    ) {
        let attempt = Attempt {
            remediation: found.id,
            key: found.key.clone(),
            operation: found.operation.to_string(),
            state: state.to_owned(),
            observed: observed.to_owned(),
            before: found.before.summary(),
            after: after.map(TargetState::summary),
            from_earlier_run: found.run != self.run,
        };
        self.attempts.insert(found.id, attempt);
    }

    /// The findings that were left alone because one of `causes` explains them.
    pub(super) fn explained_by(&self, causes: &BTreeSet<Key>) -> Vec<Key> {
        let explained =
            |ruling: &Ruling| matches!(ruling, Ruling::Folded { into } if causes.contains(into));
        let folded = self.rulings.iter().filter(|(_, ruling)| explained(ruling));
        folded.map(|(key, _)| key.clone()).collect()
    }

    /// The second pass, which was taken of the `wanted` findings: what it saw well is proven now, and nothing else. A
    /// check that is switched off says nothing.
    pub(super) fn looked_again(
        &mut self,
        diagnosis: &Diagnosis<Symptom>,
        wanted: &BTreeSet<Key>,
        disabled: &BTreeSet<String>,
    ) {
        let enabled = |key: &Key| !disabled.contains(key.check.as_str());
        let mut ill = faulty(&self.spec.name, diagnosis);
        ill.retain(|key, _| enabled(key));
        self.unproven.retain(|key, _| {
            let standing = diagnosis.standing(&key.check, &key.subject);
            !matches!(standing, Standing::Healthy(_))
        });
        self.unproven.extend(ill);
        for key in wanted.iter().filter(|key| enabled(key)) {
            let of_check = self.unknown.entry(key.check.clone()).or_default();
            match diagnosis.standing(&key.check, &key.subject) {
                Standing::Unknown { why } => {
                    of_check.insert(key.subject.short(), why.to_owned());
                }
                Standing::Healthy(_)
                | Standing::Faulty(..)
                | Standing::Gone
                | Standing::Excused { .. } => {
                    of_check.remove(&key.subject.short());
                }
            }
        }
        self.unknown.retain(|_, of_check| !of_check.is_empty());
    }
}
