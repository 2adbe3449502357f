//! content-lifecycle: content that expired, that nothing refers to, or that is broken is found, and what may be put away
//! is archived and proved.
//!
//! It judges by the platform's own clock and by whole lists: that nothing refers to a piece of content is said only where
//! everything that could refer to it was seen. It leaves to the platform what the platform does by itself, archives only
//! what can be restored exactly, and deletes nothing.

use jiff::Timestamp;

pub mod checks;
mod detect;
mod detect_content;
mod detect_orphan;
mod detect_proof;
mod detect_storage;
pub mod fault;
mod observe;
mod remedy;
mod seen;
pub mod settings;
mod size;
pub mod snapshot;

#[cfg(test)]
mod detect_tests;
#[cfg(test)]
mod law_tests;
#[cfg(test)]
mod observe_tests;
#[cfg(test)]
mod orphan_tests;
#[cfg(test)]
mod platform_tests;
#[cfg(test)]
mod storage_tests;
#[cfg(test)]
mod world_tests;

pub use fault::Fault;
pub use settings::ContentLifecycle;
pub use snapshot::Snapshot;

use crate::agent::{Agent, Need, Problem, Remedy, Scope};
use crate::domain::diagnosis::Diagnosis;
use crate::domain::run::Recall;
use crate::domain::spec::Spec;
use crate::domain::subject::Subject;
use crate::ports::sensors::Sensors;

impl Agent for ContentLifecycle {
    const SPEC: Spec = checks::SPEC;
    type Snapshot = Snapshot;
    type Fault = Fault;

    fn problems(&self) -> Vec<Problem> {
        self.lint()
    }

    fn needs(&self) -> Vec<Need> {
        vec![Need::Platform]
    }

    async fn observe(&self, sensors: &Sensors, scope: &Scope, recall: &Recall) -> Snapshot {
        observe::observe(self, sensors, scope, recall).await
    }

    fn detect(&self, snapshot: &Snapshot, recall: &Recall, _: Timestamp) -> Diagnosis<Fault> {
        detect::detect(self, snapshot, recall)
    }

    fn remedy(
        &self,
        subject: &Subject,
        fault: &Fault,
        snapshot: &Snapshot,
        _: Timestamp,
    ) -> Remedy {
        remedy::remedy(subject, fault, snapshot)
    }
}
