//! Which processes live, as their manager tells it: the witness that is independent of the agent.

use std::collections::{BTreeMap, BTreeSet};

/// One life of one process. Any restart, whoever asks for it, makes another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Life {
    /// What its manager says of it.
    pub(crate) status: String,
    /// Process and start, or its manager's own mark of one start.
    pub(crate) identity: String,
    /// How often its manager restarted it.
    pub(crate) restarts: u64,
}

/// Every process by name.
pub(crate) type Lives = BTreeMap<String, Life>;

/// The names whose life is another one, began or ended between two readings.
pub(crate) fn touched(before: &Lives, after: &Lives) -> BTreeSet<String> {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    names.into_iter().filter(|name| before.get(*name) != after.get(*name)).cloned().collect()
}

/// A set of names.
pub(crate) fn names<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.into_iter().map(str::to_owned).collect()
}

/// Numbers that look random and are the same for the same seed.
pub(crate) struct Dice(u64);

impl Dice {
    /// Dice for one seed.
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed ^ 0x9E37_79B9_7F4A_7C15)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let high = usize::try_from(self.0 >> 33).expect("31 bits");
        high % end
    }
}

#[test]
fn a_life_that_began_anew_counts_as_touched() {
    let life = |identity: &str, restarts| Life {
        status: "online".to_owned(),
        identity: identity.to_owned(),
        restarts,
    };
    let before = Lives::from([("a".to_owned(), life("1@1", 0)), ("b".to_owned(), life("2@1", 0))]);
    assert_eq!(touched(&before, &before), names([]));
    let mut after = before.clone();
    after.insert("a".to_owned(), life("3@1", 1));
    after.insert("c".to_owned(), life("4@1", 0));
    assert_eq!(touched(&before, &after), names(["a", "c"]));
    after.remove("b");
    assert_eq!(touched(&before, &after), names(["a", "b", "c"]));
}
