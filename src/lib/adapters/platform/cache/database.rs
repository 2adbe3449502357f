//! The one connection to the file, opened at its first use.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};
use tokio::sync::{MappedMutexGuard, Mutex, MutexGuard};

use crate::ports::clock::Clock;

/// The version of the tables.
const VERSION: i64 = 2;

/// What is wrong with a cache that has other tables.
const FOREIGN: &str = "was written by another version of opswarden";
/// How long `SQLite` itself waits for another writer, each time.
const BUSY: Duration = Duration::from_secs(5);
/// `SQLite` answers "locked" at once, without waiting, where waiting could deadlock.
const TRIES: u32 = 5;
/// The pause between tries.
const PAUSE: Duration = Duration::from_millis(40);
const OWNER_ONLY: u32 = 0o600;

const STATEMENTS: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS slot (
        id INTEGER PRIMARY KEY NOT NULL, bucket TEXT NOT NULL, at BIGINT NOT NULL)",
    "CREATE INDEX IF NOT EXISTS slot_time ON slot (bucket, at)",
    "CREATE TABLE IF NOT EXISTS block (bucket TEXT PRIMARY KEY NOT NULL, until BIGINT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS session (
        id INTEGER PRIMARY KEY NOT NULL, tenant TEXT NOT NULL, run TEXT NOT NULL,
        opened_at BIGINT NOT NULL, over_by BIGINT NOT NULL, pid BIGINT NOT NULL,
        released_at BIGINT)",
    "CREATE TABLE IF NOT EXISTS cursor (
        tenant TEXT NOT NULL, route TEXT NOT NULL, page BIGINT NOT NULL,
        PRIMARY KEY (tenant, route))",
    "CREATE TABLE IF NOT EXISTS evidence (
        sort BIGINT NOT NULL, tenant TEXT NOT NULL, id TEXT NOT NULL, updated_at BIGINT NOT NULL,
        looked_at BIGINT NOT NULL, origin TEXT NOT NULL, failed BIGINT NOT NULL, doc TEXT,
        PRIMARY KEY (sort, tenant, id)) WITHOUT ROWID",
];

/// The database.
pub(in crate::adapters::platform) struct Cache {
    path: PathBuf,
    clock: Arc<dyn Clock>,
    connection: Mutex<Option<SqliteConnection>>,
}

/// A connection that is ours for a while.
pub(super) type Held<'a> = MappedMutexGuard<'a, SqliteConnection>;

impl Cache {
    pub(in crate::adapters::platform) fn new(path: PathBuf, clock: Arc<dyn Clock>) -> Self {
        Self { path, clock, connection: Mutex::new(None) }
    }

    #[cfg(test)]
    pub(super) fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    /// Milliseconds since the epoch: what the tables count in.
    pub(super) fn now(&self) -> i64 {
        self.clock.now().as_millisecond()
    }

