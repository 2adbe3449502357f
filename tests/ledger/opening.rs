//! What happens when the ledger is not there, not ours, not whole, or newer than we are.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use opswarden::adapters::store::{Access, SqliteStore, StoreOptions, verify};
use opswarden::domain::incident::{IncidentId, RemediationId};
use opswarden::domain::severity::Severity;
use opswarden::ports::store::{LedgerView, Store, StoreError};

use super::support::{commit, everything, noon, open, opened, options, raw, story};

async fn written(state: &Path) -> LedgerView {
    let store = open(state).await;
    story(&store).await;
    store.publish(noon()).await.unwrap();
    let view = store.view(everything()).await.unwrap();
    store.close().await.unwrap();
    view
}

fn names(state: &Path, part: &str) -> Vec<String> {
    let entries = fs::read_dir(state).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name.contains(part))
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_first_start_acts_at_once_and_keeps_its_files_private() {
    let state = tempfile::tempdir().unwrap();
    let folder = state.path().join("state");
    let store = open(&folder).await;
    commit(&store, vec![opened(1, "web", Severity::Info)]).await.unwrap();
    assert!(store.view(everything()).await.unwrap().controls.is_empty());
    let mode = |name: &str| fs::metadata(folder.join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(""), mode("locks")), (0o700, 0o700));
    assert_eq!(
        (mode("ops.db"), mode("ops.db-wal"), mode("locks/ledger.lock")),
        (0o600, 0o600, 0o600)
    );
}

#[tokio::test]
async fn a_newer_ledger_is_left_as_it_is() {
    let state = tempfile::tempdir().unwrap();
    written(state.path()).await;
    let mut connection = raw(state.path()).await;
    sqlx::query("UPDATE meta SET value = '2' WHERE key = 'version'")
        .execute(&mut connection)
        .await
        .unwrap();
    let files = ["ops.db", "ops.db-wal"].map(|name| state.path().join(name));
    // The raw connection stays open, so that the log is hot and a careless close would fold it in.
    let before = files.clone().map(|file| fs::read(file).unwrap());
    for access in [Access::ReadWrite, Access::ReadOnly] {
        let error = SqliteStore::open(options(state.path(), access)).await.unwrap_err();
        assert_eq!(error, StoreError::Newer { found: 2, known: 1 });
    }
    assert!(files.map(|file| fs::read(file).unwrap()) == before, "not a byte has changed");
}

#[tokio::test]
async fn a_lost_ledger_is_started_anew_from_the_view_and_proposes_only() {
    let state = tempfile::tempdir().unwrap();
    let before = written(state.path()).await;
    let view = fs::read(state.path().join("ops-state.json")).unwrap();
    let view: serde_json::Value = serde_json::from_slice(&view).unwrap();
    let lost = view["ledgerSeq"].as_u64().unwrap();
    assert!(lost > 10, "{lost}");
    for name in names(state.path(), "ops.db") {
        fs::remove_file(state.path().join(name)).unwrap();
    }
    let store = open(state.path()).await;
    let after = store.view(everything()).await.unwrap();
    let facts = |view: &LedgerView| -> Vec<_> {
        let fact = |one: &opswarden::domain::incident::Incident| {
            (
                one.id,
                one.key.clone(),
                one.opened_at,
                one.attempts,
                one.severity,
                one.escalated.is_some(),
            )
        };
        view.active.iter().map(fact).collect()
    };
    assert_eq!(facts(&after), facts(&before));
    assert_eq!(after.active[1].last_attempt_at, Some(noon()), "back-off goes on");
    assert!(after.controls["propose_only"].on && after.controls["pause:health-guardian"].on);
    assert!(after.controls["propose_only"].reason.contains("opsctl resume all"));
    assert_eq!(
        (after.next_incident, after.next_remediation),
        (4, 4),
        "numbers are not given twice"
    );
    // The lost ledger held no more requests than events.
    assert!(after.next_approval > lost, "{} after {lost} events", after.next_approval);
    assert!(verify(&store).await.unwrap().is_clean());
    assert_eq!(names(state.path(), "kept").len(), 1, "the old view is kept");
}

