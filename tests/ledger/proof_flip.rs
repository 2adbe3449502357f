//! Proof: a change of an event or of a governed row is never accepted in silence, and no damage is a panic.

use std::collections::BTreeMap;
use std::path::Path;

use opswarden::adapters::store::{Access, Rule, SqliteStore, verify};
use opswarden::domain::event::RecordedEvent;
use opswarden::domain::incident::{Incident, Remediation};
use opswarden::ports::store::Store;
use sqlx::SqliteConnection;

use super::processes::{cases, copy, report};
use super::support::{at, everything, noon, open, options, raw, story};

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        // Knuth's constants for a linear generator; its upper bits are good enough to choose with.
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    fn damage(&mut self, bytes: &mut Vec<u8>) {
        let place = self.below(bytes.len());
        match self.below(4) {
            0 => bytes.truncate(place),
            _ => bytes[place] ^= 1 << self.below(8),
        }
    }
}

/// One column to read and to write, as statements.
struct Column {
    name: &'static str,
    read: &'static str,
    write: &'static str,
}

macro_rules! columns {
    ($table:literal, $key:literal, [$($name:literal),*]) => {
        [$(Column {
            name: concat!($table, ".", $name),
            read: concat!("SELECT CAST(", $name, " AS BLOB) FROM ", $table, " WHERE ", $key, " = $1"),
            write: concat!("UPDATE ", $table, " SET ", $name, " = CAST($2 AS TEXT) WHERE ", $key, " = $1"),
        }),*]
    };
}

const EVENT: [Column; 14] = columns!(
    "event",
    "rowid",
    [
        "id",
        "at",
        "recorded_at",
        "type",
        "environment",
        "host",
        "actor",
        "run",
        "subject",
        "priority",
        "message",
        "data",
        "prev_hash",
        "hash"
    ]
);
const ENTITY: [Column; 7] = columns!(
    "entity",
    "rowid",
    ["kind", "id", "live_key", "agent", "opened_at", "closed_at", "doc"]
);

const GUARDS: [(&str, &str); 2] = [
    ("event_is_never_updated", "DROP TRIGGER event_is_never_updated"),
    ("event_is_never_deleted", "DROP TRIGGER event_is_never_deleted"),
];

async fn unguarded(raw: &mut SqliteConnection) -> Vec<String> {
    let mut kept = Vec::new();
    for (name, drop) in GUARDS {
        let (sql,): (String,) = sqlx::query_as("SELECT sql FROM sqlite_master WHERE name = $1")
            .bind(name)
            .fetch_one(&mut *raw)
            .await
            .unwrap();
        sqlx::query(drop).execute(&mut *raw).await.unwrap();
        kept.push(sql);
    }
    kept
}

async fn guarded(raw: &mut SqliteConnection, kept: Vec<String>) {
    for sql in kept {
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut *raw).await.unwrap();
    }
}

async fn put(raw: &mut SqliteConnection, column: &Column, row: i64, value: &[u8]) -> bool {
    let kept = unguarded(raw).await;
    let done = sqlx::query(column.write).bind(row).bind(value).execute(&mut *raw).await;
    guarded(raw, kept).await;
    done.is_ok()
}

/// Whether the damage would have been seen by the rules that `counts` lets through.
fn seen(rules: &[Rule], counts: impl Fn(Rule) -> bool) -> bool {
    rules.iter().any(|rule| counts(*rule))
}

#[tokio::test]
async fn every_change_of_an_event_or_a_governed_row_is_found() {
    let place = tempfile::tempdir().unwrap();
    let store = open(place.path()).await;
    story(&store).await;
    let mut raw = raw(place.path()).await;
    let mut dice = Dice(7);
    let (mut mutants, mut chain_alone, mut fold_alone) = (0, 0, 0);
    let wanted = cases(2_000);
    while mutants < wanted {
        let (columns, rows): (&[Column], usize) =
            if dice.below(2) == 0 { (&EVENT, 15) } else { (&ENTITY, 8) };
        let column = &columns[dice.below(columns.len())];
        let row = i64::try_from(dice.below(rows) + 1).unwrap();
        let (value,): (Option<Vec<u8>>,) =
            sqlx::query_as(column.read).bind(row).fetch_one(&mut raw).await.unwrap();
        let Some(value) = value.filter(|value| !value.is_empty()) else { continue };
        let mut damaged = value.clone();
        dice.damage(&mut damaged);
        if !put(&mut raw, column, row, &damaged).await {
            continue;
        }
        let found = verify(&store).await.unwrap();
        let rules: Vec<Rule> = found.findings.iter().map(|finding| finding.rule).collect();
        assert!(!found.is_clean(), "{} of row {row} became {damaged:?}", column.name);
        chain_alone += usize::from(!seen(&rules, |rule| !matches!(rule, Rule::Chain | Rule::End)));
        fold_alone += usize::from(!seen(&rules, |rule| rule != Rule::Fold));
        mutants += 1;
        assert!(put(&mut raw, column, row, &value).await);
    }
    assert!(verify(&store).await.unwrap().is_clean(), "everything was put back");
    assert!(chain_alone > 0 && fold_alone > 0, "each rule is needed: {chain_alone}, {fold_alone}");
    report(&format!(
        "{mutants} changes of events and governed rows, all found; \
         without the chain {chain_alone} would be missed, without the fold {fold_alone}"
    ));
}

