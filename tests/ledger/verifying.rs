//! Every rule of a ledger is shown to be found broken: the damage is planted beside the store.

use std::collections::BTreeSet;
use std::path::Path;

use opswarden::adapters::store::{Rule, VerifyReport, verify};
use opswarden::domain::severity::Severity;

use super::support::{commit, open, opened, raw, story};

const FREE: [&str; 2] =
    ["DROP TRIGGER event_is_never_updated", "DROP TRIGGER event_is_never_deleted"];

/// Plants the statements in a whole ledger and says what is found.
async fn planted(statements: &[&'static str]) -> VerifyReport {
    let state = tempfile::tempdir().unwrap();
    let store = open(state.path()).await;
    story(&store).await;
    let clean = verify(&store).await.unwrap();
    assert!(clean.is_clean(), "{clean:?}");
    assert_eq!((clean.events, clean.entities), (15, 8));
    plant(state.path(), statements).await;
    verify(&store).await.unwrap()
}

async fn plant(state: &Path, statements: &[&'static str]) {
    let mut raw = raw(state).await;
    for statement in statements {
        let done = sqlx::query(*statement).execute(&mut raw).await.unwrap();
        let changes = statement.starts_with("UPDATE") || statement.starts_with("DELETE");
        assert!(!changes || done.rows_affected() > 0, "{statement} changed nothing");
    }
}

fn rules(report: &VerifyReport) -> BTreeSet<Rule> {
    report.findings.iter().map(|finding| finding.rule).collect()
}

#[tokio::test]
async fn dropped_triggers_are_found() {
    let report = planted(&FREE).await;
    assert_eq!(rules(&report), BTreeSet::from([Rule::Triggers]));
    assert_eq!(report.findings.len(), 2);
}

#[tokio::test]
async fn a_changed_event_is_found_by_the_chain() {
    let report =
        planted(&[FREE[0], "UPDATE event SET message = 'all is well' WHERE seq = 7"]).await;
    assert!(rules(&report).contains(&Rule::Chain), "{report:?}");
    assert_eq!(report.findings.iter().find(|one| one.rule == Rule::Chain).unwrap().subject, "7");
}

#[tokio::test]
async fn a_deleted_event_is_found_in_the_middle_and_at_the_end() {
    let middle = planted(&[FREE[1], "DELETE FROM event WHERE seq = 6"]).await;
    assert!(rules(&middle).is_superset(&BTreeSet::from([Rule::Chain, Rule::End, Rule::Fold])));
    let end = planted(&[FREE[1], "DELETE FROM event WHERE seq = 15"]).await;
    assert!(rules(&end).contains(&Rule::End) && !rules(&end).contains(&Rule::Chain), "{end:?}");
}

#[tokio::test]
async fn an_event_that_cannot_be_read_is_found() {
    let report = planted(&[FREE[0], "UPDATE event SET data = '{' WHERE seq = 7"]).await;
    assert!(rules(&report).contains(&Rule::Event), "{report:?}");
}

#[tokio::test]
async fn an_event_that_was_never_legal_is_found() {
    let report = planted(&[
        FREE[0],
        "UPDATE event SET data = replace(data, 'INC-1', 'INC-9')
        WHERE type = 'incident.resolved'",
    ])
    .await;
    assert!(rules(&report).contains(&Rule::Legal), "{report:?}");
}

#[tokio::test]
async fn a_changed_missing_or_invented_entity_is_found_by_the_fold() {
    for statement in [
        "UPDATE entity SET doc = replace(doc, 'api does', 'xpi does') WHERE id = 'INC-2'",
        "UPDATE entity SET live_key = NULL WHERE id = 'INC-2'",
        "UPDATE entity SET closed_at = '2026-01-01T00:00:00.000Z' WHERE id = 'INC-2'",
        "DELETE FROM entity WHERE id = 'pause:all'",
        "INSERT INTO entity (kind, id, number, opened_at, doc)
         SELECT kind, 'pause:x', number, opened_at, doc FROM entity WHERE id = 'pause:all'",
    ] {
        let report = planted(&[statement]).await;
        assert_eq!(rules(&report), BTreeSet::from([Rule::Fold]), "{statement}: {report:?}");
        assert_eq!(report.findings.len(), 1, "{statement}: {report:?}");
    }
}

#[tokio::test]
async fn counts_that_are_not_those_of_the_remediations_are_found() {
    let report = planted(&["UPDATE tally SET verified = 2"]).await;
    assert_eq!(rules(&report), BTreeSet::from([Rule::Tally]), "{report:?}");
}

#[tokio::test]
async fn a_second_active_incident_of_a_finding_is_found() {
    let report = planted(&["UPDATE entity SET doc = replace(doc, 'host-a/api', 'host-a/queue')
        WHERE id = 'INC-2'"])
    .await;
    assert!(rules(&report).contains(&Rule::OneActive), "{report:?}");
}

#[tokio::test]
async fn an_incident_that_claims_to_be_fixed_without_proof_is_found() {
    let report = planted(&["UPDATE entity SET doc = replace(doc, '\"verified\"', '\"failed\"')
        WHERE id = 'REM-1'"])
    .await;
    assert!(rules(&report).contains(&Rule::Fixed), "{report:?}");
}

#[tokio::test]
async fn a_remediation_without_its_intent_is_found() {
    let report = planted(&["UPDATE entity SET doc = replace(doc, 'REM-2', 'REM-9'), id = 'REM-9'
        WHERE id = 'REM-2'"])
    .await;
    assert!(rules(&report).contains(&Rule::Intent), "{report:?}");
}

#[tokio::test]
async fn attempts_that_nobody_recorded_are_found() {
    let report =
        planted(&["UPDATE entity SET doc = replace(doc, '\"attempts\":1', '\"attempts\":3')
        WHERE id = 'INC-3'"])
        .await;
    assert!(rules(&report).contains(&Rule::Attempts), "{report:?}");
}

#[tokio::test]
async fn a_damaged_page_is_a_finding_and_not_a_panic() {
    let state = tempfile::tempdir().unwrap();
    let store = open(state.path()).await;
    story(&store).await;
    commit(&store, vec![opened(9, "x", Severity::Info)]).await.unwrap();
    store.close().await.unwrap();
    let file = state.path().join("ops.db");
    let mut bytes = std::fs::read(&file).unwrap();
    let rows = bytes.windows(11).position(|window| window == b"run-1INC-9l").unwrap();
    let page = rows / 4096 * 4096;
    bytes[page..page + 8].fill(0xff);
    std::fs::write(&file, bytes).unwrap();
    let store = open(state.path()).await;
    let report = verify(&store).await.unwrap();
    assert!(rules(&report).contains(&Rule::File), "{report:?}");
}
