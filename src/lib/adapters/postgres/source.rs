//! A database as a backup's source: what it is, what it holds at one moment, and how `pg_dump` reaches it.

use std::collections::BTreeMap;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgConnection};

use super::Postgres;
use super::names::about;
use super::session::{end, told};
use super::statements::{EXPORT, EXTENSIONS, IDENTITY, ROLES, ROWS, SERVER, SIZE};
use crate::domain::sight::{Blind, Sight};
use crate::domain::upkeep::{BackupSource, RowCount};
use crate::ports::processes::ActFailure;

/// A table below this is counted row by row at the backup's moment; of a larger one statistics say enough.
const COUNTED_BYTES: i64 = 64 * 1024 * 1024;
/// So many tables at most are counted: beyond that a dump would begin late.
const COUNTED_TABLES: usize = 2000;
/// So long may it take to count one table of which statistics tell what a backup does not hold.
const COUNT: Duration = Duration::from_mins(5);

/// A moment of a database that others can look at, too, while this is held.
pub(crate) struct Moment {
    session: PgConnection,
    /// What the server calls it.
    pub(crate) id: String,
    /// What the database holds then.
    pub(crate) source: BackupSource,
}

impl Moment {
    /// Lets go of it.
    pub(crate) async fn end(self) {
        end(self.session).await;
    }
}

impl Postgres {
    /// What it is and holds, as statistics say.
    pub(crate) async fn source(&self) -> Sight<BackupSource> {
        let mut session = self.eyes().await?;
        let found = source(&mut session, false).await;
        end(session).await;
        found.map_err(|error| Blind::because(self.unread(&error)))
    }

    /// A moment of it, with its rows counted, for somebody who takes a backup within `time`.
    ///
    /// A database that cannot be reached is told as that; one that refuses to be read is why a backup fails.
    pub(crate) async fn moment(&self, time: Duration) -> Result<Moment, ActFailure> {
        let mut session = self.session(time).await.map_err(ActFailure::NotSent)?;
        let begun = async {
            sqlx::query("SET idle_in_transaction_session_timeout = 0")
                .execute(&mut session)
                .await?;
            let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
            sqlx::query(begin).execute(&mut session).await?;
            let (id,): (String,) =
                sqlx::query_as(EXPORT).persistent(false).fetch_one(&mut session).await?;
            Ok((id, source(&mut session, true).await?))
        };
        match begun.await {
            Ok((id, source)) => Ok(Moment { session, id, source }),
            Err(error) => Err(ActFailure::Refused(self.unread(&error))),
        }
    }

    /// How many rows a table has, counted.
    pub(crate) async fn rows(&self, table: &str) -> Sight<u64> {
        let mut session = self.session(COUNT).await.map_err(Blind::because)?;
        let counted = rows_of(&mut session, table).await;
        end(session).await;
        counted.map(i64::unsigned_abs).map_err(|error| Blind::because(self.unread(&error)))
    }

    /// The identity of its server's data; empty where this user may not ask.
    pub(crate) async fn cluster(&self) -> Sight<String> {
        let mut session = self.eyes().await?;
        let asked = sqlx::query_as(IDENTITY).persistent(false).fetch_one(&mut session).await;
        end(session).await;
        let (_, cluster): (String, String) =
            asked.map_err(|error| Blind::because(self.unread(&error)))?;
        Ok(cluster)
    }

    /// What it takes on its server, in bytes.
    pub(crate) async fn size_bytes(&self) -> Sight<u64> {
        let mut session = self.eyes().await?;
        let asked = sqlx::query_as(SIZE).persistent(false).fetch_one(&mut session).await;
        end(session).await;
        let (size,): (i64,) = asked.map_err(|error| Blind::because(self.unread(&error)))?;
        Ok(size.unsigned_abs())
    }

    /// Its name on its server: the address names it, else it is called like the user.
    pub(crate) fn database_name(&self) -> String {
        self.options.get_database().unwrap_or(self.options.get_username()).to_owned()
    }

    /// How a client program reaches it: variables for its environment, of which one holds the password.
    pub(crate) fn environment(&self) -> BTreeMap<String, String> {
        environment(&self.options)
    }
}

