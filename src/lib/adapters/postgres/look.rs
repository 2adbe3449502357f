//! The eyes on a database.

use std::time::Duration;

use sqlx::FromRow;
use sqlx::postgres::{PgConnection, PgRow};

use super::Postgres;
use super::session::{LOOK, end};
use super::statements::{
    BLOATED, BUSY, COUNTERS, IDLE, INVALID, PREPARED, QUERIES, SERVER, SLOTS, STANDBYS, TABLES,
};
use crate::domain::sight::{Blind, Sight};
use crate::domain::upkeep::{BloatedIndex, Counter, DatabaseLook, Holder, InvalidIndex, TableLook};
use crate::ports::Pending;
use crate::ports::data_store::Database;

/// A standby that lags by so many seconds has enough to do.
const LAG: f64 = 30.0;
/// And one that has so many bytes of the log still to apply: the server knows no time of one that applies nothing at all. Four
/// segments of the log, at their usual size.
const LAG_BYTES: f64 = 64.0 * 1024.0 * 1024.0;

impl Database for Postgres {
    fn look(&self, least_index_bytes: u64) -> Pending<'_, Sight<DatabaseLook>> {
        Box::pin(async move {
            let mut session = self.session(LOOK).await.map_err(Blind::because)?;
            let seen = seen(&mut session, least_index_bytes).await;
            end(session).await;
            seen.map_err(|error| Blind::because(self.unread(&error)))
        })
    }
}

async fn seen(session: &mut PgConnection, least: u64) -> Result<DatabaseLook, sqlx::Error> {
    let (version, is_standby, autovacuum, freeze, multixact): (i64, bool, bool, i64, i64) =
        sqlx::query_as(SERVER).persistent(false).fetch_one(&mut *session).await?;
    let tables = all(session, TABLES, table).await?;
    let invalid = all(session, INVALID, invalid).await?;
    let counters = all(session, COUNTERS, counter).await?;
    let least = i64::try_from(least).unwrap_or(i64::MAX);
    let sizes: Vec<(String, String, i64, i64, i64)> =
        sqlx::query_as(BLOATED).persistent(false).bind(least).fetch_all(&mut *session).await?;
    let holders = holders(session).await?;
    let asked = sqlx::query_as(BUSY).persistent(false).bind(LAG).bind(LAG_BYTES);
    let busy: Option<(String,)> = asked.fetch_optional(&mut *session).await?;
    Ok(DatabaseLook {
        version: u32::try_from(version).unwrap_or_default(),
        is_standby,
        autovacuum,
        freeze_max_age: count(freeze),
        multixact_freeze_max_age: count(multixact),
        tables,
        invalid,
        bloated: sizes.into_iter().map(bloated).collect(),
        counters,
        holders,
        busy: busy.map(|(why,)| why),
    })
}

async fn holders(session: &mut PgConnection) -> Result<Vec<Holder>, sqlx::Error> {
    let mut holders = all(session, IDLE, |(pid, user, application, since, holds)| Holder::Idle {
        pid,
        user,
        application,
        since: lasts(since),
        holds,
    })
    .await?;
    let query = |(pid, user, application, since)| Holder::Query {
        pid,
        user,
        application,
        since: lasts(since),
    };
    holders.extend(all(session, QUERIES, query).await?);
    let prepared = |(name, owner, since)| Holder::Prepared { name, owner, since: lasts(since) };
    holders.extend(all(session, PREPARED, prepared).await?);
    let slot = |(name, active, age): (String, bool, Option<i64>)| {
        let age = count(age.unwrap_or_default());
        Holder::Slot { name, active, age }
    };
    holders.extend(all(session, SLOTS, slot).await?);
    let standby = |(name, age)| Holder::Standby { name, age: count(age) };
    holders.extend(all(session, STANDBYS, standby).await?);
    Ok(holders)
}

/// Every row of a question.
async fn all<R, T>(
    session: &mut PgConnection,
    question: &'static str,
    of: impl Fn(R) -> T,
) -> Result<Vec<T>, sqlx::Error>
where
    R: for<'r> FromRow<'r, PgRow> + Send + Unpin,
{
    let rows: Vec<R> = sqlx::query_as(question).persistent(false).fetch_all(session).await?;
    Ok(rows.into_iter().map(of).collect())
}

/// A number that the server counts from nought.
fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

fn lasts(milliseconds: i64) -> Duration {
    Duration::from_millis(count(milliseconds))
}

type TableRow = (String, String, String, i64, i64, i64, i64, Option<i64>, Option<i64>, i64, bool);

fn table(row: TableRow) -> TableLook {
    let (name, schema, plain, live, dead, due, size, age, multixact, vacuums, off) = row;
    TableLook {
        name,
        schema,
        plain,
        live_rows: count(live),
        dead_rows: count(dead),
        due_rows: count(due),
        size_bytes: count(size),
        age: count(age.unwrap_or_default()),
        multixact_age: count(multixact.unwrap_or_default()),
        vacuums: count(vacuums),
        autovacuum_off: off,
    }
}

fn invalid(row: (String, String, i64, bool, bool)) -> InvalidIndex {
    let (name, table, size, being_built, droppable) = row;
    let size_bytes = count(size);
    InvalidIndex { name, table, size_bytes, being_built, droppable }
}

fn bloated((name, table, size, needed, node): (String, String, i64, i64, i64)) -> BloatedIndex {
    let (size_bytes, needed_bytes) = (count(size), count(needed));
    BloatedIndex { name, table, size_bytes, needed_bytes, node: count(node) }
}

type CounterRow = (String, Option<String>, Option<String>, Option<i64>, i64, Option<i64>);

fn counter((sequence, table, column, last, most, column_most): CounterRow) -> Counter {
    Counter {
        sequence,
        table,
        column,
        last: last.map(count),
        most: count(most),
        column_most: column_most.map(count),
    }
}
