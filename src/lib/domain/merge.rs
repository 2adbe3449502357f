//! From findings to the life of incidents: raise, change, resolve, escalate.
//!
//! Pure. Only evidence ends an incident: what was not seen, was not looked at, or waits for the answer of a
//! remediation stays as it is. One agent's merge reads and writes its own keys alone, so merges of different
//! agents commute.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::cause::Causes;
use super::diagnosis::{Diagnosis, Evidence, Standing, Symptom, Verdict};
use super::event::Event;
use super::incident::{Incident, IncidentId, Resolution};
use super::ledger::LedgerView;
use super::moment;
use super::policy::Policy;
use super::run::Streak;
use super::severity::{Environment, Priority};
use super::spec::{CheckClass, CheckSpec, Spec};
use super::subject::{CheckId, Key, Subject};

mod chore;
mod escalate;

/// In so many whole listings in a row a subject must be absent before its incident is closed.
const GONE_RUNS: u32 = 2;

/// What a merge starts from.
#[derive(Clone, Copy, Debug)]
pub struct MergeInput<'a> {
    /// The agent and its checks.
    pub spec: &'a Spec,
    /// Its policy.
    pub policy: &'a Policy,
    /// Where it runs.
    pub environment: Environment,
    /// The ledger as it is.
    pub view: &'a LedgerView,
    /// What was concluded.
    pub diagnosis: &'a Diagnosis<Symptom>,
    /// Now.
    pub now: Timestamp,
}

/// What a merge wants written.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Merged {
    /// Events, in order.
    pub events: Vec<Event>,
    /// Streaks that changed; `None` forgets one.
    pub streaks: BTreeMap<Key, Option<Streak>>,
}

/// Merges a diagnosis into the ledger.
#[must_use]
pub fn merge(input: &MergeInput<'_>) -> Merged {
    let mut merge = Merge {
        input: *input,
        out: Merged::default(),
        next_incident: input.view.next_incident,
        opened: BTreeSet::new(),
    };
    for check in input.spec.checks {
        if input.policy.disabled_checks.contains(check.id.as_str()) {
            merge.disable(check);
        } else {
            merge.check(check);
        }
    }
    merge.unknown_checks();
    merge.escalate();
    merge.out
}

struct Merge<'a> {
    input: MergeInput<'a>,
    out: Merged,
    next_incident: u64,
    opened: BTreeSet<Key>,
}

impl<'a> Merge<'a> {
    fn key(&self, check: &CheckId, subject: &Subject) -> Key {
        Key::new(self.input.spec.name.clone(), check.clone(), subject.clone())
    }

    fn active_of(&self, check: &CheckId) -> impl Iterator<Item = &'a Incident> + use<'a> {
        let (agent, check) = (self.input.spec.name.clone(), check.clone());
        let active = self.input.view.active.iter();
        active.filter(move |incident| incident.key.agent == agent && incident.key.check == check)
    }

    fn disable(&mut self, check: &CheckSpec) {
        for incident in self.active_of(&check.id).collect::<Vec<_>>() {
            let proof = "the check is switched off in the settings; nothing is said about health";
            self.resolve(incident, Resolution::CheckDisabled, proof.to_owned(), None);
        }
    }

    /// An incident of a check that this version does not have would stay open for ever.
    fn unknown_checks(&mut self) {
        let spec = self.input.spec;
        let own = self.input.view.active.iter().filter(|one| one.key.agent == spec.name);
        for incident in own.filter(|one| spec.check(&one.key.check).is_none()).collect::<Vec<_>>() {
            let proof = "this version has no such check; nothing is said about health";
            self.resolve(incident, Resolution::CheckDisabled, proof.to_owned(), None);
        }
    }

