//! The verbs that tend a data store. None of them changes what people or the product keep there.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DataRef, DataState, Mark, Measure};

/// How an object of a data store is tended.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Upkeep {
    /// Write what a database's log holds back into the database.
    Checkpoint,
    /// Give what a database holds and does not use back to the file system.
    Compact,
    /// Make a backup.
    TakeBackup,
    /// Put the newest backup into the other places that should hold it.
    CopyBackup,
    /// Restore the newest backup beside what is in use, and look whether it is whole.
    ProveRestore,
    /// Take away backups that we made and that are past their retention; never the last good one.
    PruneBackups,
    /// Have a table's dead row versions removed and its statistics made anew.
    VacuumTable,
    /// Have a table's statistics made anew, where it needs nothing else.
    AnalyzeTable,
    /// Build an index anew beside the one in use.
    ReindexIndex,
    /// Take away an index that a failed build left behind, which no query uses.
    DropInvalidIndex,
    /// Walk over the keys of a server, which lets those go whose time is over.
    ReclaimExpired,
    /// Cut the oldest bytes of a log off, in place, so that its newest ones stay.
    TrimLog,
    /// Put logs that nobody has written for long into archives, each proved before its original goes.
    ArchiveLogs,
    /// Pack archives that nobody has asked for lately tighter.
    PackArchives,
    /// Take away archives that we made and that are past their retention; never the last of its series.
    PruneArchives,
}

impl Upkeep {
    /// Every one.
    pub const ALL: [Self; 15] = [
        Self::Checkpoint,
        Self::Compact,
        Self::TakeBackup,
        Self::CopyBackup,
        Self::ProveRestore,
        Self::PruneBackups,
        Self::VacuumTable,
        Self::AnalyzeTable,
        Self::ReindexIndex,
        Self::DropInvalidIndex,
        Self::ReclaimExpired,
        Self::TrimLog,
        Self::ArchiveLogs,
        Self::PackArchives,
        Self::PruneArchives,
    ];

