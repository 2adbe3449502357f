//! The verbs.
//!
//! No verb deletes what people or the product made. A new verb is a new variant here; the compiler then names every
//! place that must know it.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DataRef, Inverse, Target, TargetState, Upkeep};
use crate::domain::platform::{Dialect, Field, RowRef, RowState};
use crate::domain::process::ProcessRef;

/// One verb with its object.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Stop the process, if it runs, and start it again.
    RestartProcess(ProcessRef),
    /// Replace the process without an outage; only where its manager can.
    ReloadProcess(ProcessRef),
    /// Ask a silent display to connect again.
    PingDisplay(RowRef),
    /// Tell a connected display to load its player anew.
    ReloadDisplay(RowRef),
    /// Take a display out of its error state.
    ResetDisplay(RowRef),
    /// Put content away; it stays, and is no longer played.
    ArchiveContent(RowRef),
    /// Give archived content its earlier state back.
    RestoreContent {
        /// Which.
        content: RowRef,
        /// The state that it had, in the platform's word.
        status: String,
    },
    /// Take a schedule out of force.
    DeactivateSchedule(RowRef),
    /// Put it in force again.
    ActivateSchedule(RowRef),
    /// Give a display a playlist of its own, which plays where no schedule does.
    AssignPlaylist {
        /// The display.
        display: RowRef,
        /// The playlist; `None` takes the display's own one away.
        playlist: Option<String>,
    },
    /// Tend an object of a data store.
    Upkeep {
        /// How.
        verb: Upkeep,
        /// Which.
        data: DataRef,
    },
}

/// Operations of one class share a blast radius and a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperationClass {
    /// Interrupts one service of this host for a moment.
    ServiceRestart,
    /// Interrupts what a display shows for a moment.
    Fleet,
    /// Changes a row of the platform, is not seen where it is right, and can be undone.
    Quiet,
    /// Tends a data store: changes nothing that it holds, so that there is nothing to undo.
    Upkeep,
}

impl OperationClass {
    /// The word used in messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ServiceRestart => "service restart",
            Self::Fleet => "fleet command",
            Self::Quiet => "quiet change",
            Self::Upkeep => "upkeep",
        }
    }

    /// Whether it interrupts something, and so draws on the budget of all agents.
    #[must_use]
    pub const fn is_disruptive(self) -> bool {
        match self {
            Self::ServiceRestart | Self::Fleet => true,
            Self::Quiet | Self::Upkeep => false,
        }
    }
}

impl Operation {
    /// An operation that tends an object of a data store.
    #[must_use]
    pub const fn tend(verb: Upkeep, data: DataRef) -> Self {
        Self::Upkeep { verb, data }
    }

    /// Every verb's name.
    pub const VERBS: [&'static str; 25] = [
        "restart_process",
        "reload_process",
        "ping_display",
        "reload_display",
        "reset_display",
        "archive_content",
        "restore_content",
        "deactivate_schedule",
        "activate_schedule",
        "assign_playlist",
        "checkpoint",
        "compact",
        "take_backup",
        "copy_backup",
        "prove_restore",
        "prune_backups",
        "vacuum_table",
        "analyze_table",
        "reindex_index",
        "drop_invalid_index",
        "reclaim_expired",
        "trim_log",
        "archive_logs",
        "pack_archives",
        "prune_archives",
    ];

