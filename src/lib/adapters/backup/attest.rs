//! What a restored database holds, held against what was backed up.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;

use super::clear::Unclear;
use super::programs::is_of_this_host;
use crate::adapters::postgres::{Postgres, in_words};
use crate::domain::duration::HumanDuration;
use crate::domain::upkeep::{BackupSource, DeclaredBackup, Level, NewestRow, RowCount};

/// A table whose rows were not counted is judged by statistics only where it has at least so many.
const LEAST_ROWS: u64 = 1000;

/// So many tables that may be younger are named.
const NAMED: usize = 3;

/// What counts the rows of one table, for as long as the session lasts.
const COUNTER: &str = "
    CREATE FUNCTION pg_temp.rows_of(name text) RETURNS bigint LANGUAGE plpgsql AS $$
    DECLARE many bigint;
    BEGIN
        EXECUTE 'SELECT count(*) FROM ONLY ' || name INTO many;
        RETURN many;
    END $$";

/// Every table of a database and how many rows it has, counted in one statement, so that its time bounds all of it.
const TABLES: &str = "
    SELECT found.name, pg_temp.rows_of(found.name)
    FROM (SELECT quote_ident(space.nspname) || '.' || quote_ident(class.relname) AS name
          FROM pg_class AS class JOIN pg_namespace AS space ON space.oid = class.relnamespace
          WHERE class.relkind = 'r'
            AND space.nspname NOT IN ('pg_catalog', 'information_schema')) AS found";

/// Errors that say something about the server or about what was left out of it, by the first two characters of their codes: a
/// connection, something that it cannot do, its resources, something that is not filled, somebody who ended it (or its time),
/// its files, another server.
const OF_THE_SERVER: [&str; 7] = ["08", "0A", "53", "55", "57", "58", "HV"];

const EXTENSIONS: &str =
    "SELECT extname::text, extversion FROM pg_extension WHERE extname <> 'plpgsql'";

/// A table and a column as SQL would write them, for names as people write them.
const COLUMN: &str = "
    SELECT quote_ident(space.nspname) || '.' || quote_ident(class.relname),
           quote_ident(own.attname)
    FROM pg_attribute AS own
    JOIN pg_class AS class ON class.oid = own.attrelid
    JOIN pg_namespace AS space ON space.oid = class.relnamespace
    WHERE ($1 = class.relname OR $1 = space.nspname || '.' || class.relname)
      AND own.attname = $2 AND own.attnum > 0 AND NOT own.attisdropped
      AND class.relkind IN ('r', 'p')
    ORDER BY space.nspname <> 'public' LIMIT 1";

/// What is known of the database that was backed up.
pub(super) struct Expected<'a> {
    pub(super) declared: &'a DeclaredBackup,
    /// As it was at the backup's moment, or as it is now.
    pub(super) source: Option<&'a BackupSource>,
    /// Where rows can be counted of which statistics tell what is not in it.
    pub(super) database: Option<&'a Postgres>,
    /// Whether that is of the backup's own moment.
    pub(super) of_its_moment: bool,
    /// Tables of the source that are known to have been there at the backup's moment, where that is not of it.
    pub(super) known: BTreeSet<String>,
    pub(super) taken_at: Timestamp,
}

/// What it holds, in words, or the first thing that is not what it should be.
pub(super) async fn attest(
    session: &mut PgConnection,
    expected: &Expected<'_>,
) -> Result<String, Unclear> {
    // That everything in it can be counted is the server's business.
    let unread = |error: sqlx::Error| {
        Unclear::Unread(format!("what was restored cannot be read: {}", in_words(&error)))
    };
    sqlx::raw_sql(COUNTER).execute(&mut *session).await.map_err(unread)?;
    let found: Vec<(String, i64)> =
        sqlx::query_as(TABLES).persistent(false).fetch_all(&mut *session).await.map_err(unread)?;
    let found: BTreeMap<String, u64> =
        found.into_iter().map(|(table, rows)| (table, rows.unsigned_abs())).collect();
    let extensions: Vec<(String, String)> = sqlx::query_as(EXTENSIONS)
        .persistent(false)
        .fetch_all(&mut *session)
        .await
        .map_err(unread)?;
    let mut told =
        vec![format!("{} tables with {} rows", found.len(), found.values().sum::<u64>())];
    if let Some(source) = expected.source {
        told.extend(rows(expected, source, &found).await?);
        told.extend(versions(source, &extensions.into_iter().collect()).map_err(flawed)?);
    }
    if let Some(newest) = &expected.declared.newest {
        told.push(young(session, newest, expected.taken_at).await?);
    }
    for query in &expected.declared.queries {
        answered(session, query).await?;
    }
    match expected.declared.queries.len() {
        0 => {}
        1 => told.push("the question of the settings is answered".to_owned()),
        many => told.push(format!("all {many} questions of the settings are answered")),
    }
    if expected.source.is_none() {
        told.push("held against nothing: its database is not known".to_owned());
    }
    Ok(told.join(", "))
}

