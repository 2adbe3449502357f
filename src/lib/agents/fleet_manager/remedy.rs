//! What can be done about a fault, by what the platform truly offers.

use std::collections::BTreeMap;

use super::fault::Fault;
use crate::agent::tenant_snapshot::Snapshot;
use crate::agent::{Remedy, Step};
use crate::domain::operation::{Guard, Operation};
use crate::domain::platform::{Dialect, DisplayStatus, Field, RowKind, RowRef};
use crate::domain::subject::Subject;

pub(super) fn remedy(subject: &Subject, fault: &Fault, snapshot: &Snapshot) -> Remedy {
    let dialect = snapshot.platform.as_ref().map_or(Dialect::default(), |seen| seen.dialect);
    let row = RowRef::new(RowKind::Display, subject.scope(), subject.id());
    match fault {
        Fault::LocationDark { .. } => leave(
            "what takes a whole place down is its power or its network; nothing on the server can mend that",
        ),
        Fault::Blank { no_playlist: true, .. } => leave(
            "what a display without a playlist is given is schedule-doctor's to decide: see its coverage_gap",
        ),
        Fault::Blank { no_playlist: false, .. } => leave(
            "its playlist needs content that can be shown: a person must add some or pick another playlist",
        ),
        Fault::Error { .. } => Remedy::Act(Step {
            guard: same(&[(Field::Status, "error"), (Field::Disabled, "false")]),
            why: format!(
                "the platform keeps the error until somebody sets it to {}",
                dialect.reset_status()
            ),
            operation: Operation::ResetDisplay(row),
        }),
        Fault::Offline { persistent: true, .. } => leave(
            "it is silent for so long that it will not come back by itself: look after its power and network",
        ),
        Fault::Offline { last_heartbeat, status, .. } => {
            offline(dialect, row, *status, last_heartbeat)
        }
    }
}

fn offline(dialect: Dialect, row: RowRef, status: DisplayStatus, heard: &str) -> Remedy {
    let still_silent = |more: &[(Field, &str)]| {
        let mut all = vec![(Field::LastHeartbeat, heard), (Field::Disabled, "false")];
        all.extend_from_slice(more);
        same(&all)
    };
    if dialect.has_ping() {
        return Remedy::Act(Step {
            guard: still_silent(&[]),
            why: "a ping makes a player that hangs connect again".to_owned(),
            operation: Operation::PingDisplay(row),
        });
    }
    if status == DisplayStatus::Online {
        return Remedy::Act(Step {
            guard: still_silent(&[(Field::Status, "online")]),
            why: "it is connected and silent: a player that is told to reload reports again"
                .to_owned(),
            operation: Operation::ReloadDisplay(row),
        });
    }
    leave(
        "its player is not connected, and nothing on the server can make it connect: it comes back by itself, or its power and network need a look",
    )
}

fn leave(why: &str) -> Remedy {
    Remedy::Leave { why: why.to_owned() }
}

fn same(fields: &[(Field, &str)]) -> Guard {
    let fields = fields.iter().map(|(field, value)| (*field, Some((*value).to_owned())));
    Guard::SameRow { fields: fields.collect::<BTreeMap<_, _>>() }
}
