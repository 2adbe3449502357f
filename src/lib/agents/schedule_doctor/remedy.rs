//! What can be done about a fault.

use std::collections::BTreeMap;

use super::fault::{Fallback, Fault};
use crate::agent::{Remedy, Step};
use crate::domain::operation::{Guard, Operation};
use crate::domain::platform::{Field, RowKind, RowRef};
use crate::domain::subject::Subject;

pub(super) fn remedy(subject: &Subject, fault: &Fault) -> Remedy {
    let schedule = || RowRef::new(RowKind::Schedule, subject.scope(), subject.id());
    match fault {
        Fault::Ended { ended, .. } => Remedy::Act(Step {
            guard: same([(Field::Active, Some("true")), (Field::EndDate, Some(ended.as_str()))]),
            why: "it plays no more; out of force it no longer stands among those that do".to_owned(),
            operation: Operation::DeactivateSchedule(schedule()),
        }),
        Fault::PlaylistGone { playlist, .. } => Remedy::Act(Step {
            guard: same([(Field::Active, Some("true")), (Field::Playlist, playlist.as_deref())]),
            why: "it can play nothing, and keeps its displays from what they could play".to_owned(),
            operation: Operation::DeactivateSchedule(schedule()),
        }),
        Fault::PlaylistEmpty { .. } => leave(
            "what it should play is for a person to say: add content that can be shown, or pick another playlist".to_owned(),
        ),
        Fault::NoTarget { .. } => leave(
            "whom it is for is for a person to say: pick a display or a group, or take it out of force".to_owned(),
        ),
        Fault::Overlap { .. } => leave(
            "which of them should play is for a person to say: give them different priorities, or windows that do not meet".to_owned(),
        ),
        Fault::Gap { fallback, .. } => gap(subject, fallback),
    }
}

fn gap(subject: &Subject, fallback: &Fallback) -> Remedy {
    let playlist = match fallback {
        Fallback::None { why } => return leave(why.clone()),
        Fallback::Ready { playlist } => playlist.clone(),
    };
    Remedy::Act(Step {
        guard: same([(Field::CurrentPlaylist, None), (Field::Disabled, Some("false"))]),
        why: "a playlist of its own plays wherever no schedule does".to_owned(),
        operation: Operation::AssignPlaylist {
            display: RowRef::new(RowKind::Display, subject.scope(), subject.id()),
            playlist: Some(playlist),
        },
    })
}

fn leave(why: String) -> Remedy {
    Remedy::Leave { why }
}

fn same<const N: usize>(fields: [(Field, Option<&str>); N]) -> Guard {
    let owned = |(field, value): (Field, Option<&str>)| (field, value.map(str::to_owned));
    Guard::SameRow { fields: fields.into_iter().map(owned).collect::<BTreeMap<_, _>>() }
}
