//! What can be wrong with logs, or due.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::domain::operation::DataRef;
use crate::domain::severity::Severity;

/// Something that is wrong with logs, or due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LogsFault {
    /// A folder is missing, or cannot be read or written, or not all of it was seen.
    Unseen {
        /// Why.
        why: String,
    },
    /// A log is too large, and cannot be trimmed.
    TooLarge {
        /// The log.
        log: DataRef,
        /// Why.
        why: String,
    },
    /// Logs are past their time, and cannot be archived.
    TooOld {
        /// The first of them.
        log: DataRef,
        /// Why.
        why: String,
    },
    /// Archives are past their retention.
    Expired {
        /// The set.
        logs: DataRef,
    },
    /// A log is large.
    Large {
        /// The log.
        log: DataRef,
        /// Which file it is.
        node: String,
    },
    /// Logs are old.
    Old {
        /// The set.
        logs: DataRef,
    },
    /// Archives can be packed tighter.
    Warm {
        /// The set.
        logs: DataRef,
    },
}

impl LogsFault {
    pub(crate) const fn severity(&self) -> Severity {
        match self {
            Self::Unseen { .. } | Self::TooLarge { .. } | Self::TooOld { .. } => Severity::Warning,
            Self::Expired { .. } | Self::Large { .. } | Self::Old { .. } | Self::Warm { .. } => {
                Severity::Info
            }
        }
    }

    pub(crate) fn message(&self) -> String {
        match self {
            Self::Unseen { why } => why.clone(),
            Self::TooLarge { log, why } => {
                format!("the log {} is too large, and cannot be trimmed: {why}", log.name())
            }
            Self::TooOld { log, why } => {
                format!("{} and logs like it are old, and cannot be archived: {why}", log.name())
            }
            Self::Expired { logs } => {
                format!("archives of the logs {} are past their retention", logs.name())
            }
            Self::Large { log, .. } => format!("the log {} is large", log.name()),
            Self::Old { logs } => {
                format!("logs of {} have not been written for long", logs.name())
            }
            Self::Warm { logs } => {
                format!("archives of the logs {} can be packed tighter", logs.name())
            }
        }
    }

    /// How many they are and how large changes all the time, and is no news: it stands in what is done about them.
    pub(crate) fn facts(&self) -> BTreeMap<String, String> {
        match self {
            Self::Unseen { why } | Self::TooLarge { why, .. } | Self::TooOld { why, .. } => {
                BTreeMap::from([("why".to_owned(), why.clone())])
            }
            Self::Expired { .. } | Self::Large { .. } | Self::Old { .. } | Self::Warm { .. } => {
                BTreeMap::new()
            }
        }
    }
}
