//! The backups of one thing that the settings declare, as they lie there.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::backup::{Backup, BackupSource, Flaw, RestoreProof};
use crate::domain::sight::Sight;

/// Everything that can be known of them without restoring one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BackupSetLook {
    /// All of them, newest first.
    pub backups: Vec<FoundBackup>,
    /// What is wrong with the newest: its format and its contents.
    pub flaws: Vec<Flaw>,
    /// What of it could not be looked at, if anything could not.
    pub unread: Option<String>,
    /// The last restore for a proof.
    pub proof: Option<RestoreProof>,
    /// The last that was good.
    #[serde(default)]
    pub proved: Option<RestoreProof>,
    /// The other places that should hold the newest, too.
    pub copies: Vec<CopyLook>,
    /// Why none can be restored on this host, where one should be and cannot.
    pub unprovable: Option<String>,
    /// What lies beside them and is not looked at, though it is called like one: links and folders, and what each is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed_over: Vec<String>,
}

/// One backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundBackup {
    /// The file.
    pub name: String,
    /// When it was taken: as its record or its own header tells, else when its file was last written.
    pub taken_at: Timestamp,
    /// Its size, in bytes.
    pub size_bytes: u64,
    /// How long it took, in milliseconds, where that is known.
    pub took_ms: Option<u64>,
    /// Our record of it, where we made it.
    pub record: Option<Backup>,
}

impl FoundBackup {
    /// What it was taken of, as its record tells.
    #[must_use]
    pub fn source(&self) -> Option<&BackupSource> {
        self.record.as_ref()?.source.as_ref()
    }
}

/// A place that should hold the newest backup, too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CopyLook {
    /// Where.
    pub place: String,
    /// On what.
    pub medium: String,
    /// Whether that is in another building.
    pub offsite: bool,
    /// Whether it does, as far as that was compared.
    pub holds_newest: Sight<bool>,
    /// How far that was.
    #[serde(default)]
    pub compared: Compared,
}

/// How far a copy was held against the backup that it is one of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compared {
    /// By its name and its size.
    #[default]
    Size,
    /// By the sum that lies beside it, too; its contents were not read.
    SumBeside,
    /// By its contents.
    Contents,
}
