//! A ledger of the version before, as its own program wrote it: what today's program makes of it, and what a program of
//! yesterday makes of a ledger of tomorrow.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use opswarden::adapters::store::verify;
use opswarden::domain::duration::HumanDuration;
use opswarden::domain::incident::RunId;
use opswarden::domain::planner::{Job, Rules};
use opswarden::domain::run::{AgentRun, RunState, Trigger};
use opswarden::domain::schedule::{Fields, Schedule};
use opswarden::domain::timing::{Retries, RetryOn, ScheduleSettings};
use opswarden::ports::slots::{Ask, Slots as _};
use opswarden::ports::store::{Batch, Note, Store as _};
use sqlx::{Column as _, Connection as _, Row as _};

use super::support::{AGENT, at, everything, open, raw};

const GUARDIAN: &str = env!("CARGO_BIN_EXE_health-guardian");
const OPSCTL: &str = env!("CARGO_BIN_EXE_opsctl");
/// The tables in which the ledger of before keeps what happened.
const TABLES: [&str; 10] = [
    "meta",
    "event",
    "entity",
    "tally",
    "agent_run",
    "last_seen",
    "streak",
    "sample",
    "decision",
    "notification",
];

/// The state folder of a host that ran the version before slots were claimed: a repaired crash, an open incident, a pause,
/// three runs, and the view.
fn before() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, packed) in [
        ("ops.db", &include_bytes!("before_slots/ops.db.gz")[..]),
        ("ops-state.json", &include_bytes!("before_slots/ops-state.json.gz")[..]),
    ] {
        let mut bytes = Vec::new();
        flate2::read::GzDecoder::new(packed).read_to_end(&mut bytes).expect("it is unpacked");
        std::fs::write(folder.path().join(name), bytes).expect("it is written");
    }
    folder
}

/// Every row of every table, as text.
async fn rows(state: &Path) -> BTreeMap<&'static str, Vec<Vec<String>>> {
    let mut connection = raw(state).await;
    let mut all = BTreeMap::new();
    for table in TABLES {
        let query = sqlx::AssertSqlSafe(format!("SELECT * FROM {table} ORDER BY 1, 2"));
        let found = sqlx::query(query).fetch_all(&mut connection).await.expect("it is read");
        let text = |row: &sqlx::sqlite::SqliteRow| {
            let columns = row.columns().iter();
            columns.map(|column| cell(row, column.ordinal())).collect::<Vec<_>>()
        };
        all.insert(table, found.iter().map(text).collect());
    }
    all
}

fn cell(row: &sqlx::sqlite::SqliteRow, place: usize) -> String {
    let text = row.try_get_unchecked::<Option<String>, _>(place);
    text.map_or_else(|error| panic!("{error}"), |text| text.unwrap_or_else(|| "NULL".to_owned()))
}

#[tokio::test]
async fn a_ledger_of_the_version_before_is_taken_over_with_nothing_lost() {
    let folder = before();
    let there = rows(folder.path()).await;
    assert!(there["event"].len() > 10 && there["agent_run"].len() >= 3, "{there:?}");
    let view: serde_json::Value = serde_json::from_slice(
        &std::fs::read(folder.path().join("ops-state.json")).expect("the view is there"),
    )
    .expect("it is JSON");
    for _ in 0..2 {
        let store = open(folder.path()).await;
        let report = verify(&store).await.expect("it is checked");
        assert!(report.is_clean(), "{report:?}");
        assert_eq!(store.ledger_id(), view["ledgerId"], "it is the same ledger");
        let shown = store.view(everything()).await.expect("it is read");
        assert_eq!(shown.active.len(), 1, "{:?}", shown.active);
        assert!(shown.controls["pause:fleet-manager"].on);
        store.publish(at("2026-11-20T12:00:00Z")).await.expect("the view is told");
        store.close().await.expect("it is closed");
        assert_eq!(rows(folder.path()).await, there, "not a row has changed");
    }
    let names: Vec<String> = std::fs::read_dir(folder.path())
        .expect("it is read")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    assert!(
        !names.iter().any(|name| name.contains("rescued") || name.contains("kept")),
        "{names:?}"
    );
}

