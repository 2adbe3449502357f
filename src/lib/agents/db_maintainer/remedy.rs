//! What is done about it. Pure.

use super::fault_database::DatabaseFault;
use super::{Fault, Snapshot, backups, buckets, logs, redis};
use crate::agent::{Remedy, Step};
use crate::domain::operation::{DataKind, DataRef, Guard, LEDGER, Measure, Operation, Upkeep};
use crate::domain::subject::Subject;

pub(super) fn remedy(subject: &Subject, fault: &Fault, snapshot: &Snapshot) -> Remedy {
    let database = || DataRef::of_store(DataKind::Database, LEDGER);
    let own = || DataRef::of_store(DataKind::Backups, LEDGER);
    match fault {
        Fault::Database(fault) => of_database(fault),
        Fault::Backups(fault) => backups::remedy(subject, fault, snapshot),
        Fault::Bucket(fault) => leave(buckets::remedy(fault)),
        Fault::Redis(fault) => redis::remedy(fault),
        Fault::Logs(fault) => logs::remedy(fault),
        Fault::LedgerDamaged { .. } => leave(
            "the next start that cannot use it keeps it aside and goes on from the published view; a backup of yours \
             belongs in its place before that",
        ),
        Fault::BackupBad { .. } => {
            leave("a new one is made when it is due; why this one broke, its disk may tell")
        }
        Fault::BackupDue { .. } => {
            let newest = snapshot.ledger.as_ref().ok().and_then(|look| look.backups.first());
            let newest = newest.map(|backup| backup.taken_at.to_string());
            act(
                Operation::tend(Upkeep::TakeBackup, own()),
                &[(Measure::TakenAt, newest)],
                "what is not copied is lost with its disk",
            )
        }
        // The first backup is made right before, in the same run.
        Fault::RestoreDue { .. } => act(
            Operation::tend(Upkeep::ProveRestore, own()),
            &[],
            "only a backup that was restored is known to be one",
        ),
        // One more may have been made since.
        Fault::BackupsMany { .. } => {
            act(Operation::tend(Upkeep::PruneBackups, own()), &[], "they are past their retention")
        }
        Fault::LogLong { .. } => act(
            Operation::tend(Upkeep::Checkpoint, database()),
            &[],
            "every reader goes through all of it",
        ),
        Fault::Loose { .. } => {
            act(Operation::tend(Upkeep::Compact, database()), &[], "the file system gets it back")
        }
    }
}

pub(super) fn leave(why: &str) -> Remedy {
    Remedy::Leave { why: why.to_owned() }
}

/// An operation, while its object still has these measures.
pub(super) fn act(
    operation: Operation,
    measures: &[(Measure, Option<String>)],
    why: &str,
) -> Remedy {
    let guard = Guard::SameData { measures: measures.iter().cloned().collect() };
    Remedy::Act(Step { operation, guard, why: why.to_owned() })
}

fn of_database(fault: &DatabaseFault) -> Remedy {
    let vacuum = |table: &DataRef, why: &str| {
        act(Operation::tend(Upkeep::VacuumTable, table.clone()), &[], why)
    };
    match fault {
        DatabaseFault::Unreachable { .. } => leave("it must answer before it can be tended"),
        DatabaseFault::TableMissing { .. } => {
            leave("write its name as the database has it, or take it out of the settings")
        }
        DatabaseFault::HorizonHeld { sql, .. } | DatabaseFault::SessionIdle { sql, .. } => {
            leave(&format!("whether it may be ended a person knows: {sql}"))
        }
        DatabaseFault::CounterEnding { .. } => {
            leave("a larger type is a change of the schema, which is its owner's")
        }
        DatabaseFault::FreezeAge { held_by: Some(holder), .. }
        | DatabaseFault::VacuumDue { held_by: Some(holder), .. } => {
            leave(&format!("a vacuum removes nothing while {holder} holds it back"))
        }
        DatabaseFault::FreezeAge { busy: Some(busy), .. }
        | DatabaseFault::VacuumDue { busy: Some(busy), .. } => leave(&format!("not now: {busy}")),
        DatabaseFault::FreezeAge { table, .. } => vacuum(table, "a vacuum freezes what is old"),
        DatabaseFault::VacuumDue { table, .. } => {
            vacuum(table, "queries go through dead row versions, and their room is used again")
        }
        DatabaseFault::IndexInvalid { of_constraint: true, .. } => {
            leave("a constraint is made of it")
        }
        DatabaseFault::IndexInvalid { busy: Some(busy), .. } => leave(&format!("not now: {busy}")),
        DatabaseFault::IndexInvalid { index, .. } => act(
            Operation::tend(Upkeep::DropInvalidIndex, index.clone()),
            &[(Measure::Valid, Some("false".to_owned()))],
            "a failed build left it behind, and only writes pay for it",
        ),
        DatabaseFault::IndexBloated { not_now: Some(why), .. } => leave(&format!("not now: {why}")),
        DatabaseFault::IndexBloated { index, node, .. } => act(
            Operation::tend(Upkeep::ReindexIndex, index.clone()),
            &[(Measure::FileNode, Some(node.to_string()))],
            "built anew beside the one in use, it is as small as what it holds",
        ),
    }
}
