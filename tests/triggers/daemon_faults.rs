//! The daemon under a real systemd when it is killed, frozen, without its ledger, or given settings with a mistake.

use super::daemon::{Stage, UNIT, every};

#[test]
fn a_daemon_that_is_killed_is_started_again_and_no_slot_is_run_twice() {
    let look = "sleep 1.7\necho start-1\n";
    let Some(stage) = Stage::boot(&every("*/3", "2900ms"), look, "") else { return };
    stage.start();
    for times in 1..=2 {
        stage.at_work();
        let main = stage.shows("MainPID");
        stage.kill("KILL");
        stage.machine.awaits("the restart", || stage.shows("NRestarts") == times.to_string());
        stage.machine.awaits("it is active", || stage.shows("ActiveState") == "active");
        assert_ne!(stage.shows("MainPID"), main);
        stage.goes_on(1);
    }
    stage.assert_orderly(3);
    assert!(stage.in_state("lost") >= 1, "its runs were ended with it: {:#?}", stage.runs());
    let group = format!("/sys/fs/cgroup/system.slice/{UNIT}");
    let groups =
        stage.machine.do_it(&["find", &group, "-mindepth", "1", "-name", "opswarden-runs-*"]);
    let own = format!("opswarden-runs-{}", stage.shows("MainPID"));
    assert!(groups.lines().count() == 1 && groups.trim_end().ends_with(&own), "{groups}");
}

#[test]
fn a_daemon_that_is_frozen_is_started_again_by_the_watchdog() {
    let settings = every("*", "900ms");
    let Some(stage) = Stage::boot(&settings, "echo start-1\n", "WatchdogSec=2") else { return };
    stage.start();
    stage.goes_on(4);
    assert_eq!(stage.shows("NRestarts"), "0", "a healthy one is left alone");
    stage.kill("STOP");
    stage.machine.awaits("the watchdog", || stage.shows("NRestarts") == "1");
    stage.machine.awaits("it is active", || stage.shows("ActiveState") == "active");
    stage.goes_on(2);
    stage.assert_orderly(1);
}

#[test]
fn a_daemon_that_cannot_read_its_ledger_is_no_healthy_one() {
    let settings = every("*", "900ms");
    let Some(stage) = Stage::boot(&settings, "echo start-1\n", "WatchdogSec=3") else { return };
    stage.start();
    stage.goes_on(2);
    let machine = &stage.machine;
    // A folder in its place: not even root can open that as a file.
    let ledger = "/var/lib/opswarden/ops.db";
    machine.do_it(&["mv", ledger, "/srv/kept.db"]);
    machine.do_it(&["mkdir", ledger]);
    let says = || stage.shows("StatusText").contains("the ledger cannot be used");
    machine.awaits("its state", says);
    machine.awaits("the watchdog", || stage.shows("NRestarts") != "0");
    machine.do_it(&["rmdir", ledger]);
    machine.do_it(&["mv", "/srv/kept.db", ledger]);
    stage.goes_on(2);
    let restarts = stage.shows("NRestarts");
    stage.goes_on(4);
    assert_eq!(stage.shows("NRestarts"), restarts, "it is healthy again");
    super::systemd::slots(&stage.runs());
}

#[test]
fn a_reload_of_settings_with_a_mistake_is_refused_and_everybody_can_see_it() {
    let settings = every("*/2", "1900ms");
    let Some(stage) = Stage::boot(&settings, "echo start-1\n", "") else { return };
    stage.start();
    stage.goes_on(1);
    let (machine, main) = (&stage.machine, stage.shows("MainPID"));
    machine.put("/etc/opswarden/agents.toml", &format!("hots = 1\n{settings}"));
    assert!(!machine.systemctl(&["reload", UNIT]), "whoever asked for it is told");
    let refused = || stage.shows("StatusText").contains("changed settings were refused");
    machine.awaits("its state", refused);
    let shown = machine.do_it(&["systemctl", "status", "--no-pager", UNIT]);
    assert!(shown.contains("changed settings were refused"), "{shown}");
    assert_eq!(stage.shows("ActiveState"), "active");
    machine.awaits("the journal", || machine.journal().contains("hots"));
    let before = stage.beat();
    let why = before["refused"]["why"].as_str().unwrap_or_default().to_owned();
    assert!(why.contains("hots"), "{before:#}");
    let ends = || machine.journal().matches("health-guardian ended with 0").count();
    let before = ends();
    machine.awaits("agents by the old settings", || ends() >= before + 2);

    machine.put("/etc/opswarden/agents.toml", &settings);
    machine.do_it(&["systemctl", "reload", UNIT]);
    machine.awaits("its state", || !refused());
    stage.goes_on(1);
    assert_eq!((stage.shows("MainPID"), stage.shows("NRestarts")), (main, "0".to_owned()));
    stage.assert_orderly(2);
    assert!(!machine.journal().contains("ended with 78"), "{}", machine.journal());
}
