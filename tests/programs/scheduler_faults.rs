//! The scheduler when something goes wrong: crashes, freezes, agents that will not end.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use rustix::process::Signal;

use super::daemon::{Daemon, SCHEDULER, in_state, is_alive, runs, scheduled, signal, takes, until};
use super::fake::Fake;
use super::peers::{skip, test_name};
use super::small_disk::SmallDisk;

#[test]
fn a_run_of_a_scheduler_that_crashed_is_adopted_and_its_slot_is_not_run_again() {
    let fake = Fake::new();
    scheduled(&fake, ("*/30", "25s"), "");
    takes(&fake, "4");
    let mut first = Daemon::start(&fake, &[]);
    let agent = first.at_work();
    assert!(until(|| in_state(&fake, "running").len() == 1));
    first.crash();
    assert!(is_alive(agent), "a crash of the scheduler is none of the agent");
    let second = Daemon::start(&fake, &[]);
    second.says("runs since before this scheduler");
    second.says("health-guardian has ended");
    let rows = runs(&fake);
    let slot = &in_state(&fake, "ok")[0]["slot"];
    assert_eq!(rows.iter().filter(|row| row["slot"] == *slot).count(), 1, "{rows:?}");
}

/// Takes one message and answers that it arrived.
fn message(mut stream: std::net::TcpStream) -> String {
    stream.set_nonblocking(false).expect("it is set");
    stream.set_read_timeout(Some(Duration::from_secs(5))).expect("it is set");
    let mut text = String::new();
    let mut buffer = [0; 4096];
    while !text.contains("ended without notice") {
        match stream.read(&mut buffer) {
            Ok(length @ 1..) => text.push_str(&String::from_utf8_lossy(&buffer[..length])),
            _ => break,
        }
    }
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";
    stream.write_all(answer.as_bytes()).expect("it listens");
    text
}

#[test]
fn people_are_told_of_a_scheduler_that_crashed_and_not_of_one_that_was_stopped() {
    let fake = Fake::new();
    scheduled(&fake, ("*/30", "25s"), "");
    let receiver = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let hook = format!("http://{}/hook", receiver.local_addr().expect("it is bound"));
    let start = || {
        let mut command = fake.program(SCHEDULER, &[]);
        command.env("SLACK_WEBHOOK_URL", &hook);
        Daemon::of(&fake, command)
    };
    let looks = |daemon: &Daemon| assert!(until(|| daemon.beat()["at"].is_string()));
    let first = start();
    looks(&first);
    first.signal(Signal::TERM);
    assert_eq!(first.ends(), Some(0));
    let mut second = start();
    looks(&second);
    second.crash();
    let third = start();
    receiver.set_nonblocking(true).expect("it is set");
    let mut told = String::new();
    let arrives = until(|| match receiver.accept() {
        Ok((stream, _)) => {
            told = message(stream);
            true
        }
        Err(_) => false,
    });
    assert!(arrives, "{}", third.said());
    assert!(told.contains("ended without notice") && told.contains("opswarden.service"), "{told}");
}

#[test]
fn a_run_whose_process_is_gone_with_its_scheduler_is_lost_and_the_next_slot_is_run() {
    let fake = Fake::new();
    scheduled(&fake, ("*/5", "4s"), "");
    takes(&fake, "3");
    let mut first = Daemon::start(&fake, &[]);
    let agent = first.at_work();
    assert!(until(|| in_state(&fake, "running").len() == 1));
    first.crash();
    signal(agent, Signal::KILL);
    let second = Daemon::start(&fake, &[]);
    assert!(until(|| in_state(&fake, "lost").len() == 1), "{}: {:?}", second.said(), runs(&fake));
    assert!(until(|| !in_state(&fake, "ok").is_empty()), "{}", second.said());
}

#[test]
fn an_agent_that_was_killed_has_an_end_that_says_so() {
    let fake = Fake::new();
    scheduled(&fake, ("*/30", "25s"), "");
    takes(&fake, "20");
    let daemon = Daemon::start(&fake, &[]);
    let agent = daemon.at_work();
    assert!(until(|| in_state(&fake, "running").len() == 1));
    signal(agent, Signal::KILL);
    daemon.says("health-guardian was killed by signal 9");
    let killed = in_state(&fake, "killed");
    assert_eq!(killed.len(), 1, "{:?}", runs(&fake));
    assert_eq!(killed[0]["exit"], 137);
}

#[test]
fn an_agent_that_is_frozen_is_ended_after_its_deadline_with_all_that_it_started() {
    let fake = Fake::new();
    scheduled(&fake, ("*/30", "2s"), "");
    fake.script_is(
        "status",
        &format!("echo $$ > {}/child; exec sleep 60\n", fake.path().display()),
    );
    let daemon = Daemon::start(&fake, &[]);
    let agent = daemon.at_work();
    let child = fake.path().join("child");
    let number = || std::fs::read_to_string(&child).ok()?.trim().parse::<u32>().ok();
    assert!(until(|| number().is_some()));
    let group = std::fs::read_to_string(format!("/proc/{agent}/cgroup")).expect("it is there");
    if rustix::process::getuid().is_root() && group.lines().any(|line| line.starts_with("0::/")) {
        let own = format!("/opswarden-runs-{}/", daemon.pid());
        assert!(group.contains(&own), "root can make a group for the run: {group}");
    }
    signal(agent, Signal::STOP);
    daemon.says("health-guardian went on after its deadline");
    daemon.says("health-guardian was killed by signal 9");
    assert!(!is_alive(agent) && !is_alive(number().expect("it was written")));
    let ended = in_state(&fake, "timed_out");
    assert_eq!(ended.len(), 1, "{:?}", runs(&fake));
    assert_eq!(ended[0]["exit"], 124);
}

