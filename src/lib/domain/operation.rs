//! The whole of opswarden's power over production: one closed list of verbs.
//!
//! No verb deletes what people or the product made. A new verb is a new variant here with its inverse, its
//! mark, its horizon and its class; the compiler then names every place that must know it.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::process::{ProcessReading, ProcessRef, ProcessStatus};

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
}

/// Operations of one class share a blast radius and a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperationClass {
    /// Interrupts one service of this host for a moment.
    ServiceRestart,
}

impl OperationClass {
    /// The word used in messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ServiceRestart => "service restart",
        }
    }
}

/// What takes an operation back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Inverse {
    /// This operation restores exactly what was.
    Exact(Operation),
    /// This operation comes close.
    Approximate {
        /// The operation.
        operation: Operation,
        /// What it does not restore.
        why: String,
    },
    /// Nothing does.
    None {
        /// Why not.
        why: String,
    },
}

/// The state of an operation's target, read before and after.
#[expect(clippy::large_enum_variant, reason = "held one at a time; a box would cloud every match")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TargetState {
    /// A process.
    Process(ProcessReading),
    /// The manager answered, and does not know the target.
    Missing,
}

impl TargetState {
    /// Whether it is there and runs.
    #[must_use]
    pub fn lived(&self) -> bool {
        matches!(self, Self::Process(reading) if reading.status == ProcessStatus::Online)
    }

    /// One line for people.
    #[must_use]
    pub fn summary(&self) -> String {
        match self {
            Self::Missing => "missing".to_owned(),
            Self::Process(reading) => {
                let identity = reading.identity.as_deref().unwrap_or("no identity");
                format!("{}, {identity}", reading.status.as_str())
            }
        }
    }
}

/// What an operation leaves on its target, as far as that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It is there.
    Left,
    /// It could be read, and is not there.
    Absent,
    /// Nothing here tells whether it is there.
    Unreadable,
    /// Such a target shows none.
    None,
}

impl Mark {
    const fn there(is_there: bool) -> Self {
        if is_there { Self::Left } else { Self::Absent }
    }
}

/// Whether a process was started anew. A dead process need not have an identity, so the time of its last start tells
/// too, and so does that it lives.
fn new_start(before: &ProcessReading, after: &ProcessReading) -> Mark {
    if let (Some(old), Some(new)) = (&before.identity, &after.identity) {
        return Mark::there(all_new(old, new));
    }
    if let (Some(old), Some(new)) = (before.started_at, after.started_at) {
        return Mark::there(old != new);
    }
    let lives = |reading: &ProcessReading| reading.status == ProcessStatus::Online;
    match (lives(before), lives(after)) {
        (false, true) => Mark::Left,
        (true, true) => Mark::None,
        (true | false, false) => Mark::Unreadable,
    }
}

/// Whether none of the old identities is left. Several processes of one name have theirs side by side, and each of them
/// must have been started anew.
fn all_new(old: &str, new: &str) -> bool {
    let left: BTreeSet<&str> = old.split(' ').collect();
    new.split(' ').all(|identity| !left.contains(identity))
}

impl Operation {
    /// Every verb's name.
    pub const VERBS: [&'static str; 2] = ["restart_process", "reload_process"];

    /// The process it acts on.
    #[must_use]
    pub const fn process(&self) -> &ProcessRef {
        match self {
            Self::RestartProcess(process) | Self::ReloadProcess(process) => process,
        }
    }

    /// The verb's name, as effectiveness is counted by and as people read it.
    #[must_use]
    pub const fn verb(&self) -> &'static str {
        match self {
            Self::RestartProcess(_) => "restart_process",
            Self::ReloadProcess(_) => "reload_process",
        }
    }

    /// Its class.
    #[must_use]
    pub const fn class(&self) -> OperationClass {
        match self {
            Self::RestartProcess(_) | Self::ReloadProcess(_) => OperationClass::ServiceRestart,
        }
    }

    /// What takes it back, asked before acting and recorded with the intent.
    #[must_use]
    pub fn inverse(&self, _before: &TargetState) -> Inverse {
        match self {
            Self::RestartProcess(_) | Self::ReloadProcess(_) => Inverse::None {
                why: "a process that was replaced cannot be brought back".to_owned(),
            },
        }
    }

    /// Whether the operation left its own mark on the target.
    #[must_use]
    pub fn mark(&self, before: &TargetState, after: &TargetState) -> Mark {
        match self {
            Self::RestartProcess(_) | Self::ReloadProcess(_) => match (before, after) {
                (_, TargetState::Missing) => Mark::Absent,
                (TargetState::Missing, TargetState::Process(after)) => {
                    Mark::there(after.status == ProcessStatus::Online)
                }
                (TargetState::Process(before), TargetState::Process(after)) => {
                    new_start(before, after)
                }
            },
        }
    }

    /// How long an effect may still be on its way after its sender died. The absence of an effect proves
    /// nothing before that. PM2 was measured to carry out a restart whose sender had been killed; its own kill
    /// timeout and start together stay well below this.
    #[must_use]
    pub const fn horizon(&self) -> Duration {
        match self {
            Self::RestartProcess(_) | Self::ReloadProcess(_) => Duration::from_mins(1),
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RestartProcess(process) => write!(f, "restart {process}"),
            Self::ReloadProcess(process) => write!(f, "reload {process}"),
        }
    }
}

/// What must still hold of the target, read again immediately before acting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Guard {
    /// The process is still the one that was judged.
    SameProcess {
        /// The states in which the operation makes sense.
        status: BTreeSet<ProcessStatus>,
        /// The identity that was judged; `None` where the manager gave none.
        identity: Option<String>,
    },
}

impl Guard {
    /// `Err` with the reason where the target has moved on.
    ///
    /// # Errors
    ///
    /// The text says what was expected and what was found.
    pub fn holds(&self, found: &TargetState) -> Result<(), String> {
        match (self, found) {
            (Self::SameProcess { .. }, TargetState::Missing) => {
                Err("the manager no longer knows the process".to_owned())
            }
            (Self::SameProcess { status, identity }, TargetState::Process(reading)) => {
                if !status.contains(&reading.status) {
                    return Err(format!("the process is {} now", reading.status.as_str()));
                }
                if *identity != reading.identity {
                    return Err("somebody else has started the process anew".to_owned());
                }
                if let super::process::Startable::Blocked { why } = &reading.startable {
                    return Err(format!("the process could not start again: {why}"));
                }
                Ok(())
            }
        }
    }
}
