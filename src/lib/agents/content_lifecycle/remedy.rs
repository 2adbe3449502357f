//! What could be done about a fault. Whether it may be done is the gate's.

use super::fault::{Fault, Replacement};
use super::snapshot::Snapshot;
use crate::agent::{Remedy, Step};
use crate::domain::operation::{Guard, Operation};
use crate::domain::platform::{ContentStatus, Dialect, Field, RowKind, RowRef};
use crate::domain::subject::Subject;

/// Proposes a remedy.
pub(super) fn remedy(subject: &Subject, fault: &Fault, snapshot: &Snapshot) -> Remedy {
    let dialect = match &snapshot.dialect {
        Ok(dialect) => *dialect,
        Err(blind) => return leave(blind.why.clone()),
    };
    match fault {
        Fault::Expired { expires_at, replacement, .. } => {
            if let Err(why) = ours_to_end(replacement, dialect) {
                return leave(why);
            }
            let fields = [
                (Field::Status, Some(word(ContentStatus::Active))),
                (Field::ExpiresAt, Some(expires_at.to_string())),
                (Field::Replacement, replacement.id().map(str::to_owned)),
            ];
            archive(subject, fields, "it has expired, and the platform has not ended it")
        }
        Fault::Orphaned { replacement, .. } => {
            let fields = [
                (Field::Status, Some(word(ContentStatus::Active))),
                (Field::Playlists, Some(String::new())),
                (Field::Global, Some(false.to_string())),
                (Field::Replacement, replacement.clone()),
            ];
            archive(subject, fields, "nothing refers to it, and it can be restored exactly")
        }
        Fault::ThumbnailMissing { .. } => leave(
            "a thumbnail is made from the file by the platform; let a person upload it again, or \
             set one",
        ),
        Fault::ThumbnailDead { .. } => {
            leave("the file of a thumbnail cannot be brought back from here; let a person set one")
        }
        Fault::Oversized { .. } => leave(
            "it may well be wanted, and putting it away would end what it shows; let a person \
             compress it",
        ),
        Fault::Idle { status, .. } => {
            let fields =
                [(Field::Status, Some(word(*status))), (Field::Global, Some(false.to_string()))];
            archive(subject, fields, "nobody plays it, and archiving it frees its space")
        }
        Fault::StorageHigh { relief, .. } => leave(relief.clone()),
    }
}

fn leave(why: impl Into<String>) -> Remedy {
    Remedy::Leave { why: why.into() }
}

fn word(status: ContentStatus) -> String {
    status.as_str().to_owned()
}

fn archive(
    subject: &Subject,
    fields: impl IntoIterator<Item = (Field, Option<String>)>,
    why: &str,
) -> Remedy {
    let row = RowRef::new(RowKind::Content, subject.scope(), subject.id());
    Remedy::Act(Step {
        operation: Operation::ArchiveContent(row),
        guard: Guard::SameRow { fields: fields.into_iter().collect() },
        why: why.to_owned(),
    })
}

/// `Err` where the platform's own job still has something to do that archiving would prevent: to put the replacement into
/// the place of what expired. Only one dialect has such a job.
fn ours_to_end(replacement: &Replacement, dialect: Dialect) -> Result<(), String> {
    match (dialect, replacement) {
        (Dialect::Reference, _)
        | (Dialect::Vizora, Replacement::None | Replacement::Unfit { .. }) => Ok(()),
        (Dialect::Vizora, Replacement::Ready { id }) => Err(format!(
            "the platform's own expiry job puts its replacement {id} into its place, and archiving \
             it would lose that; check that the job runs, it should have been here within the hour"
        )),
        (Dialect::Vizora, Replacement::Unseen { id, why }) => Err(format!(
            "whether its replacement {id} can be shown is not known ({why}); if it can, the \
             platform's own expiry job puts it into its place, and archiving would lose that"
        )),
    }
}
