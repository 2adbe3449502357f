//! Taking incidents over from a file in the older shape.

use opswarden::adapters::store::{
    ImportReport, ImportSource, NotAView, SqliteStore, import, verify,
};
use opswarden::domain::incident::IncidentId;
use opswarden::domain::severity::Severity;
use opswarden::ports::store::{Store, StoreError};
use serde_json::{Value, json};

use super::support::{at, everything, open};

fn older() -> Value {
    json!({
        "lastRun": { "health-guardian": "2026-11-20T10:05:00Z" },
        "somethingElse": { "kept": true },
        "incidents": [
            { "id": "inc-001", "agent": "fleet-manager", "type": "display_offline", "target": "display-abc",
              "detected": "2026-11-20T10:00:00Z", "remediation": "ping_sent", "status": "open", "attempts": 2 },
            { "id": "inc-002", "agent": "health-guardian", "type": "process-crashed", "target": "web",
              "detected": "2026-11-20T10:01:00.5Z", "remediation": "pm2_restart", "status": "escalated", "attempts": 3,
              "unknown": [1, 2] },
            { "id": "inc-003", "agent": "health-guardian", "type": "service_down", "target": "api",
              "detected": "2026-11-20T09:00:00Z", "remediation": "none", "status": "resolved", "attempts": 1 },
            { "id": "inc-004", "agent": "Not An Agent", "type": "x", "target": "y",
              "detected": "2026-11-20T09:00:00Z", "status": "open", "attempts": 1 },
            { "id": 5, "agent": "fleet-manager", "type": "display_offline", "target": "display-abc",
              "detected": "2026-11-20T10:00:00Z", "status": "open", "attempts": 0 },
            "nonsense"
        ],
        "systemStatus": "CRITICAL"
    })
}

fn source(text: &str) -> Result<ImportSource, NotAView> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ops-state.json");
    std::fs::write(&file, text).unwrap();
    ImportSource::read(&file)
}

async fn taken(store: &SqliteStore, text: &str) -> Result<ImportReport, StoreError> {
    import(store, &source(text).unwrap(), "human:root").await
}

#[tokio::test]
async fn active_incidents_are_taken_over_and_nothing_is_dropped_in_silence() {
    let state = tempfile::tempdir().unwrap();
    let store = open(state.path()).await;
    let report = taken(&store, &older().to_string()).await.unwrap();
    let expected = [("inc-001".to_owned(), IncidentId(1)), ("inc-002".to_owned(), IncidentId(2))];
    assert_eq!(report.imported, expected);
    assert_eq!(report.resolved, 1);
    let skipped: Vec<_> = report.skipped.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(skipped, ["inc-004", "5", "(no id)"]);
    let view = store.view(everything()).await.unwrap();
    let (first, second) = (&view.active[0], &view.active[1]);
    assert_eq!(first.key.to_string(), "fleet-manager/display_offline/service:host-a/display-abc");
    assert_eq!((first.attempts, first.opened_at), (2, at("2026-11-20T10:00:00Z")));
    assert_eq!(first.severity, Severity::Warning);
    assert_eq!(second.key.to_string(), "health-guardian/process_crashed/process:host-a/web");
    assert!(second.escalated.is_some());
    assert!(view.controls.is_empty(), "an import does not disarm");
    assert!(verify(&store).await.unwrap().is_clean());
}

#[tokio::test]
async fn importing_twice_changes_nothing_and_says_why() {
    let state = tempfile::tempdir().unwrap();
    let store = open(state.path()).await;
    taken(&store, &older().to_string()).await.unwrap();
    let seq = store.ops_state(super::support::noon()).await.unwrap().ledger_seq;
    let again = taken(&store, &older().to_string()).await.unwrap();
    assert!(again.imported.is_empty());
    assert!(again.skipped[0].why.contains("INC-1 is active"), "{again:?}");
    assert_eq!(store.ops_state(super::support::noon()).await.unwrap().ledger_seq, seq);
}

#[test]
fn a_file_that_is_no_view_is_refused_whole() {
    for text in ["", "{", "[]", "{\"incidents\": 7}"] {
        let error = source(text).unwrap_err().to_string();
        assert!(error.contains("failed to take over"), "{error}");
        assert!(error.contains("is not JSON with a list `incidents`"), "{error}");
    }
    let folder = tempfile::tempdir().unwrap();
    let missing = ImportSource::read(&folder.path().join("nowhere"));
    assert!(missing.unwrap_err().to_string().contains("cannot be read"));
    let no_file = ImportSource::read(folder.path());
    assert!(no_file.unwrap_err().to_string().contains("is not a file"));
}
