//! Observation that knows its limits: what was seen, what was cut short, what could not be seen at all.
//!
//! There is no way to say "nothing" for "could not look": a sense that failed is [`Blind`] with a reason, and
//! a list that ended early carries the reason in [`Scan::cut_short`].

use serde::{Deserialize, Serialize};

/// A sense that could not look, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{why}")]
pub struct Blind {
    /// A fragment that reads after "could not be seen: ".
    pub why: String,
}

impl Blind {
    /// Blindness for the reason `why`.
    #[must_use]
    pub fn because(why: impl Into<String>) -> Self {
        Self { why: why.into() }
    }
}

/// A list together with its completeness.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scan<T> {
    /// What was seen.
    pub items: Vec<T>,
    /// Why the list ends before its end, if it does.
    pub cut_short: Option<String>,
}

impl<T> Scan<T> {
    /// A list that was read to its end.
    #[must_use]
    pub const fn whole(items: Vec<T>) -> Self {
        Self { items, cut_short: None }
    }
}

/// What a sense saw, or why it saw nothing.
pub type Sight<T> = Result<T, Blind>;
