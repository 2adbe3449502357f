//! The engine over a real ledger, in a world in memory.

mod kills;
mod stories;
mod world;
