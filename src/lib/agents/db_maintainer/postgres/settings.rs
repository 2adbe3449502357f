//! The settings of databases, and from when on something of them is due, or wrong.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::agent::Problem;
use crate::domain::duration::HumanDuration;
use crate::domain::operation::LEDGER;

/// `[[agents.db-maintainer.databases]]`: one database.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DatabaseSettings {
    /// What it is called in findings.
    #[schemars(length(min = 1, max = 40))]
    #[schemars(example = &"main")]
    pub name: String,
    /// Tables that change all the time, by their names as they are, with their schema where the name is not enough: vacuumed
    /// as soon as `churn_percent` of their rows are dead.
    #[serde(default)]
    #[schemars(length(max = 1000))]
    pub tables: Vec<String>,
}

/// `[agents.db-maintainer.postgres]`: a server's programs on this host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PostgresSettings {
    /// Their folder, with `pg_dump`, `pg_restore`, `initdb` and `postgres`; else the newest below `/usr/lib/postgresql`.
    pub bin_dir: Option<String>,
    /// Where a server for a restore may lie for as long as that lasts; else the folder of the state. It takes as much room as the
    /// database. No server runs as root: a run as root uses the temporary folder unless one is named, and that one must let the
    /// account `postgres` in.
    pub scratch: Option<String>,
}

/// `[agents.db-maintainer.limits]`: from when on something of a database is due, or wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// A table that changes all the time is vacuumed when so much of it is dead, in percent, and at least 1000 rows are.
    #[schemars(range(min = 1, max = 100))]
    pub churn_percent: u32,
    /// A table whose oldest transaction is so old is a warning, or twice the server's own limit where that is less.
    pub freeze_warning: u64,
    /// And one whose is so old is critical: at 2,146 million the server takes no writes any more.
    pub freeze_critical: u64,
    /// A session that idles in a transaction, a query or a prepared transaction that lasts so long holds old row versions back.
    pub idle_in_transaction: HumanDuration,
    /// A replication slot or a standby that holds so many transactions back.
    pub held_transactions: u64,
    /// A sequence, or the column that it fills, that is so full is a warning, in percent; at 90 it is critical.
    #[schemars(range(min = 1, max = 90))]
    pub counter_percent: u32,
    /// An index is built anew when so much of it holds nothing, as far as statistics tell, in percent.
    #[schemars(range(min = 10, max = 95))]
    pub bloat_percent: u32,
    /// A smaller index is left as it is, in MiB.
    pub bloat_least_mib: u64,
    /// A larger one is left to a person, who is told of it: it needs as much room again, and hours, in MiB.
    pub bloat_most_mib: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            churn_percent: 5,
            freeze_warning: 500_000_000,
            freeze_critical: 1_000_000_000,
            idle_in_transaction: HumanDuration::mins(10),
            held_transactions: 10_000_000,
            counter_percent: 75,
            bloat_percent: 30,
            bloat_least_mib: 16,
            bloat_most_mib: 4096,
        }
    }
}

pub(in super::super) fn lint(
    databases: &[DatabaseSettings],
    limits: &Limits,
    found: &mut Vec<Problem>,
) {
    let mut names = BTreeSet::from([LEDGER]);
    for (place, database) in databases.iter().enumerate() {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !database.name.chars().all(plain) {
            found.push(Problem {
                path: format!("databases[{place}].name"),
                message: format!(
                    "`{}` is not in small letters, digits and hyphens; its name stands in that of a variable",
                    database.name
                ),
            });
        }
        if !names.insert(&database.name) {
            found.push(Problem {
                path: format!("databases[{place}].name"),
                message: format!("`{}` is the name of another store already", database.name),
            });
        }
    }
    if limits.freeze_critical < limits.freeze_warning {
        found.push(Problem {
            path: "limits.freeze_critical".to_owned(),
            message: "it is below freeze_warning; it must be above".to_owned(),
        });
    }
    if limits.bloat_most_mib < limits.bloat_least_mib {
        found.push(Problem {
            path: "limits.bloat_most_mib".to_owned(),
            message: "it is below bloat_least_mib, so that no index is ever built anew".to_owned(),
        });
    }
}
