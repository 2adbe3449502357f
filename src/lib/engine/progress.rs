//! What a run has seen and done so far: the source of its row, its rulings and its report.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::judge::faulty;
use crate::domain::diagnosis::{Diagnosis, Finding, Standing, Symptom, Verdict};
use crate::domain::event::{Event, RemediationOutcome};
use crate::domain::incident::{Incident, IncidentId, Remediation, RemediationId, RunId};
use crate::domain::moment;
use crate::domain::operation::TargetState;
use crate::domain::plan::{Action, Plan};
use crate::domain::proof::Proof;
use crate::domain::report::{Attempt, Change, OpenIncident, Report, exit_class};
use crate::domain::run::{AgentRun, Decision, Ruling, RunState, Trigger};
use crate::domain::severity::Severity;
use crate::domain::spec::Spec;
use crate::domain::subject::{CheckId, Key};
use crate::ports::store::{Note, StoreError};

/// The course of one run.
pub(super) struct Progress {
    spec: Spec,
    run: RunId,
    trigger: Trigger,
    owner: String,
    started_at: Timestamp,
    ledger_works: bool,
    troubles: Vec<String>,
    plan: Plan,
    rulings: BTreeMap<Key, Ruling>,
    unproven: BTreeMap<Key, Symptom>,
    unknown: BTreeMap<CheckId, BTreeMap<String, String>>,
    seen: Vec<CheckId>,
    samples: Vec<crate::domain::diagnosis::Sample>,
    changes: Vec<(IncidentId, Change)>,
    attempts: BTreeMap<RemediationId, Attempt>,
    counts: BTreeMap<String, u64>,
}

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
            counts: counts.into_iter().map(zero).collect(),
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
            let unknown =
                |finding: &Finding<Symptom>| matches!(finding.verdict, Verdict::Unknown { .. });
            if !of_check.findings.values().any(unknown) {
                self.seen.push(check.clone());
            }
            self.count("population", of_check.findings.len());
            for (subject, finding) in &of_check.findings {
                if let Verdict::Unknown { why } = &finding.verdict {
                    self.count("unknown", 1);
                    let of = self.unknown.entry(check.clone()).or_default();
                    of.insert(subject.short(), why.clone());
                }
            }
        }
        self.samples.clone_from(&diagnosis.samples);
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
        self.ruled(&action.key, ruling);
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
                Event::RecoveryAttempted { .. }
                | Event::RemediationActed { .. }
                | Event::RemediationCompleted { .. }
                | Event::RemediationSettled { .. }
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

    /// The second pass: what it saw well is proven now, and nothing else.
    pub(super) fn looked_again(&mut self, diagnosis: &Diagnosis<Symptom>) {
        let ill = faulty(&self.spec.name, diagnosis);
        self.unproven.retain(|key, _| {
            let standing = diagnosis.standing(&key.check, &key.subject);
            !matches!(standing, Standing::Healthy(_))
        });
        self.unproven.extend(ill);
    }

    /// The run's row as it stands.
    pub(super) fn row(&self, host: &str) -> AgentRun {
        AgentRun {
            id: self.run.clone(),
            agent: self.spec.name.clone(),
            trigger: self.trigger,
            scope: host.to_owned(),
            epoch: 0,
            slot: None,
            attempt: 1,
            token: None,
            owner: self.owner.clone(),
            lease_until: None,
            started_at: self.started_at,
            ended_at: None,
            late_ms: None,
            exit: None,
            usage: BTreeMap::new(),
            counts: self.counts.clone(),
            unknown: BTreeMap::new(),
            state: RunState::Running,
        }
    }

    /// Checks of severity warning or above that ended unknown.
    fn unknown_that_counts(&self) -> BTreeMap<String, String> {
        let counts = |check: &CheckId| {
            self.spec.check(check).is_some_and(|spec| spec.worst >= Severity::Warning)
        };
        let text = |of: &BTreeMap<String, String>| {
            let mut parts: Vec<String> =
                of.iter().take(3).map(|(subject, why)| format!("{subject}: {why}")).collect();
            if of.len() > 3 {
                parts.push(format!("and {} more", of.len() - 3));
            }
            parts.join("; ")
        };
        self.unknown
            .iter()
            .filter(|(check, _)| counts(check))
            .map(|(check, of)| (check.to_string(), text(of)))
            .collect()
    }

    /// Whether the run did or found anything worth an event.
    pub(super) fn is_eventful(&self) -> bool {
        !self.changes.is_empty() || !self.attempts.is_empty()
    }

    /// Whether its tape is to be kept longer.
    pub(super) fn keeps_tape(&self) -> bool {
        let opened = self.changes.iter().any(|(_, change)| matches!(change, Change::Opened { .. }));
        opened || self.counts.get("acted").is_some_and(|acted| *acted > 0)
    }

    /// Operational rows that the run leaves.
    pub(super) fn notes(&self, now: Timestamp) -> Vec<Note> {
        let keep = |series: &str| {
            self.spec.series.iter().find(|(name, _)| *name == series).map_or(1, |(_, keep)| *keep)
        };
        let seen = Note::Seen { agent: self.spec.name.clone(), checks: self.seen.clone(), at: now };
        let samples = self.samples.iter().map(|sample| Note::Sample {
            agent: self.spec.name.clone(),
            keep: keep(&sample.series),
            sample: sample.clone(),
        });
        let decisions = self.rulings.iter().map(|(key, ruling)| {
            Note::Decision(Box::new(Decision {
                key: key.clone(),
                run: self.run.clone(),
                at: now,
                ruling: ruling.clone(),
            }))
        });
        std::iter::once(seen).chain(samples).chain(decisions).collect()
    }

    /// What a dry run would open: it stands in no ledger, and counts all the same.
    fn would_open<'a>(&'a self, open: &'a [OpenIncident]) -> impl Iterator<Item = Severity> + 'a {
        let ended = |id: IncidentId| {
            let of = self.changes.iter().filter(move |(other, _)| *other == id);
            of.into_iter().any(|(_, change)| matches!(change, Change::Resolved { .. }))
        };
        self.changes.iter().filter_map(move |(id, change)| match change {
            Change::Opened { severity, .. }
                if !ended(*id) && open.iter().all(|known| known.id != *id) =>
            {
                Some(*severity)
            }
            _ => None,
        })
    }

    /// The report.
    pub(super) fn report(self, ended_at: Timestamp, open: &[Incident]) -> Report {
        let open: Vec<OpenIncident> = open
            .iter()
            .map(|incident| OpenIncident {
                id: incident.id,
                key: incident.key.clone(),
                status: incident.status().to_owned(),
                severity: incident.severity,
                message: incident.message.clone(),
            })
            .collect();
        let unknown = self.unknown_that_counts();
        let unproven = self.unproven.values().map(|symptom| symptom.severity);
        let unproven = unproven.chain(self.would_open(&open));
        let exit = exit_class(&open, unproven, &unknown, &self.troubles);
        Report {
            run: self.run,
            agent: self.spec.name,
            started_at: self.started_at,
            ended_at,
            plan: self.plan,
            attempts: self.attempts.into_values().collect(),
            changes: self.changes,
            open,
            unknown,
            counts: self.counts,
            troubles: self.troubles,
            tape: None,
            exit,
        }
    }
}
