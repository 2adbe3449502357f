//! What can be wrong with a database, or due in it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::advice::Advice;
use super::detect::STANDBY;
use super::indexes::OTHERS_TURN;
use super::tables::ONE_VACUUM;
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
        /// The database.
        database: String,
        /// The table that is called almost like that.
        meant: Option<String>,
    },
    /// Something keeps old row versions from being removed.
    HorizonHeld {
        /// Who, in words.
        holder: String,
        /// In which database.
        database: String,
        /// What a person could run.
        advice: Advice,
        /// Whether only those of the system's catalogues.
        catalogues_only: bool,
    },
    /// A session does nothing in a transaction, and holds no row versions back.
    SessionIdle {
        /// Which, in words.
        session: String,
        /// In which database.
        database: String,
        /// What a person could run.
        advice: Advice,
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
    /// The same of what is no table that people keep.
    FreezeAgeElsewhere {
        /// What, in words.
        what: String,
        /// What is counted.
        counter: FreezeCounter,
        /// Whether the server's own autovacuum should have come long ago.
        autovacuum_late: bool,
        /// Whether it is critical.
        critical: bool,
        /// What a person could run.
        advice: Advice,
    },
    /// A sequence, or the column that it fills, comes to its end.
    CounterEnding {
        /// The database, and the sequence or the column.
        name: String,
        /// So much of it is used up, or a little more.
        percent: u64,
        /// Whether that is told by the largest value in it, and not by what counts.
        by_largest: bool,
        /// What a person could run.
        advice: Advice,
        /// Whether it is critical.
        critical: bool,
    },
    /// An index is not valid, and nobody builds it.
    IndexInvalid {
        /// The index.
        index: DataRef,
        /// Its table.
        table: String,
        /// What the server is busy with.
        busy: Option<String>,
    },
    /// A table has many dead row versions, or many rows that no vacuum has seen.
    VacuumDue {
        /// The table.
        table: DataRef,
        /// Which of them.
        cause: VacuumCause,
        /// Why autovacuum did not, as far as that is seen.
        why_not: String,
        /// What the server is busy with.
        busy: Option<String>,
        /// What keeps a vacuum from helping, where something does.
        held_by: Option<String>,
    },
    /// The statistics of a table are out of date, and it needs no vacuum.
    AnalyzeDue {
        /// The table.
        table: DataRef,
        /// Why autovacuum did not make them anew, as far as that is seen.
        why_not: String,
        /// What the server is busy with.
        busy: Option<String>,
    },
    /// An index needs to be built anew, and never is by us.
    RebuildLeft {
        /// The index.
        index: DataRef,
        /// Why it is not.
        why: RebuildBar,
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

/// Which rows a vacuum is due for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum VacuumCause {
    /// Those that are of no use any more.
    DeadRows,
    /// Those that were added since the last: queries look each of them up in the table until a vacuum has seen it.
    NewRows,
}

impl VacuumCause {
    const fn words(self) -> &'static str {
        match self {
            Self::DeadRows => "dead row versions",
            Self::NewRows => "new rows that no vacuum has seen",
        }
    }
}

/// Why an index that needs to be built anew is left to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RebuildBar {
    /// It is larger than the settings allow.
    Size,
    /// Its disk has no room for it.
    Room,
    /// It is not valid, and what a constraint is made of cannot be dropped.
    Constraint,
}

impl RebuildBar {
    /// Without numbers: how much is free changes all the time, and is no news.
    const fn words(self) -> &'static str {
        match self {
            Self::Size => "much of it holds nothing, and it is larger than bloat_most_mib allows",
            Self::Room => "much of it holds nothing, and its disk has not twice its size free",
            Self::Constraint => "it is not valid, and a constraint is made of it",
        }
    }
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

    fn told(self, what: &str, autovacuum_late: bool) -> String {
        let oldest = format!("the oldest {} of {what}", self.word());
        if autovacuum_late {
            format!(
                "{oldest} is twice as old as the server's own limit allows: its autovacuum does not come, or does not help"
            )
        } else {
            format!("{oldest} is very old")
        }
    }
}

impl DatabaseFault {
    pub(in super::super) const fn severity(&self) -> Severity {
        match self {
            Self::FreezeAge { critical: true, .. }
            | Self::FreezeAgeElsewhere { critical: true, .. }
            | Self::CounterEnding { critical: true, .. } => Severity::Critical,
            Self::Unreachable { .. }
            | Self::TableMissing { .. }
            | Self::HorizonHeld { .. }
            | Self::SessionIdle { .. }
            | Self::FreezeAge { .. }
            | Self::FreezeAgeElsewhere { .. }
            | Self::CounterEnding { .. } => Severity::Warning,
            Self::IndexInvalid { .. }
            | Self::VacuumDue { .. }
            | Self::AnalyzeDue { .. }
            | Self::RebuildLeft { .. }
            | Self::IndexBloated { .. } => Severity::Info,
        }
    }

