//! The eyes that an agent is given: every sense is seen, or blind with a reason.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::clock::Clock;
use super::data_store::StoreSensors;
use super::host::HostReader;
use super::platform::Platform;
use super::probe::Prober;
use super::processes::Processes;
use crate::domain::process::ManagerKind;
use crate::domain::sight::{Blind, Sight};

/// Everything an agent may look with. There are no hands in here.
#[derive(Clone)]
pub struct Sensors {
    /// Probes of addresses.
    pub prober: Sight<Arc<dyn Prober>>,
    /// The machine itself.
    pub host: Sight<Arc<dyn HostReader>>,
    /// Process managers; one that no setting names is absent.
    pub managers: BTreeMap<ManagerKind, Sight<Arc<dyn Processes>>>,
    /// The platform.
    pub platform: Sight<Arc<dyn Platform>>,
    /// Data stores.
    pub stores: StoreSensors,
    /// This host's name, the scope of its subjects.
    pub host_name: String,
    /// Time, for evidence and for [`Sensors::pause`].
    pub clock: Arc<dyn Clock>,
    /// When, on [`Clock::elapsed`], the run must have stopped looking.
    pub deadline: Duration,
}

impl Sensors {
    /// The eyes on one process manager.
    ///
    /// # Errors
    ///
    /// Blind, where the manager is not declared or could not be reached.
    pub fn manager(&self, kind: ManagerKind) -> Sight<&Arc<dyn Processes>> {
        match self.managers.get(&kind) {
            None => Err(Blind::because(format!("{} is not declared", kind.as_str()))),
            Some(Err(blind)) => Err(blind.clone()),
            Some(Ok(manager)) => Ok(manager),
        }
    }

    /// Now, for evidence.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// What is left until the deadline.
    #[must_use]
    pub fn time_left(&self) -> Duration {
        self.deadline.saturating_sub(self.clock.elapsed())
    }

    /// The only way to wait while observing: at most until the deadline. Returns whether the whole pause fitted.
    pub async fn pause(&self, wanted: Duration) -> bool {
        let left = self.time_left();
        self.clock.sleep(wanted.min(left)).await;
        wanted < left
    }
}
