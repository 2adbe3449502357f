//! Lists of rows with their completeness, and what else the platform tells of a tenant.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::content::ContentDetail;
use crate::domain::operation::Operation;

/// A list together with how complete it is and when the platform told it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing<T> {
    /// The rows, each id once.
    pub items: Vec<T>,
    /// Why rows may be missing, if so.
    pub cut_short: Option<String>,
    /// How many rows the platform says there are.
    pub total: u64,
    /// When the walk ended, on the platform's own clock.
    pub platform_now: Timestamp,
    /// When the walk ended, on ours.
    pub at: Timestamp,
}

/// A row of which the details are wanted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wanted {
    /// Its id.
    pub id: String,
    /// When the platform last wrote it, as its list says.
    pub updated_at: Timestamp,
}

/// Details of many pieces of content, as far as they are known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// What is known, by id.
    pub known: BTreeMap<String, ContentDetail>,
    /// Rows that the platform no longer has.
    pub gone: BTreeSet<String>,
    /// Why the rest is not known, if there is a rest.
    pub cut_short: Option<String>,
}

/// A thumbnail's fate, by content id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thumbnails {
    /// Answered with what was wanted: `true`; answered that there is nothing: `false`.
    pub answered: BTreeMap<String, bool>,
    /// Why the rest is not known, if there is a rest.
    pub cut_short: Option<String>,
}

/// What a tenant stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Storage {
    /// Bytes in use.
    pub used_bytes: u64,
    /// Bytes allowed.
    pub quota_bytes: u64,
}

impl Storage {
    /// The share in use, in percent.
    #[must_use]
    pub fn percent(self) -> f64 {
        if self.quota_bytes == 0 {
            return 0.0;
        }
        #[expect(clippy::cast_precision_loss, reason = "a share needs no exact bytes")]
        let share = self.used_bytes as f64 / self.quota_bytes as f64;
        share * 100.0
    }
}

/// Whether a tenant's account can do this work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Account {
    /// It can.
    Fit,
    /// It cannot, and what to change.
    Unfit {
        /// A sentence for the operator.
        why: String,
    },
    /// It was not asked, or did not answer.
    Unknown {
        /// A fragment.
        why: String,
    },
}

/// What the platform answered in this run to what an account asked it to do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Acceptance {
    /// Nothing was asked of it, or no answer tells.
    #[default]
    Untold,
    /// It did it.
    Given,
    /// It does not do it for this account, whatever the row.
    Refused {
        /// A sentence for the operator.
        why: String,
    },
}

impl Acceptance {
    fn refusal(&self) -> Option<&str> {
        match self {
            Self::Refused { why } => Some(why),
            Self::Untold | Self::Given => None,
        }
    }
}

/// What is known of a tenant's session and account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantStanding {
    /// The tenant.
    pub tenant: String,
    /// Its account.
    pub account: Account,
    /// Sessions that were opened and are not known to have been released, this run's own not counted.
    pub leaked: u64,
    /// What it answered to changes of rows.
    #[serde(default)]
    pub changes: Acceptance,
    /// What it answered to commands to displays, for which the platform has a lock of its own.
    #[serde(default)]
    pub commands: Acceptance,
}

impl TenantStanding {
    /// Why the platform would not take `operation` from this account, as far as it has said so. Who may change no row may
    /// command no display either.
    #[must_use]
    pub fn bars(&self, operation: &Operation) -> Option<&str> {
        let unfit = match &self.account {
            Account::Unfit { why } => Some(why.as_str()),
            Account::Fit | Account::Unknown { .. } => None,
        };
        let commands = self.commands.refusal().filter(|_| operation.is_command());
        unfit.or_else(|| self.changes.refusal()).or(commands)
    }
}
