//! What is done about a database. Pure.

use super::super::remedy::{act, leave};
use super::{DatabaseFault, VacuumCause};
use crate::agent::Remedy;
use crate::domain::operation::{DataRef, Measure, Operation, Upkeep};

pub(in super::super) fn remedy(fault: &DatabaseFault) -> Remedy {
    let vacuum = |table: &DataRef, why: &str| {
        act(Operation::tend(Upkeep::VacuumTable, table.clone()), &[], why)
    };
    match fault {
        DatabaseFault::Unreachable { .. } => leave("it must answer before it can be tended"),
        DatabaseFault::TableMissing { .. } => {
            leave("write its name as the database has it, or take it out of the settings")
        }
        DatabaseFault::HorizonHeld { advice, .. } | DatabaseFault::SessionIdle { advice, .. } => {
            leave(&format!("whether it may be ended a person knows: {advice}"))
        }
        DatabaseFault::CounterEnding { .. } => {
            leave("a larger type is a change of the schema, which is its owner's")
        }
        DatabaseFault::FreezeAgeElsewhere { advice, .. } => leave(&format!(
            "it is not among the tables that we may tend; a person could run {advice}"
        )),
        DatabaseFault::FreezeAge { held_by: Some(holder), .. }
        | DatabaseFault::VacuumDue { held_by: Some(holder), .. } => {
            leave(&format!("a vacuum removes nothing while {holder} holds it back"))
        }
        DatabaseFault::FreezeAge { busy: Some(busy), .. }
        | DatabaseFault::VacuumDue { busy: Some(busy), .. }
        | DatabaseFault::AnalyzeDue { busy: Some(busy), .. }
        | DatabaseFault::IndexInvalid { busy: Some(busy), .. }
        | DatabaseFault::IndexBloated { not_now: Some(busy), .. } => {
            leave(&format!("not now: {busy}"))
        }
        DatabaseFault::FreezeAge { table, .. } => vacuum(table, "a vacuum freezes what is old"),
        DatabaseFault::VacuumDue { table, cause: VacuumCause::DeadRows, .. } => {
            vacuum(table, "queries go through dead row versions, and their room is used again")
        }
        DatabaseFault::VacuumDue { table, cause: VacuumCause::NewRows, .. } => vacuum(
            table,
            "what a vacuum has seen is read from the index alone, and frozen by and by",
        ),
        DatabaseFault::AnalyzeDue { table, .. } => act(
            Operation::tend(Upkeep::AnalyzeTable, table.clone()),
            &[],
            "queries are planned by what statistics say of their tables",
        ),
        DatabaseFault::RebuildLeft { .. } => {
            leave("whether it may take that room and time a person knows: `opsctl db advice`")
        }
        DatabaseFault::IndexInvalid { index, .. } => act(
            Operation::tend(Upkeep::DropInvalidIndex, index.clone()),
            &[(Measure::Valid, Some("false".to_owned()))],
            "a failed build left it behind, and only writes pay for it",
        ),
        DatabaseFault::IndexBloated { index, node, .. } => act(
            Operation::tend(Upkeep::ReindexIndex, index.clone()),
            &[(Measure::FileNode, Some(node.to_string()))],
            "built anew beside the one in use, it is as small as what it holds",
        ),
    }
}