fn flawed(why: String) -> Unclear {
    Unclear::flawed(Level::Attested, why)
}

/// What an error says about what was restored: nothing, where the server has not looked at it to the end.
fn unanswered(what: &str, error: &sqlx::Error) -> Unclear {
    let why = format!("{what}: {}", in_words(error));
    let of_server = match error {
        sqlx::Error::Database(told) => is_of_the_server(&told.code().unwrap_or_default()),
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) => true,
        _ => false,
    };
    if of_server || is_of_this_host(&why) { Unclear::Unread(why) } else { flawed(why) }
}

fn is_of_the_server(code: &str) -> bool {
    OF_THE_SERVER.iter().any(|class| code.starts_with(class))
}

/// What differs and is no flaw; the first thing that is one.
async fn rows(
    expected: &Expected<'_>,
    source: &BackupSource,
    found: &BTreeMap<String, u64>,
) -> Result<Vec<String>, Unclear> {
    let mut since = Vec::new();
    for (table, count) in &source.tables {
        let Some(rows) = found.get(table).copied() else {
            if expected.of_its_moment
                || (expected.known.contains(table) && count.rows >= LEAST_ROWS)
            {
                return Err(flawed(format!("the table {table} is not in it")));
            }
            // A table that was made since cannot be in it, however many rows it has.
            since.push(table.as_str());
            continue;
        };
        has_its_rows(expected, table, *count, rows).await?;
    }
    Ok(younger(since))
}

/// Whether the rows of one table are in it. Statistics may be wrong by any factor, so what they tell is counted before it is held
/// against a backup.
async fn has_its_rows(
    expected: &Expected<'_>,
    table: &str,
    count: RowCount,
    rows: u64,
) -> Result<(), Unclear> {
    let drift = u64::from(expected.declared.drift_percent);
    if is_like(count, rows, drift) {
        return Ok(());
    }
    if count.exact {
        return Err(flawed(format!("the table {table} had {} rows, and {rows} in it", count.rows)));
    }
    let counted = match expected.database {
        Some(database) => database.rows(table).await.map_err(|blind| blind.why),
        None => Err("its database is not known".to_owned()),
    };
    match counted {
        Ok(now) if is_like(RowCount { rows: now, exact: false }, rows, drift) => Ok(()),
        Ok(now) => Err(flawed(format!("the table {table} has {now} rows, and {rows} in it"))),
        Err(why) => Err(Unclear::Unread(format!(
            "statistics tell of {} rows of {table}, {rows} are in it, and nobody could count them: {why}",
            count.rows
        ))),
    }
}

/// Tables that are not in it and may be younger, in words.
fn younger(mut tables: Vec<&str>) -> Vec<String> {
    let more = tables.len().saturating_sub(NAMED);
    tables.truncate(NAMED);
    let told = match (tables.join(" and "), more) {
        (none, _) if none.is_empty() => return Vec::new(),
        (names, 0) => format!("without {names}, which may be younger"),
        (names, more) => format!("without {names} and {more} more, which may be younger"),
    };
    vec![told]
}

/// Whether so many rows are what was expected: as many where they were counted, about as many where statistics told.
fn is_like(expected: RowCount, rows: u64, drift_percent: u64) -> bool {
    if expected.exact {
        return expected.rows == rows;
    }
    let may = (expected.rows.saturating_mul(drift_percent) / 100).max(LEAST_ROWS);
    // What was taken away since the dump is in it still.
    expected.rows < LEAST_ROWS || (expected.rows.saturating_sub(rows) <= may && rows > 0)
}

