//! From a diagnosis to a plan: triage, remedy, gate. Pure; a replay computes the same.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::agent::{Agent, Remedy, Step};
use crate::domain::asking::{Wishes, room};
use crate::domain::cause::Causes;
use crate::domain::diagnosis::{Census, Coverage, Diagnosis, Evidence, Symptom, Verdict};
use crate::domain::gate::{GateInput, asks, gate, gate_but_for_a_person, refusal, unasked};
use crate::domain::incident::Incident;
use crate::domain::ledger::LedgerView;
use crate::domain::operation::Operation;
use crate::domain::plan::{Action, Deferral, Plan};
use crate::domain::platform::Dialect;
use crate::domain::policy::{Budgets, Policy};
use crate::domain::run::Ruling;
use crate::domain::saved_plan::Applying;
use crate::domain::severity::Environment;
use crate::domain::spec::{CheckClass, CheckSpec};
use crate::domain::subject::{Key, Subject};

/// The settings that every judgement of a run shares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// What the agent may do.
    pub policy: Policy,
    /// What all agents may do together.
    pub budgets: Budgets,
    /// Where.
    pub environment: Environment,
    /// This host's name.
    pub host: String,
    /// What the back-off's jitter is derived from.
    pub seed: u64,
    /// Why the run acts on nothing, where it does not.
    pub only_looks: Option<String>,
    /// How the platform is spoken to, where there is one.
    #[serde(default)]
    pub dialect: Option<Dialect>,
    /// What the run is bound to, where a person applies something.
    #[serde(default)]
    pub applying: Option<Applying>,
}

/// A plan, and what the agent wanted whether or not the gate lets it pass.
#[derive(Clone, Debug, Default)]
pub(super) struct Judged {
    pub(super) plan: Plan,
    pub(super) wishes: Wishes,
}

/// Plans: every fault of the diagnosis becomes an action or a deferral with its reason.
#[must_use]
pub fn plan<A: Agent>(
    agent: &A,
    setting: &Setting,
    view: &LedgerView,
    snapshot: &A::Snapshot,
    diagnosis: &Diagnosis<A::Fault>,
    now: Timestamp,
) -> Plan {
    judged(agent, setting, view, snapshot, diagnosis, now).plan
}

/// The same, with what the agent wanted of each finding.
pub(super) fn judged<A: Agent>(
    agent: &A,
    setting: &Setting,
    view: &LedgerView,
    snapshot: &A::Snapshot,
    diagnosis: &Diagnosis<A::Fault>,
    now: Timestamp,
) -> Judged {
    let plain = diagnosis.plain();
    let room = room(view, &A::SPEC.name, now);
    let judged = Judged::default();
    let mut planner = Planner { setting, view, plain: &plain, now, room, judged };
    for check in A::SPEC.checks {
        let Some(of_check) = diagnosis.checks.get(&check.id) else { continue };
        let disabled = setting.policy.disabled_checks.contains(check.id.as_str());
        for (subject, finding) in &of_check.findings {
            let Verdict::Faulty(fault, evidence) = finding else { continue };
            let key = Key::new(A::SPEC.name.clone(), check.id.clone(), subject.clone());
            let symptom = Symptom::of(fault);
            let case = Case {
                check,
                key,
                symptom,
                evidence,
                coverage: &of_check.coverage,
                census: &of_check.census,
            };
            let remedy = || agent.remedy(subject, fault, snapshot, now);
            if disabled {
                planner.defer(case, Ruling::Left { why: "its check is switched off".to_owned() });
            } else {
                planner.rule(case, remedy);
            }
        }
    }
    planner.judged.plan.deferrals.sort_by(|one, other| one.key.cmp(&other.key));
    planner.judged
}

/// The findings that count as faulty at the end of a pass, by key.
#[must_use]
pub(super) fn faulty(
    agent: &crate::domain::subject::AgentName,
    diagnosis: &Diagnosis<Symptom>,
) -> BTreeMap<Key, Symptom> {
    let mut found = BTreeMap::new();
    for (check, of_check) in &diagnosis.checks {
        for (subject, finding) in &of_check.findings {
            if let Verdict::Faulty(symptom, _) = finding {
                let key = Key::new(agent.clone(), check.clone(), Subject::clone(subject));
                found.insert(key, symptom.clone());
            }
        }
    }
    found
}

/// One faulty finding.
struct Case<'a> {
    check: &'a CheckSpec,
    key: Key,
    symptom: Symptom,
    evidence: &'a Evidence,
    coverage: &'a Coverage,
    census: &'a BTreeMap<String, Census>,
}

struct Planner<'a> {
    setting: &'a Setting,
    view: &'a LedgerView,
    plain: &'a Diagnosis<Symptom>,
    now: Timestamp,
    /// How many more requests may be made.
    room: usize,
    judged: Judged,
}

