//! The target of an operation as it is read before and after, and the mark that an operation leaves on it.

use std::collections::BTreeSet;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::data::{DataRef, DataState};
use crate::domain::platform::{RowRef, RowState};
use crate::domain::process::{ProcessReading, ProcessRef, ProcessStatus};

/// What an operation acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target<'a> {
    /// A process of this host.
    Process(&'a ProcessRef),
    /// A row of the platform.
    Row(&'a RowRef),
    /// An object of a data store.
    Data(&'a DataRef),
}

impl Target<'_> {
    /// Whether an act on one of the two is an act on the other.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Process(one), Self::Process(another)) => one.overlaps(another),
            (Self::Row(one), Self::Row(another)) => one == another,
            // A store is tended one object at a time.
            (Self::Data(one), Self::Data(another)) => one == another,
            (Self::Process(_) | Self::Row(_) | Self::Data(_), _) => false,
        }
    }
}

impl fmt::Display for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process(process) => write!(f, "{process}"),
            Self::Row(row) => write!(f, "{row}"),
            Self::Data(data) => write!(f, "{data}"),
        }
    }
}

/// The state of an operation's target, read before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TargetState {
    /// A process.
    Process(ProcessReading),
    /// A row of the platform.
    Row(RowState),
    /// An object of a data store.
    Data(DataState),
    /// The manager, the platform or the store answered, and does not know the target.
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
            Self::Row(state) => state.summary(),
            Self::Data(state) => state.summary(),
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
    pub(super) const fn there(is_there: bool) -> Self {
        if is_there { Self::Left } else { Self::Absent }
    }
}

/// Whether a process was started anew. A dead process need not have an identity, so the time of its last start tells
/// too, and so does that it lives.
pub(super) fn new_start(before: &ProcessReading, after: &ProcessReading) -> Mark {
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
