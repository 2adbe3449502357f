//! What an agent is: judgement, and nothing else.
//!
//! An agent looks (`observe`), concludes (`detect`) and proposes (`remedy`). It never acts, never remembers,
//! never decides whether acting is allowed: the engine does that for all agents in the same way. An agent's
//! struct is its `[agents.<name>]` stanza.

pub mod tenant;

use std::collections::BTreeSet;
use std::future::Future;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::domain::diagnosis::{Diagnosis, Fault};
use crate::domain::operation::{Guard, Operation};
use crate::domain::process::ManagerKind;
use crate::domain::run::Recall;
use crate::domain::spec::Spec;
use crate::domain::subject::{Key, Subject};
use crate::ports::sensors::Sensors;

/// What to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everything.
    Everything,
    /// Only these findings, each with as many agreeing samples as its check's raise rule asks, because a
    /// remediation is to be proved.
    Proof(BTreeSet<Key>),
}

impl Scope {
    /// Whether findings about `subject` are asked for.
    #[must_use]
    pub fn wants(&self, subject: &Subject) -> bool {
        match self {
            Self::Everything => true,
            Self::Proof(keys) => keys.iter().any(|key| key.subject == *subject),
        }
    }
}

/// What an agent proposes for a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// One step; a second one is the next run's.
    Act(Step),
    /// Nothing, and why.
    Leave {
        /// A sentence that says what is missing or why acting would be wrong.
        why: String,
    },
}

/// One operation with what must still hold when it is carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What to do.
    pub operation: Operation,
    /// What must still hold of the target.
    pub guard: Guard,
    /// Why this helps, in one sentence.
    pub why: String,
}

/// A sense that an agent needs, as its settings have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// Probes of addresses; `tls` where any of them needs it.
    Prober {
        /// Whether any address is https.
        tls: bool,
    },
    /// The machine itself.
    Host,
    /// A process manager; for [`ManagerKind::Command`] with its declared processes.
    Manager {
        /// Which one.
        kind: ManagerKind,
        /// The processes that settings declare there.
        declared: Vec<DeclaredProcess>,
    },
    /// The platform. Without one in the settings such an agent is off.
    Platform,
}

/// A process that settings name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclaredProcess {
    /// Its name.
    pub name: String,
    /// The command that tells its status, as an argument vector; empty except for the `command` manager.
    pub status: Vec<String>,
    /// The command that restarts it, as an argument vector.
    pub restart: Vec<String>,
    /// A file that holds its latest output.
    pub log: Option<String>,
}

/// A cross-field problem of an agent's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where, relative to the agent's stanza: `services[1].manager`.
    pub path: String,
    /// What is wrong and what to write instead.
    pub message: String,
}

/// An agent: settings and judgement.
pub trait Agent:
    DeserializeOwned + Serialize + Default + JsonSchema + Send + Sync + 'static
{
    /// Name, schedule, checks.
    const SPEC: Spec;
    /// Everything seen in one pass: plain data, so that a run can be recorded and judged again.
    type Snapshot: Serialize + DeserializeOwned + Send + Sync;
    /// What can be wrong.
    type Fault: Fault + Send + Sync;

    /// What is wrong with the settings beyond their types.
    fn problems(&self) -> Vec<Problem>;

    /// The senses that these settings need.
    fn needs(&self) -> Vec<Need>;

    /// Looks. Cannot fail: what was not seen, or no time was left for, is blind in the snapshot.
    fn observe(
        &self,
        sensors: &Sensors,
        scope: &Scope,
        recall: &Recall,
    ) -> impl Future<Output = Self::Snapshot> + Send;

    /// Concludes. Pure; does not depend on the order of what was seen. Every check of the spec is present, and
    /// every subject known to the settings or to an active incident in `recall` has a verdict.
    fn detect(
        &self,
        snapshot: &Self::Snapshot,
        recall: &Recall,
        now: Timestamp,
    ) -> Diagnosis<Self::Fault>;

    /// Proposes. Pure.
    fn remedy(
        &self,
        subject: &Subject,
        fault: &Self::Fault,
        snapshot: &Self::Snapshot,
        now: Timestamp,
    ) -> Remedy;
}
