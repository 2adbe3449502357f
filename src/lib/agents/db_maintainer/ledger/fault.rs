//! What can be wrong with opswarden's own ledger, or due.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::domain::moment::full;
use crate::domain::severity::Severity;
use crate::domain::subject::Key;

/// Something that is wrong with opswarden's own ledger, or due.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LedgerFault {
    /// The ledger's file is broken.
    LedgerDamaged {
        /// What is broken.
        what: String,
    },
    /// The ledger's write-ahead log is long.
    LogLong {
        /// How long.
        bytes: u64,
    },
    /// Much of the ledger's file holds nothing.
    Loose {
        /// How much.
        bytes: u64,
        /// Of how much.
        size_bytes: u64,
    },
    /// A backup is due.
    BackupDue {
        /// When the newest was taken.
        last: Option<Timestamp>,
        /// Whether it is late by more than the grace.
        overdue: bool,
    },
    /// The newest backup is no good.
    BackupBad {
        /// Which.
        name: String,
        /// Why.
        why: String,
    },
    /// A restore for a proof is due.
    RestoreDue {
        /// When the last good one was.
        last: Option<Timestamp>,
        /// Whether it is late by more than the grace.
        overdue: bool,
        /// The finding that the newest backup is no good, where that is why.
        cause: Option<Key>,
    },
    /// There are more backups than are to be kept.
    BackupsMany {
        /// How many there are.
        count: usize,
        /// How many are kept.
        kept: u32,
    },
}

impl LedgerFault {
    pub(in super::super) const fn severity(&self) -> Severity {
        match self {
            Self::LedgerDamaged { .. } => Severity::Critical,
            Self::BackupBad { .. }
            | Self::BackupDue { overdue: true, .. }
            | Self::RestoreDue { overdue: true, .. } => Severity::Warning,
            Self::LogLong { .. }
            | Self::Loose { .. }
            | Self::BackupDue { .. }
            | Self::RestoreDue { .. }
            | Self::BackupsMany { .. } => Severity::Info,
        }
    }

    pub(in super::super) fn message(&self) -> String {
        let since = |last: &Option<Timestamp>| match last {
            Some(at) => format!("the last is of {}", full(*at)),
            None => "there is none yet".to_owned(),
        };
        match self {
            Self::LedgerDamaged { what } => format!("opswarden's ledger is broken: {what}"),
            Self::LogLong { .. } => "the ledger's write-ahead log is long".to_owned(),
            Self::Loose { .. } => "much of the ledger's file holds nothing".to_owned(),
            Self::BackupDue { last, .. } => {
                format!("a backup of the ledger is due: {}", since(last))
            }
            Self::BackupBad { name, why } => {
                format!("the ledger's backup {name} is no good: {why}")
            }
            Self::RestoreDue { last, .. } => {
                format!(
                    "a restore of the ledger's newest backup for a proof is due: {}",
                    since(last)
                )
            }
            Self::BackupsMany { kept, .. } => {
                format!("there are more backups of the ledger than the {kept} that are to be kept")
            }
        }
    }

    pub(in super::super) fn facts(&self) -> BTreeMap<String, String> {
        let fact = |name: &str, value: String| (name.to_owned(), value);
        let moment = |at: &Option<Timestamp>| at.map_or("never".to_owned(), |at| at.to_string());
        let facts = match self {
            Self::LedgerDamaged { what } => vec![fact("what", what.clone())],
            // How much it is changes all the time, and is no news.
            Self::LogLong { .. } | Self::Loose { .. } => Vec::new(),
            Self::BackupDue { last, overdue } | Self::RestoreDue { last, overdue, .. } => {
                vec![fact("last", moment(last)), fact("overdue", overdue.to_string())]
            }
            Self::BackupBad { name, why } => {
                vec![fact("name", name.clone()), fact("why", why.clone())]
            }
            Self::BackupsMany { count, .. } => vec![fact("count", count.to_string())],
        };
        facts.into_iter().collect()
    }

    pub(in super::super) fn caused_by(&self) -> Option<Key> {
        match self {
            Self::RestoreDue { cause, .. } => cause.clone(),
            Self::LedgerDamaged { .. }
            | Self::LogLong { .. }
            | Self::Loose { .. }
            | Self::BackupDue { .. }
            | Self::BackupBad { .. }
            | Self::BackupsMany { .. } => None,
        }
    }
}
