//! What reached the platform and changed something, in words that are the same for every route that does it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// One act, said the same way whichever field or route carried it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Act {
    /// The method.
    pub method: String,
    /// The route with its parameters unnamed, as `/content/:id/archive`.
    pub route: String,
    /// The id of the row.
    pub row: String,
    /// What was done to it, as `archive content`.
    pub what: String,
}

impl Act {
    /// An act.
    #[must_use]
    pub fn new(method: &str, route: &str, row: &str, what: impl Into<String>) -> Self {
        let (method, route) = (method.to_owned(), route.to_owned());
        Self { method, route, row: row.to_owned(), what: what.into() }
    }
}

/// An act that arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// When, on the sandbox's clock.
    pub at: String,
    /// Whose row it is.
    pub tenant: String,
    /// Who did it.
    pub account: String,
    /// What was done.
    #[serde(flatten)]
    pub act: Act,
    /// What `what` changed, as it was before.
    pub before: String,
    /// What it was afterwards.
    pub after: String,
    /// Whether it gives back what an earlier effect had changed on the same row.
    pub undoes: bool,
    /// Whether the row was really changed: a lying write says so and did not.
    pub applied: bool,
}

/// What arrived so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Effects {
    all: Vec<Effect>,
    /// How many of them somebody has taken.
    taken: usize,
    /// Deletions that arrived, whatever they were answered.
    pub(crate) deletions: Vec<String>,
    /// Requests for which there is no route.
    pub(crate) unknown: Vec<String>,
    /// Those that are meant to happen.
    pub(crate) expected_unknown: BTreeSet<String>,
}

impl Effects {
    pub(crate) fn record(&mut self, mut effect: Effect) {
        let reverts = |earlier: &Effect| {
            earlier.act.row == effect.act.row
                && earlier.before == effect.after
                && earlier.after == effect.before
                && earlier.before != earlier.after
        };
        effect.undoes = self.all.iter().any(reverts);
        self.all.push(effect);
    }

    pub(crate) fn all(&self) -> &[Effect] {
        &self.all
    }

    /// Those that nobody has taken yet.
    pub(crate) fn take(&mut self) -> Vec<Effect> {
        let fresh = self.all[self.taken..].to_vec();
        self.taken = self.all.len();
        fresh
    }

    /// What a careful caller would have taken, expected or avoided.
    pub(crate) fn leftovers(&self) -> Vec<String> {
        let untaken = self.all[self.taken..].iter().map(|effect| {
            let Act { method, route, row, what } = &effect.act;
            format!("nobody took: {what} ({method} {route}, {row})")
        });
        let deletions = self.deletions.iter().map(|path| format!("a deletion arrived: {path}"));
        let unknown = self.unknown.iter().filter(|asked| !self.expected_unknown.contains(*asked));
        let unknown = unknown.map(|asked| format!("there is no such route: {asked}"));
        untaken.chain(deletions).chain(unknown).collect()
    }
}