impl Planner<'_> {
    fn defer(&mut self, case: Case<'_>, ruling: Ruling) {
        self.judged.plan.deferrals.push(Deferral {
            key: case.key,
            severity: case.symptom.severity,
            message: case.symptom.message,
            ruling,
        });
    }

    /// Triage first: only a fault that is ripe, unexplained and not waiting for an answer gets a remedy.
    fn rule(&mut self, case: Case<'_>, remedy: impl FnOnce() -> Remedy) {
        if let Some(open) = self.view.open_remediation(&case.key) {
            let why = format!("{} ({}) waits for its answer", open.id, open.operation);
            return self.defer(case, Ruling::Held { why });
        }
        let causes =
            Causes { diagnosis: self.plain, view: self.view, policy: &self.setting.policy };
        if let Some(into) = causes.root(&case.key, &case.symptom) {
            return self.defer(case, Ruling::Folded { into });
        }
        let incident = self.view.incident_of(&case.key).cloned();
        // A chore becomes an incident once it failed, or is overdue.
        if incident.is_none() && case.check.class != CheckClass::Chore {
            let seen = self.view.streaks.get(&case.key).map_or(0, |streak| streak.samples);
            let why = format!(
                "{} of {} agreeing looks so far",
                seen.max(case.evidence.samples),
                case.check.raise
            );
            return self.defer(case, Ruling::NotRipe { why });
        }
        let (seen, wanted) = (case.evidence.samples, case.check.raise);
        match remedy() {
            Remedy::Leave { why } => {
                self.judged.wishes.left.insert(case.key.clone(), why.clone());
                self.defer(case, Ruling::Left { why });
            }
            // What raised it may have been long ago: acting asks for as much again.
            Remedy::Act(_) if seen < wanted => {
                let why = format!("{seen} of {wanted} agreeing looks in this run");
                self.defer(case, Ruling::NotRipe { why });
            }
            Remedy::Act(step) => self.ask_gate(case, incident.as_ref(), step),
        }
    }

    fn ask_gate(&mut self, case: Case<'_>, incident: Option<&Incident>, step: Step) {
        let action = self.action(&case, incident, step);
        let proposal = action.proposal();
        self.judged.wishes.proposed.insert(case.key.clone(), proposal.clone());
        if let Some(Err(why)) = self.setting.applying.as_ref().map(|only| only.holds(&proposal)) {
            return self.defer(case, Ruling::Left { why });
        }
        let so_far: Vec<Operation> =
            self.judged.plan.actions.iter().map(|action| action.operation.clone()).collect();
        let input = self.input(&case, &action, &so_far);
        let doors = gate(&input);
        if refusal(&doors).is_none() {
            self.judged.plan.actions.push(Action { doors, ..action });
            return;
        }
        let would_do = asks(&input) && refusal(&gate_but_for_a_person(&input)).is_none();
        if would_do && (self.room > 0 || !unasked(&input)) {
            self.room = self.room.saturating_sub(usize::from(unasked(&input)));
            self.judged.plan.asks.push(action.ask());
        }
        self.defer(case, Ruling::Refused { doors });
    }

    fn action(&self, case: &Case<'_>, incident: Option<&Incident>, step: Step) -> Action {
        let dialect = self.setting.dialect.unwrap_or_default();
        let foreseen = step.operation.foreseen_inverse(&step.guard, dialect);
        Action {
            key: case.key.clone(),
            incident: incident.map(|one| one.id),
            message: case.symptom.message.clone(),
            not_undoable: foreseen.and_then(|one| one.falls_short().map(str::to_owned)),
            operation: step.operation,
            guard: step.guard,
            facts: case.symptom.facts.clone(),
            why: step.why,
            attempt: incident.map_or(0, |one| one.attempts) + 1,
            doors: Vec::new(),
        }
    }

    fn input<'a>(
        &'a self,
        case: &'a Case<'_>,
        action: &'a Action,
        so_far: &'a [Operation],
    ) -> GateInput<'a> {
        GateInput {
            agent: &case.key.agent,
            key: &case.key,
            operation: &action.operation,
            guard: &action.guard,
            not_undoable: action.not_undoable.as_deref(),
            facts: &case.symptom.facts,
            class: case.check.class,
            origin: case.evidence.origin,
            coverage: case.coverage,
            census: case.census.get(case.key.subject.scope()).copied(),
            dialect: self.setting.dialect,
            policy: &self.setting.policy,
            budgets: &self.setting.budgets,
            view: self.view,
            run_so_far: so_far,
            unrecorded: so_far.len(),
            only_looks: self.setting.only_looks.as_deref(),
            seed: self.setting.seed,
            now: self.now,
        }
    }
}
