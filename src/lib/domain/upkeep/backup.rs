//! Backups, and the proof that one can be restored.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A backup that we made, as its own record tells it and as it lies there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backup {
    /// The file.
    pub name: String,
    /// When it was taken.
    pub taken_at: Timestamp,
    /// Its size when it was taken, in bytes.
    pub size_bytes: u64,
    /// The SHA-256 of what was written, in hexadecimal digits.
    pub sha256: String,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// The database that it was taken of, as it was then; `None` for the ledger's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<BackupSource>,
    /// To whom it is encrypted, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_id: Option<String>,
    /// The mark that the bucket gave it, where it lies in one: as long as it has that, it is what was read back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// Why it is no backup any more, where that was looked at and found: its file is gone, or is not what was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// A database at the moment that its backup holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupSource {
    /// Its name on its server.
    pub database: String,
    /// The identity of the server's data, which no other server has.
    pub cluster: String,
    /// The server's version as one number: 150018 is 15.18.
    pub version: u32,
    /// Its tables, as SQL would write them, and how many rows they had.
    pub tables: BTreeMap<String, RowCount>,
    /// Its extensions and their versions.
    pub extensions: BTreeMap<String, String>,
    /// Its roles, which a dump names and does not hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
}

/// How many rows a table has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowCount {
    /// So many.
    pub rows: u64,
    /// Whether they were counted at the very moment that the backup holds; else it is what statistics say.
    pub exact: bool,
}

/// How far a backup was looked at; each level says more than the one before.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// There is one, and it is young enough.
    Fresh,
    /// It is as large as those before, and took as long.
    Plausible,
    /// Its format is what it should be, and its contents are what was written.
    Intact,
    /// It can be restored.
    Restored,
    /// What was restored is what was there.
    Attested,
}

impl Level {
    /// Its mark in messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fresh => "L0",
            Self::Plausible => "L1",
            Self::Intact => "L2",
            Self::Restored => "L3",
            Self::Attested => "L4",
        }
    }
}

/// What is wrong with a backup, and at which level that shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flaw {
    /// The level.
    pub level: Level,
    /// A fragment.
    pub why: String,
}

impl Flaw {
    /// A flaw.
    #[must_use]
    pub fn new(level: Level, why: impl Into<String>) -> Self {
        Self { level, why: why.into() }
    }
}

impl std::fmt::Display for Flaw {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.why, self.level.as_str())
    }
}

/// That a backup was restored beside what is in use, and what was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RestoreProof {
    /// Which backup.
    pub backup: String,
    /// When that one was taken.
    pub taken_at: Timestamp,
    /// When it was restored.
    pub proved_at: Timestamp,
    /// How long that took, in milliseconds: from an empty folder until all of it was there; of the ledger, until it was found whole.
    pub restore_ms: u64,
    /// What it holds, in words.
    pub holds: String,
    /// Until when it counts; the settings of the moment decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub good_until: Option<Timestamp>,
    /// Why it is not whole, if it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// At which level that showed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
}

impl RestoreProof {
    /// Whether it is of this very backup: a file that was written over since keeps its name, and is another one.
    #[must_use]
    pub fn is_of(&self, name: &str, taken_at: Timestamp) -> bool {
        self.backup == name && self.taken_at == taken_at
    }
}

/// Which of these backups (their names, newest first) stays, however old it is: the last that was restored and was good. Where
/// there is none and the last that was tried was not, the oldest: if any is good, it is the likeliest.
pub(crate) fn last_good<'a>(
    names: impl Iterator<Item = &'a str>,
    tried: Option<&RestoreProof>,
    proved: Option<&RestoreProof>,
) -> Option<String> {
    let names: Vec<&str> = names.collect();
    let proved = proved.map(|proof| proof.backup.as_str()).filter(|name| names.contains(name));
    let failed = tried.is_some_and(|proof| proof.fault.is_some());
    proved.or_else(|| names.last().copied().filter(|_| failed)).map(str::to_owned)
}
