//! ops-reporter beside real runs of another agent: late, silent, too often and too fast, each found and each over again.

use std::time::Duration;

use serde_json::Value;
use sqlx::{ConnectOptions as _, Connection as _};

use super::fake::Fake;

const REPORTER: &str = env!("CARGO_BIN_EXE_ops-reporter");

/// One look of the reporter.
fn report(fake: &Fake) {
    let output = fake.program(REPORTER, &[]).output().expect("it starts");
    assert!(
        matches!(output.status.code(), Some(0 | 1)),
        "{}",
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat())
    );
}

/// What is open about agents, as check and message.
fn open(fake: &Fake) -> Vec<(String, String)> {
    let all = fake.asked(&["incidents"]);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let all = all.as_array().expect("a list").iter().filter(|one| one["resolved"].is_null());
    let check = |one: &Value| text(&one["key"]).split('/').nth(1).unwrap_or_default().to_owned();
    all.map(|one| (check(one), text(&one["message"]))).collect()
}

/// Changes what is recorded of the guardian's runs: the programs cannot be told another time of day.
async fn recorded(fake: &Fake, change: &str) {
    let file = fake.path().join("state/ops.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
    let mut ledger =
        options.busy_timeout(Duration::from_secs(5)).connect().await.expect("the ledger opens");
    sqlx::query(sqlx::AssertSqlSafe(change.to_owned()))
        .execute(&mut ledger)
        .await
        .expect("the runs are there");
    // The row's document repeats its columns.
    sqlx::query(
        "UPDATE agent_run SET doc = json_set(doc, '$.started_at', started_at, '$.ended_at', ended_at)",
    )
    .execute(&mut ledger)
    .await
    .expect("the runs are there");
    ledger.close().await.expect("it closes");
}

/// The guardian's runs were so many minutes earlier.
async fn earlier(fake: &Fake, minutes: u32) {
    let of = |column: &str| {
        format!("{column} = strftime('%Y-%m-%dT%H:%M:%fZ', {column}, '-{minutes} minutes')")
    };
    let (started, ended) = (of("started_at"), of("ended_at"));
    let which = "agent = 'health-guardian'";
    recorded(fake, &format!("UPDATE agent_run SET {started}, {ended} WHERE {which}")).await;
}

#[tokio::test]
async fn an_agent_that_stays_away_is_late_and_then_silent_until_it_runs_again() {
    let fake = Fake::new();
    fake.run(&[]);
    report(&fake);
    assert_eq!(open(&fake), []);
    earlier(&fake, 8).await;
    report(&fake);
    let late = open(&fake);
    assert_eq!(late.len(), 1, "{late:?}");
    assert_eq!(late[0].0, "agent_late");
    assert!(late[0].1.starts_with("health-guardian is late: it last started at"), "{late:?}");
    earlier(&fake, 8).await;
    report(&fake);
    let silent = open(&fake);
    assert!(silent.iter().any(|one| one.0 == "agent_silent"), "{silent:?}");
    fake.run(&[]);
    report(&fake);
    assert_eq!(open(&fake), []);
}

#[tokio::test]
async fn an_agent_that_is_triggered_twice_runs_too_often() {
    let fake = Fake::new();
    for _ in 0..19 {
        fake.run(&[]);
    }
    report(&fake);
    let often = open(&fake);
    assert_eq!(often.len(), 1, "{often:?}");
    let told = "health-guardian started 19 times in the time of 6 slots: is it triggered twice?";
    assert_eq!(often[0], ("agent_too_often".to_owned(), told.to_owned()));
    earlier(&fake, 40).await;
    fake.run(&[]);
    report(&fake);
    assert_eq!(open(&fake), []);
}

#[tokio::test]
async fn an_agent_whose_runs_have_become_short_may_not_look_at_everything_any_more() {
    let fake = Fake::new();
    for _ in 0..13 {
        fake.run(&[]);
    }
    let longer = "UPDATE agent_run SET started_at = strftime('%Y-%m-%dT%H:%M:%fZ', started_at, '-60 seconds')
        WHERE id NOT IN (SELECT id FROM agent_run ORDER BY started_at DESC LIMIT 3)";
    recorded(&fake, longer).await;
    report(&fake);
    let fast = open(&fake);
    assert_eq!(fast.len(), 1, "{fast:?}");
    assert_eq!(fast[0].0, "agent_too_fast");
    assert!(fast[0].1.starts_with("runs of health-guardian take 0."), "{fast:?}");
}
