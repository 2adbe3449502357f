//! What is truly wrong, worked out from the rows by this module alone. It shares no code with what is judged by it,
//! and prefers the slow and obvious way: it asks every minute.

mod acts;
mod content;
mod derive;
mod entry;
mod fleet;
mod resolve;
mod schedules;
mod score;

pub(crate) use derive::derive;
pub use entry::{Found, TruthEntry};
pub(crate) use score::score;
pub use score::{Score, Tally};
