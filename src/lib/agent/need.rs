//! What an agent's settings ask of the house: senses, and corrections.

use crate::domain::process::ManagerKind;

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
    },
    /// A PostgreSQL database.
    Database {
        /// Its name in the settings.
        name: String,
    },
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
