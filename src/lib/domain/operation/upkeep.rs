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
    /// Restore the newest backup beside what is in use, and look whether it is whole.
    ProveRestore,
    /// Take away backups that we made and that are past their retention; never the last good one.
    PruneBackups,
    /// Have a table's dead row versions removed and its statistics made anew.
    VacuumTable,
    /// Build an index anew beside the one in use.
    ReindexIndex,
    /// Take away an index that a failed build left behind, which no query uses.
    DropInvalidIndex,
}

impl Upkeep {
    /// Every one.
    pub const ALL: [Self; 8] = [
        Self::Checkpoint,
        Self::Compact,
        Self::TakeBackup,
        Self::ProveRestore,
        Self::PruneBackups,
        Self::VacuumTable,
        Self::ReindexIndex,
        Self::DropInvalidIndex,
    ];

    /// The verb's name, as effectiveness is counted by and as people read it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Checkpoint => "checkpoint",
            Self::Compact => "compact",
            Self::TakeBackup => "take_backup",
            Self::ProveRestore => "prove_restore",
            Self::PruneBackups => "prune_backups",
            Self::VacuumTable => "vacuum_table",
            Self::ReindexIndex => "reindex_index",
            Self::DropInvalidIndex => "drop_invalid_index",
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
            Self::ProveRestore => format!("restore the newest backup of {name} for a proof"),
            Self::PruneBackups => format!("prune the backups of {name}"),
            Self::VacuumTable => format!("vacuum {name}"),
            Self::ReindexIndex => format!("build {name} anew"),
            Self::DropInvalidIndex => format!("drop the invalid index {name}"),
        }
    }

    /// Why nothing takes it back.
    #[must_use]
    pub const fn irreversible(self) -> &'static str {
        match self {
            Self::PruneBackups => "a backup that was taken away is gone",
            Self::Checkpoint
            | Self::Compact
            | Self::TakeBackup
            | Self::ProveRestore
            | Self::VacuumTable
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
            | Self::ProveRestore
            | Self::PruneBackups => Duration::ZERO,
            // The server ends what is at work within a second after its client is gone.
            Self::VacuumTable | Self::ReindexIndex | Self::DropInvalidIndex => {
                Duration::from_secs(10)
            }
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
            Self::ProveRestore => later(Measure::ProvedAt),
            Self::VacuumTable => more(Measure::Vacuums),
            Self::ReindexIndex => {
                let new = before.measure(Measure::FileNode) != after.measure(Measure::FileNode);
                Mark::there(new && after.measure(Measure::Valid) == Some("true"))
            }
            Self::DropInvalidIndex => Mark::Absent,
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
