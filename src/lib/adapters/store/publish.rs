//! The published view: gathered from one snapshot, written so that no reader ever sees half of it.

use std::collections::BTreeMap;
use std::fs::{File, Permissions};
use std::io::Read as _;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::append::head;
use super::commit::closed;
use super::connection::unread;
use super::files::{Hold, lock, set_aside, sync_folder};
use super::open::SqliteStore;
use super::read::{remediations, resolved_since};
use super::read_view::{active, controls};
use super::rows::{joined, text_of};
use crate::domain::run::{AgentRun, Decision, Ruling, RunState};
use crate::domain::subject::{AgentName, Key};
use crate::domain::view::{
    LatestRun, OpsState, SCHEMA_VERSION, SHOWN_REMEDIATIONS, SHOWN_RESOLVED, ViewInput, render,
};
use crate::ports::store::StoreError;

/// How long a resolved incident is shown.
const SHOWN_FOR: Duration = Duration::from_hours(24);
/// How the publisher's temporary files are called; what is left of them belonged to a publisher that was killed.
const TEMP_PREFIX: &str = ".ops-state-";
const TEMP_SUFFIX: &str = ".tmp";

/// The view of what the ledger holds, inside the caller's transaction.
pub(super) async fn gather(
    connection: &mut SqliteConnection,
    store: &SqliteStore,
    now: Timestamp,
) -> Result<OpsState, StoreError> {
    Ok(render(&view_input(connection, store, now).await?))
}

/// What the view is made of, inside the caller's transaction.
pub(super) async fn view_input(
    connection: &mut SqliteConnection,
    store: &SqliteStore,
    now: Timestamp,
) -> Result<ViewInput, StoreError> {
    let since = now.checked_sub(SHOWN_FOR).unwrap_or(Timestamp::MIN);
    let limit = |shown: usize| u32::try_from(shown).unwrap_or(u32::MAX);
    let (resolved_total,): (i64,) =
        sqlx::query_as("SELECT count(*) FROM entity WHERE kind = 'incident' AND closed_at >= $1")
            .bind(text_of(since))
            .fetch_one(&mut *connection)
            .await
            .map_err(unread)?;
    Ok(ViewInput {
        ledger_id: store.ledger_id().to_owned(),
        ledger_seq: head(connection, store.ledger_id()).await?.seq.unsigned_abs(),
        now,
        roster: store.options().roster.clone(),
        active: active(connection, None).await?,
        resolved: resolved_since(connection, since, limit(SHOWN_RESOLVED)).await?,
        resolved_total: resolved_total.unsigned_abs(),
        remediations: remediations(connection, None, limit(SHOWN_REMEDIATIONS)).await?,
        rulings: latest_rulings(connection).await?,
        runs: latest_runs(connection, store).await?,
        controls: controls(connection).await?,
    })
}

/// The last ruling on every finding that was ruled on lately.
pub(super) async fn latest_rulings(
    connection: &mut SqliteConnection,
) -> Result<BTreeMap<Key, Ruling>, StoreError> {
    let (docs,): (Option<String>,) = sqlx::query_as(
        "SELECT string_agg(decision.doc, ',' ORDER BY decision.key, decision.run)
         FROM decision JOIN (
           SELECT key, max(at) AS at FROM decision GROUP BY key) AS newest
         ON newest.key = decision.key AND newest.at = decision.at",
    )
    .fetch_one(connection)
    .await
    .map_err(unread)?;
    let rulings = joined::<Decision>(docs)?.into_iter();
    Ok(rulings.map(|decision| (decision.key, decision.ruling)).collect())
}

