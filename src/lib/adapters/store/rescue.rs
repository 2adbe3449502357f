//! Creating a ledger, and starting one anew where the old one is lost.
//!
//! Runs under the lock that nobody shares. What is damaged is renamed and never deleted: first the ledger, so that
//! a process that dies in between leaves a log without a ledger, which is known for a loss; then its log, because
//! `SQLite` would replay it into the new file. Tables and rescued rows are one transaction, so that a process that
//! dies there leaves either no ledger or all of it.

use std::collections::BTreeMap;

use std::path::Path;

use jiff::Timestamp;
use sqlx::{Connection, SqliteConnection};

use super::append::{Envelope, append, new_id};
use super::connection::{Access, connect, told};
use super::files::{Paths, set_aside, stamp, sync_folder};
use super::import::{Numbers, events_of, reserve};
use super::import_map::ViewFile;
use super::inspect::{Condition, confirmed, inspect};
use super::open::StoreOptions;
use super::publish::newer_view;
use super::rows::cut;
use super::schema;
use crate::domain::event::{Event, NewEvent};
use crate::domain::incident::control;
use crate::domain::view::SCHEMA_VERSION;
use crate::ports::store::StoreError;

/// Who writes the events of a rescue.
const ACTOR: &str = "ledger:rescue";
const LOST: &str = "the ledger was lost; run `opsctl resume all --reason …` after a look";

fn failed(what: &str, error: impl std::fmt::Display) -> StoreError {
    StoreError::Open(format!("{what} ({error})"))
}

/// Makes a usable ledger of whatever is there.
pub(super) async fn prepare(options: &StoreOptions, paths: &Paths) -> Result<(), StoreError> {
    let clock = options.clock.as_ref();
    let now = cut(clock.now());
    // Only a writer can finish what a process that died while creating the file has begun.
    let access = if paths.journal.exists() { Access::ReadWrite } else { Access::ReadOnly };
    let condition = match inspect(paths, access, clock).await {
        Condition::Good { .. } if paths.suspect.exists() => examined(options, paths).await?,
        other => other,
    };
    if let (Some(found), false) =
        (newer_view(&paths.view), matches!(condition, Condition::Good { .. }))
    {
        return Err(StoreError::Newer { found, known: SCHEMA_VERSION });
    }
    let lost = match condition {
        Condition::Good { .. } => return Ok(()),
        Condition::Newer { found } => {
            return Err(StoreError::Newer { found, known: schema::VERSION });
        }
        Condition::Unusable { why } => return Err(StoreError::Open(why)),
        Condition::Doubtful => return Err(StoreError::Open("nothing is certain".to_owned())),
        Condition::Damaged { why } => {
            tracing::error!(%why, "the ledger is damaged and is kept aside");
            retire(paths, now)?;
            true
        }
        Condition::Missing | Condition::Empty => retire_leftovers(paths, now)?,
    };
    let view = ViewFile::read(&paths.view);
    let lost =
        lost || paths.has_rescued_copy() || view.as_ref().is_some_and(ViewFile::tells_of_loss);
    if lost && view.is_some() {
        keep_copy(&paths.view, now)?;
    }
    create(options, paths, now, if lost { Some(view.unwrap_or_default()) } else { None }).await?;
    forget_suspicion(paths)
}

/// Looks at the whole of a ledger in which somebody met damage.
async fn examined(options: &StoreOptions, paths: &Paths) -> Result<Condition, StoreError> {
    let clock = options.clock.as_ref();
    let mut connection = connect(&paths.ledger, Access::ReadWrite, clock)
        .await
        .map_err(|error| failed("the ledger cannot be examined", error))?;
    let answer: Result<Vec<(String,)>, _> =
        sqlx::query_as("PRAGMA integrity_check(1)").fetch_all(&mut connection).await;
    if let Err(error) = connection.close().await {
        tracing::debug!(%error, "failed to close the ledger after a look");
    }
    match answer {
        Ok(rows) if rows.iter().all(|(row,)| row == "ok") => {
            forget_suspicion(paths)?;
            Ok(inspect(paths, Access::ReadOnly, clock).await)
        }
        Ok(rows) => {
            let why = rows.into_iter().map(|(row,)| row).next().unwrap_or_default();
            Ok(Condition::Damaged { why })
        }
        Err(error) => Ok(confirmed(Condition::Damaged { why: error.to_string() }, &paths.ledger)),
    }
}

