//! Whose hands an operation needs, and the eyes on its target.

use std::sync::Arc;
use std::time::Duration;

use super::run::Engine;
use crate::domain::operation::{Operation, Target, TargetState};
use crate::domain::process::ProcessReading;
use crate::domain::sight::{Blind, Sight};
use crate::ports::actuators::Manager;
use crate::ports::data_store::DataStoreControl;
use crate::ports::platform::PlatformControl;
use crate::ports::processes::ActFailure;

/// Who carries an operation out.
#[derive(Clone)]
pub(super) enum Hands {
    /// A process manager.
    Manager(Manager),
    /// The platform.
    Platform(Arc<dyn PlatformControl>),
    /// A data store.
    Store(Arc<dyn DataStoreControl>),
}

impl Hands {
    /// Who that is, in messages.
    pub(super) const fn who(&self) -> &'static str {
        match self {
            Self::Manager(_) => "the manager",
            Self::Platform(_) => "the platform",
            Self::Store(_) => "the store",
        }
    }

    /// Sends the operation. Upkeep may take as long as `time`; everything else has its own time.
    pub(super) async fn carry_out(
        &self,
        operation: &Operation,
        time: Duration,
    ) -> Result<String, ActFailure> {
        let wrong = || ActFailure::Refused("it is not theirs to carry out".to_owned());
        match (self, operation) {
            (Self::Manager(manager), Operation::RestartProcess(process)) => {
                manager.hands.restart(process).await
            }
            (Self::Manager(manager), Operation::ReloadProcess(process)) => {
                manager.hands.reload(process).await
            }
            (Self::Platform(platform), operation) => match operation.target() {
                Target::Row(_) => platform.send(operation).await,
                Target::Process(_) | Target::Data(_) => Err(wrong()),
            },
            (Self::Store(store), Operation::Upkeep { verb, data }) => {
                store.carry_out(*verb, data, time).await
            }
            (Self::Manager(_) | Self::Store(_), _) => Err(wrong()),
        }
    }
}

impl Engine {
    pub(super) fn hands_of(&self, operation: &Operation) -> Sight<Hands> {
        match operation.target() {
            Target::Process(process) => {
                let kind = process.manager;
                match self.hands.managers.get(&kind) {
                    None => Err(Blind::because(format!("{} is not declared", kind.as_str()))),
                    Some(sight) => sight.clone().map(Hands::Manager),
                }
            }
            Target::Row(_) => self.hands.platform.clone().map(Hands::Platform),
            Target::Data(data) => {
                match self.hands.stores.get(&(data.kind.store(), data.store.clone())) {
                    None => Err(Blind::because(format!("settings have no store {}", data.store))),
                    Some(sight) => sight.clone().map(Hands::Store),
                }
            }
        }
    }

    /// Whether the account that would act may do so. Known once the platform was asked anything; what it does not tell is
    /// left to its answer, which then holds for the rest of the run. An attempt that must fail would only wear out the
    /// remedy for the account that can.
    pub(super) fn permitted(&self, operation: &Operation) -> Result<(), String> {
        let (Target::Row(row), Ok(platform)) = (operation.target(), &self.sensors.platform) else {
            return Ok(());
        };
        let own = platform.standing().into_iter().find(|standing| standing.tenant == row.tenant);
        match own.as_ref().and_then(|standing| standing.bars(operation)) {
            Some(why) => Err(format!("tenant {}: {why}", row.tenant)),
            None => Ok(()),
        }
    }

    /// The operation's target as it is now.
    pub(super) async fn read_target(&self, operation: &Operation) -> Sight<TargetState> {
        match (self.hands_of(operation)?, operation.target()) {
            (Hands::Manager(manager), Target::Process(process)) => {
                let scan = manager.eyes.list().await?;
                match (ProcessReading::of(process, &scan.items), scan.cut_short) {
                    (Some(reading), _) => Ok(TargetState::Process(reading)),
                    (None, Some(why)) => Err(Blind::because(why)),
                    (None, None) => Ok(TargetState::Missing),
                }
            }
            (Hands::Platform(platform), Target::Row(row)) => {
                Ok(platform.read(row).await?.map_or(TargetState::Missing, TargetState::Row))
            }
            (Hands::Store(store), Target::Data(data)) => {
                Ok(store.read(data).await?.map_or(TargetState::Missing, TargetState::Data))
            }
            (Hands::Manager(_) | Hands::Platform(_) | Hands::Store(_), _) => {
                Err(Blind::because("its target is of another kind"))
            }
        }
    }
}
