//! The hands: held by the engine's perform step alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Pending;
use super::data_store::StoreHands;
use super::platform::PlatformControl;
use super::processes::{ProcessControl, Processes};
use crate::domain::incident::IncidentId;
use crate::domain::process::ManagerKind;
use crate::domain::sight::Sight;

/// Everything that can change the world, with the eyes needed to read a target.
pub struct Actuators {
    /// Process managers: eyes on the target, and hands.
    pub managers: BTreeMap<ManagerKind, Sight<Manager>>,
    /// The platform: reading a target, and hands.
    pub platform: Sight<Arc<dyn PlatformControl>>,
    /// Data stores: reading a target, and hands.
    pub stores: StoreHands,
    /// Where evidence of the moment before is kept.
    pub evidence: Arc<dyn EvidenceKeeper>,
}

/// One process manager, eyes and hands.
#[derive(Clone)]
pub struct Manager {
    /// The eyes.
    pub eyes: Arc<dyn Processes>,
    /// The hands.
    pub hands: Arc<dyn ProcessControl>,
}

/// Keeps what was seen before an act: redacted, bounded, for people only.
pub trait EvidenceKeeper: Send + Sync {
    /// Stores `text` as `name` for the incident and returns the file's path.
    fn keep<'a>(
        &'a self,
        incident: IncidentId,
        name: &'a str,
        text: &'a str,
    ) -> Pending<'a, Result<String, String>>;
}
