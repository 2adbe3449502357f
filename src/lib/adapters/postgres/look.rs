//! The eyes on a database.

use std::path::Path;
use std::time::Duration;

use sqlx::FromRow;
use sqlx::postgres::{PgConnection, PgRow};

use super::Postgres;
use super::others::{BUSY, IDLE, PREPARED, QUERIES, SLOTS, STANDBYS, UNSEEN};
use super::session::{LOOK, end};
use super::statements::{BLOATED, COUNTERS, ELSEWHERE, INVALID, KEYS, PARTITIONED, SERVER, TABLES};
use crate::domain::sight::{Blind, Sight};
use crate::domain::upkeep::{
    BloatedIndex, Counter, DatabaseLook, ElsewhereKind, Holder, InvalidIndex, KeyColumn,
    OldElsewhere, PartitionedTable, TableLook, Unseen,
};
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
            let seen = self.seen(&mut session, least_index_bytes).await;
            end(session).await;
            seen.map_err(|error| Blind::because(self.unread(&error)))?
        })
    }
}

impl Postgres {
    async fn seen(
        &self,
        session: &mut PgConnection,
        least: u64,
    ) -> Result<Sight<DatabaseLook>, sqlx::Error> {
        type ServerRow = (i64, bool, bool, bool, i64, i64);
        let (version, is_standby, autovacuum, counts, freeze, multixact): ServerRow =
            sqlx::query_as(SERVER).persistent(false).fetch_one(&mut *session).await?;
        let version = u32::try_from(version).unwrap_or_default();
        if let Some(why) = too_old(version) {
            return Ok(Err(Blind::because(format!("the database {} {why}", self.name))));
        }
        let tables = all(session, TABLES, table).await?;
        let partitioned = partitioned(all(session, PARTITIONED, |row| row).await?);
        let elsewhere = all(session, ELSEWHERE, elsewhere).await?;
        let invalid = invalid_indexes(session).await?;
        let counters = all(session, COUNTERS, counter).await?;
        let keys = all(session, KEYS, key).await?;
        let least = i64::try_from(least).unwrap_or(i64::MAX);
        let sizes: Vec<BloatedRow> =
            sqlx::query_as(BLOATED).persistent(false).bind(least).fetch_all(&mut *session).await?;
        let holders = holders(session).await?;
        let (user, sessions, standbys): (String, i64, i64) =
            sqlx::query_as(UNSEEN).persistent(false).fetch_one(&mut *session).await?;
        let busy = busy(session).await?;
        Ok(Ok(DatabaseLook {
            version,
            is_standby,
            autovacuum,
            uncounted: !counts,
            freeze_max_age: count(freeze),
            multixact_freeze_max_age: count(multixact),
            tables,
            partitioned,
            elsewhere,
            invalid,
            bloated: sizes.into_iter().map(|row| self.bloated(row)).collect(),
            counters,
            keys,
            holders,
            unseen: Unseen { user, sessions: count(sessions), standbys: count(standbys) },
            busy,
        }))
    }

    fn bloated(&self, (name, table, size, needed, node, place): BloatedRow) -> BloatedIndex {
        let place = place.as_deref().map(Path::new);
        let lacks_room = place.is_some_and(|place| self.room_for(size, place).is_err());
        let (size_bytes, needed_bytes) = (count(size), count(needed));
        BloatedIndex { name, table, size_bytes, needed_bytes, node: count(node), lacks_room }
    }
}

/// Older servers lack what a look asks for, and have had no mending since 2024.
const OLDEST: u32 = 13;

/// Why a server of this version is not looked at, if it is not.
fn too_old(version: u32) -> Option<String> {
    let major = version / 10_000;
    (major < OLDEST).then(|| {
        format!("is of PostgreSQL {major}, and what it needs cannot be seen before {OLDEST}")
    })
}

/// Its name and its table's, its size, what it needs, the number of its file, and the folder of that on the server's host.
type BloatedRow = (String, String, i64, i64, i64, Option<String>);

/// Why nobody should be bothered now, if so.
pub(super) async fn busy(session: &mut PgConnection) -> Result<Option<String>, sqlx::Error> {
    let asked = sqlx::query_as(BUSY).persistent(false).bind(LAG).bind(LAG_BYTES);
    let busy: Option<(String,)> = asked.fetch_optional(session).await?;
    Ok(busy.map(|(why,)| why))
}

