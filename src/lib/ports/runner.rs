//! Agents as processes: started for a slot, and ended with everything that they started.

use std::collections::BTreeMap;

use super::Pending;
use crate::domain::incident::RunId;
use crate::domain::subject::AgentName;

/// The agent, as its run is told in the environment.
pub const AGENT_VARIABLE: &str = "OPS_AGENT";
/// The slot that it was started for.
pub const SLOT_VARIABLE: &str = "OPS_SLOT";
/// What held the slot back until now, if anything did.
pub const WAITED_VARIABLE: &str = "OPS_WAITED";

/// A run that is to be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The agent.
    pub agent: AgentName,
    /// The id that its run will have.
    pub run: RunId,
    /// What it is told in its environment.
    pub variables: BTreeMap<String, String>,
}

/// A run at work.
pub struct Started {
    /// Its process.
    pub pid: u32,
    /// Ends it: it is asked to stop, and killed with everything that it started when it does not.
    pub stop: Box<dyn FnOnce() + Send>,
    /// Its end.
    pub ended: Pending<'static, Ended>,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// By itself, with a code.
    Exited(i32),
    /// By a signal.
    Signalled(i32),
    /// It was no child of ours, and nobody told us.
    Unseen,
}

/// The end of a run's processes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// How the agent itself ended.
    pub how: How,
    /// Whether it was asked to stop by [`Started::stop`].
    pub stopped: bool,
    /// The end of what it printed.
    pub printed: String,
    /// Processes of its tree that nothing could end.
    pub left: Vec<u32>,
}

/// Starts agents.
pub trait Runner: Send + Sync {
    /// Starts an agent.
    ///
    /// # Errors
    ///
    /// A fragment that says why it cannot be started.
    fn start(&self, order: &Order) -> Result<Started, String>;

    /// Attends to a run that was started before this process, if `pid` is still the process of this run.
    fn adopt(&self, run: &RunId, pid: u32) -> Option<Started>;

    /// Buries what ended runs left behind and nobody else will.
    fn tidy(&self);
}
