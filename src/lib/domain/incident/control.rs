//! Switches that people set, and the keys that say what each governs.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Incident;
use crate::domain::subject::{AgentName, Key};

/// A switch that people set: its key says what it governs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Control {
    /// One of those that this module names.
    pub key: String,
    /// Whether it is on.
    pub on: bool,
    /// Why it was set.
    pub reason: String,
    /// Who set it.
    pub set_by: String,
    /// When.
    pub set_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// For a hold: the facts of the finding when it was set. It holds this finding, and not one that is news.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<String, String>,
}

impl Control {
    /// Whether it applies at `now`.
    #[must_use]
    pub fn applies(&self, now: Timestamp) -> bool {
        self.on && self.expires_at.is_none_or(|end| now < end)
    }
}

/// Nothing acts.
pub const PAUSE_ALL: &str = "pause:all";
/// The level is `propose` for every agent: the ledger was lost and a person must look first.
pub const PROPOSE_ONLY: &str = "propose_only";

/// A person lets an operation try again that never helped.
#[must_use]
pub fn retry_of(verb: &str) -> String {
    format!("retry:{verb}")
}

/// Nothing is done about one finding: a person undid what was done.
#[must_use]
pub fn hold_of(key: &Key) -> String {
    format!("hold:{key}")
}

/// Nobody wants to hear of an incident (`INC-1`), a finding (its key), or a check (`agent/check`).
#[must_use]
pub fn silence_of(what: &str) -> String {
    format!("silence:{what}")
}

/// The silences that may cover an incident, the narrowest first.
#[must_use]
pub fn silences_of(incident: &Incident) -> [String; 3] {
    let key = &incident.key;
    [
        silence_of(&incident.id.to_string()),
        silence_of(&key.to_string()),
        silence_of(&format!("{}/{}", key.agent, key.check)),
    ]
}

/// No slot of any agent is started.
pub const SUSPEND_ALL: &str = "suspend:all";

/// No slot of one agent is started.
#[must_use]
pub fn suspension_of(agent: &AgentName) -> String {
    format!("suspend:{agent}")
}

/// The suspensions that keep an agent from starting: its own, and that of all.
#[must_use]
pub fn suspensions_of(agent: &AgentName) -> [String; 2] {
    [suspension_of(agent), SUSPEND_ALL.to_owned()]
}

/// One agent does not act.
#[must_use]
pub fn pause_of(agent: &AgentName) -> String {
    format!("pause:{agent}")
}
