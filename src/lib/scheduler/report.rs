//! Who is told what the scheduler does.

use jiff::Timestamp;

use super::news::News;
use crate::domain::incident::RunId;
use crate::domain::subject::AgentName;

/// A slot that is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The agent.
    pub agent: AgentName,
    /// When it is looked at next.
    pub at: Timestamp,
}

/// A run at work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Working {
    /// The agent.
    pub agent: AgentName,
    /// Its run.
    pub run: RunId,
    /// Its process.
    pub pid: u32,
    /// The slot, where it is known.
    pub slot: Option<Timestamp>,
    /// Since when.
    pub since: Timestamp,
}

/// One look at everything that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pass {
    /// When.
    pub at: Timestamp,
    /// Why the ledger could not be read, if it could not: such a pass is no sign of health.
    pub blind: Option<String>,
    /// Whether no more is started, because the scheduler is to end.
    pub draining: bool,
    /// What is waited for, soonest first.
    pub due: Vec<Due>,
    /// What is at work.
    pub working: Vec<Working>,
}

/// Is told.
pub trait Reporter: Send + Sync {
    /// Something happened.
    fn told(&self, news: &News);

    /// Everything was looked at.
    fn passed(&self, pass: &Pass);
}
