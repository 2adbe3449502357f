//! What is done about it. Pure.

use std::collections::BTreeMap;

use super::fault_database::DatabaseFault;
use super::{Fault, Snapshot};
use crate::agent::{Remedy, Step};
use crate::domain::operation::{DataKind, DataRef, Guard, LEDGER, Measure, Operation};
use crate::domain::subject::Subject;

pub(super) fn remedy(_subject: &Subject, fault: &Fault, snapshot: &Snapshot) -> Remedy {
    if let Fault::Database(fault) = fault {
        return of_database(fault);
    }
    let Ok(look) = &snapshot.ledger else {
        return Remedy::Leave { why: "it cannot be seen any more".to_owned() };
    };
    let database = || DataRef::of_store(DataKind::Database, LEDGER);
    let backups = || DataRef::of_store(DataKind::Backups, LEDGER);
    let newest = look.backups.first().map(|backup| backup.taken_at.to_string());
    let act = |operation: Operation, measure: Measure, value: Option<String>, why: &str| {
        let guard = Guard::SameData { measures: BTreeMap::from([(measure, value)]) };
        Remedy::Act(Step { operation, guard, why: why.to_owned() })
    };
    let unguarded = |operation: Operation, why: &str| {
        let guard = Guard::SameData { measures: BTreeMap::new() };
        Remedy::Act(Step { operation, guard, why: why.to_owned() })
    };
    match fault {
        Fault::Database(fault) => of_database(fault),
        Fault::LedgerDamaged { .. } => Remedy::Leave {
            why: "the next start that cannot use it keeps it aside and goes on from the published view; a backup of yours belongs in its place before that".to_owned(),
        },
        Fault::BackupBad { .. } => {
            Remedy::Leave { why: "a new one is made when it is due; why this one broke, its disk may tell".to_owned() }
        }
        Fault::BackupDue { .. } => act(
            Operation::TakeBackup(backups()),
            Measure::TakenAt,
            newest,
            "what is not copied is lost with its disk",
        ),
        // The first backup is made right before, in the same run.
        Fault::RestoreDue { .. } => unguarded(
            Operation::ProveRestore(backups()),
            "only a backup that was restored is known to be one",
        ),
        // One more may have been made since.
        Fault::BackupsMany { .. } => {
            unguarded(Operation::PruneBackups(backups()), "they are past their retention")
        }
        Fault::LogLong { .. } => {
            unguarded(Operation::Checkpoint(database()), "every reader goes through all of it")
        }
        Fault::Loose { .. } => {
            unguarded(Operation::Compact(database()), "the file system gets it back")
        }
    }
}

fn of_database(fault: &DatabaseFault) -> Remedy {
    let leave = |why: &str| Remedy::Leave { why: why.to_owned() };
    let vacuum = |table: &DataRef, why: &str| {
        let guard = Guard::SameData { measures: BTreeMap::new() };
        Remedy::Act(Step {
            operation: Operation::VacuumTable(table.clone()),
            guard,
            why: why.to_owned(),
        })
    };
    match fault {
        DatabaseFault::Unreachable { .. } => leave("it must answer before it can be tended"),
        DatabaseFault::TableMissing { .. } => {
            leave("write its name as the database has it, or take it out of the settings")
        }
        DatabaseFault::HorizonHeld { sql, .. } => {
            Remedy::Leave { why: format!("whether it may be ended a person knows: {sql}") }
        }
        DatabaseFault::CounterEnding { .. } => {
            leave("a larger type is a change of the schema, which is its owner's")
        }
        DatabaseFault::FreezeAge { held_by: Some(holder), .. }
        | DatabaseFault::VacuumDue { held_by: Some(holder), .. } => {
            Remedy::Leave { why: format!("a vacuum removes nothing while {holder} holds it back") }
        }
        DatabaseFault::FreezeAge { busy: Some(busy), .. }
        | DatabaseFault::VacuumDue { busy: Some(busy), .. } => {
            Remedy::Leave { why: format!("not now: {busy}") }
        }
        DatabaseFault::FreezeAge { table, .. } => vacuum(table, "a vacuum freezes what is old"),
        DatabaseFault::VacuumDue { table, .. } => {
            vacuum(table, "queries go through dead row versions, and their room is used again")
        }
        DatabaseFault::IndexInvalid { of_constraint: true, .. } => {
            leave("a constraint is made of it")
        }
        DatabaseFault::IndexInvalid { index, .. } => {
            let invalid = [(Measure::Valid, Some("false".to_owned()))];
            Remedy::Act(Step {
                operation: Operation::DropInvalidIndex(index.clone()),
                guard: Guard::SameData { measures: invalid.into_iter().collect() },
                why: "a failed build left it behind, and only writes pay for it".to_owned(),
            })
        }
        DatabaseFault::IndexBloated { not_now: Some(why), .. } => {
            Remedy::Leave { why: format!("not now: {why}") }
        }
        DatabaseFault::IndexBloated { index, node, .. } => {
            let same = [(Measure::FileNode, Some(node.to_string()))];
            Remedy::Act(Step {
                operation: Operation::ReindexIndex(index.clone()),
                guard: Guard::SameData { measures: same.into_iter().collect() },
                why: "built anew beside the one in use, it is as small as what it holds".to_owned(),
            })
        }
    }
}