#[tokio::test]
async fn a_slot_of_a_ledger_that_was_taken_over_may_be_tried_again() {
    let folder = before();
    let store = open(folder.path()).await;
    let on = BTreeSet::from([RetryOn::Lost]);
    let retries = Retries { max: 2, on, back_off: HumanDuration::secs(1) };
    let settings = ScheduleSettings { retries, ..ScheduleSettings::default() };
    let schedule =
        Schedule::with(Fields::FiveOrSix, "*/5 * * * *", "UTC", at("2026-01-01T00:00:00Z"));
    let schedule = schedule.expect("a schedule");
    let job = Job::new(AGENT, "host-a", schedule.clone(), Rules::of(&settings, &schedule));
    let claim = async |run: &RunId, time: &str| {
        let ask = Ask {
            job: &job,
            run,
            trigger: Trigger::Systemd,
            owner: "host-a, pid 7",
            alone: true,
            held_by: None,
            waiting: None,
            looking_since: None,
        };
        let now = at(time);
        store.claim(&|| now, &ask).await.expect("the ledger answers").mine
    };
    let (first, second) = (RunId("run-1".to_owned()), RunId("run-2".to_owned()));
    // Long after everything that the ledger holds.
    let claimed = claim(&first, "2099-11-20T12:05:00Z").await.expect("it is due");
    assert_eq!(claimed.attempt, 1);
    let query = opswarden::ports::store::RunQuery { agent: None, limit: 1 };
    let row = store.runs(query).await.expect("they are read").remove(0);
    let ended_at = Some(row.started_at);
    let lost = AgentRun { state: RunState::Lost, ended_at, exit: Some(2), ..row };
    let mut decide =
        |_: &_| Batch { events: Vec::new(), notes: vec![Note::Run(Box::new(lost.clone()))] };
    store.commit(everything(), &mut decide).await.expect("it is written");
    let again = claim(&second, "2099-11-20T12:05:40Z").await.expect("it is tried again");
    assert_eq!((again.slot, again.attempt), (claimed.slot, 2));
}

/// Settings with a service that two commands manage, and is dead.
fn house(folder: &Path) {
    let script = |name: &str, body: &str| {
        let file = folder.join(name);
        let text = format!("#!/bin/sh\ncd '{}' || exit 9\n{body}\n", folder.display());
        std::fs::write(&file, text).expect("it is written");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).expect("ours");
        file
    };
    let status = script("status", "test -f up || exit 1\ncat up");
    let restart = script("restart", "echo up > up");
    let settings = format!(
        "host = \"host-a\"\n[agents.health-guardian]\nprocess_pause = \"50ms\"\n\
         [agents.health-guardian.policy]\nsettle = \"0s\"\n\
         [agents.health-guardian.limits]\ncpu_percent = 100\nmemory_percent = 100\nswap_percent = 100\n\
         disk_percent = 100\ndisk_critical_percent = 100\nload_percent = 100000\n\
         [[agents.health-guardian.services]]\nname = \"shop\"\nmanager = \"command\"\nprocess = \"shop\"\n\
         command = {{ status = [{status:?}], restart = [{restart:?}] }}\n"
    );
    std::fs::write(folder.join("agents.toml"), settings).expect("it is written");
}

#[expect(clippy::disallowed_methods, reason = "the programs themselves are what is tested")]
fn run(folder: &Path, program: &str, words: &[&str]) -> Output {
    let mut command = Command::new(program);
    command.args(words).current_dir(folder).env_clear().env("PATH", "/usr/bin:/bin");
    command.output().expect("it starts")
}

/// Gives the ledger another version, and closes it so that all of it is in its file.
async fn now_of_version(state: &Path, version: &str) {
    let mut connection = raw(state).await;
    sqlx::query("UPDATE meta SET value = $1 WHERE key = 'version'")
        .bind(version)
        .execute(&mut connection)
        .await
        .expect("it is written");
    connection.close().await.expect("it is closed");
}

#[tokio::test]
async fn a_program_that_is_older_than_its_ledger_acts_on_nothing_and_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    house(folder.path());
    let state = folder.path().join("state");
    run(folder.path(), GUARDIAN, &["--observe"]);
    now_of_version(&state, "2").await;
    let files = ["ops.db", "ops-state.json"].map(|name| state.join(name));
    let bytes = || files.clone().map(|file| std::fs::read(file).expect("it is there"));
    let before = bytes();
    let output = run(folder.path(), GUARDIAN, &[]);
    let told = [output.stdout, output.stderr].concat();
    let told = String::from_utf8_lossy(&told).into_owned();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(!folder.path().join("up").exists(), "nothing was restarted: {told}");
    assert!(told.contains("schema version 2, this opswarden knows 1"), "{told}");
    let output = run(folder.path(), OPSCTL, &["ledger", "verify"]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("schema version 2, this opswarden knows 1"), "{told}");
    assert!(bytes() == before, "not a byte has changed");
    now_of_version(&state, "1").await;
    assert_eq!(run(folder.path(), GUARDIAN, &[]).status.code(), Some(0));
    assert!(folder.path().join("up").exists(), "with its own ledger it would have acted");
}