/// What the ledger says about everything that events govern.
async fn governed(store: &SqliteStore) -> (Vec<Incident>, Vec<Remediation>, Vec<RecordedEvent>) {
    let subjects: Vec<String> = ["INC-1", "INC-2", "INC-3", "REM-1", "REM-2", "REM-3"]
        .into_iter()
        .chain(["pause:all", "pause:health-guardian"])
        .map(ToOwned::to_owned)
        .collect();
    (
        store.incidents(at("2026-11-01T00:00:00Z"), 10).await.unwrap(),
        store.remediations(None, 10).await.unwrap(),
        store.events_about(&subjects).await.unwrap(),
    )
}

#[tokio::test]
async fn a_damaged_file_is_found_rescued_or_unharmed_and_never_a_panic() {
    let whole = tempfile::tempdir().unwrap();
    let store = open(whole.path()).await;
    story(&store).await;
    store.publish(noon()).await.unwrap();
    let expected = governed(&store).await;
    store.close().await.unwrap();
    let bytes = std::fs::read(whole.path().join("ops.db")).unwrap();
    let mut dice = Dice(11);
    let mut ends: BTreeMap<&str, usize> = BTreeMap::new();
    for _ in 0..cases(2_000) / 4 {
        let place = tempfile::tempdir().unwrap();
        copy(whole.path(), place.path());
        let mut damaged = bytes.clone();
        dice.damage(&mut damaged);
        std::fs::write(place.path().join("ops.db"), &damaged).unwrap();
        *ends.entry(end(place.path(), &expected).await).or_default() += 1;
    }
    assert!(ends.contains_key("found") && ends.contains_key("rescued"), "{ends:?}");
    report(&format!("damaged ledger files: {ends:?}, none accepted in silence"));
}

async fn end(
    state: &Path,
    expected: &(Vec<Incident>, Vec<Remediation>, Vec<RecordedEvent>),
) -> &'static str {
    let Ok(store) = SqliteStore::open(options(state, Access::ReadWrite)).await else {
        return "refused";
    };
    let Ok(found) = verify(&store).await else { return "found" };
    if !found.is_clean() {
        return "found";
    }
    let view = store.view(everything()).await.unwrap();
    if view.controls.contains_key("propose_only") {
        return "rescued";
    }
    assert!(governed(&store).await == *expected, "a change was accepted in silence");
    "unharmed"
}

#[tokio::test]
async fn a_damaged_view_is_never_a_panic_and_never_permission() {
    let whole = tempfile::tempdir().unwrap();
    let store = open(whole.path()).await;
    story(&store).await;
    store.publish(noon()).await.unwrap();
    store.close().await.unwrap();
    let bytes = std::fs::read(whole.path().join("ops-state.json")).unwrap();
    let mut dice = Dice(13);
    let mutants = cases(2_000) / 10;
    for _ in 0..mutants {
        let place = tempfile::tempdir().unwrap();
        let mut damaged = bytes.clone();
        dice.damage(&mut damaged);
        std::fs::write(place.path().join("ops-state.json"), &damaged).unwrap();
        let store = open(place.path()).await;
        assert!(verify(&store).await.unwrap().is_clean());
        let view = store.view(everything()).await.unwrap();
        let text = String::from_utf8_lossy(&damaged);
        assert!(view.controls.contains_key("propose_only"), "a lost ledger may act: {text}");
        let kept = std::fs::read_dir(place.path()).unwrap();
        let kept = kept.filter(|name| format!("{name:?}").contains("kept-")).count();
        assert_eq!(kept, 1, "the damaged view is kept");
    }
    report(&format!("{mutants} damaged views: no panic, no permission to act"));
}
