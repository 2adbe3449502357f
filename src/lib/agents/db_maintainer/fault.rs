//! What can be wrong with data stores, or due.

use std::collections::BTreeMap;

use serde::Serialize;

use super::backups::BackupsFault;
use super::buckets::BucketFault;
use super::ledger::LedgerFault;
use super::logs::LogsFault;
use super::postgres::DatabaseFault;
use super::redis::RedisFault;
use crate::domain::diagnosis::Fault as EngineFault;
use crate::domain::severity::Severity;
use crate::domain::subject::Key;

/// Something that is wrong, or due.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Something of opswarden's own ledger.
    Ledger(LedgerFault),
    /// Something of a database.
    Database(DatabaseFault),
    /// Something of backups that the settings declare, by their name there.
    Backups(String, BackupsFault),
    /// Something of a bucket.
    Bucket(BucketFault),
    /// Something of a Redis server.
    Redis(RedisFault),
    /// Something of logs.
    Logs(LogsFault),
}

impl EngineFault for Fault {
    fn severity(&self) -> Severity {
        match self {
            Self::Ledger(fault) => fault.severity(),
            Self::Database(fault) => fault.severity(),
            Self::Backups(_, fault) => fault.severity(),
            Self::Bucket(fault) => fault.severity(),
            Self::Redis(fault) => fault.severity(),
            Self::Logs(fault) => fault.severity(),
        }
    }

    fn message(&self) -> String {
        match self {
            Self::Ledger(fault) => fault.message(),
            Self::Database(fault) => fault.message(),
            Self::Backups(of, fault) => format!("{of}: {}", fault.message()),
            Self::Bucket(fault) => fault.message(),
            Self::Redis(fault) => fault.message(),
            Self::Logs(fault) => fault.message(),
        }
    }

    fn facts(&self) -> BTreeMap<String, String> {
        match self {
            Self::Ledger(fault) => fault.facts(),
            Self::Database(fault) => fault.facts(),
            Self::Backups(_, fault) => fault.facts(),
            Self::Bucket(fault) => fault.facts(),
            Self::Redis(fault) => fault.facts(),
            Self::Logs(fault) => fault.facts(),
        }
    }

    fn caused_by(&self) -> Option<Key> {
        match self {
            Self::Ledger(fault) => fault.caused_by(),
            Self::Database(_)
            | Self::Backups(..)
            | Self::Bucket(_)
            | Self::Redis(_)
            | Self::Logs(_) => None,
        }
    }

    fn not_now(&self) -> Option<&str> {
        match self {
            Self::Database(fault) => fault.put_off(),
            Self::Redis(fault) => fault.put_off(),
            Self::Ledger(_) | Self::Backups(..) | Self::Bucket(_) | Self::Logs(_) => None,
        }
    }
}