    /// The verb's name, as effectiveness is counted by and as people read it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Checkpoint => "checkpoint",
            Self::Compact => "compact",
            Self::TakeBackup => "take_backup",
            Self::CopyBackup => "copy_backup",
            Self::ProveRestore => "prove_restore",
            Self::PruneBackups => "prune_backups",
            Self::VacuumTable => "vacuum_table",
            Self::AnalyzeTable => "analyze_table",
            Self::ReindexIndex => "reindex_index",
            Self::DropInvalidIndex => "drop_invalid_index",
            Self::ReclaimExpired => "reclaim_expired",
            Self::TrimLog => "trim_log",
            Self::ArchiveLogs => "archive_logs",
            Self::PackArchives => "pack_archives",
            Self::PruneArchives => "prune_archives",
        }
    }

    /// What is done, as people read it.
    #[must_use]
    pub fn words(self, data: &DataRef) -> String {
        let name = data.name();
        match self {
            Self::Checkpoint => format!("write the log of {name} back"),
            Self::Compact => format!("compact {name}"),
            Self::TakeBackup => format!("back up {name}"),
            Self::CopyBackup => format!("copy the newest backup of {name} to its other places"),
            Self::ProveRestore => format!("restore the newest backup of {name} for a proof"),
            Self::PruneBackups => format!("prune the backups of {name}"),
            Self::VacuumTable => format!("vacuum {name}"),
            Self::AnalyzeTable => format!("analyze {name}"),
            Self::ReindexIndex => format!("build {name} anew"),
            Self::DropInvalidIndex => format!("drop the invalid index {name}"),
            Self::ReclaimExpired => format!("reclaim the expired keys of {name}"),
            Self::TrimLog => format!("trim the log {name}"),
            Self::ArchiveLogs => format!("archive the old logs of {name}"),
            Self::PackArchives => format!("pack the archives of {name} tighter"),
            Self::PruneArchives => format!("prune the archives of {name}"),
        }
    }

    /// Why nothing takes it back.
    #[must_use]
    pub const fn irreversible(self) -> &'static str {
        match self {
            Self::PruneBackups => "a backup that was taken away is gone",
            Self::ReclaimExpired => "nobody could read those keys any more",
            Self::TrimLog => "the oldest bytes of a trimmed log are gone",
            Self::PruneArchives => "an archive that was taken away is gone",
            Self::ArchiveLogs | Self::PackArchives => "every byte is in the archive",
            Self::Checkpoint
            | Self::Compact
            | Self::TakeBackup
            | Self::CopyBackup
            | Self::ProveRestore
            | Self::VacuumTable
            | Self::AnalyzeTable
            | Self::ReindexIndex
            | Self::DropInvalidIndex => "nothing that people made was changed",
        }
    }

    /// How long an effect may still be on its way after its sender died.
    #[must_use]
    pub const fn horizon(self) -> Duration {
        match self {
            // It happens inside the process that was told to, and ends with it.
            Self::Checkpoint
            | Self::Compact
            | Self::TakeBackup
            | Self::CopyBackup
            | Self::ProveRestore
            | Self::PruneBackups
            | Self::ReclaimExpired
            | Self::TrimLog
            | Self::ArchiveLogs
            | Self::PackArchives
            | Self::PruneArchives => Duration::ZERO,
            // The server ends what is at work within a second after its client is gone.
            Self::VacuumTable
            | Self::AnalyzeTable
            | Self::ReindexIndex
            | Self::DropInvalidIndex => Duration::from_secs(10),
        }
    }

    /// Whether it left its own mark on an object that is there still.
    #[must_use]
    pub fn mark(self, before: &DataState, after: &DataState) -> Mark {
        let less = |measure: Measure| match (before.number(measure), after.number(measure)) {
            (Some(before), Some(after)) => Mark::there(after < before),
            _ => Mark::Unreadable,
        };
        let more = |measure: Measure| match (before.number(measure), after.number(measure)) {
            (Some(before), Some(after)) => Mark::there(after > before),
            _ => Mark::Unreadable,
        };
        let later = |measure: Measure| {
            let at = |state: &DataState| state.measure(measure)?.parse::<jiff::Timestamp>().ok();
            Mark::there(at(after) > at(before))
        };
        match self {
            Self::Checkpoint => less(Measure::WalBytes),
            Self::Compact => less(Measure::LooseBytes),
            Self::PruneBackups => less(Measure::Count),
            Self::TakeBackup => later(Measure::TakenAt),
            Self::CopyBackup => more(Measure::Copies),
            Self::ProveRestore => later(Measure::ProvedAt),
            Self::VacuumTable => more(Measure::Vacuums),
            Self::AnalyzeTable => more(Measure::Analyzes),
            Self::ReclaimExpired => more(Measure::ExpiredKeys),
            Self::ReindexIndex => {
                let new = before.measure(Measure::FileNode) != after.measure(Measure::FileNode);
                Mark::there(new && after.measure(Measure::Valid) == Some("true"))
            }
            Self::DropInvalidIndex => Mark::Absent,
            Self::ArchiveLogs => less(Measure::Old),
            Self::PackArchives => less(Measure::Warm),
            Self::PruneArchives => less(Measure::Expired),
            // Its writer may have filled it up again, but not with the same beginning.
            Self::TrimLog => {
                let same = |one: Measure| before.measure(one) == after.measure(one);
                let cut = less(Measure::SizeBytes) == Mark::Left || !same(Measure::Head);
                Mark::there(same(Measure::FileNode) && cut)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{DataKind, Operation};
    use super::*;

    #[test]
    fn every_verb_can_be_named() {
        for verb in Upkeep::ALL {
            let data = DataRef::of_store(DataKind::Database, "main");
            let operation = Operation::tend(verb, data);
            assert!(Operation::VERBS.contains(&operation.verb()), "{verb:?}");
        }
    }
}
