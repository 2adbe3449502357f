//! Ends of the daemon under a real systemd are told to people, by the next start: nobody else is left to tell.

use super::daemon::{Stage, UNIT, every};

const FAILED: &str = "opswarden.service failed";

#[test]
fn ends_that_are_no_good_are_told_once_an_hour() {
    let Some(stage) = Stage::boot(&every("*/2", "1900ms"), "echo start-1\n", "") else { return };
    stage.start();
    for times in 1..=2 {
        stage.kill("KILL");
        stage.machine.awaits("the restart", || stage.shows("NRestarts") == times.to_string());
        stage.machine.awaits("it is active", || stage.shows("ActiveState") == "active");
    }
    stage.machine.awaits("a message", || stage.machine.messages_with(FAILED) >= 1);
    let told = stage.machine.read("/srv/messages");
    assert_eq!(told.matches(FAILED).count(), 1, "once an hour: {told}");
    assert!(told.contains("ended without notice"), "{told}");
}

#[test]
fn a_daemon_that_cannot_begin_is_told_of_as_well() {
    let Some(stage) = Stage::boot(&every("*/2", "1900ms"), "echo start-1\n", "") else { return };
    // A file in the place of its folder: it has no way to be the only one.
    stage.machine.do_it(&["install", "-d", "-o", "opswarden", "/var/lib/opswarden"]);
    stage.machine.put("/var/lib/opswarden/locks", "");
    assert!(!stage.machine.systemctl(&["start", UNIT]), "it says at once that it does not run");
    stage.machine.awaits("it is tried again", || stage.shows("NRestarts") == "2");
    stage.machine.awaits("a message", || stage.machine.messages_with(FAILED) >= 1);
    stage.machine.do_it(&["rm", "/var/lib/opswarden/locks"]);
    stage.machine.awaits("it is active", || stage.shows("ActiveState") == "active");
    stage.goes_on(1);
}
