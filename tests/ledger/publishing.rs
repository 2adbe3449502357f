//! The published view: whole, newest, and never over something that is not ours.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use opswarden::domain::run::RunState;
use opswarden::domain::severity::Severity;
use opswarden::domain::view::{OpsState, SystemStatus, ops_state_schema};
use opswarden::ports::store::{Note, Store};
use serde_json::{Value, json};

use super::support::{at, commit, noon, note, open, opened, recovered, run, story};

fn published(state: &Path) -> OpsState {
    serde_json::from_slice(&fs::read(state.join("ops-state.json")).unwrap()).unwrap()
}

#[tokio::test]
async fn the_view_is_what_the_ledger_holds() {
    let state = tempfile::tempdir().unwrap();
    let store = open(state.path()).await;
    story(&store).await;
    note(&store, vec![Note::Run(Box::new(run("run-1", noon(), RunState::Findings)))]).await;
    let now = at("2026-11-20T12:01:00Z");
    store.publish(now).await.unwrap();
    let view = published(state.path());
    assert_eq!(view, store.ops_state(now).await.unwrap());
    assert_eq!(view.system_status, SystemStatus::Critical);
    assert_eq!(view.ledger_seq, 15);
    assert_eq!(view.valid_until, at("2026-11-20T12:06:00Z"), "the next slot, and a minute");
    let shown: Vec<_> =
        view.incidents.iter().map(|one| (one.id.as_str(), one.status.as_str())).collect();
    assert_eq!(shown, [("INC-3", "escalated"), ("INC-2", "open"), ("INC-1", "resolved")]);
    assert_eq!(view.incidents[0].target, "service:queue");
    assert_eq!(
        view.incidents[0].remediation,
        "restart pm2:queue, and no more: two attempts did not help"
    );
    assert_eq!(view.incidents[1].remediation, "none yet");
    assert_eq!(view.controls.len(), 1, "a control that is off does not apply");
    let mode = fs::metadata(state.path().join("ops-state.json")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o644);
    let text = fs::read_to_string(state.path().join("ops-state.json")).unwrap();
    let first: Vec<_> = text.lines().skip(1).take(3).map(str::trim).collect();
    assert!(first[0].starts_with("\"schemaVersion\"") && first[2].starts_with("\"ledgerSeq\""));
}

#[tokio::test]
async fn an_all_clear_brings_the_status_back() {
    let state = tempfile::tempdir().unwrap();
    let store = open(state.path()).await;
    story(&store).await;
    commit(&store, vec![recovered(2), recovered(3)]).await.unwrap();
    let view = store.ops_state(noon()).await.unwrap();
    assert_eq!((view.system_status, view.reasons), (SystemStatus::Healthy, Vec::new()));
}

#[tokio::test]
async fn an_older_view_never_replaces_a_newer_one_of_the_same_ledger() {
    let state = tempfile::tempdir().unwrap();
    let store = open(state.path()).await;
    story(&store).await;
    store.publish(noon()).await.unwrap();
    let path = state.path().join("ops-state.json");
    let mut newer = published(state.path());
    newer.ledger_seq += 1;
    fs::write(&path, serde_json::to_vec(&newer).unwrap()).unwrap();
    store.publish(noon()).await.unwrap();
    assert_eq!(published(state.path()), newer);
    newer.ledger_id = "another".to_owned();
    fs::write(&path, serde_json::to_vec(&newer).unwrap()).unwrap();
    store.publish(noon()).await.unwrap();
    assert_eq!(published(state.path()).ledger_id, store.ledger_id(), "it is only a view");
}

#[tokio::test]
async fn a_view_that_we_did_not_write_is_kept_aside_once() {
    let state = tempfile::tempdir().unwrap();
    let older = json!({ "lastRun": {}, "incidents": [], "systemStatus": "HEALTHY" }).to_string();
    fs::write(state.path().join("ops-state.json"), &older).unwrap();
    let store = open(state.path()).await;
    store.publish(noon()).await.unwrap();
    store.publish(noon()).await.unwrap();
    let kept = state.path().join("ops-state.json.kept-20261120T120000000Z");
    assert_eq!(fs::read_to_string(kept).unwrap(), older);
    let names = fs::read_dir(state.path()).unwrap();
    let kept = names.filter(|name| format!("{name:?}").contains("kept-")).count();
    assert_eq!(kept, 1);
    assert!(store.view(super::support::everything()).await.unwrap().controls.is_empty());
}

#[tokio::test]
async fn what_killed_publishers_left_behind_is_removed() {
    let state = tempfile::tempdir().unwrap();
    let store = open(state.path()).await;
    let left = state.path().join(".ops-state-abc.tmp");
    fs::write(&left, "half").unwrap();
    fs::write(state.path().join("notes.tmp"), "not ours").unwrap();
    store.publish(noon()).await.unwrap();
    assert!(!left.exists() && state.path().join("notes.tmp").exists());
}

