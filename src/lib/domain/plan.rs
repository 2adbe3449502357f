//! The plan: every fault is an action or is left alone, with the reason either way.
//!
//! What is printed is what runs: a dry run and a real run share this value.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::approval::Ask;
use super::gate::DoorAnswer;
use super::incident::IncidentId;
use super::operation::{Guard, Operation};
use super::proposal::Proposal;
use super::run::Ruling;
use super::severity::Severity;
use super::subject::Key;

/// What a run will do, and what it will leave alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    /// What is done, in order.
    pub actions: Vec<Action>,
    /// What only waits for a person's word; each is among what is left alone, too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asks: Vec<Ask>,
    /// What is left alone, in the order of keys.
    pub deferrals: Vec<Deferral>,
}

/// An operation with its cause, its guard and the doors that it passed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Action {
    /// The finding.
    pub key: Key,
    /// Its incident; a chore that has not failed has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<IncidentId>,
    /// What is wrong, for people.
    pub message: String,
    /// What is done.
    pub operation: Operation,
    /// What must still hold.
    pub guard: Guard,
    /// The facts of the finding.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<String, String>,
    /// Why it cannot be taken back exactly, as far as that is known before the target is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_undoable: Option<String>,
    /// Why it helps.
    pub why: String,
    /// Which attempt of the episode it is.
    pub attempt: u32,
    /// The doors that let it pass.
    pub doors: Vec<DoorAnswer>,
}

impl Action {
    /// What it comes down to.
    #[must_use]
    pub fn proposal(&self) -> Proposal {
        Proposal {
            key: self.key.clone(),
            operation: self.operation.clone(),
            guard: self.guard.clone(),
            facts: self.facts.clone(),
        }
    }

    /// The same as a request.
    #[must_use]
    pub fn ask(&self) -> Ask {
        Ask {
            proposal: self.proposal(),
            incident: self.incident,
            message: self.message.clone(),
            why: self.why.clone(),
            not_undoable: self.not_undoable.clone(),
        }
    }
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
