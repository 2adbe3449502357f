//! The settings of db-maintainer: its stanza of `agents.toml`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::buckets::{self, BucketSettings};
use super::ledger::{self, LedgerSettings};
use super::logs::{self, LogSettings};
use super::postgres::{self, DatabaseSettings, Limits, PostgresSettings};
use super::redis::RedisSettings;
use crate::agent::Problem;
use crate::domain::upkeep::DeclaredBackup;

/// db-maintainer: keeps data stores healthy, and proves backups by restoring them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DbMaintainer {
    /// opswarden's own ledger, which is always tended.
    pub ledger: LedgerSettings,
    /// PostgreSQL databases that are tended. The address of the one called "main" is `$DATABASE_URL`, of every other one
    /// `$DATABASE_URL_<NAME>`.
    #[schemars(length(max = 100))]
    pub databases: Vec<DatabaseSettings>,
    /// Backups that are looked after, whoever makes them.
    #[schemars(length(max = 100))]
    pub backups: Vec<DeclaredBackup>,
    /// A PostgreSQL server's programs on this host, which make dumps and restore them.
    pub postgres: PostgresSettings,
    /// Buckets of object storages that are measured. The keys of the one called "main" are `$S3_ACCESS_KEY_ID` and
    /// `$S3_SECRET_ACCESS_KEY`, of every other one `$S3_ACCESS_KEY_ID_<NAME>` and `$S3_SECRET_ACCESS_KEY_<NAME>`, or those of
    /// "main" where neither is set.
    #[schemars(length(max = 100))]
    pub buckets: Vec<BucketSettings>,
    /// Folders of logs that are tended. opswarden's own logs always are.
    #[schemars(length(max = 100))]
    pub logs: Vec<LogSettings>,
    /// From when on something of a database is due, or wrong.
    pub limits: Limits,
    /// Redis servers that are tended. The address of the one called "main" is `$REDIS_URL`, of every other one
    /// `$REDIS_URL_<NAME>`.
    #[schemars(length(max = 100))]
    pub redis: Vec<RedisSettings>,
}

impl DbMaintainer {
    /// Problems that no single value shows.
    pub(super) fn lint(&self) -> Vec<Problem> {
        let mut found = buckets::lint(&self.buckets);
        ledger::lint(&self.ledger, &mut found);
        postgres::lint(&self.databases, &self.limits, &mut found);
        super::backups::lint(self, &mut found);
        logs::lint(&self.logs, &mut found);
        found.extend(super::redis::lint(&self.redis));
        found
    }
}
