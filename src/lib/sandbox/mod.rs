//! The sandbox: a stateful model of the platform, served over HTTP, on which people practise and tests run.
//!
//! It knows what is truly wrong with its tenants, and keeps every effect that reaches it, so that what an agent finds
//! and does can be scored. It must never share code with the agents: it is the judge. It is as strict as the
//! platform: a sandbox that is kinder hides bugs.

mod api;
mod effects;
mod model;
mod options;
mod running;
mod scenario;
mod seed;
mod serve;
mod time;
mod truth;

pub use effects::{Act, Effect};
pub use options::{Dialect, Options, Scenario, Sizes, Start, Throttle, Validation};
pub use running::{Account, Running, Sandbox};
pub use scenario::PASSWORD;
pub use serve::faults::{Fault, FaultKind};
pub use truth::{Found, Score, Tally, TruthEntry};
