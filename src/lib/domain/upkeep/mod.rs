//! What data stores look like to whoever tends them.

mod backup;
mod backup_set;
mod bucket;
mod database;
mod declared;
mod keyspace;
mod ledger;
mod log_name;
mod log_rules;
mod logs;

pub(crate) use backup::last_good;
pub use backup::{Backup, BackupSource, Flaw, Level, RestoreProof, RowCount};
pub use backup_set::{BackupSetLook, Compared, CopyLook, FoundBackup};
pub use bucket::{BucketLook, BucketUsage, Unfinished, Upload, bucket_name_fault, endpoint_fault};
pub use database::{
    BloatedIndex, Counter, DatabaseLook, ElsewhereKind, Holder, InvalidIndex, KeyColumn,
    OldElsewhere, PartitionedTable, REBUILD_PATIENCE, TableLook, Unseen,
};
pub use declared::{BackupFormat, Component, DeclaredBackup, DeclaredCopy, Encryption, NewestRow};
pub use keyspace::{AofLook, KeyspaceLook, MemoryLook, SaveLook, SavePoint, SaveRules};
pub use ledger::LedgerLook;
pub use log_name::{GOING, Glob, is_packed, series};
pub use log_rules::{CUT_BYTES, LogRules, Stuck};
pub use logs::{Archive, Held, LogFile, LogsLook, Tier};
