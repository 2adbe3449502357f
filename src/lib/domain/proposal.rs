//! A proposal: what an agent wants to do about a finding, and the facts that it rests on, as one value with a digest.
//!
//! People approve a digest and never a wording: where anything in it changes, it is another proposal.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::operation::{Guard, Measure, Operation};
use super::platform::Field;
use super::process::ProcessStatus;
use super::subject::Key;

/// So many digits of a digest tell two apart for people.
const SHORT: usize = 12;

/// The SHA-256 of exactly what is proposed, in hex.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct ActionDigest(String);

impl ActionDigest {
    /// The digest of this text.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let sum = Sha256::digest(bytes);
        Self(sum.iter().fold(String::with_capacity(64), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        }))
    }

    /// Its first digits, for people.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(..SHORT).unwrap_or(&self.0)
    }
}

impl fmt::Display for ActionDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is wanted, what must still hold then, and the facts of the finding that it answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Proposal {
    /// The finding.
    pub key: Key,
    /// What is to be done.
    pub operation: Operation,
    /// What must still hold of the target.
    pub guard: Guard,
    /// The facts of the finding.
    pub facts: BTreeMap<String, String>,
}

impl Proposal {
    /// The digest of all of it. Maps and sets are sorted, so that the same proposal has one digest.
    #[must_use]
    pub fn digest(&self) -> ActionDigest {
        // A proposal is plain data with text for keys, so it can always be written.
        ActionDigest::of(&serde_json::to_vec(self).unwrap_or_default())
    }

    /// What of it is different in `now`, each with both values; empty where nothing is.
    #[must_use]
    pub fn changes(&self, now: &Self) -> Vec<String> {
        let mut changes = Vec::new();
        let mut differs = |what: &str, before: String, after: String| {
            if before != after {
                changes.push(format!("{what}: {before} → {after}"));
            }
        };
        differs("what would be done", self.operation.to_string(), now.operation.to_string());
        let (guarded, guarded_now) = (guarded(&self.guard), guarded(&now.guard));
        for name in names(&guarded, &guarded_now) {
            differs(name, text(&guarded, name), text(&guarded_now, name));
        }
        for name in names(&self.facts, &now.facts) {
            let twice =
                guarded.contains_key(name) && text(&guarded, name) == text(&self.facts, name);
            if !twice {
                differs(name, text(&self.facts, name), text(&now.facts, name));
            }
        }
        if changes.is_empty() && self != now {
            changes.push("what must still hold of it is named differently".to_owned());
        }
        changes
    }
}

fn names<'a>(
    one: &'a BTreeMap<String, String>,
    other: &'a BTreeMap<String, String>,
) -> BTreeSet<&'a str> {
    one.keys().chain(other.keys()).map(String::as_str).collect()
}

fn text(of: &BTreeMap<String, String>, name: &str) -> String {
    of.get(name).cloned().unwrap_or_else(|| "nothing".to_owned())
}

/// What a guard compares, by name.
fn guarded(guard: &Guard) -> BTreeMap<String, String> {
    match guard {
        Guard::SameProcess { status, identity } => {
            let status: Vec<&str> = status.iter().copied().map(ProcessStatus::as_str).collect();
            let identity = identity.as_ref().map(|of| ("identity".to_owned(), of.clone()));
            let status = ("status".to_owned(), status.join(" or "));
            std::iter::once(status).chain(identity).collect()
        }
        Guard::SameRow { fields } => {
            let named = |(field, value): (&Field, &Option<String>)| {
                value.clone().map(|value| (field.as_str().to_owned(), value))
            };
            fields.iter().filter_map(named).collect()
        }
        Guard::SameData { measures } => {
            let named = |(measure, value): (&Measure, &Option<String>)| {
                value.clone().map(|value| (measure.as_str().to_owned(), value))
            };
            measures.iter().filter_map(named).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::platform::{RowKind, RowRef};
    use crate::domain::subject::{AgentName, CheckId};

    type Edit = fn(&mut Proposal, Option<String>);

    fn proposal() -> Proposal {
        let row = RowRef::new(RowKind::Content, "shop", "c1");
        let fields = [(Field::Status, Some("draft")), (Field::Replacement, None)];
        let fields = fields.map(|(field, value)| (field, value.map(str::to_owned)));
        Proposal {
            key: Key::new(AgentName::of("tidy"), CheckId::of("unwanted"), row.subject()),
            operation: Operation::ArchiveContent(row),
            guard: Guard::SameRow { fields: BTreeMap::from(fields) },
            facts: BTreeMap::from([("name".to_owned(), "spring".to_owned())]),
        }
    }

    #[test]
    fn whatever_differs_is_another_digest_and_is_named_with_both_values() {
        let one = proposal();
        assert_eq!(one.digest(), proposal().digest());
        assert!(one.changes(&proposal()).is_empty());
        let status = Some("ready".to_owned());
        let edits: [(&str, Edit); 4] = [
            ("status: draft → ready", |p, to| {
                let Guard::SameRow { fields } = &mut p.guard else { return };
                fields.insert(Field::Status, to);
            }),
            ("replacement: nothing → ready", |p, to| {
                let Guard::SameRow { fields } = &mut p.guard else { return };
                fields.insert(Field::Replacement, to);
            }),
            ("name: spring → ready", |p, to| {
                p.facts.insert("name".to_owned(), to.unwrap_or_default());
            }),
            (
                "what would be done: archive content shop/c1 → archive content shop/ready",
                |p, to| {
                    let row = RowRef::new(RowKind::Content, "shop", &to.unwrap_or_default());
                    p.operation = Operation::ArchiveContent(row);
                },
            ),
        ];
        let mut digests = BTreeSet::from([one.digest()]);
        for (said, edit) in edits {
            let mut other = proposal();
            edit(&mut other, status.clone());
            assert_eq!(one.changes(&other), [said]);
            digests.insert(other.digest());
        }
        assert_eq!(digests.len(), 5);
    }

    #[test]
    fn people_compare_the_first_twelve_digits() {
        let digest = proposal().digest();
        assert_eq!(digest.short().len(), 12);
        assert!(digest.to_string().starts_with(digest.short()));
        assert_eq!(digest.to_string().len(), 64);
    }
}