    fn check(&mut self, check: &CheckSpec) {
        let diagnosis = self.input.diagnosis;
        if let Some(of_check) = diagnosis.checks.get(&check.id) {
            for (subject, finding) in &of_check.findings {
                let key = self.key(&check.id, subject);
                match finding {
                    Verdict::Faulty(symptom, evidence) => {
                        self.faulty(check, key, symptom, evidence);
                    }
                    Verdict::Healthy(evidence) => self.healthy(check, &key, evidence),
                    Verdict::Unknown { .. } => {}
                }
            }
        }
        for incident in self.active_of(&check.id).collect::<Vec<_>>() {
            match diagnosis.standing(&check.id, &incident.key.subject) {
                Standing::Gone => self.gone(incident, "absent from the whole listing"),
                Standing::Excused { why } => {
                    self.gone(incident, &format!("nothing is asked of it any more ({why})"));
                }
                Standing::Healthy(_) | Standing::Faulty(..) | Standing::Unknown { .. } => {}
            }
        }
    }

    /// Agreeing samples in a row, those of earlier runs included.
    fn streak(&self, key: &Key, faulty: bool, evidence: &Evidence) -> Streak {
        let before = self.input.view.streaks.get(key);
        // One that ends in the future was kept by a clock that has been set back since; and a look that said something
        // else before these ended the row.
        let continued = |streak: &&Streak| {
            let same = streak.faulty == faulty && streak.gone_runs == 0;
            same && streak.until <= self.input.now && evidence.is_unanimous()
        };
        match before.filter(continued) {
            Some(streak) if streak.until >= evidence.newest => streak.clone(),
            Some(streak) => Streak {
                samples: streak.samples.saturating_add(evidence.samples),
                until: evidence.newest,
                ..streak.clone()
            },
            None => Streak {
                faulty,
                samples: evidence.samples,
                since: evidence.oldest,
                until: evidence.newest,
                gone_runs: 0,
            },
        }
    }

    fn forget_streak(&mut self, key: &Key) {
        if self.input.view.streaks.contains_key(key) {
            self.out.streaks.insert(key.clone(), None);
        }
    }

    fn faulty(&mut self, check: &CheckSpec, key: Key, symptom: &Symptom, evidence: &Evidence) {
        if check.class == CheckClass::Chore {
            return self.due(key, symptom, evidence);
        }
        if let Some(incident) = self.input.view.incident_of(&key) {
            self.forget_streak(&key);
            self.out.events.extend(change(incident, symptom));
            return;
        }
        let streak = self.streak(&key, true, evidence);
        let explained = self.is_explained(&key, symptom);
        if streak.samples < check.raise || explained {
            self.out.streaks.insert(key, Some(streak));
            return;
        }
        self.forget_streak(&key);
        self.open(key, symptom, streak.since);
    }

    fn is_explained(&self, key: &Key, symptom: &Symptom) -> bool {
        let MergeInput { diagnosis, view, policy, .. } = self.input;
        Causes { diagnosis, view, policy }.root(key, symptom).is_some()
    }

    fn open(&mut self, key: Key, symptom: &Symptom, opened_at: Timestamp) {
        let relapse = self.relapse_of(&key, opened_at);
        let earlier = relapse.map_or_else(
            || self.as_a_chore(&key),
            |relapse| (relapse.attempts, relapse.last_attempt_at),
        );
        let incident = IncidentId(self.next_incident);
        self.next_incident += 1;
        self.opened.insert(key.clone());
        self.out.events.push(Event::IncidentOpened {
            incident,
            severity: symptom.severity,
            priority: Priority::of(symptom.severity, self.input.environment),
            message: symptom.message.clone(),
            facts: symptom.facts.clone(),
            runbook: key.check.to_string(),
            opened_at,
            relapse_of: relapse.map(|earlier| earlier.id),
            attempts: earlier.0,
            last_attempt_at: earlier.1,
            key,
        });
    }