    pub(in super::super) fn message(&self) -> String {
        match self {
            Self::Unreachable { why } => why.clone(),
            Self::TableMissing { name, database, meant } => {
                let meant = meant.as_ref().map(|meant| format!("; did you mean {meant}?"));
                format!(
                    "the settings name a table {name}, and the database {database} has none{}",
                    meant.unwrap_or_default()
                )
            }
            Self::HorizonHeld { holder, database, catalogues_only: false, .. } => format!(
                "{holder} keeps old row versions from being removed, in the database {database}"
            ),
            Self::HorizonHeld { holder, database, .. } => format!(
                "{holder} keeps old row versions of the system's catalogues from being removed, in the database {database}"
            ),
            Self::SessionIdle { session, database, .. } => {
                format!("{session} does nothing in a transaction, in the database {database}")
            }
            Self::FreezeAge { table, counter, autovacuum_late, .. } => {
                counter.told(&table.name(), *autovacuum_late)
            }
            Self::FreezeAgeElsewhere { what, counter, autovacuum_late, .. } => {
                counter.told(what, *autovacuum_late)
            }
            Self::CounterEnding { name, percent, by_largest: true, .. } => format!(
                "{name} comes to its end: its largest value is {percent} % of what it can hold"
            ),
            Self::CounterEnding { name, percent, .. } => {
                format!("{name} comes to its end: {percent} % of it is used up")
            }
            Self::IndexInvalid { index, table, .. } => format!(
                "the index {} of {table} is not valid: no query uses it, every write keeps it",
                index.name()
            ),
            Self::VacuumDue { table, cause, why_not, .. } => {
                format!("{} has many {}; {why_not}", table.name(), cause.words())
            }
            Self::AnalyzeDue { table, why_not, .. } => {
                format!("the statistics of {} are out of date; {why_not}", table.name())
            }
            Self::RebuildLeft { index, why } => format!(
                "the index {} is to be built anew by a person: {}",
                index.name(),
                why.words()
            ),
            Self::IndexBloated { index, .. } => {
                format!("much of the index {} holds nothing", index.name())
            }
        }
    }

    /// What the server is busy with, where that alone keeps us from it. On a standby it is not the moment that is
    /// wrong, an index that waits for others has its turn in a run to come, and one vacuum is enough for a table.
    pub(in super::super) fn put_off(&self) -> Option<&str> {
        let (Self::FreezeAge { busy, held_by: None, .. }
        | Self::VacuumDue { busy, held_by: None, .. }
        | Self::AnalyzeDue { busy, .. }
        | Self::IndexInvalid { busy, .. }
        | Self::IndexBloated { not_now: busy, .. }) = self
        else {
            return None;
        };
        busy.as_deref().filter(|busy| ![STANDBY, OTHERS_TURN, ONE_VACUUM].contains(busy))
    }

    pub(in super::super) fn facts(&self) -> BTreeMap<String, String> {
        let fact = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let facts = match self {
            Self::Unreachable { why } => vec![fact("why", why)],
            Self::HorizonHeld { holder, advice, .. } => {
                [fact("holder", holder)].into_iter().chain(advice.facts()).collect()
            }
            Self::SessionIdle { session, advice, .. } => {
                [fact("session", session)].into_iter().chain(advice.facts()).collect()
            }
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
            Self::FreezeAgeElsewhere { counter, critical, advice, .. } => {
                let known =
                    [fact("counter", counter.word()), fact("critical", &critical.to_string())];
                known.into_iter().chain(advice.facts()).collect()
            }
            Self::CounterEnding { critical, advice, .. } => {
                let known = [fact("critical", &critical.to_string())];
                known.into_iter().chain(advice.facts()).collect()
            }
            Self::IndexInvalid { index, .. } => {
                vec![fact("sql", &format!("DROP INDEX CONCURRENTLY {};", index.object))]
            }
            Self::VacuumDue { table, .. } => {
                vec![fact("sql", &format!("VACUUM (ANALYZE, VERBOSE) {};", table.object))]
            }
            Self::AnalyzeDue { table, .. } => {
                vec![fact("sql", &format!("ANALYZE (VERBOSE) {};", table.object))]
            }
            Self::RebuildLeft { index, .. } | Self::IndexBloated { index, .. } => {
                vec![fact("sql", &format!("REINDEX INDEX CONCURRENTLY {};", index.object))]
            }
            Self::TableMissing { .. } => Vec::new(),
        };
        facts.into_iter().collect()
    }
}
