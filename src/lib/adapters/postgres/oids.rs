//! The numbers of a database's tables: a server gives them in the order in which tables are made.

use std::collections::BTreeMap;

use super::Postgres;
use super::session::end;
use crate::domain::sight::{Blind, Sight};

/// As SQL would write their names.
const OIDS: &str = "
    SELECT quote_ident(space.nspname) || '.' || quote_ident(class.relname), class.oid::int8
    FROM pg_class AS class JOIN pg_namespace AS space ON space.oid = class.relnamespace
    WHERE class.relkind = 'r' AND space.nspname NOT IN ('pg_catalog', 'information_schema')";

impl Postgres {
    /// The number of each of its tables.
    pub(crate) async fn table_oids(&self) -> Sight<BTreeMap<String, i64>> {
        let mut session = self.eyes().await?;
        let found: Result<Vec<(String, i64)>, sqlx::Error> =
            sqlx::query_as(OIDS).persistent(false).fetch_all(&mut session).await;
        end(session).await;
        let found = found.map_err(|error| Blind::because(self.unread(&error)))?;
        Ok(found.into_iter().collect())
    }
}
