//! Compares what was found and done with what is true.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::entry::{Found, TruthEntry};
use crate::sandbox::effects::{Act, Effect};

/// The account of one check.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// How many are there.
    pub planted: usize,
    /// How many of those were found.
    pub found: usize,
    /// The subjects of those that were not.
    pub missed: Vec<String>,
    /// The subjects of those that are not there.
    #[serde(rename = "false")]
    pub false_alarms: Vec<String>,
}

/// The account of everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Score {
    /// By `agent/check`.
    pub checks: BTreeMap<String, Tally>,
    /// Acts that answer nothing that is wrong.
    pub wrong_acts: Vec<Effect>,
}

impl Score {
    /// Everything found, nothing imagined, nothing done wrong.
    #[must_use]
    pub fn is_perfect(&self) -> bool {
        let clean = |tally: &Tally| tally.missed.is_empty() && tally.false_alarms.is_empty();
        self.wrong_acts.is_empty() && self.checks.values().all(clean)
    }
}

/// Reports of an agent about itself are no act upon a customer's rows.
const REPORTS: &str = "report ops status";

/// `planted` is what was there at the start, `later` everything that came to be true since.
pub(crate) fn score(
    planted: &[TruthEntry],
    later: &[TruthEntry],
    found: &[Found],
    effects: &[Effect],
) -> Score {
    let claims: BTreeSet<&Found> = found.iter().collect();
    let right: BTreeSet<Found> = planted.iter().chain(later).map(TruthEntry::found).collect();
    let mut score = Score::default();
    let key = |agent: &str, check: &str| format!("{agent}/{check}");
    for entry in planted.iter().filter(|entry| !entry.optional) {
        let tally = score.checks.entry(key(&entry.agent, &entry.check)).or_default();
        tally.planted += 1;
        if claims.contains(&entry.found()) {
            tally.found += 1;
        } else {
            tally.missed.push(entry.subject.clone());
        }
    }
    for claim in claims {
        if !right.contains(claim) {
            let tally = score.checks.entry(key(&claim.agent, &claim.check)).or_default();
            tally.false_alarms.push(claim.subject.clone());
        }
    }
    let allowed: BTreeSet<&Act> =
        planted.iter().chain(later).flat_map(|entry| &entry.allowed).collect();
    let wrong = effects.iter().filter(|effect| {
        !allowed.contains(&effect.act) && !effect.undoes && effect.act.what != REPORTS
    });
    score.wrong_acts = wrong.cloned().collect();
    score
}
