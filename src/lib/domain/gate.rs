//! The gate: the one door to production, as ten doors in a fixed order.
//!
//! Pure. The plan asks all of doors 1 to 9; the intent's transaction asks the doors that the ledger can change
//! again; the last door belongs to the moment of acting. A door that has nothing to say answers
//! [`Answer::NotApplicable`] with the reason, so that nobody takes it for passed.

use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::attempts::ForOthers;
use super::diagnosis::{Coverage, Origin};
use super::incident::{Remediation, RemediationState, control};
use super::ledger::LedgerView;
use super::operation::{Operation, OperationClass};
use super::policy::{Autonomy, Budgets, Policy};
use super::subject::{AgentName, Key};
use super::{backoff, merge, moment};

/// The ten doors, in order.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Door {
    /// Is acting switched on?
    Armed,
    /// Does the autonomy level of this agent and operation reach `act`?
    Autonomy,
    /// No freeze, no maintenance window, no recent deployment.
    Freeze,
    /// Was the population listed completely, and is it plausible?
    Coverage,
    /// Few enough at once?
    BlastRadius,
    /// Does this agent own the key, and does nobody hold it?
    Owner,
    /// Attempts in the episode, and the time since the last.
    Attempts,
    /// Budgets of the agent, the host and all agents together.
    Budget,
    /// Can the operation work here, and has it ever?
    Supported,
    /// Does the guard hold, read again just before acting?
    Guard,
}

impl Door {
    /// Every door, in order.
    pub const ALL: [Self; 10] = [
        Self::Armed,
        Self::Autonomy,
        Self::Freeze,
        Self::Coverage,
        Self::BlastRadius,
        Self::Owner,
        Self::Attempts,
        Self::Budget,
        Self::Supported,
        Self::Guard,
    ];

    /// Its number, from 1.
    #[must_use]
    pub fn number(self) -> usize {
        Self::ALL.iter().position(|door| *door == self).map_or(0, |place| place + 1)
    }

    /// Its name in messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Armed => "armed",
            Self::Autonomy => "autonomy",
            Self::Freeze => "freeze",
            Self::Coverage => "coverage",
            Self::BlastRadius => "blast radius",
            Self::Owner => "owner",
            Self::Attempts => "attempts",
            Self::Budget => "budget",
            Self::Supported => "supported",
            Self::Guard => "guard",
        }
    }
}

/// What a door says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It lets pass; the text holds the numbers.
    Passed(String),
    /// It has nothing to say here, and why.
    NotApplicable(String),
    /// It refuses; the text holds the numbers and what would change the answer.
    Refused(String),
}

/// A door with its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DoorAnswer {
    /// Which door.
    pub door: Door,
    /// What it says.
    pub answer: Answer,
}

/// Everything that doors 1 to 9 ask about one action.
#[derive(Clone, Copy, Debug)]
pub struct GateInput<'a> {
    /// The agent that wants to act.
    pub agent: &'a AgentName,
    /// The finding that it answers.
    pub key: &'a Key,
    /// What it wants to do.
    pub operation: &'a Operation,
    /// Where the evidence comes from.
    pub origin: Origin,
    /// Whether the check looked at its whole population.
    pub coverage: &'a Coverage,
    /// The agent's policy.
    pub policy: &'a Policy,
    /// Budgets of all agents.
    pub budgets: &'a Budgets,
    /// The ledger: incident, controls, remediations.
    pub view: &'a LedgerView,
    /// Operations that this run has planned or carried out already.
    pub run_so_far: &'a [Operation],
    /// How many of these `view` does not hold yet, because they are only planned.
    pub unrecorded: usize,
    /// Why this run acts on nothing, where it does not.
    pub only_looks: Option<&'a str>,
    /// What the back-off's jitter is derived from.
    pub seed: u64,
    /// Now.
    pub now: Timestamp,
}

/// Asks doors 1 to 9 in order, up to the first that refuses.
#[must_use]
pub fn gate(input: &GateInput<'_>) -> Vec<DoorAnswer> {
    ask(input, &Door::ALL[..9])
}