pub(super) async fn invalid_indexes(
    session: &mut PgConnection,
) -> Result<Vec<InvalidIndex>, sqlx::Error> {
    all(session, INVALID, invalid).await
}

pub(super) async fn holders(session: &mut PgConnection) -> Result<Vec<Holder>, sqlx::Error> {
    type SessionRow = (i32, String, String, i64, Option<i64>);
    let idle = |(pid, user, application, since, age): SessionRow| {
        let (since, age) = (lasts(since), age.map(count));
        Holder::Idle { pid, user, application, since, age }
    };
    let mut holders = all(session, IDLE, idle).await?;
    let query = |(pid, user, application, since, age): SessionRow| {
        let (since, age) = (lasts(since), count(age.unwrap_or_default()));
        Holder::Query { pid, user, application, since, age }
    };
    holders.extend(all(session, QUERIES, query).await?);
    let prepared = |(name, owner, since, age)| {
        let (since, age) = (lasts(since), count(age));
        Holder::Prepared { name, owner, since, age }
    };
    holders.extend(all(session, PREPARED, prepared).await?);
    let slot = |(name, active, age, of_catalogues): (String, bool, Option<i64>, Option<i64>)| {
        let (age, catalogue_age) = (age.map(count), of_catalogues.map(count));
        Holder::Slot { name, active, age, catalogue_age }
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

/// Its names; rows that are live; those that are dead, inserted and changed, each with how many are waited for; its ages and
/// vacuums, whether autovacuum is kept away, and how long ago it was vacuumed.
type TableRow = (
    String,
    String,
    String,
    i64,
    i64,
    i64,
    i64,
    Option<i64>,
    i64,
    i64,
    Option<i64>,
    Option<i64>,
    i64,
    bool,
    Option<i64>,
);

fn table(row: TableRow) -> TableLook {
    let (name, schema, plain, live, dead, due, inserted, due_inserted, changed, due_changed, ..) =
        row;
    let (.., age, multixact, vacuums, off, vacuumed) = row;
    TableLook {
        name,
        schema,
        plain,
        live_rows: count(live),
        dead_rows: count(dead),
        due_rows: count(due),
        inserted_rows: count(inserted),
        due_inserted_rows: due_inserted.map(count),
        changed_rows: count(changed),
        due_changed_rows: count(due_changed),
        age: count(age.unwrap_or_default()),
        multixact_age: count(multixact.unwrap_or_default()),
        vacuums: count(vacuums),
        autovacuum_off: off,
        vacuumed: vacuumed.map(lasts),
    }
}

/// Each of them with all its parts, from rows that have one each.
fn partitioned(rows: Vec<(String, String, Option<String>)>) -> Vec<PartitionedTable> {
    let mut all: Vec<PartitionedTable> = Vec::new();
    for (schema, plain, part) in rows {
        match all.last_mut() {
            Some(last) if last.schema == schema && last.plain == plain => last.parts.extend(part),
            _ => all.push(PartitionedTable { schema, plain, parts: part.into_iter().collect() }),
        }
    }
    all
}

fn elsewhere((kind, name, age, multixact): (String, String, i64, i64)) -> OldElsewhere {
    let kind = match kind.as_str() {
        "database" => ElsewhereKind::Database,
        "temporary" => ElsewhereKind::Temporary,
        _ => ElsewhereKind::Catalogue,
    };
    OldElsewhere { kind, name, age: count(age), multixact_age: count(multixact) }
}

fn invalid((name, table, being_built, droppable): (String, String, bool, bool)) -> InvalidIndex {
    InvalidIndex { name, table, being_built, droppable }
}

fn key((table, column, last, most): (String, String, i64, i64)) -> KeyColumn {
    KeyColumn { table, column, last: count(last), most: count(most) }
}

type CounterRow = (String, Option<String>, Option<String>, Option<i64>, i64, i64, Option<i64>);

fn counter((sequence, table, column, last, first, most, column_most): CounterRow) -> Counter {
    Counter {
        sequence,
        table,
        column,
        last: last.map(count),
        least: count(first),
        most: count(most),
        column_most: column_most.map(count),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_lacks_what_is_asked_for_is_told_as_that() {
        assert_eq!((too_old(130_000), too_old(180_001)), (None, None));
        assert!(too_old(120_022).is_some_and(|why| why.contains("PostgreSQL 12")));
        assert!(too_old(90_624).is_some_and(|why| why.contains("PostgreSQL 9")));
    }
}
