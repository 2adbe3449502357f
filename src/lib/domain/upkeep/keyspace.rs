//! A Redis server as whoever tends it sees it.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::sight::Sight;

/// Everything that a server's upkeep depends on, as the server tells it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeyspaceLook {
    /// Its version, as it writes it.
    pub version: String,
    /// Whether it follows another server, which alone lets keys go.
    pub is_replica: bool,
    /// For how long it has not heard of the server that it follows, if it does not; of one that it never reached, since its own
    /// start.
    #[serde(default)]
    pub cut_off: Option<Duration>,
    /// When it was started, to the second.
    pub started_at: Timestamp,
    /// Its memory.
    pub memory: MemoryLook,
    /// How many keys it holds, in all of its databases.
    pub keys: u64,
    /// How many of them have a time at which they end.
    pub expiring_keys: u64,
    /// How many of those have ended and take room still, as the server estimates it from samples, in percent.
    pub stale_percent: f64,
    /// How many keys it has let go since its start because there was no room for them.
    pub evicted_keys: u64,
    /// How many keys have come to their end since its start.
    #[serde(default)]
    pub expired_keys: u64,
    /// How many clients it has turned away since its start because there were too many.
    pub rejected_clients: u64,
    /// How many clients are connected.
    pub clients: u64,
    /// How many may be; 0 where it does not tell.
    pub most_clients: u64,
    /// The shortest of some waits for an answer that needs no work.
    pub answers_within: Duration,
    /// How it keeps what it holds on disk.
    pub saves: SaveLook,
    /// Its append-only file, where it writes one.
    pub aof: Option<AofLook>,
    /// Why upkeep has to wait now, if it has to.
    pub busy: Option<String>,
}

/// The memory of a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryLook {
    /// What counts against its limit, in bytes.
    pub used_bytes: u64,
    /// What its data and all around it take, in bytes.
    pub allocated_bytes: u64,
    /// What its process has of the host, in bytes.
    pub resident_bytes: u64,
    /// Its limit, if it has one, in bytes.
    pub limit_bytes: Option<u64>,
    /// What it does at its limit, in its own word.
    pub policy: String,
    /// The memory of its host, in bytes; 0 where it does not tell.
    pub host_bytes: u64,
}

/// How a server saves a snapshot of what it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaveLook {
    /// When the last one was saved; where there was none since its start, when it was started.
    pub saved_at: Timestamp,
    /// How many changes have come since.
    pub changes: u64,
    /// Whether the last try was one.
    pub succeeded: bool,
    /// For how long one is being written, if one is.
    pub at_work: Option<Duration>,
    /// When it saves by itself, and what it does where it cannot.
    pub rules: Sight<SaveRules>,
}

/// When a server saves by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaveRules {
    /// The rules, each of which is enough; none where it never does.
    pub points: Vec<SavePoint>,
    /// Whether it takes no writes while saving fails.
    pub stops_writes: bool,
}

/// A snapshot is saved once so many changes have waited for so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavePoint {
    /// For how long.
    pub after: Duration,
    /// How many changes.
    pub changes: u64,
}

/// The append-only file of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AofLook {
    /// Whether the last write to it went well.
    pub written: bool,
    /// Whether the last try to write it anew, shorter, went well.
    pub rewritten: bool,
}
