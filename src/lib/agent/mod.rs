//! What an agent is: judgement, and nothing else.
//!
//! An agent looks (`observe`), concludes (`detect`) and proposes (`remedy`). It never acts, never remembers,
//! never decides whether acting is allowed: the engine does that for all agents in the same way. An agent's
//! struct is its `[agents.<name>]` stanza.

mod judgement;
mod need;
mod remedy;
pub mod tenant;
pub mod tenant_snapshot;

pub use judgement::{Agent, Scope};
pub use need::{BackupsNeed, DeclaredProcess, Need, Problem, StoreNeed};
pub use remedy::{Remedy, Step};
