//! The mark that each operation leaves on its target: what proves that it took effect.

use super::target::new_start;
use super::{DataState, Mark, Measure, Operation, TargetState};
use crate::domain::platform::{Field, RowState};
use crate::domain::process::ProcessStatus;

impl Operation {
    /// Whether the operation left its own mark on the target.
    #[must_use]
    pub fn mark(&self, before: &TargetState, after: &TargetState) -> Mark {
        match (before, after) {
            (TargetState::Data(_), TargetState::Missing)
                if matches!(self, Self::DropInvalidIndex(_)) =>
            {
                Mark::Left
            }
            (_, TargetState::Missing) => Mark::Absent,
            (TargetState::Missing, TargetState::Process(after)) => {
                Mark::there(after.status == ProcessStatus::Online)
            }
            (TargetState::Process(before), TargetState::Process(after)) => new_start(before, after),
            (TargetState::Row(before), TargetState::Row(after)) => self.mark_on_row(before, after),
            (TargetState::Data(before), TargetState::Data(after)) => {
                self.mark_on_data(before, after)
            }
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
            Self::RestartProcess(_)
            | Self::ReloadProcess(_)
            | Self::Checkpoint(_)
            | Self::Compact(_)
            | Self::TakeBackup(_)
            | Self::ProveRestore(_)
            | Self::PruneBackups(_)
            | Self::VacuumTable(_)
            | Self::ReindexIndex(_)
            | Self::DropInvalidIndex(_) => Mark::Unreadable,
        }
    }

    fn mark_on_data(&self, before: &DataState, after: &DataState) -> Mark {
        let less = |measure: Measure| match (before.number(measure), after.number(measure)) {
            (Some(before), Some(after)) => Mark::there(after < before),
            _ => Mark::Unreadable,
        };
        let more = |measure: Measure| match (before.number(measure), after.number(measure)) {
            (Some(before), Some(after)) => Mark::there(after > before),
            _ => Mark::Unreadable,
        };
        let later = |measure: Measure| {
            let at = |state: &DataState| state.measure(measure)?.parse::<jiff::Timestamp>().ok();
            Mark::there(at(after) > at(before))
        };
        match self {
            Self::Checkpoint(_) => less(Measure::WalBytes),
            Self::Compact(_) => less(Measure::LooseBytes),
            Self::PruneBackups(_) => less(Measure::Count),
            Self::TakeBackup(_) => later(Measure::TakenAt),
            Self::ProveRestore(_) => later(Measure::ProvedAt),
            Self::VacuumTable(_) => more(Measure::Vacuums),
            Self::ReindexIndex(_) => {
                let new = before.measure(Measure::FileNode) != after.measure(Measure::FileNode);
                Mark::there(new && after.measure(Measure::Valid) == Some("true"))
            }
            // It is there still.
            Self::DropInvalidIndex(_) => Mark::Absent,
            Self::RestartProcess(_)
            | Self::ReloadProcess(_)
            | Self::PingDisplay(_)
            | Self::ReloadDisplay(_)
            | Self::ResetDisplay(_)
            | Self::ArchiveContent(_)
            | Self::RestoreContent { .. }
            | Self::DeactivateSchedule(_)
            | Self::ActivateSchedule(_)
            | Self::AssignPlaylist { .. } => Mark::Unreadable,
        }
    }
}
