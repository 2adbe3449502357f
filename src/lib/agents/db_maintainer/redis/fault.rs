//! What can be wrong with a Redis server, or due in it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::domain::moment::full;
use crate::domain::operation::DataRef;
use crate::domain::severity::Severity;

/// Something that is wrong with a Redis server, or due in it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RedisFault {
    /// It cannot be reached.
    Unreachable {
        /// Why.
        why: String,
    },
    /// Its memory is nearly used up.
    Memory {
        /// The server.
        name: String,
        /// More than so much of the limit is, in percent.
        above_percent: u32,
        /// What the limit is, and what happens there.
        limit: MemoryLimit,
        /// How bad that is.
        severity: Severity,
        /// What a person could run.
        command: String,
    },
    /// It lets keys go because there is no room for them.
    Evicting {
        /// The server.
        name: String,
        /// How many.
        count: u64,
        /// Since when, in words.
        since: String,
        /// How many came to their end by themselves meanwhile.
        expired: u64,
        /// By which policy.
        policy: String,
        /// What a person could run.
        command: String,
    },
    /// What it holds is not on disk as it is to be.
    Unsaved {
        /// The server.
        name: String,
        /// What is wrong.
        trouble: SaveTrouble,
    },
    /// Its process takes much more of the host than its data need.
    Fragmented {
        /// The server.
        name: String,
    },
    /// Its clients come to their limit.
    Clients {
        /// The server.
        name: String,
        /// How many may be connected.
        most: u64,
        /// How many were turned away, and since when, in words, if any were.
        rejected: Option<(u64, String)>,
    },
    /// It follows another server, and does not hear of that one any more.
    CutOff {
        /// The server.
        name: String,
    },
    /// It is slow to answer even what needs no work.
    Slow {
        /// The server.
        name: String,
        /// Slower than this, in words.
        than: String,
    },
    /// Many keys have expired and take room still.
    ExpiredKept {
        /// The server's keys.
        keyspace: DataRef,
        /// How many they are, as the server estimates.
        about: u64,
        /// What the server is busy with.
        busy: Option<String>,
    },
}

/// A limit of memory, and what a server does when it comes to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MemoryLimit {
    /// It has none of its own: that of its host is one.
    Host,
    /// It refuses writes.
    Refuses {
        /// The limit in bytes.
        bytes: u64,
        /// Why, in words.
        why: String,
    },
    /// It lets keys go.
    Evicts {
        /// The limit in bytes.
        bytes: u64,
        /// Which, in words.
        which: String,
    },
}

/// Why what a server holds is not on disk as it is to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SaveTrouble {
    /// The append-only file cannot be written.
    AofWrite,
    /// The append-only file cannot be written anew.
    AofRewrite,
    /// The last save failed.
    Failed {
        /// Whether writes are refused because of that.
        stops_writes: bool,
    },
    /// The last save is too old.
    Late {
        /// When that was.
        saved_at: Timestamp,
    },
}

impl SaveTrouble {
    const fn severity(&self) -> Severity {
        match self {
            Self::AofWrite | Self::Failed { stops_writes: true } => Severity::Critical,
            Self::AofRewrite | Self::Failed { .. } | Self::Late { .. } => Severity::Warning,
        }
    }

    fn words(&self, name: &str) -> String {
        match self {
            Self::AofWrite => format!(
                "the append-only file of {name} cannot be written: what comes in is not on disk, and writes are refused"
            ),
            Self::AofRewrite => format!(
                "the last try to write the append-only file of {name} anew failed: it only grows"
            ),
            Self::Failed { stops_writes: true } => {
                format!("the last save of {name} failed, and it refuses writes until one succeeds")
            }
            Self::Failed { stops_writes: false } => format!("the last save of {name} failed"),
            Self::Late { saved_at } => {
                let last = full(*saved_at);
                format!(
                    "{name} has changed and was not saved when it was to be: the last is of {last}"
                )
            }
        }
    }

    const fn command(&self) -> Option<&'static str> {
        match self {
            // As soon as there is room again, the server goes on by itself.
            Self::AofWrite => None,
            Self::AofRewrite => Some("BGREWRITEAOF"),
            Self::Failed { .. } | Self::Late { .. } => Some("BGSAVE"),
        }
    }
}