    /// What it acts on.
    #[must_use]
    pub const fn target(&self) -> Target<'_> {
        match self {
            Self::RestartProcess(process) | Self::ReloadProcess(process) => {
                Target::Process(process)
            }
            Self::PingDisplay(row)
            | Self::ReloadDisplay(row)
            | Self::ResetDisplay(row)
            | Self::ArchiveContent(row)
            | Self::RestoreContent { content: row, .. }
            | Self::DeactivateSchedule(row)
            | Self::ActivateSchedule(row)
            | Self::AssignPlaylist { display: row, .. } => Target::Row(row),
            Self::Upkeep { data, .. } => Target::Data(data),
        }
    }

    /// The row that it acts on, if it is one.
    #[must_use]
    pub const fn row(&self) -> Option<&RowRef> {
        match self.target() {
            Target::Row(row) => Some(row),
            Target::Process(_) | Target::Data(_) => None,
        }
    }

    /// The verb's name, as effectiveness is counted by and as people read it.
    #[must_use]
    pub const fn verb(&self) -> &'static str {
        match self {
            Self::RestartProcess(_) => "restart_process",
            Self::ReloadProcess(_) => "reload_process",
            Self::PingDisplay(_) => "ping_display",
            Self::ReloadDisplay(_) => "reload_display",
            Self::ResetDisplay(_) => "reset_display",
            Self::ArchiveContent(_) => "archive_content",
            Self::RestoreContent { .. } => "restore_content",
            Self::DeactivateSchedule(_) => "deactivate_schedule",
            Self::ActivateSchedule(_) => "activate_schedule",
            Self::AssignPlaylist { .. } => "assign_playlist",
            Self::Upkeep { verb, .. } => verb.as_str(),
        }
    }

    /// Its class.
    #[must_use]
    pub const fn class(&self) -> OperationClass {
        match self {
            Self::RestartProcess(_) | Self::ReloadProcess(_) => OperationClass::ServiceRestart,
            Self::PingDisplay(_) | Self::ReloadDisplay(_) | Self::ResetDisplay(_) => {
                OperationClass::Fleet
            }
            Self::ArchiveContent(_)
            | Self::RestoreContent { .. }
            | Self::DeactivateSchedule(_)
            | Self::ActivateSchedule(_)
            | Self::AssignPlaylist { .. } => OperationClass::Quiet,
            Self::Upkeep { .. } => OperationClass::Upkeep,
        }
    }

    /// Whether it tells a device what to do, and changes no row.
    #[must_use]
    pub const fn is_command(&self) -> bool {
        matches!(self, Self::PingDisplay(_) | Self::ReloadDisplay(_))
    }

    /// Whether its row is no longer counted among those that its check asks about.
    #[must_use]
    pub const fn leaves_census(&self) -> bool {
        matches!(self, Self::ArchiveContent(_) | Self::DeactivateSchedule(_))
    }

    /// Why `dialect` cannot carry it out, if it cannot. Operations on processes speak no dialect.
    ///
    /// # Errors
    ///
    /// The text reads after "not possible: ".
    pub fn offered(&self, dialect: Dialect) -> Result<(), String> {
        match self {
            Self::PingDisplay(_) if !dialect.has_ping() => Err(format!(
                "the {} platform has no ping: nothing on the server can make a disconnected player connect",
                dialect.as_str()
            )),
            Self::ReloadDisplay(_) if !dialect.has_fleet_commands() => {
                Err(format!("the {} platform has no fleet commands", dialect.as_str()))
            }
            Self::RestoreContent { status, .. }
                if dialect == Dialect::Vizora && status != "active" =>
            {
                Err(format!("the vizora platform restores to active only, not to {status}"))
            }
            _ => Ok(()),
        }
    }

    /// What takes it back, asked before acting and recorded with the intent.
    #[must_use]
    pub fn inverse(&self, before: &TargetState, dialect: Dialect) -> Inverse {
        let none = |why: &str| Inverse::None { why: why.to_owned() };
        match (self, before) {
            (Self::RestartProcess(_) | Self::ReloadProcess(_), _) => {
                none("a process that was replaced cannot be brought back")
            }
            (Self::PingDisplay(_) | Self::ReloadDisplay(_), _) => {
                none("a player that was told something cannot be untold")
            }
            (Self::ResetDisplay(_), _) => {
                none("an error is a report of the player; nobody else can make it")
            }
            (Self::Upkeep { verb, .. }, _) => none(verb.irreversible()),
            (_, TargetState::Process(_) | TargetState::Data(_) | TargetState::Missing) => {
                none("the row was not read before")
            }
            (operation, TargetState::Row(before)) => operation.inverse_on_row(before, dialect),
        }
    }

    fn inverse_on_row(&self, before: &RowState, dialect: Dialect) -> Inverse {
        let row = before.row.clone();
        let back = match self {
            Self::ArchiveContent(_) => {
                let status = before.field(Field::Status).unwrap_or_default().to_owned();
                Self::RestoreContent { content: row, status }
            }
            Self::RestoreContent { .. } => Self::ArchiveContent(row),
            Self::DeactivateSchedule(_) => Self::ActivateSchedule(row),
            Self::ActivateSchedule(_) => Self::DeactivateSchedule(row),
            Self::AssignPlaylist { .. } => {
                let playlist = before.field(Field::CurrentPlaylist).map(str::to_owned);
                Self::AssignPlaylist { display: row, playlist }
            }
            Self::RestartProcess(_)
            | Self::ReloadProcess(_)
            | Self::PingDisplay(_)
            | Self::ReloadDisplay(_)
            | Self::ResetDisplay(_)
            | Self::Upkeep { .. } => {
                return Inverse::None { why: "nothing takes it back".to_owned() };
            }
        };
        match back.offered(dialect) {
            Ok(()) => Inverse::Exact(back),
            Err(why) => Inverse::None { why },
        }
    }

    /// How long an effect may still be on its way after its sender died. The absence of an effect proves
    /// nothing before that. PM2 was measured to carry out a restart whose sender had been killed; its own kill
    /// timeout and start together stay well below this. The platform ends a request after 30 seconds, and keeps a
    /// command for a display that is not connected for five minutes (docs/SPEC.md §11.6).
    #[must_use]
    pub const fn horizon(&self) -> Duration {
        match self {
            Self::PingDisplay(_) | Self::ReloadDisplay(_) => Duration::from_mins(5),
            Self::RestartProcess(_)
            | Self::ReloadProcess(_)
            | Self::ResetDisplay(_)
            | Self::ArchiveContent(_)
            | Self::RestoreContent { .. }
            | Self::DeactivateSchedule(_)
            | Self::ActivateSchedule(_)
            | Self::AssignPlaylist { .. } => Duration::from_mins(1),
            Self::Upkeep { verb, .. } => verb.horizon(),
        }
    }
}
