//! The tape: everything a run decided from, so that it can be judged again.

use super::Pending;
use crate::domain::incident::RunId;
use crate::domain::subject::AgentName;

/// Where tapes are kept.
pub trait Recorder: Send + Sync {
    /// Stores a run's tape, already serialised. `keep` marks a run with an act or a new incident, which is kept
    /// longer. Returns the file's path.
    fn record<'a>(
        &'a self,
        agent: &'a AgentName,
        run: &'a RunId,
        keep: bool,
        tape: &'a [u8],
    ) -> Pending<'a, Result<String, String>>;
}
