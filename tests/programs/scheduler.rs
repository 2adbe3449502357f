//! The scheduler with real agents: slots, settings, signals.

use std::collections::BTreeMap;

use rustix::fs::{Mode, OFlags, open};
use rustix::process::Signal;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::Value;

use super::daemon::{Daemon, SCHEDULER, in_state, is_alive, runs, scheduled, takes, until};
use super::fake::Fake;

#[test]
fn every_slot_is_run_once_and_a_second_scheduler_is_told_who_was_first() {
    let fake = Fake::new();
    scheduled(&fake, ("*", "900ms"), "");
    let daemon = Daemon::start(&fake, &[]);
    assert!(until(|| in_state(&fake, "ok").len() >= 4), "{}", daemon.said());
    let second = fake.program(SCHEDULER, &[]).output().expect("it starts");
    assert_eq!(second.status.code(), Some(75));
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    let first = format!("scheduler is already running (fake, pid {})", daemon.pid());
    assert!(said.contains(&first), "{said}");
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.ends(), Some(0));
    let rows = runs(&fake);
    let mut slots: BTreeMap<&str, usize> = BTreeMap::new();
    for row in &rows {
        *slots.entry(row["slot"].as_str().expect("it has a slot")).or_default() += 1;
        assert_eq!(row["trigger"], "scheduler");
    }
    assert!(slots.values().all(|rows| *rows == 1), "{slots:?}");
}

#[test]
fn once_runs_what_is_due_and_ends() {
    let fake = Fake::new();
    scheduled(&fake, ("*/20", "10s"), "");
    let output = fake.program(SCHEDULER, &["--once"]).output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert_eq!(in_state(&fake, "ok").len(), 1, "{said}");
    assert!(said.contains("health-guardian ended with 0"), "{said}");
    let again = fake.program(SCHEDULER, &["--once"]).output().expect("it starts");
    assert_eq!(again.status.code(), Some(0));
    assert!(runs(&fake).len() <= 2, "at most the next slot was due meanwhile");
}

#[test]
fn a_mistake_in_changed_settings_leaves_the_old_ones_in_effect_for_agents_too() {
    let fake = Fake::new();
    scheduled(&fake, ("*", "900ms"), "");
    let daemon = Daemon::start(&fake, &[]);
    assert!(until(|| !in_state(&fake, "ok").is_empty()), "{}", daemon.said());
    let file = fake.path().join("agents.toml");
    let good = std::fs::read_to_string(&file).expect("the settings");
    std::fs::write(&file, format!("{good}\n[agents.nobody]\n")).expect("they are written");
    daemon.signal(Signal::HUP);
    daemon.says("the settings were not taken, the old ones stay in effect");
    daemon.says("nobody");
    assert!(until(|| daemon.beat()["refused"]["why"].is_string()), "{}", daemon.beat());
    // The ledger is asked by settings that can be read, beside the broken file.
    let aside = fake.path().join("good.toml");
    std::fs::write(&aside, &good).expect("they are written");
    let asked = || {
        let arguments = ["--config", aside.to_str().expect("a path"), "runs", "-n", "1000"];
        fake.asked(&arguments).as_array().map_or(0, Vec::len)
    };
    let before = asked();
    assert!(until(|| asked() >= before + 3), "agents go on: {}", daemon.said());
    assert!(!daemon.said().contains("ended with 78"), "{}", daemon.said());

    let changed = good.replace("cron = \"* * * * * *\"", "cron = \"0 0 0 1 1 *\"");
    std::fs::write(&file, changed).expect("they are written");
    daemon.signal(Signal::HUP);
    daemon.says("the settings were read anew; changed: health-guardian");
    assert!(until(|| daemon.beat()["refused"].is_null()), "{}", daemon.beat());
    assert!(until(|| daemon.beat()["working"].as_array().is_some_and(Vec::is_empty)));
    let then = runs(&fake).len();
    std::thread::sleep(std::time::Duration::from_secs(3));
    assert_eq!(runs(&fake).len(), then, "the new schedule is in effect: {}", daemon.said());
}

#[test]
fn settings_that_cannot_be_used_at_the_start_are_refused() {
    let fake = Fake::new();
    fake.instead("host = \"fake\"", "host = \"fake\"\nhots = 1");
    let output = fake.program(SCHEDULER, &[]).output().expect("it starts");
    assert_eq!(output.status.code(), Some(78));
    assert!(String::from_utf8_lossy(&output.stderr).contains("hots"));
}

#[test]
fn what_is_at_work_may_end_when_the_scheduler_is_to_end() {
    let fake = Fake::new();
    scheduled(&fake, ("*", "20s"), "");
    takes(&fake, "3");
    let daemon = Daemon::start(&fake, &[]);
    let agent = daemon.at_work();
    daemon.signal(Signal::TERM);
    daemon.says("1 at work may end first");
    assert!(is_alive(agent));
    assert_eq!(daemon.ends(), Some(0));
    assert!(!is_alive(agent));
    assert_eq!(in_state(&fake, "ok").len(), 1, "{:?}", runs(&fake));
}

