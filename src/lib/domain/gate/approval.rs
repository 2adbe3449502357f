//! Door 2: how far the agent may go by itself, and what a person's word adds to that.

use super::door::Answer;
use super::input::GateInput;
use crate::domain::approval::{Approval, Standing};
use crate::domain::incident::{ApprovalId, control};
use crate::domain::moment;
use crate::domain::operation::OperationClass;
use crate::domain::policy::Autonomy;

/// What the level and the act itself ask for.
enum Needs {
    /// Nothing: the agent may.
    Nobody,
    /// A person's word, and why.
    Person(String),
    /// Nothing would help.
    Refused(String),
}

fn needs(input: &GateInput<'_>) -> Needs {
    if let Some(why) = input.only_looks {
        return Needs::Refused(why.to_owned());
    }
    if let Some(why) = propose_only(input) {
        return Needs::Refused(why);
    }
    // What interrupts something cannot be untold and is over soon; what changes something for good must be undoable.
    let lasting = input.not_undoable.filter(|_| input.operation.class() == OperationClass::Quiet);
    match (input.policy.autonomy, lasting) {
        (level @ (Autonomy::Observe | Autonomy::Propose), _) => {
            Needs::Refused(format!("the level is {}", level.as_str()))
        }
        (Autonomy::Approve, None) => Needs::Person("the level is approve".to_owned()),
        (Autonomy::Approve | Autonomy::Act, Some(why)) => {
            Needs::Person(format!("it cannot be undone exactly ({why})"))
        }
        (Autonomy::Act, None) => Needs::Nobody,
    }
}

/// Why every agent only proposes, if so.
pub(super) fn propose_only(input: &GateInput<'_>) -> Option<String> {
    let propose = input.view.controls.get(control::PROPOSE_ONLY);
    let found = propose.filter(|found| found.applies(input.now))?;
    Some(format!("the level is propose: {}", found.reason))
}

fn standing<'a>(input: &GateInput<'a>) -> Standing<'a> {
    let incident = input.view.incident_of(input.key).map(|incident| incident.id);
    input.view.standing(&input.proposal().digest(), incident, input.now)
}

pub(super) fn autonomy(input: &GateInput<'_>) -> Answer {
    let need = match needs(input) {
        Needs::Refused(why) => return Answer::Refused(why),
        Needs::Nobody => return Answer::Passed("the level is act".into()),
        Needs::Person(need) => need,
    };
    match standing(input) {
        Standing::Granted(found) => Answer::Passed(format!("{need}; {}", by(found))),
        Standing::Unasked => {
            Answer::Refused(format!("{need}, and no person has approved it yet: no request waits"))
        }
        Standing::Waits(found) => Answer::Refused(format!(
            "{need}; it waits for {}: `opsctl approve {} --reason …`, or `opsctl deny`",
            found.id, found.id
        )),
        Standing::Denied(found) => Answer::Refused(format!(
            "{need}; {}; it is not asked again while the finding stays as it is",
            by(found)
        )),
        Standing::Expired(found) => Answer::Refused(format!(
            "{need}; {} expired at {} unused; it is asked again after {}",
            found.id,
            moment::full(found.expires_at),
            moment::full(Standing::again_at(found))
        )),
    }
}

/// Who answered what.
fn by(found: &Approval) -> String {
    match &found.decided {
        Some(decided) => format!(
            "{} by {} at {} ({}): {}",
            found.state.as_str(),
            decided.by,
            moment::full(decided.at),
            found.id,
            decided.reason
        ),
        None => format!("{} ({})", found.state.as_str(), found.id),
    }
}

/// Whether a person's word is all that door 2 waits for, and nobody was asked for it.
#[must_use]
pub fn unasked(input: &GateInput<'_>) -> bool {
    matches!(needs(input), Needs::Person(_)) && standing(input) == Standing::Unasked
}

/// Whether a person's word would open door 2, and nobody has said no.
#[must_use]
pub fn asks(input: &GateInput<'_>) -> bool {
    let open = || match standing(input) {
        Standing::Unasked | Standing::Waits(_) | Standing::Expired(_) => true,
        Standing::Granted(_) | Standing::Denied(_) => false,
    };
    matches!(needs(input), Needs::Person(_)) && open()
}

/// The grant that opens door 2, where it takes one.
#[must_use]
pub fn licence(input: &GateInput<'_>) -> Option<ApprovalId> {
    match (needs(input), standing(input)) {
        (Needs::Person(_), Standing::Granted(found)) => Some(found.id),
        _ => None,
    }
}
