//! What settings declare of backups. The text of settings and what adapters are told are one type.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::duration::HumanDuration;

/// What a backup is a backup of; how long its recovery may take depends on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Component {
    /// A database.
    #[default]
    Database,
    /// Files that people put there.
    Files,
    /// The program's code.
    Code,
    /// Settings and secrets.
    Configuration,
}

impl Component {
    /// How long a recovery may take, in minutes: one hour for a database, half an hour for files, ten minutes for what a service
    /// needs to start again.
    #[must_use]
    pub const fn recovery_minutes(self) -> u64 {
        match self {
            Self::Database => 60,
            Self::Files => 30,
            Self::Code | Self::Configuration => 10,
        }
    }

    /// How much of the past a recovery may lose, in minutes: an hour of a database, a day of everything else.
    #[must_use]
    pub const fn loss_minutes(self) -> u64 {
        match self {
            Self::Database => 60,
            Self::Files | Self::Code | Self::Configuration => 24 * 60,
        }
    }
}

/// What a backup's file is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BackupFormat {
    /// A dump of a PostgreSQL database in the custom format.
    #[default]
    PostgresDump,
    /// A tar archive.
    Tar,
    /// A tar archive, compressed by gzip.
    TarGz,
    /// Anything, compressed by gzip.
    Gzip,
    /// Anything that is not empty.
    Any,
}

impl BackupFormat {
    /// Its name in messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PostgresDump => "a PostgreSQL dump in the custom format",
            Self::Tar => "a tar archive",
            Self::TarGz => "a compressed tar archive",
            Self::Gzip => "compressed by gzip",
            Self::Any => "a file",
        }
    }
}

/// `[[agents.db-maintainer.backups]]`: the backups of one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeclaredBackup {
    /// What it is called in findings.
    #[schemars(length(min = 1, max = 40))]
    #[schemars(example = &"shop")]
    pub name: String,
    /// What it is a backup of: `"database"`, `"files"`, `"code"` or `"configuration"`.
    #[serde(default)]
    pub of: Component,
    /// The folder that the files lie in.
    #[serde(default)]
    #[schemars(example = &"/var/backups/shop")]
    pub folder: Option<String>,
    /// Or the bucket, by its name among `buckets`. Those that we make are streamed into it, and never lie on a disk of this host.
    #[serde(default)]
    #[schemars(example = &"main")]
    pub bucket: Option<String>,
    /// Which of the files: a name with `*` for anything. Where we make them, ours count alone, which are known by their names.
    #[serde(default = "any_dump")]
    pub pattern: String,
    /// What the files are: `"postgres_dump"`, `"tar"`, `"tar_gz"`, `"gzip"` or `"any"`.
    #[serde(default)]
    pub format: BackupFormat,
    /// The database that they are taken of, by its name among `databases`.
    #[serde(default)]
    #[schemars(example = &"main")]
    pub database: Option<String>,
    /// Whether we make them: by `pg_dump`, of `database`, when one is due.
    #[serde(default)]
    pub make: bool,
    /// There is a new one so often.
    #[serde(default = "daily")]
    pub every: HumanDuration,
    /// One may be late by so much.
    #[serde(default = "grace")]
    pub grace: HumanDuration,
    /// So many of those that we make stay.
    #[serde(default = "kept")]
    #[schemars(range(min = 2, max = 1000))]
    pub kept: u32,
    /// The newest is restored for a proof so often. Only a dump can be; `"0s"` proves none.
    #[serde(default = "weekly")]
    pub prove_every: HumanDuration,
    /// The newest may not be smaller than so much of the median of the seven before, in percent.
    #[serde(default = "size_percent")]
    #[schemars(range(max = 100))]
    pub size_percent: u32,
    /// It may not have taken less than so much of theirs, in percent.
    #[serde(default = "duration_percent")]
    #[schemars(range(max = 100))]
    pub duration_percent: u32,
    /// How they are encrypted, if they are.
    #[serde(default)]
    pub encryption: Option<Encryption>,
    /// What a restored table's rows may differ from what statistics said, in percent.
    #[serde(default = "drift_percent")]
    #[schemars(range(max = 100))]
    pub drift_percent: u32,
    /// What tells how young the newest row is.
    #[serde(default)]
    pub newest: Option<NewestRow>,
    /// Questions to the restored database, each answered with one `true` where all is well. Materialized views are empty in it, and
    /// no foreign table can be asked.
    #[serde(default)]
    #[schemars(length(max = 100))]
    pub queries: Vec<String>,
    /// A recovery may take so long; else what is usual for `of`.
    #[serde(default)]
    #[schemars(example = &"1h")]
    pub rto: Option<HumanDuration>,
    /// A recovery may lose so much of the past; else what is usual for `of`.
    #[serde(default)]
    #[schemars(example = &"1h")]
    pub rpo: Option<HumanDuration>,
    /// What they lie on, in a word; unset: `disk` for a folder, `object-storage` for a bucket. `disk` is what the data itself lies
    /// on.
    #[serde(default)]
    #[schemars(example = &"disk")]
    pub medium: Option<String>,
    /// Whether that is in another building than the data.
    #[serde(default)]
    pub offsite: bool,
    /// Where else the newest lies, too. Three copies of the data in all, on two media, one of them in another building.
    #[serde(default)]
    #[schemars(length(max = 20))]
    pub copies: Vec<DeclaredCopy>,
}