/// Asks again, on the ledger as it is under the write lock, the doors that the ledger can change.
#[must_use]
pub fn gate_again(input: &GateInput<'_>) -> Vec<DoorAnswer> {
    ask(input, &[Door::Armed, Door::Autonomy, Door::Freeze, Door::Attempts, Door::Budget])
}

/// The refusal among `answers`, if there is one.
#[must_use]
pub fn refusal(answers: &[DoorAnswer]) -> Option<(Door, &str)> {
    answers.iter().find_map(|door| match &door.answer {
        Answer::Refused(why) => Some((door.door, why.as_str())),
        Answer::Passed(_) | Answer::NotApplicable(_) => None,
    })
}

fn ask(input: &GateInput<'_>, doors: &[Door]) -> Vec<DoorAnswer> {
    let mut answers = Vec::with_capacity(doors.len());
    for door in doors {
        let answer = answer(input, *door);
        let refused = matches!(answer, Answer::Refused(_));
        answers.push(DoorAnswer { door: *door, answer });
        if refused {
            break;
        }
    }
    answers
}

fn answer(input: &GateInput<'_>, door: Door) -> Answer {
    match door {
        Door::Armed => armed(input),
        Door::Autonomy => autonomy(input),
        Door::Freeze => {
            Answer::NotApplicable("no deployments and no maintenance windows are known yet".into())
        }
        Door::Coverage => coverage(input),
        Door::BlastRadius => blast_radius(input),
        Door::Owner => owner(input),
        Door::Attempts => attempts(input),
        Door::Budget => budget(input),
        Door::Supported => supported(input),
        Door::Guard => Answer::NotApplicable("asked at the moment of acting".into()),
    }
}

fn armed(input: &GateInput<'_>) -> Answer {
    let own = control::pause_of(input.agent);
    let applying = [control::PAUSE_ALL, own.as_str()]
        .into_iter()
        .filter_map(|key| input.view.controls.get(key))
        .filter(|found| found.applies(input.now));
    // Of two pauses the one that lasts longer is the answer to "until when".
    let longest = applying.max_by_key(|found| found.expires_at.unwrap_or(Timestamp::MAX));
    if let Some(found) = longest {
        let until = found
            .expires_at
            .map_or("until resumed".to_owned(), |end| format!("until {}", moment::full(end)));
        let agent = found.key.strip_prefix("pause:").unwrap_or(&found.key);
        return Answer::Refused(format!(
            "paused by {} {until}: {}; `opsctl resume {agent} --reason …` ends it",
            found.set_by, found.reason
        ));
    }
    Answer::Passed("no pause applies".into())
}

fn autonomy(input: &GateInput<'_>) -> Answer {
    if let Some(why) = input.only_looks {
        return Answer::Refused(why.to_owned());
    }
    let propose = input.view.controls.get(control::PROPOSE_ONLY);
    if let Some(found) = propose.filter(|found| found.applies(input.now)) {
        return Answer::Refused(format!("the level is propose: {}", found.reason));
    }
    match input.policy.autonomy {
        Autonomy::Act => Answer::Passed("the level is act".into()),
        Autonomy::Approve => Answer::Refused(
            "the level is approve, and approvals do not exist yet: treated as propose".into(),
        ),
        level @ (Autonomy::Observe | Autonomy::Propose) => {
            Answer::Refused(format!("the level is {}", level.as_str()))
        }
    }
}

fn coverage(input: &GateInput<'_>) -> Answer {
    match (input.coverage, input.origin) {
        (Coverage::Partial { why }, _) => {
            Answer::Refused(format!("the population was not listed completely: {why}"))
        }
        (Coverage::Whole, Origin::Loopback | Origin::Manager) => {
            Answer::Passed(format!("listed completely, and seen from {}", input.origin.as_str()))
        }
        (Coverage::Whole, Origin::Lan | Origin::Edge) => Answer::Refused(format!(
            "seen from {} only: what lies between may be at fault; only loopback or the process \
             manager licenses this",
            input.origin.as_str()
        )),
    }
}

fn blast_radius(input: &GateInput<'_>) -> Answer {
    match input.operation.class() {
        OperationClass::ServiceRestart => {
            let process = input.operation.process();
            if input.run_so_far.iter().any(|done| done.process().overlaps(process)) {
                return Answer::Refused(format!("{process} was acted on in this run already"));
            }
            let (done, limit) = (input.run_so_far.len(), input.policy.restarts_per_run);
            let text = format!("{done} of {limit} restarts of this host in this run are used");
            if done < limit as usize { Answer::Passed(text) } else { Answer::Refused(text) }
        }
    }
}

