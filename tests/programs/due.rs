//! `--if-due`: any number of triggers, and every slot of the schedule is run by one of them or says why not.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::fake::{Fake, GUARDIAN, OPSCTL};

const REPORTER: &str = env!("CARGO_BIN_EXE_ops-reporter");

/// A schedule in seconds, so that a test lasts no longer than it must.
fn scheduled(fake: &Fake, (seconds, timeout): (&str, &str), more: &str) {
    let schedule = format!(
        "[agents.health-guardian.schedule]\nseconds = true\ncron = \"{seconds} * * * * *\"\ntimeout = \"{timeout}\"\n{more}\
         [agents.health-guardian.policy]"
    );
    fake.instead("[agents.health-guardian.policy]", &schedule);
}

fn runs(fake: &Fake) -> Vec<Value> {
    let rows = fake.asked(&["runs", "-n", "1000"]);
    rows.as_array().expect("a list").clone()
}

#[test]
fn what_two_timers_and_a_scheduler_start_at_once_runs_once() {
    let fake = Fake::new();
    scheduled(&fake, ("*", "900ms"), "");
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(5) {
        let triggers = ["systemd", "pm2", "scheduler"].map(|trigger| {
            let mut command = fake.program(GUARDIAN, &["--if-due", "--trigger", trigger]);
            command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
            command.spawn().expect("it starts")
        });
        for mut started in triggers {
            let ended = started.wait().expect("it ends").code();
            assert!(matches!(ended, Some(0 | 1 | 75)), "{ended:?}");
        }
    }
    let rows = runs(&fake);
    let mut slots: BTreeMap<&str, usize> = BTreeMap::new();
    for row in &rows {
        let slot = row["slot"].as_str().expect("every row here is of a slot");
        *slots.entry(slot).or_default() += 1;
    }
    assert!(slots.values().all(|rows| *rows == 1), "{slots:?}");
    let ran = rows.iter().filter(|row| row["state"] == "ok").count();
    assert!(ran >= 3, "{ran} of {rows:?}");
}

#[test]
fn where_nothing_is_due_nothing_is_said_and_nothing_written() {
    let fake = Fake::new();
    fake.instead(
        "[agents.health-guardian.policy]",
        "[agents.health-guardian.schedule]\ncron = \"0 3 1 1 *\"\n[agents.health-guardian.policy]\nback_off = \"400d\"\n\
         back_off_cap = \"400d\"",
    );
    let output = fake.run(&["--if-due"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    assert_eq!(runs(&fake), Vec::<Value>::new());
}

#[test]
fn a_slot_that_meets_a_run_of_a_person_is_skipped_and_says_so() {
    let fake = Fake::new();
    scheduled(&fake, ("*/5", "4s"), "");
    fake.script_is("status", "sleep 2\necho start-1\n");
    let mut by_hand = fake.guardian(&[]).spawn().expect("it starts");
    std::thread::sleep(Duration::from_millis(1200));
    let output = fake.run(&["--if-due"]);
    assert_eq!(output.status.code(), Some(75), "{}", String::from_utf8_lossy(&output.stderr));
    by_hand.wait().expect("it ends");
    let skipped = runs(&fake).into_iter().find(|row| row["state"] == "skipped");
    let skipped = skipped.expect("the slot has a row");
    assert!(skipped["why"].as_str().is_some_and(|why| why.contains("the run of")), "{skipped}");
}

#[test]
fn two_agents_with_a_mutex_in_common_never_run_together() {
    let fake = Fake::new();
    let shared = "mutex = [\"ledger\"]\n";
    scheduled(&fake, ("*/5", "4s"), shared);
    let text = std::fs::read_to_string(fake.path().join("agents.toml")).expect("the settings");
    let both = format!("{text}\n[agents.ops-reporter.schedule]\n{shared}");
    std::fs::write(fake.path().join("agents.toml"), both).expect("they are written");
    fake.script_is("status", "sleep 1\necho start-1\n");
    let mut first = fake.guardian(&[]).spawn().expect("it starts");
    std::thread::sleep(Duration::from_millis(400));
    let refused = fake.program(REPORTER, &[]).output().expect("it starts");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(75), "{said}");
    assert!(
        said.contains("health-guardian runs, and ops-reporter has a mutex in common"),
        "{said}"
    );
    first.wait().expect("it ends");
    let output = fake.program(REPORTER, &[]).output().expect("it starts");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_suspended_agent_starts_no_slot_and_is_not_called_late() {
    let fake = Fake::new();
    scheduled(&fake, ("*/5", "4s"), "");
    assert_eq!(fake.run(&["--if-due"]).status.code(), Some(0));
    let words = ["schedule", "suspend", "health-guardian", "--for", "1h", "--reason", "we move"];
    let suspended = fake.program(OPSCTL, &words).output().expect("it starts");
    assert_eq!(suspended.status.code(), Some(0), "{}", String::from_utf8_lossy(&suspended.stderr));
    std::thread::sleep(Duration::from_secs(16));
    assert_eq!(fake.run(&["--if-due"]).status.code(), Some(0));
    let skipped = runs(&fake).into_iter().find(|row| row["state"] == "skipped");
    assert_eq!(skipped.expect("the slot has a row")["why"], "suspended: we move");
    fake.program(REPORTER, &[]).output().expect("it starts");
    assert_eq!(fake.asked(&["incidents"]).as_array().map(Vec::len), Some(0));
    let words = ["schedule", "resume", "health-guardian", "--reason", "we moved"];
    let resumed = fake.program(OPSCTL, &words).output().expect("it starts");
    let said = String::from_utf8_lossy(&resumed.stdout).into_owned();
    assert!(said.contains("are started again"), "{said}");
    fake.program(REPORTER, &[]).output().expect("it starts");
    assert_eq!(fake.asked(&["incidents"]).as_array().map(Vec::len), Some(1), "now it is late");
}

#[test]
fn that_a_slot_was_late_is_told_after_its_run_too() {
    let fake = Fake::new();
    scheduled(&fake, ("*/5", "4s"), "");
    let seconds = || {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.expect("it is after 1970").as_secs()
    };
    while seconds() % 5 != 2 {
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(fake.run(&["--if-due"]).status.code(), Some(0));
    let row = runs(&fake).into_iter().find(|row| row["state"] == "ok").expect("it ran");
    assert_eq!(row["why"], "it was due while nothing could start it");
}
