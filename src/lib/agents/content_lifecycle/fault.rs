//! What can be wrong, as content-lifecycle knows it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::size::{readable, share};
use super::snapshot::Item;
use crate::domain::diagnosis::Fault as EngineFault;
use crate::domain::moment;
use crate::domain::platform::ContentStatus;
use crate::domain::severity::Severity;
use crate::domain::subject::Key;

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// A piece of content is past its expiry, and still active.
    Expired {
        /// What people call it.
        name: String,
        /// When it expired.
        expires_at: Timestamp,
        /// What takes its place.
        replacement: Replacement,
    },
    /// Nothing refers to a piece of active content.
    Orphaned {
        /// What people call it.
        name: String,
        /// When it was made.
        created_at: Timestamp,
        /// The content that takes its place when it expires, as the act's guard asks for it again.
        replacement: Option<String>,
    },
    /// It has no thumbnail.
    ThumbnailMissing {
        /// What people call it.
        name: String,
    },
    /// Its thumbnail's address answers that there is nothing.
    ThumbnailDead {
        /// What people call it.
        name: String,
    },
    /// It is very large.
    Oversized {
        /// What people call it.
        name: String,
        /// How large it is.
        size_bytes: u64,
        /// The largest size that is no finding.
        limit_bytes: u64,
    },
    /// It is inactive, and holds space that its full tenant lacks.
    Idle {
        /// What people call it.
        name: String,
        /// Its state, which the act's guard asks for again.
        status: ContentStatus,
        /// How large it is.
        size_bytes: u64,
        /// How full the tenant is at least, in percent of its quota.
        limit: u8,
    },
    /// A tenant's storage is nearly used up.
    StorageHigh {
        /// The tenant.
        tenant: String,
        /// What it may store.
        quota_bytes: u64,
        /// The limit that is passed, in percent of that.
        limit: u8,
        /// Whether that is the critical one.
        critical: bool,
        /// What is done about it elsewhere, or why nothing is, and what a person can do.
        relief: String,
    },
}

/// What takes the place of content that expired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Replacement {
    /// Nothing.
    None,
    /// This, and it can be shown.
    Ready {
        /// Its id.
        id: String,
    },
    /// This, and it cannot be shown.
    Unfit {
        /// Its id.
        id: String,
        /// Why not.
        why: String,
    },
    /// This, and whether it can be shown is not known.
    Unseen {
        /// Its id.
        id: String,
        /// Why not.
        why: String,
    },
}

impl Replacement {
    /// The replacement `id`, judged by the row that was found; `Ok(None)` where there surely is none.
    pub(super) fn of(
        id: &str,
        found: Result<Option<&Item>, &str>,
        platform_now: Timestamp,
    ) -> Self {
        let id = id.to_owned();
        let item = match found {
            Err(why) => return Self::Unseen { id, why: why.to_owned() },
            Ok(None) => return Self::Unfit { id, why: "the tenant does not have it".to_owned() },
            Ok(Some(item)) => item,
        };
        if !item.is_active() {
            let why = format!("it is {}", item.status.as_str());
            return Self::Unfit { id, why };
        }
        match &item.detail {
            None => Self::Unseen { id, why: "when it expires was not read yet".to_owned() },
            Some(detail) if detail.expired(platform_now) => {
                Self::Unfit { id, why: "it has expired as well".to_owned() }
            }
            Some(_) => Self::Ready { id },
        }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::None => None,
            Self::Ready { id } | Self::Unfit { id, .. } | Self::Unseen { id, .. } => Some(id),
        }
    }
}

impl EngineFault for Fault {
    fn severity(&self) -> Severity {
        match self {
            Self::Expired { .. } | Self::StorageHigh { critical: false, .. } => Severity::Warning,
            Self::StorageHigh { critical: true, .. } => Severity::Critical,
            Self::Orphaned { .. }
            | Self::ThumbnailMissing { .. }
            | Self::ThumbnailDead { .. }
            | Self::Oversized { .. }
            | Self::Idle { .. } => Severity::Info,
        }
    }

    fn message(&self) -> String {
        match self {
            Self::Expired { name, expires_at, replacement } => {
                let when = moment::full(*expires_at);
                let unfit = match replacement {
                    Replacement::Unfit { why, .. } => {
                        format!("; its replacement cannot be shown: {why}")
                    }
                    Replacement::None | Replacement::Ready { .. } | Replacement::Unseen { .. } => {
                        String::new()
                    }
                };
                format!("`{name}` expired at {when} and is still active{unfit}")
            }
            Self::Orphaned { name, created_at, .. } => {
                let made = created_at.strftime("%Y-%m-%d");
                format!("nothing refers to `{name}`, which was made on {made} and is active")
            }
            Self::ThumbnailMissing { name } => format!("`{name}` has no thumbnail"),
            Self::ThumbnailDead { name } => {
                format!("the thumbnail of `{name}` is gone: its address answers that there is none")
            }
            Self::Oversized { name, size_bytes, limit_bytes } => format!(
                "`{name}` has {}, more than {}",
                readable(*size_bytes),
                readable(*limit_bytes)
            ),
            Self::Idle { name, status, size_bytes, limit } => format!(
                "`{name}` is inactive ({}) and holds {}, while its tenant stores more than {limit} % of its quota",
                status.as_str(),
                readable(*size_bytes)
            ),
            Self::StorageHigh { tenant, quota_bytes, limit, .. } => format!(
                "{tenant} stores more than {}, which is {limit} % of its quota of {}",
                readable(share(*quota_bytes, *limit)),
                readable(*quota_bytes)
            ),
        }
    }

    fn facts(&self) -> BTreeMap<String, String> {
        let facts = |facts: &[(&str, String)]| {
            facts.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
        };
        match self {
            Self::Expired { expires_at, replacement, .. } => facts(&[
                ("expires_at", expires_at.to_string()),
                ("replacement", replacement.id().unwrap_or("none").to_owned()),
            ]),
            Self::Oversized { size_bytes, .. } | Self::Idle { size_bytes, .. } => {
                facts(&[("size_bytes", size_bytes.to_string())])
            }
            Self::StorageHigh { quota_bytes, limit, .. } => facts(&[
                ("limit_percent", limit.to_string()),
                ("quota_bytes", quota_bytes.to_string()),
            ]),
            Self::Orphaned { .. } | Self::ThumbnailMissing { .. } | Self::ThumbnailDead { .. } => {
                BTreeMap::new()
            }
        }
    }

    fn caused_by(&self) -> Option<Key> {
        None
    }
}