    /// The connection, opened if need be.
    ///
    /// # Errors
    ///
    /// A fragment.
    pub(super) async fn open(&self) -> Result<Held<'_>, String> {
        let mut held = self.connection.lock().await;
        if held.is_none() {
            *held = Some(self.connect().await?);
        }
        Ok(MutexGuard::map(held, |held| held.as_mut().expect("it was opened just now")))
    }

    async fn connect(&self) -> Result<SqliteConnection, String> {
        let mut tries = 1;
        loop {
            let error = match self.connect_once().await {
                Ok(connection) => return Ok(connection),
                Err(error) => error,
            };
            match code(&error) {
                // Locked, by a name of its own.
                Some(5 | 6) if tries < TRIES => self.clock.sleep(PAUSE).await,
                // Damaged, or no database at all.
                Some(11 | 26) if tries < TRIES => self.set_aside("is damaged")?,
                _ if is_foreign(&error) && tries < TRIES => self.set_aside(FOREIGN)?,
                _ => return Err(cannot(error)),
            }
            tries += 1;
        }
    }

    /// A cache that cannot be read must not blind its readers for ever. The last one is kept for whoever wants to know
    /// why.
    fn set_aside(&self, why: &str) -> Result<(), String> {
        tracing::warn!("the platform cache {why} and starts anew; the old one is kept beside it");
        set_aside(&self.path).map_err(|e| format!("the platform cache {why}, and stays: {e}"))
    }

    async fn connect_once(&self) -> Result<SqliteConnection, sqlx::Error> {
        create(&self.path).map_err(sqlx::Error::Io)?;
        let options = SqliteConnectOptions::new()
            .filename(&self.path)
            .create_if_missing(true)
            .foreign_keys(false)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(BUSY)
            .disable_statement_logging();
        let mut connection = options.connect().await?;
        let version: i64 =
            sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut connection).await?;
        if version == VERSION {
            return Ok(connection);
        }
        if version != 0 {
            return Err(sqlx::Error::Configuration(FOREIGN.into()));
        }
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        for statement in STATEMENTS {
            sqlx::query(*statement).execute(&mut *transaction).await?;
        }
        // The number is that of VERSION: a pragma takes no parameters.
        sqlx::query("PRAGMA user_version = 2").execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(connection)
    }

    /// Closes the connection; a later use opens it again.
    pub(in crate::adapters::platform) async fn close(&self) {
        let taken = self.connection.lock().await.take();
        if let Some(connection) = taken
            && let Err(error) = connection.close().await
        {
            tracing::debug!(%error, "the platform cache did not close cleanly");
        }
    }
}

fn is_foreign(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Configuration(why) if why.to_string() == FOREIGN)
}

fn code(error: &sqlx::Error) -> Option<u32> {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.and_then(|code| code.parse::<u32>().ok()).map(|code| code & 0xff)
}

/// An error in words.
pub(super) fn cannot(error: sqlx::Error) -> String {
    format!("the platform cache cannot be used: {error}")
}

/// For us alone from its first byte on; what is there keeps its mode.
fn create(path: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(OWNER_ONLY).open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

fn set_aside(path: &Path) -> io::Result<()> {
    for ending in ["", "-wal", "-shm"] {
        let with = |more: &str| {
            let mut name = path.as_os_str().to_owned();
            name.push(format!("{more}{ending}"));
            PathBuf::from(name)
        };
        match std::fs::rename(with(""), with(".damaged")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::adapters::system_clock::SystemClock;

    #[tokio::test]
    async fn a_damaged_cache_starts_anew_and_is_for_us_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("platform.db");
        std::fs::write(&path, "no database, and long enough to be looked at".repeat(99)).unwrap();
        let cache = Cache::new(path.clone(), Arc::new(SystemClock::new()));
        drop(cache.open().await.unwrap());
        let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, OWNER_ONLY);
        assert!(dir.path().join("platform.db.damaged").exists());
        cache.close().await;
        drop(cache.open().await.unwrap());
    }

    #[tokio::test]
    async fn a_cache_of_another_version_starts_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("platform.db");
        let cache = Cache::new(path.clone(), Arc::new(SystemClock::new()));
        let mut held = cache.open().await.unwrap();
        sqlx::query("PRAGMA user_version = 7").execute(&mut *held).await.unwrap();
        drop(held);
        cache.close().await;
        let mut held = cache.open().await.unwrap();
        let version: i64 =
            sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *held).await.unwrap();
        assert_eq!(version, VERSION);
        assert!(dir.path().join("platform.db.damaged").exists());
    }

    #[tokio::test]
    async fn a_cache_without_a_folder_is_an_error_in_words() {
        let cache = Cache::new("/nowhere/x/platform.db".into(), Arc::new(SystemClock::new()));
        let error = cache.open().await.map(drop).unwrap_err();
        assert!(error.starts_with("the platform cache cannot be used"), "{error}");
    }
}
