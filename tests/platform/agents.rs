//! The three agents by name.

use opswarden::agent::Agent;
use opswarden::agents::content_lifecycle::ContentLifecycle;
use opswarden::agents::fleet_manager::FleetManager;
use opswarden::agents::schedule_doctor::ScheduleDoctor;
use opswarden::domain::report::Report;
use opswarden::domain::spec::Spec;
use opswarden::engine::Engine;
use opswarden::engine::tape::{Replay, replay};

/// One of the agents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    Content,
    Fleet,
    Doctor,
}

/// Their settings.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stanzas {
    pub(crate) content: ContentLifecycle,
    pub(crate) fleet: FleetManager,
    pub(crate) doctor: ScheduleDoctor,
}

impl Who {
    pub(crate) const ALL: [Self; 3] = [Self::Content, Self::Fleet, Self::Doctor];

    pub(crate) const fn spec(self) -> Spec {
        match self {
            Self::Content => ContentLifecycle::SPEC,
            Self::Fleet => FleetManager::SPEC,
            Self::Doctor => ScheduleDoctor::SPEC,
        }
    }

    pub(crate) async fn run(self, engine: &Engine, stanzas: &Stanzas) -> Report {
        match self {
            Self::Content => engine.run(&stanzas.content).await,
            Self::Fleet => engine.run(&stanzas.fleet).await,
            Self::Doctor => engine.run(&stanzas.doctor).await,
        }
    }

    pub(crate) fn replay(self, tape: &[u8]) -> Replay {
        let again = match self {
            Self::Content => replay::<ContentLifecycle>(tape),
            Self::Fleet => replay::<FleetManager>(tape),
            Self::Doctor => replay::<ScheduleDoctor>(tape),
        };
        again.unwrap()
    }
}
