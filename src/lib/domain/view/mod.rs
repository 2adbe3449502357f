//! `ops-state.json`: the published view of the ledger, in the schema that admins and other tools read.
//!
//! Rendering is pure.

mod render;
mod roster;
mod schema;
mod shape;
mod status;

pub use render::{SHOWN_REMEDIATIONS, SHOWN_RESOLVED, ViewInput, render};
pub use roster::{AgentState, LatestRun, RosterEntry};
pub use schema::ops_state_schema;
pub use shape::{
    OpsState, SCHEMA_VERSION, SystemStatus, ViewAgent, ViewControl, ViewIncident, ViewRemediation,
};
pub use status::{GUARDIAN, roll_up};
