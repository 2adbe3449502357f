//! The lifecycle that every agent goes through, once, in the same way.
//!
//! ```text
//! authenticate   the senses that the settings need are established, or blind with a reason
//! detect         orphaned intents are found and held; look at everything; conclude            (pure: detect)
//! remediate      merge into incidents, plan through the gate, act with intent before effect   (pure: merge, plan)
//! verify         wait, look again at what was acted on, conclude again, prove                 (pure: prove)
//! log            merge again, record the tape, publish the view, tell people
//! exit           a report and one exit code
//! ```
//!
//! Judgement is pure and shared with the replay; only `run` and `perform` wait for anything.

mod approve;
mod finish;
mod hands;
mod judge;
mod outcome;
pub mod own_checks;
mod perform;
mod progress;
mod remediate;
mod run;
pub mod tape;
mod tell;
pub mod undo;
mod verify;

pub use judge::{Setting, plan};
pub use run::{Engine, Mode};
pub use tell::Telling;
