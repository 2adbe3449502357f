//! The end of the daemon under a real systemd: it drains, leaves nothing behind, and is not started again where that is in vain.

use std::time::Duration;

use super::daemon::{Stage, UNIT, every};
use super::machine::FOLDER;

/// Longer than the pause before a restart.
const A_RESTART: Duration = Duration::from_secs(4);
/// A service of the system that a test makes of the daemon's unit.
const TWIN: &str = "twin.service";

#[test]
fn a_stop_lets_the_run_at_work_end_and_leaves_nothing_behind() {
    // It also leaves a process of its own behind, in a session of its own.
    let look = "setsid -f sleep 777 < /dev/null > /dev/null 2>&1\nsleep 2\necho start-1\n";
    let Some(stage) = Stage::boot(&every("*/5", "4500ms"), look, "") else { return };
    let left = || {
        let found = stage.machine.systemd.run(&["pgrep", "-f", "sleep 777"]);
        String::from_utf8_lossy(&found.stdout).split_whitespace().count()
    };
    stage.start();
    for times in 1..=2 {
        stage.at_work();
        let before = stage.in_state("ok");
        assert!(left() >= 1, "it has begun");
        let word = if times == 1 { "restart" } else { "stop" };
        stage.machine.do_it(&["systemctl", word, UNIT]);
        let runs = stage.runs();
        assert_eq!(
            stage.in_state("ok"),
            before + 1,
            "{word}: {runs:#?}\n{}",
            stage.machine.journal()
        );
    }
    assert_eq!(stage.shows("ActiveState"), "inactive");
    assert_eq!(stage.shows("Result"), "success");
    assert_eq!(left(), 0);
    let group = format!("/sys/fs/cgroup/system.slice/{UNIT}");
    assert!(!stage.machine.systemd.path(&group).exists(), "its control group is gone");
    assert!(stage.beat().is_null(), "nothing is expected of it: {:#}", stage.beat());
    stage.assert_orderly(5);
    assert_eq!(stage.machine.read("/srv/messages"), "", "nobody is told of an end in order");
}

#[test]
fn a_second_daemon_is_told_who_was_first_and_is_not_tried_again() {
    let settings = every("*", "900ms");
    let Some(stage) = Stage::boot(&settings, "echo start-1\n", "") else { return };
    let machine = &stage.machine;
    stage.start();
    stage.goes_on(1);
    let first = format!("scheduler is already running (host-a, pid {})", stage.shows("MainPID"));
    let scheduler = format!("{FOLDER}/scheduler");
    let by_hand = [scheduler.as_str(), "--config", "/etc/opswarden/agents.toml"];
    for user in [&[][..], &["runuser", "-u", "opswarden", "--"]] {
        let output = machine.systemd.run(&[user, &by_hand].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(75), "{user:?}: {said}");
        assert!(said.contains(&first), "{user:?}: {said}");
    }
    let place = "/etc/systemd/system";
    machine.do_it(&["cp", &format!("{place}/{UNIT}"), &format!("{place}/{TWIN}")]);
    machine.do_it(&["systemctl", "daemon-reload"]);
    assert!(!machine.systemctl(&["start", TWIN]), "it says at once that it does not run");
    std::thread::sleep(A_RESTART);
    let shows = |property| machine.shows(TWIN, property);
    assert_eq!((shows("ExecMainStatus"), shows("NRestarts")), ("75".to_owned(), "0".to_owned()));
    assert_eq!(shows("ActiveState"), "failed");
    stage.goes_on(1);
    assert_eq!(stage.shows("NRestarts"), "0");
    stage.assert_orderly(1);
}

#[test]
fn settings_that_cannot_be_read_at_the_start_are_told_and_not_tried_again() {
    let settings = every("*", "900ms");
    let Some(stage) = Stage::boot(&settings, "echo start-1\n", "") else { return };
    let machine = &stage.machine;
    // A channel that settings name is gone with them; one that the environment gives is not.
    machine.put("/etc/opswarden/credentials/slack_webhook_url", "http://127.0.0.1:8099/slack");
    machine.put("/etc/opswarden/agents.toml", "hots = 1\n");
    assert!(!machine.systemctl(&["start", UNIT]));
    std::thread::sleep(A_RESTART);
    assert_eq!(
        (stage.shows("ExecMainStatus"), stage.shows("NRestarts")),
        ("78".to_owned(), "0".to_owned())
    );
    machine.awaits("a message", || machine.messages_with("exit code 78") >= 1);
    assert_eq!(machine.messages_with("exit code 78"), 1, "{}", machine.read("/srv/messages"));
    assert!(machine.messages_with("hots") >= 1, "{}", machine.read("/srv/messages"));
    machine.put("/etc/opswarden/agents.toml", &settings);
    stage.start();
    stage.goes_on(1);
}