/// How backups are encrypted: by programs of this host, which read what comes in and write what goes out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Encryption {
    /// What the key is called: a recipient or a fingerprint, never the secret itself. It is written beside each backup.
    #[schemars(length(min = 1))]
    #[schemars(example = &"age1example")]
    pub key_id: String,
    /// The program that encrypts, with its arguments: `["age", "-r", "age1…"]`.
    #[serde(default)]
    pub encrypt: Vec<String>,
    /// The program that decrypts, with its arguments: `["age", "-d", "-i", "/etc/opswarden/backup.key"]`. Without it, or without
    /// a file that its arguments name by its whole path, a backup is known by its sum alone, and none is restored on this host.
    #[serde(default)]
    pub decrypt: Vec<String>,
}

/// The column of a table that grows with time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewestRow {
    /// The table, as the database has it.
    #[schemars(example = &"orders")]
    pub table: String,
    /// A column with a point in time.
    #[schemars(example = &"created_at")]
    pub column: String,
    /// The newest of it may be older than the backup by so much.
    #[schemars(example = &"1h")]
    pub within: HumanDuration,
}

/// Another place that holds the newest backup, too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeclaredCopy {
    /// The folder. One that another host fills must be seen from here.
    #[serde(default)]
    #[schemars(example = &"/mnt/nas/shop")]
    pub folder: Option<String>,
    /// Or the bucket, by its name among `buckets`.
    #[serde(default)]
    #[schemars(example = &"main")]
    pub bucket: Option<String>,
    /// What it is on, in a word: `disk`, `nas`, `tape`, `object-storage`.
    #[schemars(example = &"nas")]
    pub medium: String,
    /// Whether that is in another building.
    #[serde(default)]
    pub offsite: bool,
}

fn any_dump() -> String {
    "*.dump".to_owned()
}

const fn daily() -> HumanDuration {
    HumanDuration::mins(24 * 60)
}

const fn grace() -> HumanDuration {
    HumanDuration::mins(2 * 60)
}

const fn kept() -> u32 {
    7
}

const fn weekly() -> HumanDuration {
    HumanDuration::mins(7 * 24 * 60)
}

const fn size_percent() -> u32 {
    50
}

const fn duration_percent() -> u32 {
    20
}

const fn drift_percent() -> u32 {
    20
}

impl DeclaredBackup {
    /// How long a recovery may take.
    #[must_use]
    pub fn recovery_within(&self) -> HumanDuration {
        self.rto.unwrap_or_else(|| HumanDuration::mins(self.of.recovery_minutes()))
    }

    /// How much of the past it may lose.
    #[must_use]
    pub fn loses_at_most(&self) -> HumanDuration {
        self.rpo.unwrap_or_else(|| HumanDuration::mins(self.of.loss_minutes()))
    }

    /// What the key is called that they are encrypted with.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.encryption.as_ref().map(|encryption| encryption.key_id.as_str())
    }

    /// What they lie on, in a word.
    #[must_use]
    pub fn medium(&self) -> &str {
        let usual = if self.bucket.is_some() { "object-storage" } else { "disk" };
        self.medium.as_deref().unwrap_or(usual)
    }

    /// Whether one is restored for a proof from time to time.
    #[must_use]
    pub fn is_proved(&self) -> bool {
        self.format == BackupFormat::PostgresDump && !self.prove_every.get().is_zero()
    }
}