#[tokio::test]
async fn a_publisher_waits_for_another_one_and_then_says_who_is_in_the_way() {
    let state = tempfile::tempdir().unwrap();
    let store = open(state.path()).await;
    let lock = fs::File::create(state.path().join("locks/ops-state.lock")).unwrap();
    fs2::FileExt::lock_exclusive(&lock).unwrap();
    let freed = async {
        tokio::task::yield_now().await;
        drop(lock);
    };
    let (published, ()) = tokio::join!(store.publish(noon()), freed);
    published.unwrap();
}

#[test]
fn the_schema_in_the_docs_is_the_one_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ops-state.schema.json");
    let kept = fs::read_to_string(&path).unwrap_or_default();
    let same = kept == ops_state_schema();
    assert!(same, "docs/ops-state.schema.json differs: write ops_state_schema() to it");
}

#[tokio::test]
async fn a_published_view_meets_its_schema_and_a_wrong_one_does_not() {
    let state = tempfile::tempdir().unwrap();
    let store = open(state.path()).await;
    let schema: Value = serde_json::from_str(&ops_state_schema()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let empty = serde_json::to_value(store.ops_state(noon()).await.unwrap()).unwrap();
    story(&store).await;
    let full = serde_json::to_value(store.ops_state(noon()).await.unwrap()).unwrap();
    assert!(validator.is_valid(&empty) && validator.is_valid(&full));
    for (field, wrong) in [
        ("systemStatus", json!("FINE")),
        ("incidents", json!({})),
        ("ledgerSeq", json!("15")),
        ("reasons", Value::Null),
    ] {
        let mut broken = full.clone();
        broken[field] = wrong;
        assert!(!validator.is_valid(&broken), "{field}");
    }
}

#[tokio::test]
async fn resolved_incidents_are_bounded_and_active_ones_are_not() {
    let state = tempfile::tempdir().unwrap();
    let store = open(state.path()).await;
    let many = (1..=450).map(|number| opened(number, &format!("s{number}"), Severity::Warning));
    commit(&store, many.collect()).await.unwrap();
    commit(&store, (1..=230).map(recovered).collect()).await.unwrap();
    let view = store.ops_state(noon()).await.unwrap();
    let active = view.incidents.iter().filter(|one| one.status == "open").count();
    assert_eq!((active, view.incidents.len(), view.incidents_omitted), (220, 420, 30));
}

#[tokio::test]
async fn a_view_that_is_behind_is_brought_up_to_date_and_one_that_is_not_is_left_alone() {
    let state = tempfile::tempdir().unwrap();
    let store = open(state.path()).await;
    let shown = || -> serde_json::Value {
        let text = std::fs::read(state.path().join("ops-state.json")).unwrap();
        serde_json::from_slice(&text).unwrap()
    };
    store.catch_up(noon()).await.unwrap();
    assert_eq!(shown()["ledgerSeq"], 0, "there was none yet");
    // A writer that died between its commit and its publication.
    story(&store).await;
    store.catch_up(noon()).await.unwrap();
    let up_to_date = shown();
    assert_eq!(up_to_date["ledgerSeq"], store.ops_state(noon()).await.unwrap().ledger_seq);
    assert!(up_to_date["ledgerSeq"].as_u64().unwrap() > 0);
    let later = noon() + std::time::Duration::from_mins(5);
    store.catch_up(later).await.unwrap();
    assert_eq!(shown(), up_to_date, "nothing is new, so nothing is written");
}

#[tokio::test]
async fn a_view_that_somebody_wrote_a_moment_ago_is_left_to_whoever_is_at_work() {
    let state = tempfile::tempdir().unwrap();
    let store = open(state.path()).await;
    let view = state.path().join("ops-state.json");
    store.catch_up(noon()).await.unwrap();
    let before = std::fs::read(&view).unwrap();
    commit(&store, vec![opened(1, "api", Severity::Warning)]).await.unwrap();
    let written = std::fs::metadata(&view).unwrap().modified().unwrap();
    let written = jiff::Timestamp::try_from(written).unwrap();
    store.catch_up(written + std::time::Duration::from_secs(4)).await.unwrap();
    assert_eq!(std::fs::read(&view).unwrap(), before);
    store.catch_up(written + std::time::Duration::from_secs(6)).await.unwrap();
    let after: serde_json::Value = serde_json::from_slice(&std::fs::read(&view).unwrap()).unwrap();
    assert_eq!(after["ledgerSeq"], 1);
}