#[test]
fn slots_that_passed_while_the_scheduler_was_frozen_are_missed_and_the_newest_is_run() {
    let fake = Fake::new();
    scheduled(&fake, ("*", "900ms"), "");
    let daemon = Daemon::start(&fake, &[]);
    assert!(until(|| !in_state(&fake, "ok").is_empty()), "{}", daemon.said());
    daemon.signal(Signal::STOP);
    std::thread::sleep(Duration::from_secs(5));
    let before = in_state(&fake, "ok").len();
    daemon.signal(Signal::CONT);
    assert!(until(|| in_state(&fake, "ok").len() >= before + 2), "{}", daemon.said());
    let slots: u64 =
        in_state(&fake, "missed").iter().map(|row| row["slots"].as_u64().expect("it counts")).sum();
    assert!((3..=7).contains(&slots), "{slots} of {:?}", runs(&fake));
}

#[test]
fn a_program_that_cannot_be_started_is_told_and_tried_again_and_its_slots_are_missed() {
    let fake = Fake::new();
    scheduled(&fake, ("*/2", "1500ms"), "");
    let nowhere = fake.path().join("nowhere");
    std::fs::create_dir(&nowhere).expect("it is made");
    let daemon = Daemon::start(&fake, &["--programs", nowhere.to_str().expect("a path")]);
    daemon.says("health-guardian could not be started");
    std::thread::sleep(Duration::from_secs(4));
    drop(daemon);
    let daemon = Daemon::start(&fake, &[]);
    assert!(until(|| !in_state(&fake, "ok").is_empty()), "{}", daemon.said());
    assert!(!in_state(&fake, "missed").is_empty(), "{:?}", runs(&fake));
}

#[test]
fn on_a_full_disk_agents_are_started_all_the_same_and_slots_have_rows_again_when_there_is_room() {
    let fake = Fake::new();
    scheduled(&fake, ("*", "900ms"), "");
    let folder = fake.path().join("small");
    std::fs::create_dir(&folder).expect("a folder");
    fake.instead(
        "[agents.ops-reporter.schedule]",
        "[paths]\nstate = \"small/state\"\nlogs = \"small/logs\"\n[agents.ops-reporter.schedule]",
    );
    let Some(disk) = SmallDisk::mount(&folder) else { return skip(&test_name(), "unshare") };
    let daemon = Daemon::of(&fake, disk.command(&fake, SCHEDULER, &[]));
    let ends = |code: u8| daemon.said().matches(&format!("ended with {code} after")).count();
    assert!(until(|| ends(0) >= 2), "{}", daemon.said());
    disk.fill(0);
    assert!(until(|| ends(2) >= 2), "{}", daemon.said());
    disk.fill(1024 * 1024);
    let before = ends(0);
    assert!(until(|| ends(0) >= before + 3), "{}", daemon.said());
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.ends(), Some(0));
}

#[test]
fn the_service_manager_hears_of_readiness_of_health_and_of_the_end() {
    let fake = Fake::new();
    scheduled(&fake, ("*", "900ms"), "");
    let path = fake.path().join("notify");
    let manager = UnixDatagram::bind(&path).expect("a socket");
    manager.set_read_timeout(Some(Duration::from_millis(100))).expect("it is set");
    let mut command = fake.program(SCHEDULER, &[]);
    command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "30000000");
    let daemon = Daemon::of(&fake, command);
    let mut words_so_far = String::new();
    let mut hears = |words: &str| {
        words_so_far.clear();
        until(|| {
            let mut buffer = [0; 4096];
            if let Ok(length) = manager.recv(&mut buffer) {
                words_so_far.push_str(&String::from_utf8_lossy(&buffer[..length]));
                words_so_far.push('\n');
            }
            words_so_far.contains(words)
        })
    };
    assert!(hears("READY=1"));
    assert!(hears("WATCHDOG=1\nSTATUS="));
    daemon.signal(Signal::HUP);
    assert!(hears("RELOADING=1\nMONOTONIC_USEC="));
    assert!(hears("READY=1"));
    let ledger = fake.path().join("state/ops.db");
    std::fs::rename(&ledger, fake.path().join("kept.db")).expect("it is moved");
    std::fs::create_dir(&ledger).expect("it is made");
    assert!(hears("the ledger cannot be used"));
    // From here on no word is a sign of health.
    let mut buffer = [0; 4096];
    let mut words = 0;
    for _ in 0..20 {
        if let Ok(length) = manager.recv(&mut buffer) {
            words += 1;
            let word = String::from_utf8_lossy(&buffer[..length]).into_owned();
            assert!(!word.contains("WATCHDOG=1"), "{word}");
        }
    }
    assert!(words > 0, "it goes on looking and says so");
    daemon.signal(Signal::TERM);
    assert!(hears("STOPPING=1"));
    assert_eq!(daemon.ends(), Some(0));
}
