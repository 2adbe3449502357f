//! What lies at the ledger's place, found out without changing it.

use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::Path;

use sqlx::{Connection, SqliteConnection};

use super::connection::{Access, PAUSE, TRIES, Trouble, connect, told, trouble};
use super::files::Paths;
use super::schema::{VERSION, meta};
use crate::ports::clock::Clock;

/// What lies at the ledger's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// Nothing.
    Missing,
    /// A database without tables, or an empty file.
    Empty,
    /// A ledger of our version.
    Good {
        /// Which one.
        ledger_id: String,
    },
    /// A ledger of a newer version.
    Newer {
        /// Its version.
        found: u64,
    },
    /// No database, or a broken one.
    Damaged {
        /// What `SQLite` said.
        why: String,
    },
    /// Something is to be looked at by somebody who is alone with it.
    Doubtful,
    /// Not ours, or not for us to read.
    Unusable {
        /// What it is and what to do.
        why: String,
    },
}

/// Looks.
pub(super) async fn inspect(paths: &Paths, access: Access, clock: &dyn Clock) -> Condition {
    let ledger = &paths.ledger;
    let unusable = |why: String| Condition::Unusable { why };
    match std::fs::metadata(ledger) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Condition::Missing,
        Err(error) => {
            return unusable(format!(
                "{} cannot be looked at ({error}); give this user access to {}",
                ledger.display(),
                paths.state.display()
            ));
        }
        Ok(found) if !found.is_file() => {
            return unusable(format!(
                "{} is not a file: the folder belongs to something else; name another one in [paths] state",
                ledger.display()
            ));
        }
        Ok(found) if found.len() == 0 => return Condition::Empty,
        Ok(_) => {}
    }
    match missing_pages(paths) {
        Err(error) => unusable(format!(
            "{} cannot be read ({error}); give this user access to it",
            ledger.display()
        )),
        Ok(Some(why)) => Condition::Damaged { why },
        Ok(None) => confirmed(inside(ledger, access, clock).await, ledger),
    }
}

/// `SQLite` calls a page of the schema that could not be read corrupt. A file counts as damaged only where every
/// byte of it can be read: a failing disk is no reason to start a new ledger on it.
pub(super) fn confirmed(condition: Condition, ledger: &Path) -> Condition {
    if !matches!(condition, Condition::Damaged { .. }) {
        return condition;
    }
    match read_whole(ledger) {
        Ok(()) => condition,
        Err(error) => Condition::Unusable {
            why: format!("{} cannot be read whole ({error}); look at the disk", ledger.display()),
        },
    }
}

fn read_whole(ledger: &Path) -> std::io::Result<()> {
    const PAGE: usize = 4_096;
    let file = std::fs::File::open(ledger)?;
    let mut page = [0_u8; PAGE];
    for start in (0..file.metadata()?.len()).step_by(PAGE) {
        file.read_at(&mut page, start)?;
    }
    Ok(())
}

/// A file that is shorter than its own header says. A write-ahead log may still hold the rest.
fn missing_pages(paths: &Paths) -> std::io::Result<Option<String>> {
    const HEADER: usize = 100;
    let mut file = std::fs::File::open(&paths.ledger)?;
    let has_log = paths.companions()[0].metadata().is_ok_and(|log| log.len() > 0);
    let mut header = [0_u8; HEADER];
    if has_log || file.read_exact(&mut header).is_err() {
        return Ok(None);
    }
    let page = match u16::from_be_bytes([header[16], header[17]]) {
        1 => 65_536,
        size => u64::from(size),
    };
    let pages = u64::from(u32::from_be_bytes([header[28], header[29], header[30], header[31]]));
    let (expected, found) = (page * pages, file.metadata()?.len());
    let short = header.starts_with(b"SQLite format 3") && found < expected;
    Ok(short.then(|| format!("{found} of {expected} bytes are there")))
}

async fn inside(ledger: &Path, access: Access, clock: &dyn Clock) -> Condition {
    let mut tries = 1;
    loop {
        let error = match look(ledger, access, clock).await {
            Ok(condition) => return condition,
            Err(error) => error,
        };
        match trouble(&error) {
            Trouble::Busy if tries < TRIES => {
                tries += 1;
                clock.sleep(PAUSE).await;
            }
            Trouble::Damaged => return Condition::Damaged { why: error.to_string() },
            Trouble::Busy | Trouble::Other => {
                let why = format!("{} cannot be opened ({})", ledger.display(), told(&error));
                return Condition::Unusable { why };
            }
        }
    }
}

async fn look(ledger: &Path, access: Access, clock: &dyn Clock) -> Result<Condition, sqlx::Error> {
    let mut connection = connect(ledger, access, clock).await?;
    let answer = tables(&mut connection, ledger).await;
    if let Err(error) = connection.close().await {
        tracing::debug!(%error, "failed to close the ledger after a look");
    }
    answer
}

async fn tables(
    connection: &mut SqliteConnection,
    ledger: &Path,
) -> Result<Condition, sqlx::Error> {
    let names: Vec<(String,)> =
        sqlx::query_as("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
            .fetch_all(&mut *connection)
            .await?;
    if names.is_empty() {
        return Ok(Condition::Empty);
    }
    let foreign = || Condition::Unusable {
        why: format!(
            "{} is a database of something else; name another folder in [paths] state",
            ledger.display()
        ),
    };
    if !names.iter().any(|(name,)| name == "meta") {
        return Ok(foreign());
    }
    let Some(version) = meta(connection, "version").await? else { return Ok(foreign()) };
    match version.parse::<u64>() {
        Ok(found) if found > VERSION => return Ok(Condition::Newer { found }),
        Ok(VERSION) => {}
        _ => return Ok(Condition::Damaged { why: format!("its version is `{version}`") }),
    }
    // One step into each tree that every run needs: a damaged one is then found before anything is written.
    sqlx::query("SELECT max(seq) FROM event").execute(&mut *connection).await?;
    sqlx::query("SELECT max(number) FROM entity WHERE kind = 'incident'")
        .execute(&mut *connection)
        .await?;
    let ledger_id = meta(connection, "ledger_id").await?;
    Ok(ledger_id.map_or_else(foreign, |ledger_id| Condition::Good { ledger_id }))
}
