//! What an agent's settings ask of the house: senses, and corrections.

use std::time::Duration;

use crate::domain::process::ManagerKind;
use crate::domain::upkeep::{DeclaredBackup, LogRules};

/// A sense that an agent needs, as its settings have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// Probes of addresses; `tls` where any of them needs it.
    Prober {
        /// Whether any address is https.
        tls: bool,
    },
    /// The machine itself.
    Host,
    /// A process manager; for [`ManagerKind::Command`] with its declared processes.
    Manager {
        /// Which one.
        kind: ManagerKind,
        /// The processes that settings declare there.
        declared: Vec<DeclaredProcess>,
    },
    /// The platform. Without one in the settings such an agent is off.
    Platform,
    /// A data store.
    Store(StoreNeed),
}

/// A data store that an agent tends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreNeed {
    /// opswarden's own ledger, as a database.
    Ledger {
        /// So many of its backups stay.
        backups_kept: u32,
        /// So long counts a restore for a proof.
        good_for: Duration,
    },
    /// The backups of one thing.
    Backups(Box<BackupsNeed>),
    /// A PostgreSQL database.
    Database {
        /// Its name in the settings.
        name: String,
    },
    /// A bucket of an object storage.
    Bucket {
        /// Its name in the settings.
        name: String,
        /// The address of the storage.
        endpoint: String,
        /// The region that requests are signed for.
        region: String,
        /// Its name there.
        bucket: String,
        /// Its list is read for so long at most.
        look_within: Duration,
    },
    /// A Redis server.
    Redis {
        /// Its name in the settings.
        name: String,
        /// So long may a walk over its keys last.
        reclaim_budget: Duration,
    },
    /// A folder of logs.
    Logs {
        /// Its name in the settings.
        name: String,
        /// The folder; opswarden's own where it has none.
        folder: Option<String>,
        /// How it is tended.
        rules: LogRules,
    },
}

/// Backups, and what restores one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupsNeed {
    /// As the settings have them.
    pub declared: DeclaredBackup,
    /// The folder of a server's programs, if the settings name one.
    pub bin_dir: Option<String>,
    /// Where a server for a restore may lie, if the settings name a place.
    pub scratch: Option<String>,
    /// The buckets that hold them, or copies of them.
    pub buckets: Vec<StoreNeed>,
}

/// A process that settings name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclaredProcess {
    /// Its name.
    pub name: String,
    /// The command that tells its status, as an argument vector; empty except for the `command` manager.
    pub status: Vec<String>,
    /// The command that restarts it, as an argument vector.
    pub restart: Vec<String>,
    /// A file that holds its latest output.
    pub log: Option<String>,
}

/// A cross-field problem of an agent's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where, relative to the agent's stanza: `services[1].manager`.
    pub path: String,
    /// What is wrong and what to write instead.
    pub message: String,
}