fn owner(input: &GateInput<'_>) -> Answer {
    if input.key.agent != *input.agent {
        return Answer::Refused(format!("the finding belongs to {}", input.key.agent));
    }
    if let Some(open) = input.view.open_remediation(input.key) {
        return Answer::Refused(format!("{} of this finding waits for its answer", open.id));
    }
    let shared = input.view.remediations.iter().find(|other| {
        other.state.is_open() && other.operation.process().overlaps(input.operation.process())
    });
    match shared {
        Some(other) => {
            Answer::Refused(format!("{} on the same process waits for its answer", other.id))
        }
        None => Answer::Passed("this agent's own finding, held by nobody".into()),
    }
}

fn attempts(input: &GateInput<'_>) -> Answer {
    let Some(incident) = input.view.incident_of(input.key) else {
        return Answer::Refused("no incident is open for it".into());
    };
    if let Some(escalated) = &incident.escalated {
        return Answer::Refused(format!(
            "a person was called at {}: {}",
            moment::full(escalated.at),
            escalated.reason
        ));
    }
    let process = input.operation.process();
    let others = ForOthers::of(process, input.key, input.view, input.policy, input.now);
    let (made, limit) = (incident.attempts.saturating_add(others.made), input.policy.attempts);
    let counted = match others.made {
        0 => "of this episode".to_owned(),
        many => format!("on {process} ({many} of them for other findings)"),
    };
    if made >= limit {
        return Answer::Refused(format!("{made} of {limit} attempts {counted} are spent"));
    }
    let flaps = merge::episodes(input.key, input.view, input.policy, input.now);
    if flaps >= input.policy.flap_episodes {
        return Answer::Refused(format!(
            "it is flapping: {flaps} episodes within {}",
            input.policy.flap_window
        ));
    }
    let last = incident.last_attempt_at.max(others.last);
    let next = backoff::next_attempt(made, last, input.policy, input.key, input.seed);
    if input.now < next {
        return Answer::Refused(format!(
            "back-off: attempt {} not before {}",
            made + 1,
            moment::full(next)
        ));
    }
    Answer::Passed(format!("attempt {} of {limit} {counted}", made + 1))
}

fn budget(input: &GateInput<'_>) -> Answer {
    let (run, per_run) = (input.run_so_far.len(), input.budgets.actions_per_run);
    if run >= per_run as usize {
        return Answer::Refused(format!("{run} of {per_run} actions of this run are used"));
    }
    let hour_ago = input.now.checked_sub(HOUR).unwrap_or(Timestamp::MIN);
    let counts = |found: &&Remediation| {
        found.intended_at > hour_ago && found.state != RemediationState::Withdrawn
    };
    let done = input.view.remediations.iter().filter(counts).count() + input.unrecorded;
    let text = format!(
        "{done} of {} actions of all agents in the last hour are used",
        input.budgets.actions_per_hour
    );
    if done < input.budgets.actions_per_hour as usize {
        Answer::Passed(text)
    } else {
        Answer::Refused(text)
    }
}

fn supported(input: &GateInput<'_>) -> Answer {
    let of_verb = input.view.effectiveness.get(input.operation.verb()).copied().unwrap_or_default();
    if of_verb.is_hopeless() {
        if let Some(found) = input.view.trusted_again(input.operation.verb(), input.now) {
            return Answer::Passed(format!("{} lets it try again: {}", found.set_by, found.reason));
        }
        return Answer::Refused(format!(
            "{} has helped 0 of {} times here; it is switched off; `opsctl resume {}` lets it try again",
            input.operation.verb(),
            of_verb.ended,
            input.operation.verb()
        ));
    }
    if of_verb.ended == 0 {
        return Answer::Passed("it was not tried here yet".into());
    }
    Answer::Passed(format!("it has helped {} of {} times here", of_verb.verified, of_verb.ended))
}

/// The window of the shared budget.
const HOUR: Duration = Duration::from_hours(1);
