//! Backups, and the proof that one can be restored.

use jiff::Timestamp;
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
    /// Why it is no backup any more, where that was looked at and found: its file is gone, or is not what was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// That a backup was restored beside what is in use, and what was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreProof {
    /// Which backup.
    pub backup: String,
    /// When that one was taken.
    pub taken_at: Timestamp,
    /// When it was restored.
    pub proved_at: Timestamp,
    /// How long that took, in milliseconds: from an empty folder until it was found whole.
    pub restore_ms: u64,
    /// What it holds, in words.
    pub holds: String,
    /// Why it is not whole, if it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}
