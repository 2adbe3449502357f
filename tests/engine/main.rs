//! The engine over a real ledger, in a world in memory.

mod approvals;
mod attempts;
mod causes;
mod kills;
mod licence;
mod proofs;
mod shop;
mod stories;
mod world;
