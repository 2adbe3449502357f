//! Tapes: what each run decided from, compressed, under `snapshots` of a state folder.

mod retention;
mod tapes;

pub use tapes::Tapes;