#[test]
fn who_says_stop_twice_or_waits_too_long_means_it() {
    for patience in ["60s", "1s"] {
        let fake = Fake::new();
        scheduled(&fake, ("*", "50s"), "");
        takes(&fake, "40");
        let daemon = Daemon::start(&fake, &["--drain", patience]);
        let agent = daemon.at_work();
        assert!(until(|| in_state(&fake, "running").len() == 1));
        daemon.signal(Signal::INT);
        daemon.says("1 at work may end first");
        if patience == "60s" {
            daemon.signal(Signal::INT);
        }
        daemon.says("1 still at work: ended now");
        assert_eq!(daemon.ends(), Some(0));
        assert!(!is_alive(agent));
        let interrupted = in_state(&fake, "interrupted");
        assert_eq!(interrupted.len(), 1, "{patience}: {:?}", runs(&fake));
    }
}

#[test]
fn a_slot_during_a_run_is_skipped_queued_or_replaces_the_run() {
    let met = |overlap: &str| {
        let fake = Fake::new();
        // A run takes longer than the interval: the second slot meets the first one's run.
        scheduled(
            &fake,
            ("*/4", "20s"),
            &format!("overlap = \"{overlap}\"\ncatch_up_within = \"8s\"\n"),
        );
        takes(&fake, "6");
        let daemon = Daemon::start(&fake, &[]);
        let first = daemon.at_work();
        match overlap {
            "skip" => daemon.says("is skipped: the run of"),
            "queue" => daemon.says("it has waited: the run of"),
            _ => assert!(until(|| !is_alive(first) && daemon.at_work() != first)),
        }
        assert!(until(|| runs(&fake).len() >= 2));
        runs(&fake)
    };
    let has = |rows: &[Value], state: &str| rows.iter().any(|row| row["state"] == state);
    assert!(has(&met("skip"), "skipped"));
    let queued = met("queue");
    let waited = |row: &Value| row["why"].as_str().is_some_and(|why| why.contains("it has waited"));
    assert!(queued.iter().any(waited) && !has(&queued, "missed"), "{queued:?}");
    let replaced = met("replace");
    assert!(has(&replaced, "interrupted") && !has(&replaced, "skipped"), "{replaced:?}");
}

#[test]
fn agents_with_a_mutex_in_common_wait_for_each_other() {
    let fake = Fake::new();
    scheduled(&fake, ("*/6", "5s"), "mutex = [\"x\"]\n");
    fake.instead(
        "[agents.ops-reporter.schedule]\ncron = \"0 0 1 1 *\"\n",
        "[agents.ops-reporter.schedule]\nseconds = true\ncron = \"*/6 * * * * *\"\ntimeout = \"5s\"\nmutex = [\"x\"]\n",
    );
    takes(&fake, "2");
    let daemon = Daemon::start(&fake, &[]);
    daemon.says("it has waited: health-guardian runs, and both have a mutex in common");
    assert!(until(|| {
        let rows = in_state(&fake, "ok");
        rows.iter().any(|row| {
            row["agent"] == "ops-reporter"
                && row["why"].as_str().is_some_and(|why| why.contains("health-guardian runs"))
        })
    }));
}

#[test]
fn agents_are_started_when_the_ledger_cannot_be_used_and_that_is_no_sign_of_health() {
    let fake = Fake::new();
    scheduled(&fake, ("*", "900ms"), "");
    let daemon = Daemon::start(&fake, &[]);
    assert!(until(|| !in_state(&fake, "ok").is_empty()), "{}", daemon.said());
    // A folder in its place: not even root can open that as a file.
    let ledger = fake.path().join("state/ops.db");
    std::fs::rename(&ledger, fake.path().join("kept.db")).expect("it is moved");
    std::fs::create_dir(&ledger).expect("it is made");
    daemon.says("the ledger cannot be used, agents are started all the same");
    let starts = || daemon.said().matches("is started for").count();
    let before = starts();
    assert!(until(|| starts() >= before + 2), "{}", daemon.said());
    assert!(until(|| daemon.beat()["blind"].is_string()));
    std::fs::remove_dir(&ledger).expect("it is empty");
    std::fs::rename(fake.path().join("kept.db"), &ledger).expect("it is moved");
    daemon.says("the ledger can be used again");
    assert!(until(|| daemon.beat()["blind"].is_null()));
}

#[test]
fn a_scheduler_at_a_terminal_ends_when_the_terminal_is_closed() {
    let fake = Fake::new();
    scheduled(&fake, ("0", "50s"), "");
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let control = openpt(flags).expect("a terminal");
    grantpt(&control).expect("it is ours");
    unlockpt(&control).expect("it is ours");
    let name = ptsname(&control, Vec::new()).expect("it has a name");
    let other = open(&*name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).expect("it opens");
    let mut command = fake.program(SCHEDULER, &[]);
    command.env("TERM", "xterm");
    let daemon = Daemon::at(&fake, command, Some(other));
    assert!(until(|| daemon.beat()["at"].is_string()));
    // Somebody looks on: then it is as for any daemon.
    daemon.signal(Signal::HUP);
    let now = daemon.beat()["at"].clone();
    assert!(until(|| daemon.beat()["at"] != now), "it goes on");
    drop(control);
    daemon.signal(Signal::HUP);
    assert_eq!(daemon.ends(), Some(0));
}
