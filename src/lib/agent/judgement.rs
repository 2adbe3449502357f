//! The trait of agents, and what they are asked to look at.

use std::collections::BTreeSet;
use std::future::Future;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Need, Problem, Remedy};
use crate::domain::diagnosis::{Diagnosis, Fault};
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
