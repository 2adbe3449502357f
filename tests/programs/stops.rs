//! A run that is stopped, that runs out of time, or that has nowhere to write.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::fake::Fake;
use super::peers::wait_until;

#[test]
fn a_stopped_run_says_so_and_the_next_one_settles_what_it_left() {
    let fake = Fake::new();
    fake.instead("settle = \"10ms\"", "settle = \"6s\"");
    fake.crash();
    let mut run =
        fake.guardian(&[]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    assert!(wait_until(Duration::from_secs(10), || fake.restarts() == 1), "it acts");
    assert!(wait_until(Duration::from_secs(10), || {
        fake.asked(&["remediations"])[0]["state"] == "verifying"
    }));
    kill_process(Pid::from_child(&run), Signal::TERM).expect("it can be stopped");
    assert_eq!(run.wait().expect("it ends").code(), Some(2));
    let stopped = &fake.asked(&["runs"])[0];
    assert_eq!(stopped["state"], "interrupted");
    assert_eq!(
        (&stopped["counts"]["detected"], &stopped["counts"]["acted"]),
        (&1.into(), &1.into())
    );
    fake.instead("settle = \"6s\"", "settle = \"10ms\"");
    // The proof is due 6 s after the act, whatever the settings say now: a run that has the time waits for it.
    let next = fake.run(&[]);
    assert_eq!(next.status.code(), Some(0), "{}", String::from_utf8_lossy(&next.stdout));
    assert_eq!(fake.restarts(), 1);
    assert_eq!(fake.asked(&["remediations"])[0]["state"], "verified");
}

#[test]
fn a_run_ends_at_its_deadline() {
    let fake = Fake::new();
    fake.instead(
        "[agents.health-guardian.limits]",
        "[agents.health-guardian.schedule]\ntimeout = \"1s\"\n[agents.health-guardian.limits]",
    );
    fake.script_is("status", "sleep 60\n");
    let run = fake.run(&[]);
    assert_eq!(run.status.code(), Some(2), "{}", String::from_utf8_lossy(&run.stderr));
    assert_eq!(fake.asked(&["runs"])[0]["state"], "timed_out");
    let path = fake.path().display().to_string();
    assert!(
        wait_until(Duration::from_secs(5), || {
            let listed = Command::new("ps").args(["-eo", "args"]).output().expect("ps runs");
            !String::from_utf8_lossy(&listed.stdout).contains(&path)
        }),
        "the question to the manager is not left running"
    );
}

#[test]
fn without_a_place_for_its_ledger_it_looks_tells_and_does_nothing() {
    let fake = Fake::new();
    fake.crash();
    fs::write(fake.path().join("state"), "somebody else's file").expect("it is written");
    let run = fake.run(&[]);
    assert_eq!(run.status.code(), Some(2));
    let told = String::from_utf8_lossy(&run.stdout);
    assert!(told.contains("crashed") && told.contains("state"), "{told}");
    assert_eq!(fake.restarts(), 0);
    let kept = fs::read_to_string(fake.path().join("state")).expect("it is still there");
    assert_eq!(kept, "somebody else's file");
}

#[test]
fn a_ledger_of_a_newer_version_is_left_untouched() {
    let fake = Fake::new();
    fake.run(&[]);
    let ledger = fake.path().join("state/ops.db");
    let changed = Command::new("python3")
        .args(["-c", "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); c.execute(\"update meta set value='999' where key='version'\"); c.commit()"])
        .arg(&ledger)
        .status();
    if !changed.is_ok_and(|status| status.success()) {
        return super::peers::skip(&super::peers::test_name(), "python3");
    }
    fake.crash();
    let before = fs::read(&ledger).expect("the ledger is there");
    let run = fake.run(&[]);
    assert_eq!(run.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&run.stdout).contains("schema version 999"));
    assert_eq!(fs::read(&ledger).expect("it is still there"), before);
    assert_eq!(fake.restarts(), 0);
}

#[test]
fn a_view_of_a_newer_form_is_never_written_over() {
    for with_ledger in [true, false] {
        let fake = Fake::new();
        fake.run(&[]);
        let view = fake.path().join("state/ops-state.json");
        let text = fs::read_to_string(&view).expect("the view is there");
        let newer = text.replace("\"schemaVersion\": 1", "\"schemaVersion\": 99");
        fs::write(&view, &newer).expect("it is written");
        if !with_ledger {
            fs::remove_file(fake.path().join("state/ops.db")).expect("the ledger is there");
        }
        let run = fake.run(&[]);
        assert_eq!(run.status.code(), Some(2), "ledger: {with_ledger}");
        assert!(String::from_utf8_lossy(&run.stdout).contains("99"));
        assert_eq!(fs::read_to_string(&view).expect("it is still there"), newer);
        assert!(with_ledger || !fake.path().join("state/ops.db").exists(), "nothing is started");
    }
}

#[test]
fn a_rescued_ledger_is_no_clean_run_and_a_dry_run_says_so_first() {
    let fake = Fake::new();
    fake.run(&[]);
    fs::write(fake.path().join("state/ops.db"), "garbage").expect("it is written");
    let dry = fake.run(&["--plan"]);
    assert_eq!(dry.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&dry.stdout).contains("only propose"));
    let wet = fake.run(&[]);
    assert_eq!(wet.status.code(), Some(1), "{}", String::from_utf8_lossy(&wet.stdout));
    fake.crash();
    fake.run(&[]);
    assert_eq!(fake.restarts(), 0, "it only proposes");
    let resumed =
        fake.program(super::fake::OPSCTL, &["resume", "all", "--reason", "looked at it"]).status();
    assert!(resumed.is_ok_and(|status| status.success()));
    assert_eq!(fake.run(&[]).status.code(), Some(0));
    assert_eq!(fake.restarts(), 1);
}

#[test]
fn before_any_run_nothing_is_called_well() {
    let fake = Fake::new();
    let paused = fake
        .program(super::fake::OPSCTL, &["pause", "all", "--for", "1h", "--reason", "x"])
        .status();
    assert!(paused.is_ok_and(|status| status.success()));
    let told = fake.program(super::fake::OPSCTL, &["status"]).output().expect("opsctl starts");
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(told.contains("UNKNOWN") && !told.contains("HEALTHY"), "{told}");
    let other = Fake::new();
    fs::write(other.path().join("state"), "a file").expect("it is written");
    let status = other.program(super::fake::OPSCTL, &["status"]).output().expect("opsctl starts");
    assert_eq!(status.status.code(), Some(2), "{}", String::from_utf8_lossy(&status.stdout));
}

#[test]
fn a_run_that_cannot_write_its_log_is_incomplete() {
    let fake = Fake::new();
    fs::write(fake.path().join("logs"), "a file").expect("it is written");
    assert_eq!(fake.run(&[]).status.code(), Some(2));
}

#[test]
fn a_pause_without_an_end_in_sight_is_refused() {
    let fake = Fake::new();
    let pause = |duration: &str| {
        let words = ["pause", "all", "--for", duration, "--reason", "x"];
        fake.program(super::fake::OPSCTL, &words).output().expect("opsctl starts").status.code()
    };
    assert_eq!(pause("91d"), Some(78));
    assert_eq!(pause("0s"), Some(78));
    assert_eq!(pause("90d"), Some(0));
}
