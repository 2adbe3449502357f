//! What is done about opswarden's own ledger. Pure.

use super::super::Snapshot;
use super::super::remedy::{act, leave};
use super::LedgerFault;
use crate::agent::Remedy;
use crate::domain::operation::{DataKind, DataRef, LEDGER, Measure, Operation, Upkeep};

pub(in super::super) fn remedy(fault: &LedgerFault, snapshot: &Snapshot) -> Remedy {
    let database = || DataRef::of_store(DataKind::Database, LEDGER);
    let own = || DataRef::of_store(DataKind::Backups, LEDGER);
    match fault {
        LedgerFault::LedgerDamaged { .. } => leave(
            "the next start that cannot use it keeps it aside and goes on from the published view; a backup of yours \
             belongs in its place before that",
        ),
        LedgerFault::BackupBad { .. } => {
            leave("a new one is made when it is due; why this one broke, its disk may tell")
        }
        LedgerFault::BackupDue { .. } => {
            let newest = snapshot.ledger.as_ref().ok().and_then(|look| look.backups.first());
            let newest = newest.map(|backup| backup.taken_at.to_string());
            act(
                Operation::tend(Upkeep::TakeBackup, own()),
                &[(Measure::TakenAt, newest)],
                "what is not copied is lost with its disk",
            )
        }
        // The first backup is made right before, in the same run.
        LedgerFault::RestoreDue { .. } => act(
            Operation::tend(Upkeep::ProveRestore, own()),
            &[],
            "only a backup that was restored is known to be one",
        ),
        // One more may have been made since.
        LedgerFault::BackupsMany { .. } => {
            act(Operation::tend(Upkeep::PruneBackups, own()), &[], "they are past their retention")
        }
        LedgerFault::LogLong { .. } => act(
            Operation::tend(Upkeep::Checkpoint, database()),
            &[],
            "every reader goes through all of it",
        ),
        LedgerFault::Loose { .. } => {
            act(Operation::tend(Upkeep::Compact, database()), &[], "the file system gets it back")
        }
    }
}