async fn latest_runs(
    connection: &mut SqliteConnection,
    store: &SqliteStore,
) -> Result<BTreeMap<AgentName, LatestRun>, StoreError> {
    let roster = &store.options().roster;
    if roster.is_empty() {
        return Ok(BTreeMap::new());
    }
    // The newest run of each that really ran, and the newest that has ended: both in one statement for all.
    let mut statement = QueryBuilder::<Sqlite>::new("SELECT string_agg(doc, ',') FROM (");
    let wanted = roster.iter().flat_map(|entry| [("", entry), ("running", entry)]);
    for (nth, (other_than, entry)) in wanted.enumerate() {
        statement.push(if nth == 0 { "" } else { " UNION ALL " });
        statement.push("SELECT doc FROM (SELECT doc FROM agent_run WHERE agent = ");
        statement.push_bind(entry.agent.as_str());
        statement.push(" AND state NOT IN ('skipped', 'missed', ");
        statement.push_bind(other_than);
        statement.push(") ORDER BY started_at DESC, id DESC LIMIT 1) AS one");
    }
    statement.push(") AS newest");
    let (docs,): (Option<String>,) =
        statement.build_query_as().fetch_one(connection).await.map_err(unread)?;
    let mut newest: BTreeMap<AgentName, Vec<AgentRun>> = BTreeMap::new();
    for run in joined::<AgentRun>(docs)? {
        newest.entry(run.agent.clone()).or_default().push(run);
    }
    let latest = newest.into_iter().filter_map(|(agent, mut runs)| {
        runs.sort_by(|one, other| {
            (one.started_at, &one.id.0).cmp(&(other.started_at, &other.id.0))
        });
        let ended = runs.iter().rfind(|run| run.state != RunState::Running).cloned();
        Some((agent, LatestRun { started: runs.pop()?, ended }))
    });
    Ok(latest.collect())
}

/// A view that was written so lately is not written anew for what was committed since.
const NEW: Duration = Duration::from_secs(5);

fn is_new(view: &Path, now: Timestamp) -> bool {
    let written = view.metadata().and_then(|found| found.modified()).ok();
    let written = written.and_then(|at| Timestamp::try_from(at).ok());
    written.is_some_and(|at| at <= now && now.duration_since(at).unsigned_abs() < NEW)
}

/// So much of a view holds its first four lines.
const HEAD_BYTES: u64 = 256;

/// What of a file at the view's place decides whether it may be replaced.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct OnDisk {
    schema_version: Option<u64>,
    ledger_id: Option<String>,
    ledger_seq: Option<u64>,
}

/// The version of the form of the file at the view's place, where a newer opswarden wrote it: such a file is the
/// record of a newer ledger, and nothing is started from it or written over it.
pub(super) fn newer_view(view: &Path) -> Option<u64> {
    let text = std::fs::read(view).ok()?;
    serde_json::from_slice::<OnDisk>(&text).ok()?.newer_schema()
}

impl SqliteStore {
    pub(super) async fn publish_view(&self, now: Timestamp) -> Result<(), StoreError> {
        self.writable().map_err(|error| StoreError::Publish(error.to_string()))?;
        let paths = self.paths();
        let clock = self.options().clock.as_ref();
        let _held =
            lock(&paths.view_lock, Hold::Alone, clock).await.map_err(StoreError::Publish)?;
        remove_leftovers(&paths.state);
        let state = self.gathered(now).await?;
        let there = OnDisk::at(&paths.view, &state.ledger_id);
        if let Some(found) = there.as_ref().and_then(OnDisk::newer_schema) {
            return Err(StoreError::Newer { found, known: SCHEMA_VERSION });
        }
        if there.as_ref().is_some_and(|there| there.is_newer_than(&state)) {
            return Ok(());
        }
        let foreign = there.is_some_and(|there| there.ledger_id.is_none());
        let kept = if foreign { keep_aside(&paths.view, now) } else { Ok(()) };
        kept.and_then(|()| replace(&paths.state, &paths.view, &state))
            .map_err(|error| StoreError::Publish(error.to_string()))
    }
}

