//! What a restored database holds, held against what was backed up.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;

use super::clear::Unclear;
use super::programs::is_of_this_host;
use super::rows::{Found, Then, held};
use crate::adapters::postgres::{Postgres, in_words};
use crate::domain::duration::HumanDuration;
use crate::domain::upkeep::{BackupSource, DeclaredBackup, Level, NewestRow};

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
    SELECT found.name, found.words, pg_temp.rows_of(found.name)
    FROM (SELECT quote_ident(space.nspname) || '.' || quote_ident(class.relname) AS name,
                 space.nspname || ' ' || class.relname AS words
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
    /// What is known of its tables at the backup's moment, where the source is not of it.
    pub(super) then: Then,
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
    let tables: Vec<(String, String, i64)> =
        sqlx::query_as(TABLES).persistent(false).fetch_all(&mut *session).await.map_err(unread)?;
    let mut found = Found::default();
    for (table, words, rows) in tables {
        found.names.insert(words, table.clone());
        found.rows.insert(table, rows.unsigned_abs());
    }
    let extensions: Vec<(String, String)> = sqlx::query_as(EXTENSIONS)
        .persistent(false)
        .fetch_all(&mut *session)
        .await
        .map_err(unread)?;
    let mut told =
        vec![format!("{} tables with {} rows", found.rows.len(), found.rows.values().sum::<u64>())];
    if let Some(source) = expected.source {
        told.extend(held(expected, source, &found).await?);
        let extensions = extensions.into_iter().collect();
        told.extend(versions(expected, source, &extensions).map_err(flawed)?);
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

pub(super) fn flawed(why: String) -> Unclear {
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

/// The extensions that are of another version on this host than where the backup is of: a dump does not keep versions. One that
/// was made since cannot be in it.
fn versions(
    expected: &Expected<'_>,
    source: &BackupSource,
    restored: &BTreeMap<String, String>,
) -> Result<Vec<String>, String> {
    let mut others = Vec::new();
    for (extension, version) in &source.extensions {
        match restored.get(extension) {
            Some(found) if found == version => {}
            Some(found) => others.push(format!("{extension} is {version} there and {found} here")),
            None if expected.of_its_moment => {
                return Err(format!("the extension {extension} is not in it"));
            }
            None => others.push(format!("without the extension {extension}, which may be younger")),
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
}