fn forget_suspicion(paths: &Paths) -> Result<(), StoreError> {
    match std::fs::remove_file(&paths.suspect) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(failed("the mark of suspicion cannot be removed", error))
        }
        _ => Ok(()),
    }
}

/// Keeps the damaged ledger and its companions aside.
fn retire(paths: &Paths, now: Timestamp) -> Result<(), StoreError> {
    set_aside(&paths.ledger, "rescued", now)
        .map_err(|error| failed("the damaged ledger cannot be kept aside", error))?;
    retire_companions(paths, now)
}

/// A log without its ledger: the ledger was there, and is gone.
fn retire_leftovers(paths: &Paths, now: Timestamp) -> Result<bool, StoreError> {
    let has_tables = paths.ledger.metadata().is_ok_and(|found| found.len() > 0);
    if has_tables {
        return Ok(false);
    }
    let [log, _] = paths.companions();
    let lost = log.metadata().is_ok_and(|found| found.len() > 0);
    retire_companions(paths, now)?;
    Ok(lost)
}

fn retire_companions(paths: &Paths, now: Timestamp) -> Result<(), StoreError> {
    for companion in paths.companions() {
        if companion.exists() {
            set_aside(&companion, "rescued", now)
                .map_err(|error| failed("the ledger's log cannot be kept aside", error))?;
        }
    }
    Ok(())
}

fn keep_copy(view: &Path, now: Timestamp) -> Result<(), StoreError> {
    let kept = format!("{}.kept-{}", view.display(), stamp(now));
    std::fs::copy(view, &kept).map_err(|error| failed("the view cannot be copied", error))?;
    Ok(())
}

/// Creates tables, and the rows of `rescued`, in one transaction.
async fn create(
    options: &StoreOptions,
    paths: &Paths,
    now: Timestamp,
    rescued: Option<ViewFile>,
) -> Result<(), StoreError> {
    let cannot = |error: sqlx::Error| failed("the ledger cannot be created", told(&error));
    create_file(&paths.ledger).map_err(|error| failed("the ledger cannot be created", error))?;
    let mut connection =
        connect(&paths.ledger, Access::ReadWrite, options.clock.as_ref()).await.map_err(cannot)?;
    let answer = fill(&mut connection, options, now, rescued).await;
    connection.close().await.map_err(cannot)?;
    answer?;
    sync_folder(&paths.state).map_err(|error| failed("the state folder cannot be synced", error))
}

fn create_file(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map(|_| ())
}

async fn fill(
    connection: &mut SqliteConnection,
    options: &StoreOptions,
    now: Timestamp,
    rescued: Option<ViewFile>,
) -> Result<(), StoreError> {
    let cannot = |error: sqlx::Error| failed("the ledger cannot be created", told(&error));
    sqlx::query("PRAGMA journal_mode = WAL").execute(&mut *connection).await.map_err(cannot)?;
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(cannot)?;
    let ledger_id = new_id(now);
    schema::create(&mut transaction, &ledger_id).await.map_err(cannot)?;
    if let Some(view) = rescued {
        let environment = options.environment;
        let imported = events_of(&view, &options.host, environment, ACTOR, now, Numbers::Keep);
        for unmapped in &imported.skipped {
            tracing::warn!(id = %unmapped.id, why = %unmapped.why, "an incident of the view is not rescued");
        }
        let mut events = imported.events;
        events.extend(stay_at_propose(now));
        let envelope = Envelope {
            ledger_id: &ledger_id,
            environment: environment.as_str(),
            host: &options.host,
            now,
        };
        append(&mut transaction, &envelope, events).await?;
        reserve(&mut transaction, &view).await?;
    }
    transaction.commit().await.map_err(cannot)
}

/// What controlled the agents is gone: no missing row is read as permission.
fn stay_at_propose(now: Timestamp) -> [NewEvent; 2] {
    let degraded = Event::ControlPlaneDegraded {
        what: "the ledger with its controls".to_owned(),
        error: "it was lost, and is started anew".to_owned(),
    };
    let propose = Event::ControlChanged {
        control: control::PROPOSE_ONLY.to_owned(),
        on: true,
        reason: LOST.to_owned(),
        expires_at: None,
        facts: BTreeMap::new(),
    };
    [degraded, propose].map(|event| NewEvent { at: now, actor: ACTOR.to_owned(), run: None, event })
}