impl SqliteStore {
    pub(super) async fn catch_up_view(&self, now: Timestamp) -> Result<(), StoreError> {
        let seq = {
            let mut guard = self.opened().await;
            let connection = &mut guard.as_mut().ok_or_else(closed)?.connection;
            head(connection, self.ledger_id()).await?.seq.unsigned_abs()
        };
        let of_ours = |there: &OnDisk| there.ledger_id.as_deref() == Some(self.ledger_id());
        match OnDisk::at(&self.paths().view, self.ledger_id()).filter(of_ours) {
            Some(there) if there.ledger_seq.is_some_and(|shown| shown >= seq) => Ok(()),
            // Whoever wrote it a moment ago is at work, and publishes again; so does this run at its end.
            Some(_) if is_new(&self.paths().view, now) => Ok(()),
            Some(_) | None => self.publish_view(now).await,
        }
    }
}

impl OnDisk {
    /// The file that is there; one that cannot be understood names no ledger.
    fn at(view: &Path, ours: &str) -> Option<Self> {
        let file = File::open(view).ok()?;
        let mut head = Vec::new();
        (&file).take(HEAD_BYTES).read_to_end(&mut head).ok()?;
        let of_ours = |found: &Self| found.ledger_id.as_deref() == Some(ours);
        if let Some(found) = Self::in_head(&head).filter(of_ours) {
            return Some(found);
        }
        let text = std::fs::read(view).ok()?;
        Some(serde_json::from_slice(&text).unwrap_or_default())
    }

    /// What the first lines of a view of ours say: its id and sequence stand first for this, so that a large view
    /// need not be read to be replaced. Any other beginning is read whole.
    fn in_head(head: &[u8]) -> Option<Self> {
        let mut lines = std::str::from_utf8(head).ok()?.strip_prefix("{\n")?.lines();
        let mut value = |name: &str| {
            let line = lines.next()?.trim().strip_suffix(',')?;
            line.strip_prefix(&format!("\"{name}\": ")).map(str::to_owned)
        };
        let version = value("schemaVersion")?;
        let id = value("ledgerId")?;
        let seq = value("ledgerSeq")?;
        Some(Self {
            schema_version: Some(version.parse().ok()?),
            ledger_id: Some(id.strip_prefix('"')?.strip_suffix('"')?.to_owned()),
            ledger_seq: Some(seq.parse().ok()?),
        })
    }

    /// The version of its form, where that is newer than ours.
    fn newer_schema(&self) -> Option<u64> {
        self.schema_version.filter(|version| *version > SCHEMA_VERSION)
    }

    /// Whether it is of the same ledger and further on than `state`.
    fn is_newer_than(&self, state: &OpsState) -> bool {
        self.ledger_id.as_deref() == Some(state.ledger_id.as_str())
            && self.ledger_seq.is_some_and(|seq| seq > state.ledger_seq)
    }
}

/// A view that names no ledger was written by somebody else, or is damaged: it may be the only record.
fn keep_aside(view: &Path, now: Timestamp) -> std::io::Result<()> {
    let kept = set_aside(view, "kept", now)?;
    tracing::warn!(file = %kept.display(), "kept a view that this ledger did not write");
    Ok(())
}

fn replace(folder: &Path, view: &Path, state: &OpsState) -> std::io::Result<()> {
    let file =
        tempfile::Builder::new().prefix(TEMP_PREFIX).suffix(TEMP_SUFFIX).tempfile_in(folder)?;
    let mut text = serde_json::to_vec_pretty(state)?;
    text.push(b'\n');
    file.as_file().write_all_at(&text, 0)?;
    file.as_file().set_permissions(Permissions::from_mode(0o644))?;
    file.as_file().sync_all()?;
    file.persist(view).map_err(|error| error.error)?;
    sync_folder(folder)
}

/// Under the lock nobody else publishes, so every temporary file is left over. One that stays costs only space.
fn remove_leftovers(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(TEMP_PREFIX) && name.ends_with(TEMP_SUFFIX) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}
