//! The plan: every fault is an action or is left alone, with the reason either way.
//!
//! What is printed is what runs: a dry run and a real run share this value.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::gate::DoorAnswer;
use super::incident::IncidentId;
use super::operation::{Guard, Operation};
use super::run::Ruling;
use super::severity::Severity;
use super::subject::Key;

/// What a run will do, and what it will leave alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    /// What is done, in order.
    pub actions: Vec<Action>,
    /// What is left alone, in the order of keys.
    pub deferrals: Vec<Deferral>,
}

/// An operation with its cause, its guard and the doors that it passed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Action {
    /// The finding.
    pub key: Key,
    /// Its incident.
    pub incident: IncidentId,
    /// What is wrong, for people.
    pub message: String,
    /// What is done.
    pub operation: Operation,
    /// What must still hold.
    pub guard: Guard,
    /// Why it helps.
    pub why: String,
    /// Which attempt of the episode it is.
    pub attempt: u32,
    /// The doors that let it pass.
    pub doors: Vec<DoorAnswer>,
}

/// A fault that is left alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Deferral {
    /// The finding.
    pub key: Key,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, for people.
    pub message: String,
    /// Why it is left alone.
    pub ruling: Ruling,
}

impl Ruling {
    /// The reason in one sentence.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::NotRipe { why } | Self::Held { why } | Self::Left { why } => why.clone(),
            Self::Folded { into } => {
                format!("explained by {} of {}", into.check, into.subject.short())
            }
            Self::Refused { doors } => match super::gate::refusal(doors) {
                Some((door, why)) => {
                    format!("refused at door {} ({}): {why}", door.number(), door.as_str())
                }
                None => "refused".to_owned(),
            },
            Self::Acted { operation, .. } => operation.clone(),
        }
    }
}
