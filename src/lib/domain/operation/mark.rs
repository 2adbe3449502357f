//! The mark that each operation leaves on its target: what proves that it took effect.

use super::target::new_start;
use super::{Mark, Operation, TargetState, Upkeep};
use crate::domain::platform::{Field, RowState};
use crate::domain::process::ProcessStatus;

impl Operation {
    /// Whether the operation left its own mark on the target.
    #[must_use]
    pub fn mark(&self, before: &TargetState, after: &TargetState) -> Mark {
        match (before, after) {
            (TargetState::Data(_), TargetState::Missing)
                if matches!(self, Self::Upkeep { verb: Upkeep::DropInvalidIndex, .. }) =>
            {
                Mark::Left
            }
            (_, TargetState::Missing) => Mark::Absent,
            (TargetState::Missing, TargetState::Process(after)) => {
                Mark::there(after.status == ProcessStatus::Online)
            }
            (TargetState::Process(before), TargetState::Process(after)) => new_start(before, after),
            (TargetState::Row(before), TargetState::Row(after)) => self.mark_on_row(before, after),
            (TargetState::Data(before), TargetState::Data(after)) => match self {
                Self::Upkeep { verb, .. } => verb.mark(before, after),
                _ => Mark::Unreadable,
            },
            (_, TargetState::Row(_) | TargetState::Process(_) | TargetState::Data(_)) => {
                Mark::Unreadable
            }
        }
    }

    fn mark_on_row(&self, before: &RowState, after: &RowState) -> Mark {
        let is = |field: Field, wanted: Option<&str>| Mark::there(after.field(field) == wanted);
        match self {
            Self::ArchiveContent(_) => is(Field::Status, Some("archived")),
            Self::RestoreContent { status, .. } => is(Field::Status, Some(status)),
            Self::DeactivateSchedule(_) => is(Field::Active, Some("false")),
            Self::ActivateSchedule(_) => is(Field::Active, Some("true")),
            Self::AssignPlaylist { playlist, .. } => {
                is(Field::CurrentPlaylist, playlist.as_deref())
            }
            Self::ResetDisplay(_) => Mark::there(after.field(Field::Status) != Some("error")),
            Self::PingDisplay(_) | Self::ReloadDisplay(_) => {
                let heard = |state: &RowState| {
                    state
                        .field(Field::LastHeartbeat)
                        .and_then(|at| at.parse::<jiff::Timestamp>().ok())
                };
                Mark::there(heard(after) > heard(before))
            }
            Self::RestartProcess(_) | Self::ReloadProcess(_) | Self::Upkeep { .. } => {
                Mark::Unreadable
            }
        }
    }
}
