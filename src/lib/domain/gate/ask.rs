//! Asking the doors.

use jiff::Timestamp;

use super::approval::{autonomy, propose_only};
use super::door::{Answer, Door, DoorAnswer};
use super::input::GateInput;
use super::limits::{blast_radius, budget};
use crate::domain::attempts::ForOthers;
use crate::domain::diagnosis::Coverage;
use crate::domain::incident::{Control, control};
use crate::domain::operation::Target;
use crate::domain::spec::CheckClass;
use crate::domain::{backoff, merge, moment};

/// Asks doors 1 to 9 in order, up to the first that refuses.
#[must_use]
pub fn gate(input: &GateInput<'_>) -> Vec<DoorAnswer> {
    ask(input, &Door::ALL[..9])
}

/// Asks for what a person takes back: one named act, once. Its budget is what was spent on the act, so limits that bound
/// a population or an hour have nothing to say.
#[must_use]
pub fn gate_undo(input: &GateInput<'_>) -> Vec<DoorAnswer> {
    let mut answers = Vec::with_capacity(9);
    for door in &Door::ALL[..9] {
        let answer = match door {
            Door::Autonomy => match propose_only(input) {
                Some(why) => Answer::Refused(why),
                None => Answer::Passed("a person asks for it".into()),
            },
            Door::Coverage | Door::BlastRadius | Door::Attempts => {
                Answer::NotApplicable("a person names this one act".into())
            }
            Door::Budget => {
                Answer::NotApplicable("its budget is the act that it takes back, once".into())
            }
            Door::Owner => free(input),
            Door::Armed | Door::Freeze | Door::Supported | Door::Guard => answer(input, *door),
        };
        let refused = matches!(answer, Answer::Refused(_));
        answers.push(DoorAnswer { door: *door, answer });
        if refused {
            break;
        }
    }
    answers
}

/// Asks again, on the ledger as it is under the write lock, the doors that the ledger can change.
#[must_use]
pub fn gate_again(input: &GateInput<'_>) -> Vec<DoorAnswer> {
    ask(input, &[Door::Armed, Door::Autonomy, Door::Freeze, Door::Attempts, Door::Budget])
}

/// Asks all doors but the one that a person's word opens: where one of these refuses, nobody need be asked for it.
#[must_use]
pub fn gate_but_for_a_person(input: &GateInput<'_>) -> Vec<DoorAnswer> {
    let others: Vec<Door> =
        Door::ALL[..9].iter().copied().filter(|door| *door != Door::Autonomy).collect();
    ask(input, &others)
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

fn coverage(input: &GateInput<'_>) -> Answer {
    let target = input.operation.target();
    if !input.origin.licenses(target) {
        return Answer::Refused(format!(
            "seen from {} only: what lies between may be at fault; only loopback or the process \
             manager licenses this",
            input.origin.as_str()
        ));
    }
    match (target, input.census, input.coverage) {
        // What a store says of its own object does not depend on what others say.
        (Target::Data(_), _, _) => {
            Answer::Passed(format!("seen from {} itself", input.origin.as_str()))
        }
        (Target::Row(_), Some(census), _) => {
            Answer::Passed(format!("the population of {} was listed completely", census.seen))
        }
        (_, _, Coverage::Partial { why }) => {
            Answer::Refused(format!("the population was not listed completely: {why}"))
        }
        (Target::Row(_), None, Coverage::Whole) => {
            Answer::Refused("the size of the population is not known".to_owned())
        }
        (Target::Process(_), _, Coverage::Whole) => {
            Answer::Passed(format!("listed completely, and seen from {}", input.origin.as_str()))
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
    if let Some(hold) = held(input) {
        return Answer::Refused(format!(
            "held by {}: {}; `opsctl resume` with that remediation, or with the key {}, lifts it",
            hold.set_by, hold.reason, input.key
        ));
    }
    free(input)
}

/// Whether nothing on the same target waits for its answer.
fn free(input: &GateInput<'_>) -> Answer {
    let target = input.operation.target();
    let shared = input
        .view
        .remediations
        .iter()
        .find(|other| other.state.is_open() && other.operation.target().overlaps(&target));
    match shared {
        Some(other) => {
            let what = match target {
                Target::Process(_) => "process",
                Target::Row(_) => "row",
                Target::Data(_) => "object",
            };
            Answer::Refused(format!("{} on the same {what} waits for its answer", other.id))
        }
        None => Answer::Passed("this agent's own finding, held by nobody".into()),
    }
}

/// The hold of a person on the finding. What a person undid may be done again once the finding is another one.
pub(super) fn held<'a>(input: &GateInput<'a>) -> Option<&'a Control> {
    let hold = input.view.controls.get(&control::hold_of(input.key));
    hold.filter(|hold| hold.applies(input.now) && still_that(hold, input))
}

/// A hold that was taken over from a published view knows no facts, and holds whatever is found.
fn still_that(hold: &Control, input: &GateInput<'_>) -> bool {
    hold.facts.is_empty() || hold.facts == *input.facts
}

fn attempts(input: &GateInput<'_>) -> Answer {
    let Some(incident) = input.view.incident_of(input.key) else {
        return match input.class {
            CheckClass::Incident | CheckClass::Advice => {
                Answer::Refused("no incident is open for it".into())
            }
            CheckClass::Chore => Answer::Passed("a chore that is due and has not failed".into()),
        };
    };
    if let Some(escalated) = &incident.escalated {
        return Answer::Refused(format!(
            "a person was called at {}: {}",
            moment::full(escalated.at),
            escalated.reason
        ));
    }
    let target = input.operation.target();
    let others = ForOthers::of(target, input.key, input.view, input.policy, input.now);
    let (made, limit) = (incident.attempts.saturating_add(others.made), input.policy.attempts);
    let counted = match others.made {
        0 => "of this episode".to_owned(),
        many => format!("on {target} ({many} of them for other findings)"),
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

fn supported(input: &GateInput<'_>) -> Answer {
    if let Target::Row(_) = input.operation.target() {
        let offered = match input.dialect {
            Some(dialect) => input.operation.offered(dialect),
            None => Err("no platform is set up".to_owned()),
        };
        if let Err(why) = offered {
            return Answer::Refused(format!("not possible: {why}"));
        }
    }
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
