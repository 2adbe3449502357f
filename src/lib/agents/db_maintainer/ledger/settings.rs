//! The settings of opswarden's own ledger.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::agent::Problem;
use crate::domain::duration::HumanDuration;

/// `[agents.db-maintainer.ledger]`: opswarden's own ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LedgerSettings {
    /// A backup is made so often, into the folder `backups` of the state.
    pub backup_every: HumanDuration,
    /// So many backups stay.
    #[schemars(range(min = 2, max = 1000))]
    pub backups_kept: u32,
    /// The newest backup is restored for a proof so often.
    pub prove_every: HumanDuration,
    /// What is due may be late by so much before it is an incident.
    pub grace: HumanDuration,
    /// The file is compacted when so much of it holds nothing, in percent, and at least 16 MiB do.
    #[schemars(range(min = 1, max = 100))]
    pub loose_percent: u32,
}

impl Default for LedgerSettings {
    fn default() -> Self {
        Self {
            backup_every: HumanDuration::mins(24 * 60),
            backups_kept: 7,
            prove_every: HumanDuration::mins(7 * 24 * 60),
            grace: HumanDuration::mins(2 * 60),
            loose_percent: 25,
        }
    }
}

pub(in super::super) fn lint(settings: &LedgerSettings, found: &mut Vec<Problem>) {
    if settings.prove_every < settings.backup_every {
        found.push(Problem {
            path: "ledger.prove_every".to_owned(),
            message: format!(
                "{} is shorter than backup_every ({}): there would be nothing new to restore",
                settings.prove_every, settings.backup_every
            ),
        });
    }
}
