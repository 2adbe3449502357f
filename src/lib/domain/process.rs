//! Processes as their managers see them.

use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::subject::{Subject, SubjectKind};

/// The process managers that opswarden speaks to.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ManagerKind {
    /// PM2, through its own socket or its command line.
    Pm2,
    /// systemd, through `systemctl`.
    Systemd,
    /// Two declared commands: one tells the status, one restarts.
    Command,
}

impl ManagerKind {
    /// Every manager, in order.
    pub const ALL: [Self; 3] = [Self::Pm2, Self::Systemd, Self::Command];

    /// The word used in keys and files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pm2 => "pm2",
            Self::Systemd => "systemd",
            Self::Command => "command",
        }
    }
}

/// One process by the name its manager knows it by. Never a pid and never a manager's row number: both change
/// when the process is started again.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct ProcessRef {
    /// Who manages it.
    pub manager: ManagerKind,
    /// Its name there: a PM2 app name, a systemd unit, a declared command's name.
    pub name: String,
    /// Which one of several of that name, counted from 0 in the manager's own order; `None` where the name has
    /// exactly one process.
    pub instance: Option<u32>,
}

impl ProcessRef {
    /// The subject of findings about this process on `host`.
    #[must_use]
    pub fn subject(&self, host: &str) -> Subject {
        Subject::new(SubjectKind::Process, host, &self.to_string())
    }
}

impl fmt::Display for ProcessRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.manager.as_str(), self.name)?;
        match self.instance {
            Some(instance) => write!(f, "#{instance}"),
            None => Ok(()),
        }
    }
}

/// What a manager says of a process. A status word that is not known is never mapped to one of these: the whole
/// reading is then blind.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ProcessStatus {
    /// Running.
    Online,
    /// On its way up.
    Starting,
    /// On its way down.
    Stopping,
    /// Stopped because somebody wanted it so.
    Stopped,
    /// Died without anybody wanting it so, and is not being started again.
    Crashed,
    /// The manager gave up starting it.
    Errored,
    /// Died, and the manager waits before it starts it again.
    WaitingRestart,
}

impl ProcessStatus {
    /// The word used in messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Starting => "starting",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Crashed => "crashed",
            Self::Errored => "errored",
            Self::WaitingRestart => "waiting to be restarted",
        }
    }
}

/// Whether a process could be started again, as far as that can be told without doing it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Startable {
    /// What was looked at is in order; `checked` names it. What was not looked at is not vouched for.
    Plausible {
        /// What was looked at.
        checked: String,
    },
    /// Nothing could be looked at.
    Unprovable {
        /// Why.
        why: String,
    },
    /// It could not start: restarting would take it down for good.
    Blocked {
        /// What is missing.
        why: String,
    },
}

/// What is known of one process at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProcessReading {
    /// Which process.
    pub process: ProcessRef,
    /// What its manager says.
    pub status: ProcessStatus,
    /// A text that differs after every start: pid with start time, or an invocation id. `None` where the manager
    /// offers none.
    pub identity: Option<String>,
    /// When it was started last.
    pub started_at: Option<Timestamp>,
    /// How often the manager has started it again, if it counts.
    pub restarts: Option<u64>,
    /// The exit code or signal of the last end, for people.
    pub last_exit: Option<String>,
    /// Resident memory.
    pub memory_bytes: Option<u64>,
    /// The limit that the manager enforces on this very process; `None` is unknown, and no limit is derived.
    pub memory_limit_bytes: Option<u64>,
    /// Whether the manager can replace its processes one after the other without an outage.
    pub can_reload: bool,
    /// Whether it could be started again.
    pub startable: Startable,
    /// Files that hold its latest output.
    pub log_paths: Vec<String>,
}
