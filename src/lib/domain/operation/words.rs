//! Operations as people read them.

use std::fmt;

use super::Operation;

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RestartProcess(process) => write!(f, "restart {process}"),
            Self::ReloadProcess(process) => write!(f, "reload {process}"),
            Self::PingDisplay(row) => write!(f, "ping {row}"),
            Self::ReloadDisplay(row) => write!(f, "reload {row}"),
            Self::ResetDisplay(row) => write!(f, "reset {row}"),
            Self::ArchiveContent(row) => write!(f, "archive {row}"),
            Self::RestoreContent { content, status } => write!(f, "restore {content} to {status}"),
            Self::DeactivateSchedule(row) => write!(f, "deactivate {row}"),
            Self::ActivateSchedule(row) => write!(f, "activate {row}"),
            Self::AssignPlaylist { display, playlist: Some(playlist) } => {
                write!(f, "assign playlist {playlist} to {display}")
            }
            Self::AssignPlaylist { display, playlist: None } => {
                write!(f, "take the playlist of {display} away")
            }
            Self::Checkpoint(data) => write!(f, "write the log of {} back", data.name()),
            Self::Compact(data) => write!(f, "compact {}", data.name()),
            Self::TakeBackup(data) => write!(f, "back up {}", data.name()),
            Self::ProveRestore(data) => {
                write!(f, "restore the newest backup of {} for a proof", data.name())
            }
            Self::PruneBackups(data) => write!(f, "prune the backups of {}", data.name()),
            Self::VacuumTable(data) => write!(f, "vacuum {}", data.name()),
            Self::ReindexIndex(data) => write!(f, "build {} anew", data.name()),
            Self::DropInvalidIndex(data) => write!(f, "drop the invalid index {}", data.name()),
        }
    }
}
