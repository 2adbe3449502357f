//! What a data store holds, as the target of upkeep: its name, and the few measures that may be compared.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::subject::{Subject, SubjectKind};

/// The store that is opswarden's own ledger, among the stores that settings name.
pub const LEDGER: &str = "ledger";
/// The logs that are opswarden's own, among the sets that settings name.
pub const OWN_LOGS: &str = "opswarden";

/// The kinds of objects that upkeep acts on.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum DataKind {
    /// A database as a whole.
    Database,
    /// The backups of a database: all of them, and the newest above all.
    Backups,
    /// A table of a database.
    Table,
    /// An index of a database.
    Index,
    /// Everything that a Redis server holds.
    Keyspace,
    /// A set of log files.
    Logs,
    /// A log file of a set.
    Log,
}

impl DataKind {
    /// The word used in keys and messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Backups => "backups",
            Self::Table => "table",
            Self::Index => "index",
            Self::Keyspace => "keyspace",
            Self::Logs => "logs",
            Self::Log => "log",
        }
    }

    /// The kind of store that has such objects.
    #[must_use]
    pub const fn store(self) -> StoreKind {
        match self {
            Self::Database | Self::Table | Self::Index => StoreKind::Database,
            Self::Backups => StoreKind::Backups,
            Self::Keyspace => StoreKind::Redis,
            Self::Logs | Self::Log => StoreKind::Logs,
        }
    }

    /// What findings about such an object are about.
    #[must_use]
    pub const fn subject_kind(self) -> SubjectKind {
        match self {
            Self::Database => SubjectKind::Database,
            Self::Backups => SubjectKind::Backup,
            Self::Table => SubjectKind::Table,
            Self::Index => SubjectKind::Index,
            Self::Keyspace => SubjectKind::Keyspace,
            Self::Logs => SubjectKind::Logs,
            Self::Log => SubjectKind::Log,
        }
    }
}

/// The kinds of stores. Two stores of different kinds may have one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StoreKind {
    /// A database, or opswarden's own ledger.
    Database,
    /// The backups of something.
    Backups,
    /// A Redis server.
    Redis,
    /// Log files.
    Logs,
}

/// One object of a data store.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct DataRef {
    /// The store, by its name in the settings.
    pub store: String,
    /// What it is.
    pub kind: DataKind,
    /// Its name in the store; empty where the store has only one of the kind.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub object: String,
}

impl DataRef {
    /// An object of a store.
    #[must_use]
    pub fn new(kind: DataKind, store: &str, object: &str) -> Self {
        Self { store: store.to_owned(), kind, object: object.to_owned() }
    }

    /// A database as a whole, or its backups.
    #[must_use]
    pub fn of_store(kind: DataKind, store: &str) -> Self {
        Self { store: store.to_owned(), kind, object: String::new() }
    }

    /// The subject of findings about it on `host`.
    #[must_use]
    pub fn subject(&self, host: &str) -> Subject {
        Subject::new(self.kind.subject_kind(), host, &self.name())
    }

    /// Its name, with that of its store.
    #[must_use]
    pub fn name(&self) -> String {
        match self.object.as_str() {
            "" => self.store.clone(),
            object => format!("{}/{object}", self.store),
        }
    }
}

impl fmt::Display for DataRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.as_str(), self.name())
    }
}

/// What may be measured of an object, kept and compared.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Its size in bytes.
    SizeBytes,
    /// Bytes of its write-ahead log.
    WalBytes,
    /// Bytes that it holds and does not use.
    LooseBytes,
    /// How many there are.
    Count,
    /// How many other places hold the newest.
    Copies,
    /// When the newest was taken.
    TakenAt,
    /// When the newest was last restored and found whole.
    ProvedAt,
    /// How long that took, in milliseconds.
    RestoreMs,
    /// Row versions that are of no use any more, as far as statistics know.
    DeadRows,
    /// Rows that were added since it was last vacuumed, as far as statistics know.
    InsertedRows,
    /// Rows that were changed since its statistics were last made, as far as these know.
    ChangedRows,
    /// How old its oldest transaction is, in transactions.
    Age,
    /// How old its oldest multixact is, in multixacts.
    MultixactAge,
    /// How often it was vacuumed by hand.
    Vacuums,
    /// How often its statistics were made by hand.
    Analyzes,
    /// The number of its file.
    FileNode,
    /// Whether queries may use it.
    Valid,
    /// How many keys it has let go since its start because their time was over.
    ExpiredKeys,
    /// How many log files are past their time in place.
    Old,
    /// How many archives are past their time as they were first written.
    Warm,
    /// How many archives are past their retention.
    Expired,
    /// The bytes of all archives.
    ArchivedBytes,
    /// What its first bytes are, as a hash.
    Head,
}

impl Measure {
    /// The word used in messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SizeBytes => "size_bytes",
            Self::WalBytes => "wal_bytes",
            Self::LooseBytes => "loose_bytes",
            Self::Count => "count",
            Self::Copies => "copies",
            Self::TakenAt => "taken_at",
            Self::ProvedAt => "proved_at",
            Self::RestoreMs => "restore_ms",
            Self::DeadRows => "dead_rows",
            Self::InsertedRows => "inserted_rows",
            Self::ChangedRows => "changed_rows",
            Self::Age => "age",
            Self::MultixactAge => "multixact_age",
            Self::Vacuums => "vacuums",
            Self::Analyzes => "analyzes",
            Self::FileNode => "file_node",
            Self::Valid => "valid",
            Self::ExpiredKeys => "expired_keys",
            Self::Old => "old",
            Self::Warm => "warm",
            Self::Expired => "expired",
            Self::ArchivedBytes => "archived_bytes",
            Self::Head => "head",
        }
    }
}

/// An object as it was read: its measures as text; what has no value is not there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DataState {
    /// Which object.
    pub data: DataRef,
    /// Its measures.
    pub measures: BTreeMap<Measure, String>,
}

impl DataState {
    /// A measure, as it was read.
    #[must_use]
    pub fn measure(&self, measure: Measure) -> Option<&str> {
        self.measures.get(&measure).map(String::as_str)
    }

    /// A measure that is a number.
    #[must_use]
    pub fn number(&self, measure: Measure) -> Option<u64> {
        self.measure(measure)?.parse().ok()
    }

    /// One line for people: every measure.
    #[must_use]
    pub fn summary(&self) -> String {
        let part = |(measure, value): (&Measure, &String)| format!("{} {value}", measure.as_str());
        self.measures.iter().map(part).collect::<Vec<_>>().join(", ")
    }
}
