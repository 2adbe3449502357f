//! health-guardian: services are found broken, restarted where that is licensed and can help, and proved well.
//!
//! It looks at services through probes, at processes through their managers, and at the machine itself. It
//! never restarts on the word of a probe that something else could explain, never touches a process that the
//! settings do not name, and takes neither silence nor a rate limit for a verdict.

use jiff::Timestamp;

pub mod checks;
mod detect;
mod detect_machine;
mod detect_process;
mod detect_service;
pub mod fault;
mod judge;
mod lint;
mod remedy;
pub mod settings;
pub mod snapshot;

pub use fault::Fault;
pub use judge::Blame;
pub use settings::HealthGuardian;
pub use snapshot::Snapshot;

use crate::agent::{Agent, Need, Problem, Remedy, Scope};
use crate::domain::diagnosis::Diagnosis;
use crate::domain::run::Recall;
use crate::domain::spec::Spec;
use crate::domain::subject::Subject;
use crate::ports::sensors::Sensors;

impl Agent for HealthGuardian {
    const SPEC: Spec = checks::SPEC;
    type Snapshot = Snapshot;
    type Fault = Fault;

    fn problems(&self) -> Vec<Problem> {
        self.lint()
    }

    fn needs(&self) -> Vec<Need> {
        self.senses()
    }

    async fn observe(&self, sensors: &Sensors, scope: &Scope, recall: &Recall) -> Snapshot {
        snapshot::observe(self, sensors, scope, recall).await
    }

    fn detect(&self, snapshot: &Snapshot, recall: &Recall, now: Timestamp) -> Diagnosis<Fault> {
        detect::detect(self, snapshot, recall, now)
    }

    fn remedy(
        &self,
        subject: &Subject,
        fault: &Fault,
        snapshot: &Snapshot,
        now: Timestamp,
    ) -> Remedy {
        remedy::remedy(self, subject, fault, snapshot, now)
    }
}
