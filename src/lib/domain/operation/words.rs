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
            Self::Upkeep { verb, data } => f.write_str(&verb.words(data)),
        }
    }
}