#[tokio::test]
async fn a_damaged_ledger_is_kept_aside_and_never_deleted() {
    for damage in ["header", "garbage", "half", "empty"] {
        let state = tempfile::tempdir().unwrap();
        written(state.path()).await;
        let file = state.path().join("ops.db");
        let mut bytes = fs::read(&file).unwrap();
        match damage {
            "header" => bytes[..16].fill(b'x'),
            "garbage" => bytes.fill(0x5a),
            "half" => bytes.truncate(bytes.len() / 2),
            _ => bytes.clear(),
        }
        fs::write(&file, &bytes).unwrap();
        let store = open(state.path()).await;
        let view = store.view(everything()).await.unwrap();
        assert_eq!(view.active.len(), 2, "{damage}");
        assert!(view.controls["propose_only"].on, "{damage}");
        let kept = names(state.path(), "ops.db.rescued-");
        assert_eq!(kept.len(), usize::from(damage != "empty"), "{damage}: {kept:?}");
        if let Some(kept) = kept.first() {
            assert_eq!(fs::read(state.path().join(kept)).unwrap(), bytes, "{damage}");
        }
    }
}

#[tokio::test]
async fn damage_inside_is_noticed_by_its_first_reader_and_rescued_at_the_next_open() {
    let state = tempfile::tempdir().unwrap();
    written(state.path()).await;
    let file = state.path().join("ops.db");
    let mut bytes = fs::read(&file).unwrap();
    let tally = find_root(state.path(), "tally").await;
    let page = usize::from(u16::from_be_bytes([bytes[16], bytes[17]]));
    bytes[page * (tally - 1)..page * tally].fill(0xff);
    fs::write(&file, bytes).unwrap();
    let store = open(state.path()).await;
    let series: &[(&'static str, u32)] = &[("memory_percent", 3)];
    let agent = super::support::AGENT;
    assert!(store.recall(&agent, series).await.is_err());
    store.close().await.unwrap();
    let store = open(state.path()).await;
    assert!(store.recall(&agent, series).await.is_ok());
    assert!(store.view(everything()).await.unwrap().controls["propose_only"].on);
    assert!(!state.path().join("locks/ledger.suspect").exists());
}

async fn find_root(state: &Path, table: &str) -> usize {
    let (page,): (i64,) =
        sqlx::query_as("SELECT rootpage FROM sqlite_master WHERE name = $1 AND type = 'table'")
            .bind(table)
            .fetch_one(&mut raw(state).await)
            .await
            .unwrap();
    usize::try_from(page).unwrap()
}

#[tokio::test]
async fn a_rescued_copy_alone_is_reason_enough_not_to_act() {
    let state = tempfile::tempdir().unwrap();
    fs::write(state.path().join("ops.db.rescued-20260101T000000000Z"), "old").unwrap();
    let store = open(state.path()).await;
    let view = store.view(everything()).await.unwrap();
    assert!(view.controls["propose_only"].on && view.active.is_empty());
}

#[tokio::test]
async fn a_log_without_its_ledger_is_kept_and_never_replayed() {
    let state = tempfile::tempdir().unwrap();
    fs::write(state.path().join("ops.db-wal"), "a log of an older ledger").unwrap();
    let store = open(state.path()).await;
    assert!(store.view(everything()).await.unwrap().controls["propose_only"].on);
    assert_eq!(names(state.path(), "ops.db-wal.rescued-").len(), 1);
}

#[tokio::test]
async fn a_folder_that_belongs_to_something_else_is_refused_with_what_to_do() {
    let state = tempfile::tempdir().unwrap();
    let refused = async |folder: &Path| {
        let error = SqliteStore::open(options(folder, Access::ReadWrite)).await.unwrap_err();
        assert!(matches!(error, StoreError::Open(_)), "{error}");
        error.to_string()
    };
    let file = state.path().join("file");
    fs::write(&file, "precious").unwrap();
    assert!(refused(&file).await.contains("is not a folder"));
    let folder = state.path().join("folder");
    fs::create_dir_all(folder.join("ops.db")).unwrap();
    assert!(refused(&folder).await.contains("name another one"));
    let foreign = state.path().join("foreign");
    fs::create_dir_all(&foreign).unwrap();
    fs::write(foreign.join("ops.db"), "").unwrap();
    let mut other = raw(&foreign).await;
    sqlx::query("CREATE TABLE precious (x TEXT)").execute(&mut other).await.unwrap();
    assert!(refused(&foreign).await.contains("a database of something else"));
    assert_eq!(fs::read(&file).unwrap(), b"precious");
    let rows = sqlx::query("SELECT x FROM precious").execute(&mut other).await;
    assert!(rows.is_ok(), "nothing was touched");
}

#[tokio::test]
async fn a_reader_creates_nothing_and_writes_nothing() {
    let state = tempfile::tempdir().unwrap();
    let look = || SqliteStore::open(options(state.path(), Access::ReadOnly));
    let error = look().await.unwrap_err().to_string();
    assert!(error.contains("is not there yet"), "{error}");
    assert_eq!(names(state.path(), "").len(), 0);
    written(state.path()).await;
    let store = look().await.unwrap();
    assert_eq!(store.view(everything()).await.unwrap().active.len(), 2);
    assert!(commit(&store, vec![opened(9, "x", Severity::Info)]).await.is_err());
    assert!(matches!(store.publish(noon()).await, Err(StoreError::Publish(_))));
}

#[tokio::test]
async fn nobody_replaces_a_ledger_under_somebody_who_writes_to_it() {
    let state = tempfile::tempdir().unwrap();
    let store = open(state.path()).await;
    fs::remove_file(state.path().join("ops.db")).unwrap();
    let clock = std::sync::Arc::new(super::support::Hurried(super::clock::WallClock::start()));
    let hurried = StoreOptions { clock, ..options(state.path(), Access::ReadWrite) };
    let error = SqliteStore::open(hurried).await.unwrap_err();
    assert!(error.to_string().contains("held by another process"), "{error}");
    drop(store);
    assert!(SqliteStore::open(options(state.path(), Access::ReadWrite)).await.is_ok());
}

#[tokio::test]
async fn what_was_rescued_is_found_by_its_number() {
    let state = tempfile::tempdir().unwrap();
    written(state.path()).await;
    fs::write(
        state.path().join("ops.db"),
        "not a database at all, and long enough to be read as one",
    )
    .unwrap();
    let store = open(state.path()).await;
    assert!(store.incident(IncidentId(3)).await.unwrap().unwrap().escalated.is_some());
    assert_eq!(store.remediations(None, 10).await.unwrap(), []);
    assert_eq!(store.view(everything()).await.unwrap().next_remediation, RemediationId(4).0);
}

#[tokio::test]
async fn numbers_that_cannot_be_counted_on_do_not_stop_a_rescue() {
    let state = tempfile::tempdir().unwrap();
    written(state.path()).await;
    let view = state.path().join("ops-state.json");
    let text = fs::read_to_string(&view).unwrap();
    let largest = u64::MAX.to_string();
    let absurd = text.replace("INC-3", &format!("INC-{largest}"));
    let absurd = absurd.replace("REM-3", &format!("REM-{largest}"));
    assert_ne!(text, absurd);
    fs::write(&view, absurd).unwrap();
    fs::write(state.path().join("ops.db"), "no database").unwrap();
    let store = open(state.path()).await;
    let view = store.view(everything()).await.unwrap();
    assert!(view.next_incident < 10 && view.next_remediation < 10, "{}", view.next_incident);
    assert!(view.active.iter().all(|one| one.id.0 < view.next_incident), "{:?}", view.active);
}
