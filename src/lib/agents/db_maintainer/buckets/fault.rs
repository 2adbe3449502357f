//! What can be wrong with a bucket.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::domain::moment::full;
use crate::domain::severity::Severity;

/// Something that is wrong with a bucket.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BucketFault {
    /// It cannot be seen.
    Unreachable {
        /// Why.
        why: String,
    },
    /// It holds more than the settings allow.
    Full {
        /// The bucket.
        name: String,
        /// From how many bytes on.
        limit_bytes: u64,
    },
    /// It grew by more than the settings allow.
    Growing {
        /// The bucket.
        name: String,
        /// From how many percent on.
        limit_percent: u32,
        /// What it held at the last run, in bytes.
        before_bytes: u64,
        /// When that was.
        before_at: Timestamp,
        /// What it holds now.
        size_bytes: u64,
    },
    /// Uploads in parts were begun and never finished.
    Unfinished {
        /// The bucket.
        name: String,
        /// How many.
        count: u64,
        /// When the oldest was begun.
        oldest: Timestamp,
        /// What their parts take, in bytes, where all of them were counted.
        size_bytes: Option<u64>,
        /// What a person could run, where it can be written.
        command: Option<String>,
    },
}

impl BucketFault {
    pub(in super::super) const fn severity(&self) -> Severity {
        match self {
            Self::Unreachable { .. } | Self::Full { .. } | Self::Growing { .. } => {
                Severity::Warning
            }
            // Nobody misses anything; it is only paid for.
            Self::Unfinished { .. } => Severity::Info,
        }
    }

    pub(in super::super) fn message(&self) -> String {
        match self {
            Self::Unreachable { why } => why.clone(),
            Self::Full { name, limit_bytes } => {
                format!("the bucket {name} holds {limit_bytes} bytes or more")
            }
            Self::Growing { name, limit_percent, before_at, .. } => format!(
                "the bucket {name} grew by {limit_percent} % or more since {}",
                full(*before_at)
            ),
            Self::Unfinished { name, count, oldest, .. } => format!(
                "{count} {} to the bucket {name} never ended; the oldest was begun {}",
                if *count == 1 { "upload" } else { "uploads" },
                full(*oldest)
            ),
        }
    }

    pub(in super::super) fn facts(&self) -> BTreeMap<String, String> {
        let fact = |name: &str, value: String| (name.to_owned(), value);
        match self {
            Self::Unreachable { why } => [fact("why", why.clone())].into(),
            // How much it is changes all the time, and is no news.
            Self::Full { limit_bytes, .. } => [fact("limit_bytes", limit_bytes.to_string())].into(),
            Self::Growing { limit_percent, before_bytes, before_at, size_bytes, .. } => [
                fact("limit_percent", limit_percent.to_string()),
                fact("before_bytes", before_bytes.to_string()),
                fact("before_at", before_at.to_string()),
                fact("size_bytes", size_bytes.to_string()),
            ]
            .into(),
            Self::Unfinished { count, oldest, size_bytes, command, .. } => {
                let known = size_bytes.map(|bytes| fact("size_bytes", bytes.to_string()));
                let command = command.clone().map(|command| fact("command", command));
                let always = [fact("count", count.to_string()), fact("oldest", oldest.to_string())];
                always.into_iter().chain(known).chain(command).collect()
            }
        }
    }
}
