//! fleet-manager: displays that are silent, ill, or have nothing to show.
//!
//! It counts silence on the platform's own clock, folds a dark place into one incident, and tells a display something only
//! where the platform can truly reach it. A display that a person switched off, or that was never seen, is known and is
//! not missed.

use jiff::Timestamp;

pub mod checks;
mod detect;
pub mod fault;
mod places;
mod remedy;
pub mod settings;

pub use fault::Fault;
pub use settings::FleetManager;

use crate::agent::tenant_snapshot::{self, Snapshot};
use crate::agent::{Agent, Need, Problem, Remedy, Scope};
use crate::domain::diagnosis::Diagnosis;
use crate::domain::run::Recall;
use crate::domain::spec::Spec;
use crate::domain::subject::Subject;
use crate::ports::sensors::Sensors;

impl Agent for FleetManager {
    const SPEC: Spec = checks::SPEC;
    type Snapshot = Snapshot;
    type Fault = Fault;

    fn problems(&self) -> Vec<Problem> {
        self.lint()
    }

    fn needs(&self) -> Vec<Need> {
        vec![Need::Platform]
    }

    async fn observe(&self, sensors: &Sensors, scope: &Scope, _recall: &Recall) -> Snapshot {
        tenant_snapshot::observe(&checks::AGENT, sensors, scope).await
    }

    fn detect(&self, snapshot: &Snapshot, recall: &Recall, _now: Timestamp) -> Diagnosis<Fault> {
        detect::detect(self, snapshot, recall)
    }

    fn remedy(
        &self,
        subject: &Subject,
        fault: &Fault,
        snapshot: &Snapshot,
        _now: Timestamp,
    ) -> Remedy {
        remedy::remedy(subject, fault, snapshot)
    }
}
