//! What can be wrong with a database, or due in it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::domain::operation::DataRef;
use crate::domain::severity::Severity;

/// Something that is wrong with a database, or due in it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DatabaseFault {
    /// It cannot be reached.
    Unreachable {
        /// Why.
        why: String,
    },
    /// A table of the settings does not exist.
    TableMissing {
        /// As the settings write it.
        name: String,
    },
    /// Something keeps old row versions from being removed.
    HorizonHeld {
        /// Who, in words.
        holder: String,
        /// What a person could run.
        sql: String,
    },
    /// A session does nothing in a transaction, and holds no row versions back.
    SessionIdle {
        /// Which, in words.
        session: String,
        /// What a person could run.
        sql: String,
    },
    /// The oldest transaction, or multixact, of a table is very old.
    FreezeAge {
        /// The table.
        table: DataRef,
        /// What is counted.
        counter: FreezeCounter,
        /// Whether the server's own autovacuum should have come long ago.
        autovacuum_late: bool,
        /// Whether it is critical.
        critical: bool,
        /// What keeps a vacuum from helping, where something does.
        held_by: Option<String>,
        /// What the server is busy with.
        busy: Option<String>,
    },
    /// A sequence, or the column that it fills, comes to its end.
    CounterEnding {
        /// The sequence, or the column.
        name: String,
        /// What a person could run.
        sql: String,
        /// Whether it is critical.
        critical: bool,
    },
    /// An index is not valid, and nobody builds it.
    IndexInvalid {
        /// The index.
        index: DataRef,
        /// Its table.
        table: String,
        /// Whether a constraint is made of it.
        of_constraint: bool,
        /// What the server is busy with.
        busy: Option<String>,
    },
    /// A table has many dead row versions.
    VacuumDue {
        /// The table.
        table: DataRef,
        /// Its dead row versions.
        dead_rows: u64,
        /// Why autovacuum did not, as far as that is seen.
        why_not: String,
        /// What the server is busy with.
        busy: Option<String>,
        /// What keeps a vacuum from helping, where something does.
        held_by: Option<String>,
    },
    /// Much of an index holds nothing.
    IndexBloated {
        /// The index.
        index: DataRef,
        /// The number of its file.
        node: u64,
        /// How many of its bytes hold something, as far as statistics tell.
        needed_bytes: u64,
        /// Its bytes.
        size_bytes: u64,
        /// Why it is not built anew now, if it is not.
        not_now: Option<String>,
    },
}

/// Which of the server's two counters a table is old by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FreezeCounter {
    /// Of transactions.
    Transaction,
    /// Of row locks that several transactions share.
    Multixact,
}

impl FreezeCounter {
    const fn word(self) -> &'static str {
        match self {
            Self::Transaction => "transaction",
            Self::Multixact => "multixact",
        }
    }
}

impl DatabaseFault {
    pub(in super::super) const fn severity(&self) -> Severity {
        match self {
            Self::FreezeAge { critical: true, .. } | Self::CounterEnding { critical: true, .. } => {
                Severity::Critical
            }
            Self::Unreachable { .. }
            | Self::TableMissing { .. }
            | Self::HorizonHeld { .. }
            | Self::SessionIdle { .. }
            | Self::FreezeAge { .. }
            | Self::CounterEnding { .. } => Severity::Warning,
            Self::IndexInvalid { .. } | Self::VacuumDue { .. } | Self::IndexBloated { .. } => {
                Severity::Info
            }
        }
    }

    pub(in super::super) fn message(&self) -> String {
        match self {
            Self::Unreachable { why } => why.clone(),
            Self::TableMissing { name } => {
                format!("the settings name a table {name}, and the database has none")
            }
            Self::HorizonHeld { holder, .. } => {
                format!("{holder} keeps old row versions from being removed")
            }
            Self::SessionIdle { session, .. } => {
                format!("{session} does nothing in a transaction")
            }
            Self::FreezeAge { table, counter, autovacuum_late: true, .. } => format!(
                "the oldest {} of {} is twice as old as the server's own limit allows: its autovacuum does not come, or \
                 does not help",
                counter.word(),
                table.name()
            ),
            Self::FreezeAge { table, counter, .. } => {
                format!("the oldest {} of {} is very old", counter.word(), table.name())
            }
            Self::CounterEnding { name, .. } => format!("{name} comes to its end"),
            Self::IndexInvalid { index, table, .. } => format!(
                "the index {} of {table} is not valid: no query uses it, every write keeps it",
                index.name()
            ),
            Self::VacuumDue { table, why_not, .. } => {
                format!("{} has many dead row versions; {why_not}", table.name())
            }
            Self::IndexBloated { index, .. } => {
                format!("much of the index {} holds nothing", index.name())
            }
        }
    }

    pub(in super::super) fn facts(&self) -> BTreeMap<String, String> {
        let fact = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let facts = match self {
            Self::Unreachable { why } => vec![fact("why", why)],
            Self::HorizonHeld { holder, sql } => vec![fact("holder", holder), fact("sql", sql)],
            Self::SessionIdle { session, sql } => vec![fact("session", session), fact("sql", sql)],
            Self::FreezeAge { table, counter, critical, held_by, .. } => {
                let held_by = held_by.as_deref().unwrap_or("nobody");
                let sql = format!("VACUUM (FREEZE, VERBOSE) {};", table.object);
                vec![
                    fact("counter", counter.word()),
                    fact("critical", &critical.to_string()),
                    fact("held_by", held_by),
                    fact("sql", &sql),
                ]
            }
            Self::CounterEnding { critical, sql, .. } => {
                vec![fact("critical", &critical.to_string()), fact("sql", sql)]
            }
            Self::IndexInvalid { index, of_constraint: true, .. } => {
                vec![fact("sql", &format!("REINDEX INDEX CONCURRENTLY {};", index.object))]
            }
            Self::VacuumDue { table, .. } => {
                vec![fact("sql", &format!("VACUUM (ANALYZE, VERBOSE) {};", table.object))]
            }
            Self::TableMissing { .. } | Self::IndexInvalid { .. } | Self::IndexBloated { .. } => {
                Vec::new()
            }
        };
        facts.into_iter().collect()
    }
}
