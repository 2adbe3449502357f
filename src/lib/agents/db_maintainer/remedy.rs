//! What is done about it. Pure.

use super::{Fault, Snapshot, backups, buckets, ledger, logs, postgres, redis};
use crate::agent::{Remedy, Step};
use crate::domain::operation::{Guard, Measure, Operation};
use crate::domain::subject::Subject;

pub(super) fn remedy(subject: &Subject, fault: &Fault, snapshot: &Snapshot) -> Remedy {
    match fault {
        Fault::Ledger(fault) => ledger::remedy(fault, snapshot),
        Fault::Database(fault) => postgres::remedy(fault),
        Fault::Backups(_, fault) => backups::remedy(subject, fault, snapshot),
        Fault::Bucket(fault) => leave(buckets::remedy(fault)),
        Fault::Redis(fault) => redis::remedy(fault),
        Fault::Logs(fault) => logs::remedy(fault),
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
