//! Incidents, remediations and controls: the entities that the ledger governs.
//!
//! Their state changes only by [`super::entities::Entities::apply`].

pub mod control;
mod episode;
mod ids;
mod remediation;

pub use control::Control;
pub use episode::{Acknowledged, Escalated, Incident, Resolution, Resolved};
pub use ids::{ApprovalId, IncidentId, NotAnId, RemediationId, RunId};
pub use remediation::{Remediation, RemediationState, Undone};
