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

    /// Whether one name may stand for several processes.
    #[must_use]
    pub const fn has_instances(self) -> bool {
        match self {
            Self::Pm2 => true,
            Self::Systemd | Self::Command => false,
        }
    }

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

impl ProcessRef {
    /// Whether an act on one of the two is an act on the other: the same process, or all of a name and one of them.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let same_name = self.manager == other.manager && self.name == other.name;
        same_name
            && match (self.instance, other.instance) {
                (Some(one), Some(another)) => one == another,
                (None, _) | (_, None) => true,
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
    /// A text without blanks that differs after every start: pid with start time, or an invocation id; of several
    /// processes together those of all, separated by blanks. `None` where the manager offers none.
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

impl ProcessReading {
    /// The reading of `process` among `rows`: its own, or that of all processes of its name together.
    #[must_use]
    pub fn of(process: &ProcessRef, rows: &[Self]) -> Option<Self> {
        if let Some(own) = rows.iter().find(|row| row.process == *process) {
            return Some(own.clone());
        }
        let named: Vec<&Self> = rows.iter().filter(|row| process.overlaps(&row.process)).collect();
        Self::together(&named).filter(|_| process.instance.is_none())
    }

    /// Several processes of one name as one: as well as the worst of them, as old as the youngest, and with the
    /// identities of all.
    #[must_use]
    pub fn together(rows: &[&Self]) -> Option<Self> {
        let mut rows: Vec<&Self> = rows.to_vec();
        rows.sort_by_key(|row| row.process.instance);
        let (first, others) = rows.split_first()?;
        if others.is_empty() {
            return Some((*first).clone());
        }
        let all = |of: fn(&Self) -> Option<&str>| -> Option<String> {
            let parts: Option<Vec<&str>> = rows.iter().map(|row| of(row)).collect();
            parts.map(|parts| parts.join(" "))
        };
        let started: Option<Vec<Timestamp>> = rows.iter().map(|row| row.started_at).collect();
        let blocked = rows.iter().find(|row| matches!(row.startable, Startable::Blocked { .. }));
        Some(Self {
            process: ProcessRef { instance: None, ..first.process.clone() },
            status: rows.iter().map(|row| row.status).max()?,
            identity: all(|row| row.identity.as_deref()),
            started_at: started.and_then(|started| started.into_iter().max()),
            restarts: None,
            last_exit: None,
            memory_bytes: None,
            memory_limit_bytes: None,
            can_reload: rows.iter().all(|row| row.can_reload),
            startable: blocked.unwrap_or(first).startable.clone(),
            log_paths: rows.iter().flat_map(|row| row.log_paths.iter().cloned()).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(instance: u32, status: ProcessStatus) -> ProcessReading {
        let process = ProcessRef {
            manager: ManagerKind::Pm2,
            name: "api".to_owned(),
            instance: Some(instance),
        };
        ProcessReading {
            process,
            status,
            identity: Some(format!("{instance}@1")),
            started_at: Timestamp::from_second(i64::from(instance)).ok(),
            restarts: Some(1),
            last_exit: None,
            memory_bytes: None,
            memory_limit_bytes: None,
            can_reload: true,
            startable: Startable::Unprovable { why: "x".to_owned() },
            log_paths: vec![format!("{instance}.log")],
        }
    }

    #[test]
    fn all_of_a_name_are_as_well_as_the_worst_and_as_old_as_the_youngest() {
        let rows = [row(1, ProcessStatus::Online), row(0, ProcessStatus::Errored)];
        let all = ProcessRef { instance: None, ..rows[0].process.clone() };
        let together = ProcessReading::of(&all, &rows).unwrap();
        assert_eq!(together.status, ProcessStatus::Errored);
        assert_eq!(together.identity.as_deref(), Some("0@1 1@1"), "in the order of instances");
        assert_eq!(together.started_at, rows[0].started_at);
        assert_eq!(together.log_paths, ["0.log", "1.log"]);
        assert_eq!(ProcessReading::of(&rows[0].process, &rows), Some(rows[0].clone()));
        let unknown = ProcessRef { instance: Some(7), ..all };
        assert_eq!(ProcessReading::of(&unknown, &rows), None);
    }

    #[test]
    fn a_name_overlaps_its_instances_and_these_not_each_other() {
        let (zero, one) =
            (row(0, ProcessStatus::Online).process, row(1, ProcessStatus::Online).process);
        let all = ProcessRef { instance: None, ..zero.clone() };
        assert!(all.overlaps(&zero) && zero.overlaps(&all) && zero.overlaps(&zero));
        assert!(!zero.overlaps(&one));
        assert!(!all.overlaps(&ProcessRef { name: "web".to_owned(), ..all.clone() }));
    }
}