impl MemoryLimit {
    fn words(&self, above_percent: u32, name: &str) -> String {
        let of = |bytes: &u64| format!("more than {above_percent} % of its {} MiB", bytes >> 20);
        match self {
            Self::Host => format!(
                "{name} has no memory limit (maxmemory) and takes more than {above_percent} % of its host's memory: at the \
                 end the kernel kills it, or a neighbour"
            ),
            Self::Refuses { bytes, why } => {
                format!(
                    "{name} uses {} of memory; at the limit it refuses writes: {why}",
                    of(bytes)
                )
            }
            Self::Evicts { bytes, which } => {
                format!(
                    "{name} uses {} of memory; at the limit it lets keys go: {which}",
                    of(bytes)
                )
            }
        }
    }
}

impl RedisFault {
    pub(in super::super) fn severity(&self) -> Severity {
        match self {
            Self::Memory { severity, .. } => *severity,
            Self::Unsaved { trouble, .. } => trouble.severity(),
            // A cache that is full lets keys go by design; a policy for some keys only takes those that were to live longer.
            Self::Evicting { policy, .. } if is_cache(policy) => Severity::Info,
            Self::Unreachable { .. }
            | Self::Evicting { .. }
            | Self::Fragmented { .. }
            | Self::Clients { .. }
            | Self::CutOff { .. }
            | Self::Slow { .. } => Severity::Warning,
            Self::ExpiredKept { .. } => Severity::Info,
        }
    }

    pub(in super::super) fn message(&self) -> String {
        match self {
            Self::Unreachable { why } => why.clone(),
            Self::Memory { name, above_percent, limit, .. } => limit.words(*above_percent, name),
            Self::Evicting { name, count, since, expired, policy, .. } => {
                format!(
                    "{name} let {count} keys go {since} because there was no room ({policy}); \
                     {expired} came to their end meanwhile"
                )
            }
            Self::Unsaved { name, trouble } => trouble.words(name),
            Self::Fragmented { name } => {
                format!("the process of {name} takes much more memory than its data need")
            }
            Self::Clients { name, rejected: Some((count, since)), .. } => {
                format!("{name} turned {count} clients away {since}: it had too many (maxclients)")
            }
            Self::Clients { name, most, .. } => {
                format!("{name} has nearly as many clients as it takes (maxclients is {most})")
            }
            Self::CutOff { name } => format!(
                "{name} follows another Redis server and has not heard of it for minutes: it answers with what it knew then, \
                 or refuses to"
            ),
            Self::Slow { name, than } => {
                format!("{name} takes longer than {than} for an answer that needs no work")
            }
            Self::ExpiredKept { keyspace, .. } => {
                format!("many keys of {} have expired and take room still", keyspace.name())
            }
        }
    }

    /// What the server is busy with, where that alone keeps us from it.
    pub(in super::super) fn put_off(&self) -> Option<&str> {
        let Self::ExpiredKept { busy, .. } = self else { return None };
        busy.as_deref()
    }

    pub(in super::super) fn facts(&self) -> BTreeMap<String, String> {
        let fact = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let facts = match self {
            Self::Unreachable { why } => vec![fact("why", why)],
            Self::Memory { severity, command, .. } => {
                vec![fact("severity", severity.as_str()), fact("command", command)]
            }
            Self::Evicting { count, expired, policy, command, .. } => vec![
                fact("count", &count.to_string()),
                fact("expired", &expired.to_string()),
                fact("policy", policy),
                fact("command", command),
            ],
            Self::Unsaved { trouble, .. } => {
                trouble.command().map(|command| fact("command", command)).into_iter().collect()
            }
            Self::Fragmented { .. } => vec![fact("command", "MEMORY PURGE")],
            Self::Clients { .. } => vec![fact("command", "CLIENT LIST")],
            Self::CutOff { .. } => vec![fact("command", "INFO replication")],
            Self::Slow { .. } => vec![fact("command", "SLOWLOG GET 10")],
            // How many it is changes all the time, and is no news.
            Self::ExpiredKept { .. } => vec![fact("command", "CONFIG GET active-expire-effort")],
        };
        facts.into_iter().collect()
    }
}

/// Whether any key may be let go.
pub(super) fn is_cache(policy: &str) -> bool {
    policy.starts_with("allkeys")
}