    /// The episode that a new one continues: its attempts and its back-off are inherited. A person who ends one
    /// wants a fresh start.
    fn relapse_of(&self, key: &Key, opened_at: Timestamp) -> Option<&'a Incident> {
        let window = self.input.policy.relapse_window.get();
        self.input
            .view
            .resolved
            .iter()
            .filter(|incident| incident.key == *key)
            .max_by_key(|incident| incident.ended_at())
            .filter(|incident| !incident.ended_by_a_person())
            .filter(|incident| {
                let healthy_until = incident
                    .ended_at()
                    .and_then(|end| end.checked_add(window).ok())
                    .unwrap_or(Timestamp::MIN);
                opened_at <= healthy_until
            })
    }

    fn healthy(&mut self, check: &CheckSpec, key: &Key, evidence: &Evidence) {
        let Some(incident) = self.input.view.incident_of(key) else {
            self.forget_streak(key);
            return;
        };
        if self.input.view.open_remediation(key).is_some() {
            // Its answer is outstanding; what is seen meanwhile is not yet a proof of anything.
            return;
        }
        let streak = self.streak(key, false, evidence);
        if streak.samples < check.clear {
            self.out.streaks.insert(key.clone(), Some(streak));
            return;
        }
        self.forget_streak(key);
        let seen = format!(
            "healthy in {} looks in a row up to {}, seen from {}",
            streak.samples,
            moment::clock(evidence.newest),
            evidence.origin.as_str()
        );
        match self.input.view.verified_of(incident.id) {
            Some(fixed) => {
                let proof = format!("{} verified: {seen}", fixed.id);
                self.resolve(incident, Resolution::AutoFixed, proof, Some(fixed.id));
            }
            None => self.resolve(incident, Resolution::Recovered, seen, None),
        }
    }

    /// Its subject is gone, or excused: `seen` says which.
    fn gone(&mut self, incident: &Incident, seen: &str) {
        let before =
            self.input.view.streaks.get(&incident.key).map_or(0, |streak| streak.gone_runs);
        let runs = before.saturating_add(1);
        let held = self.input.view.open_remediation(&incident.key).is_some();
        if runs >= GONE_RUNS && !held {
            let proof = format!("{seen} in {runs} runs in a row; nothing is said about health");
            self.forget_streak(&incident.key);
            self.resolve(incident, Resolution::SubjectGone, proof, None);
            return;
        }
        let streak = Streak {
            faulty: false,
            samples: 0,
            since: self.input.now,
            until: self.input.now,
            gone_runs: runs,
        };
        self.out.streaks.insert(incident.key.clone(), Some(streak));
    }

    fn resolve(
        &mut self,
        incident: &Incident,
        resolution: Resolution,
        proof: String,
        remediation: Option<super::incident::RemediationId>,
    ) {
        self.out.events.push(Event::IncidentResolved {
            incident: incident.id,
            resolution,
            proof,
            remediation,
        });
    }
}

/// What is news about an active incident.
fn change(incident: &Incident, symptom: &Symptom) -> Option<Event> {
    let (message, facts) = (symptom.message.clone(), symptom.facts.clone());
    if incident.severity != symptom.severity {
        let (from, to) = (incident.severity, symptom.severity);
        return Some(Event::IncidentSeverityChanged {
            incident: incident.id,
            from,
            to,
            message,
            facts,
        });
    }
    (incident.facts != facts).then(|| Event::IncidentFactsChanged {
        incident: incident.id,
        was: incident.message.clone(),
        message,
        facts,
    })
}

/// Episodes of `key` that began within the flap window, as far as the view shows them, and since a person last
/// ended one.
#[must_use]
pub fn episodes(key: &Key, view: &LedgerView, policy: &Policy, now: Timestamp) -> u32 {
    let window = now.checked_sub(policy.flap_window.get()).unwrap_or(Timestamp::MIN);
    let from = view.fresh_start(|one| one.key == *key).map_or(window, |start| start.max(window));
    let of_key = |incident: &&Incident| incident.key == *key && incident.opened_at >= from;
    let counted = view.active.iter().chain(&view.resolved).filter(of_key).count();
    u32::try_from(counted).unwrap_or(u32::MAX)
}
