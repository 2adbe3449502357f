//! What is done about declared backups. Pure.

use super::super::Snapshot;
use super::super::remedy::{act, leave};
use super::BackupsFault;
use crate::agent::Remedy;
use crate::domain::operation::{DataKind, DataRef, Measure, Operation, Upkeep};
use crate::domain::subject::Subject;

pub(in super::super) fn remedy(
    subject: &Subject,
    fault: &BackupsFault,
    snapshot: &Snapshot,
) -> Remedy {
    let tend = |verb| Operation::tend(verb, DataRef::of_store(DataKind::Backups, subject.id()));
    match fault {
        BackupsFault::Unseen { .. } => leave("what cannot be seen cannot be tended"),
        BackupsFault::Bad { .. } => {
            leave("a new one is made when it is due; why this one broke, its maker may tell")
        }
        BackupsFault::Due { make: false, passed_over, .. } if !passed_over.is_empty() => leave(
            "its maker is another: let it make a file with a name of its own, which is looked at",
        ),
        BackupsFault::Due { make: false, .. } => {
            leave("its maker is another: look why it made none")
        }
        BackupsFault::Due { .. } => {
            let look = snapshot.backups.get(subject.id()).and_then(|sight| sight.as_ref().ok());
            let newest = look.and_then(|look| look.backups.first());
            let newest = newest.map(|backup| backup.taken_at.to_string());
            let why = "what is not copied is lost with its disk";
            act(tend(Upkeep::TakeBackup), &[(Measure::TakenAt, newest)], why)
        }
        BackupsFault::CopyDue { .. } => {
            act(tend(Upkeep::CopyBackup), &[], "a copy beside the data is lost with it")
        }
        BackupsFault::ProofDue { in_vain: true, .. } => {
            leave("the newest is no good, and would be restored in vain")
        }
        BackupsFault::ProofDue { .. } => {
            let why = "only a backup that was restored is known to be one";
            act(tend(Upkeep::ProveRestore), &[], why)
        }
        BackupsFault::Unprovable { .. } => leave(
            "give this host what it lacks: a server's programs, what decrypts, or a folder for it",
        ),
        BackupsFault::Many { .. } => {
            act(tend(Upkeep::PruneBackups), &[], "they are past their retention")
        }
        BackupsFault::Copies { .. } => {
            leave("copy them there, and declare the place under `copies`")
        }
        BackupsFault::Recovery { took: Some(_), .. } => {
            leave("a faster disk, a parallel restore or a standby makes a recovery shorter")
        }
        BackupsFault::Recovery { .. } => leave(
            "raise `rpo` if so much may be lost, back up more often (`every`), or archive the write-ahead log for a recovery to any moment",
        ),
    }
}
