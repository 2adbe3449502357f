//! One thing that is wrong, and one thing that somebody says is.

use serde::{Deserialize, Serialize};

use crate::sandbox::effects::Act;

/// A fault that is really there.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TruthEntry {
    /// The agent whose business it is.
    pub agent: String,
    /// The check.
    pub check: String,
    /// `kind:tenant/id`.
    pub subject: String,
    /// Every act that is a right answer to it; none where people must decide.
    pub allowed: Vec<Act>,
    /// Whether it may be left unsaid: which of several such are named is a matter of judgement.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
}

/// A claim that something is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Found {
    /// The agent that says so.
    pub agent: String,
    /// The check.
    pub check: String,
    /// `kind:tenant/id`.
    pub subject: String,
}

impl TruthEntry {
    /// The claim that would be right.
    #[must_use]
    pub fn found(&self) -> Found {
        Found {
            agent: self.agent.clone(),
            check: self.check.clone(),
            subject: self.subject.clone(),
        }
    }
}
