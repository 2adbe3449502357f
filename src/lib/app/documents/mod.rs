//! The documents that `-o json` prints, and those that are sent to others: one type each, from which its schema in `docs/json/` is
//! derived.
//!
//! Fields are added freely and never change their meaning; a reader must pass over what it does not know.

mod answers;
mod list;

pub use answers::*;
pub use list::{Document, all, sent};