fn environment(options: &PgConnectOptions) -> BTreeMap<String, String> {
    let socket = options.get_socket().map(|socket| socket.display().to_string());
    let host = socket.unwrap_or_else(|| options.get_host().to_owned());
    let url = options.to_url_lossy();
    let plain = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let asked: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
    // A certificate is told as a file, or as a text that no variable could hold.
    let parameter = |name: &str| {
        let told = asked.get(name)?;
        Some(told.strip_prefix("file: ").unwrap_or(told).to_owned())
    };
    let all = [
        ("PGHOST", Some(host)),
        ("PGPORT", Some(options.get_port().to_string())),
        ("PGUSER", Some(options.get_username().to_owned())),
        ("PGDATABASE", options.get_database().map(str::to_owned)),
        ("PGPASSWORD", url.password().map(plain)),
        ("PGSSLMODE", parameter("sslmode")),
        ("PGSSLROOTCERT", parameter("sslrootcert")),
        ("PGSSLCERT", parameter("sslcert")),
        ("PGSSLKEY", parameter("sslkey")),
        ("PGAPPNAME", Some(super::session::APPLICATION.to_owned())),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

async fn source(session: &mut PgConnection, count: bool) -> Result<BackupSource, sqlx::Error> {
    let (version, ..): (i64, bool, bool, bool, i64, i64) =
        sqlx::query_as(SERVER).persistent(false).fetch_one(&mut *session).await?;
    let (database, cluster): (String, String) =
        sqlx::query_as(IDENTITY).persistent(false).fetch_one(&mut *session).await?;
    let extensions: Vec<(String, String)> =
        sqlx::query_as(EXTENSIONS).persistent(false).fetch_all(&mut *session).await?;
    let roles: Vec<(String,)> =
        sqlx::query_as(ROLES).persistent(false).fetch_all(&mut *session).await?;
    let sizes: Vec<(String, i64, i64)> =
        sqlx::query_as(ROWS).persistent(false).bind(count).fetch_all(&mut *session).await?;
    let mut tables = BTreeMap::new();
    for (place, (name, rows, bytes)) in sizes.into_iter().enumerate() {
        let exact = count && bytes <= COUNTED_BYTES && place < COUNTED_TABLES;
        let rows = if exact { rows_of(session, &name).await? } else { rows };
        tables.insert(name, RowCount { rows: rows.unsigned_abs(), exact });
    }
    Ok(BackupSource {
        database,
        cluster,
        version: u32::try_from(version).unwrap_or_default(),
        tables,
        extensions: extensions.into_iter().collect(),
        roles: roles.into_iter().map(|(role,)| role).collect(),
    })
}

async fn rows_of(session: &mut PgConnection, table: &str) -> Result<i64, sqlx::Error> {
    let question = about("SELECT count(*) FROM ONLY", table).map_err(sqlx::Error::Protocol)?;
    let (rows,): (i64,) = sqlx::query_as(question).persistent(false).fetch_one(session).await?;
    Ok(rows)
}

/// An error in words, for those that speak to a server of their own.
pub(crate) fn in_words(error: &sqlx::Error) -> String {
    told(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_program_is_told_everything_in_its_environment() {
        let url = "postgres://keeper:p%40ss%20word@db.example.test:5433/shop?sslmode=require\
                   &sslrootcert=/etc/ca.crt&sslcert=/etc/db.crt&sslkey=/etc/db.key";
        let told = environment(&super::super::session::options(url).unwrap());
        let is = |name: &str| told[name].clone();
        assert_eq!((is("PGHOST"), is("PGPORT")), ("db.example.test".to_owned(), "5433".to_owned()));
        assert_eq!((is("PGUSER"), is("PGDATABASE")), ("keeper".to_owned(), "shop".to_owned()));
        assert_eq!(
            (is("PGPASSWORD"), is("PGSSLMODE")),
            ("p@ss word".to_owned(), "require".to_owned())
        );
        assert_eq!(is("PGSSLROOTCERT"), "/etc/ca.crt");
        assert_eq!((is("PGSSLCERT"), is("PGSSLKEY")), ("/etc/db.crt".into(), "/etc/db.key".into()));
        let socket =
            super::super::session::options("postgres://u@localhost/d?host=/run/pg").unwrap();
        let told = environment(&socket);
        assert_eq!(told["PGHOST"], "/run/pg");
        assert!(!told.contains_key("PGPASSWORD"));
    }
}
