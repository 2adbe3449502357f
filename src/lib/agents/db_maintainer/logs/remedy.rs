//! What is done about logs. Pure.

use super::LogsFault;
use crate::agent::{Remedy, Step};
use crate::domain::operation::{DataRef, Guard, Measure, Operation, Upkeep};

pub(crate) fn remedy(fault: &LogsFault) -> Remedy {
    match fault {
        LogsFault::Unseen { .. } => leave(
            "let the user that runs db-maintainer read and write that folder, or take it out of the settings",
        ),
        LogsFault::TooLarge { .. } => leave(
            "rename it and let its writer open it anew, as `pm2 reloadLogs` does: nothing is lost, and under its new name it is \
             archived when its time comes",
        ),
        LogsFault::TooOld { .. } => leave(
            "only their owner or root sees who writes them: let db-maintainer run as that user; one with a second name can be \
             archived once it has one name",
        ),
        LogsFault::Expired { logs } => act(
            Upkeep::PruneArchives,
            logs,
            &[],
            "they are past their retention, and newer ones of their series are there",
        ),
        LogsFault::Large { log, node } => act(
            Upkeep::TrimLog,
            log,
            &[(Measure::FileNode, Some(node.clone()))],
            "a log without a bound fills the disk; its newest bytes stay",
        ),
        LogsFault::Old { logs } => {
            act(Upkeep::ArchiveLogs, logs, &[], "nobody has written them for long")
        }
        LogsFault::Warm { logs } => {
            act(Upkeep::PackArchives, logs, &[], "nobody is likely to ask for them again")
        }
    }
}

fn leave(why: &str) -> Remedy {
    Remedy::Leave { why: why.to_owned() }
}

fn act(verb: Upkeep, data: &DataRef, measures: &[(Measure, Option<String>)], why: &str) -> Remedy {
    let guard = Guard::SameData { measures: measures.iter().cloned().collect() };
    let operation = Operation::tend(verb, data.clone());
    Remedy::Act(Step { operation, guard, why: why.to_owned() })
}