/// The extensions that are of another version on this host than where the backup is of: a dump does not keep versions.
fn versions(
    source: &BackupSource,
    restored: &BTreeMap<String, String>,
) -> Result<Vec<String>, String> {
    let mut others = Vec::new();
    for (extension, version) in &source.extensions {
        match restored.get(extension) {
            Some(found) if found == version => {}
            Some(found) => others.push(format!("{extension} is {version} there and {found} here")),
            None => return Err(format!("the extension {extension} is not in it")),
        }
    }
    Ok(others)
}

async fn young(
    session: &mut PgConnection,
    newest: &NewestRow,
    taken_at: Timestamp,
) -> Result<String, Unclear> {
    let what = format!("{}.{}", newest.table, newest.column);
    let unread = |error: sqlx::Error| unanswered(&format!("{what} cannot be read"), &error);
    let asked = sqlx::query_as(COLUMN).persistent(false).bind(&newest.table).bind(&newest.column);
    let names: Option<(String, String)> =
        asked.fetch_optional(&mut *session).await.map_err(unread)?;
    let (table, column) = names.ok_or_else(|| flawed(format!("there is no {what} in it")))?;
    // Both names are as the server itself has just quoted them.
    let question = format!("SELECT extract(epoch FROM max({column}))::float8 FROM {table}");
    let (at,): (Option<f64>,) = sqlx::query_as(AssertSqlSafe(question))
        .persistent(false)
        .fetch_one(session)
        .await
        .map_err(unread)?;
    let at = at.and_then(|at| {
        Timestamp::from_duration(jiff::SignedDuration::try_from_secs_f64(at).ok()?).ok()
    });
    let at = at.ok_or_else(|| flawed(format!("{what} has no row")))?;
    let older = Duration::try_from(taken_at.duration_since(at)).unwrap_or_default();
    let older = HumanDuration::from(Duration::from_secs(older.as_secs()));
    if older > newest.within {
        let within = newest.within;
        let why = format!("the newest row of {what} was {older} old, and may be {within}");
        return Err(flawed(why));
    }
    Ok(format!("the newest row of {what} was {older} old"))
}

async fn answered(session: &mut PgConnection, query: &str) -> Result<(), Unclear> {
    let asked: Result<Option<(Option<bool>,)>, sqlx::Error> =
        sqlx::query_as(AssertSqlSafe(query.to_owned()))
            .persistent(false)
            .fetch_optional(session)
            .await;
    match asked {
        Ok(Some((Some(true),))) => Ok(()),
        Ok(Some((Some(false),))) => Err(flawed(format!("`{query}` is false in it"))),
        Ok(_) => Err(flawed(format!("`{query}` has no answer in it"))),
        Err(error) => Err(unanswered(&format!("`{query}`"), &error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_did_not_look_at_to_the_end_says_nothing_about_a_backup() {
        let [late, no_xml, not_filled, no_memory, far] =
            ["57014", "0A000", "55000", "53200", "HV00N"];
        for code in [late, no_xml, not_filled, no_memory, far] {
            assert!(is_of_the_server(code), "{code}");
        }
        let [no_table, no_column, no_number] = ["42P01", "42703", "22P02"];
        for code in [no_table, no_column, no_number] {
            assert!(!is_of_the_server(code), "{code}");
        }
    }

    #[test]
    fn counted_rows_are_exact_and_statistics_may_drift() {
        let counted = |rows| RowCount { rows, exact: true };
        assert!(is_like(counted(5), 5, 20) && is_like(counted(0), 0, 20));
        assert!(!is_like(counted(5), 4, 20) && !is_like(counted(5), 0, 20));
        let about = |rows| RowCount { rows, exact: false };
        assert!(is_like(about(10_000), 8_500, 20) && is_like(about(10_000), 90_000, 20));
        assert!(!is_like(about(10_000), 7_000, 20) && !is_like(about(1_000), 0, 20));
        assert!(is_like(about(900), 0, 20), "too few to say anything");
    }
}
