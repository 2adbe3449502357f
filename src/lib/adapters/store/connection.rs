//! One connection to the database file, and what its errors mean.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, SqliteConnection};

use crate::ports::clock::Clock;
use crate::ports::store::StoreError;

/// What the process may do with the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Append, apply, publish.
    ReadWrite,
    /// Look only: nothing is created, repaired or published.
    ReadOnly,
}

/// How long `SQLite` itself waits for another writer, each time.
pub(super) const BUSY: Duration = Duration::from_secs(5);
/// How often an open or a begin that found the database locked is tried: `SQLite` answers "locked" at once, without
/// waiting, where waiting could deadlock; 1 in 9,600 opens among killed processes did.
pub(super) const TRIES: u32 = 5;
/// The pause between tries.
pub(super) const PAUSE: Duration = Duration::from_millis(40);

/// What an error of `SQLite` means for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Somebody else holds the lock.
    Busy,
    /// The file is no database, or a broken one.
    Damaged,
    /// Anything else: no space, no permission, an error of the disk.
    Other,
}

const SQLITE_BUSY: u32 = 5;
const SQLITE_LOCKED: u32 = 6;
const SQLITE_READONLY: u32 = 8;
const SQLITE_CORRUPT: u32 = 11;
const SQLITE_NOTADB: u32 = 26;
/// The companion file that all who have the ledger open share could not be made large enough.
const SQLITE_IOERR_SHMSIZE: u32 = 4874;

fn code(error: &sqlx::Error) -> Option<u32> {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.and_then(|code| code.parse::<u32>().ok())
}

/// An error in words, with what to do where that is known. Of one full disk `SQLite` says "full", of another only
/// "I/O error".
pub(super) fn told(error: &sqlx::Error) -> String {
    match code(error) {
        Some(SQLITE_IOERR_SHMSIZE) => format!("{error}; the disk is full"),
        Some(code) if code & 0xff == SQLITE_READONLY => {
            format!("{error}; make ops.db and its folder writable for this user")
        }
        _ => error.to_string(),
    }
}

/// Sorts an error.
pub(super) fn trouble(error: &sqlx::Error) -> Trouble {
    match code(error).map(|code| code & 0xff) {
        Some(SQLITE_BUSY | SQLITE_LOCKED) => Trouble::Busy,
        Some(SQLITE_CORRUPT | SQLITE_NOTADB) => Trouble::Damaged,
        _ => Trouble::Other,
    }
}

/// An error while reading.
pub(super) fn unread(error: sqlx::Error) -> StoreError {
    StoreError::Read(told(&error))
}

/// An error while writing.
pub(super) fn unwritten(error: sqlx::Error) -> StoreError {
    StoreError::Write(told(&error))
}

/// Opens the file, trying again where it is locked.
pub(super) async fn connect(
    path: &Path,
    access: Access,
    clock: &dyn Clock,
) -> Result<SqliteConnection, sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .read_only(access == Access::ReadOnly)
        .create_if_missing(false)
        .foreign_keys(false)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY)
        .disable_statement_logging();
    let mut tries = 1;
    loop {
        match options.connect().await {
            Err(error) if trouble(&error) == Trouble::Busy && tries < TRIES => {
                tries += 1;
                clock.sleep(PAUSE).await;
            }
            answer => return answer,
        }
    }
}
