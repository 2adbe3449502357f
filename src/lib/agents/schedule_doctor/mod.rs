//! schedule-doctor: schedules that cannot do what somebody wanted, and displays that nothing is planned for.
//!
//! It counts in the display's own time zone, over midnight and over both changes of daylight saving time, and knows that
//! a group's schedule covers its displays. It takes a schedule out of force only where that changes nothing that plays,
//! and gives a display a playlist only where there is none to take away.

use jiff::Timestamp;

pub mod checks;
mod detect;
mod detect_displays;
pub mod fault;
mod prove;
mod remedy;
pub mod settings;

pub use fault::Fault;
pub use settings::ScheduleDoctor;

use crate::agent::tenant_snapshot::{self, Snapshot};
use crate::agent::{Agent, Need, Problem, Remedy, Scope};
use crate::domain::diagnosis::Diagnosis;
use crate::domain::run::Recall;
use crate::domain::spec::Spec;
use crate::domain::subject::Subject;
use crate::ports::sensors::Sensors;

impl Agent for ScheduleDoctor {
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
        _snapshot: &Snapshot,
        _now: Timestamp,
    ) -> Remedy {
        remedy::remedy(subject, fault)
    }
}
