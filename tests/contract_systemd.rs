//! What the systemd adapter promises, proved on a real systemd.

use std::time::Duration;

use opswarden::adapters::systemd::Systemd;
use opswarden::domain::process::{
    ManagerKind, ProcessReading, ProcessRef, ProcessStatus, Startable,
};
use opswarden::ports::processes::{ActFailure, ProcessControl as _, Processes as _};
use peers_systemd::PrivateSystemd;

#[path = "support/peers.rs"]
mod peers;
#[path = "support/peers_systemd.rs"]
mod peers_systemd;

const STEADY: &str = "[Unit]\nDefaultDependencies=no\n\
    [Service]\nExecStart=/bin/sh -c 'echo ready; exec sleep 1000'\n";
const BESIDE: &str = "[Unit]\nDefaultDependencies=no\n[Service]\nExecStart=/bin/sleep 1000\n";
const ONCE: &str = "[Unit]\nDefaultDependencies=no\n\
    [Service]\nExecStart=/bin/sh -c 'test -e /run/well && exec sleep 1000; exit 3'\n";
const STORM: &str = "[Unit]\nDefaultDependencies=no\nStartLimitBurst=2\nStartLimitIntervalSec=600\n\
    [Service]\nRestart=always\nRestartSec=50ms\n\
    ExecStart=/bin/sh -c 'test -e /run/well && exec sleep 1000; exit 4'\n";
const WAITS: &str = "[Unit]\nDefaultDependencies=no\n\
    [Service]\nRestart=always\nRestartSec=600\n\
    ExecStart=/bin/sh -c 'test -e /run/well && exec sleep 1000; exit 5'\n";
const BROKEN: &str = "[Unit]\nDefaultDependencies=no\n[Service]\nExecStart=/nowhere/program\n";
/// Answers a stop with an error, as every plain Java program does.
const RUDE: &str = "[Unit]\nDefaultDependencies=no\n\
    [Service]\nExecStart=/bin/sh -c 'trap \"exit 143\" TERM; while :; do sleep 0.1; done'\n";
const RUDE_AND_RESTARTED: &str = "[Unit]\nDefaultDependencies=no\n\
    [Service]\nRestart=always\nRestartSec=50ms\n\
    ExecStart=/bin/sh -c 'trap \"exit 143\" TERM; while :; do sleep 0.1; done'\n";
/// Tells systemd when it is ready, and is started again by it.
const NOTIFIES: &str = "[Unit]\nDefaultDependencies=no\nStartLimitBurst=2\nStartLimitIntervalSec=600\n\
    [Service]\nType=notify\nNotifyAccess=all\nRestart=always\nRestartSec=50ms\n\
    ExecStart=/bin/sh -c 'test -e /run/well || exit 7; systemd-notify --ready; exec sleep 1000'\n";
/// Promises a sign of life every second, and gives none.
const SILENT: &str = "[Unit]\nDefaultDependencies=no\n\
    [Service]\nType=notify\nNotifyAccess=all\nWatchdogSec=1\n\
    ExecStart=/bin/sh -c 'systemd-notify --ready; exec sleep 1000'\n";
const NEVER_READY: &str = "[Unit]\nDefaultDependencies=no\n\
    [Service]\nType=oneshot\nExecStart=/bin/sh -c 'exit 6'\n";

fn boot() -> Option<PrivateSystemd> {
    PrivateSystemd::boot(&[
        ("steady.service", STEADY),
        ("beside.service", BESIDE),
        ("once.service", ONCE),
        ("storm.service", STORM),
        ("waits.service", WAITS),
        ("broken.service", BROKEN),
        ("never.service", NEVER_READY),
        ("rude.service", RUDE),
        ("rude-restarted.service", RUDE_AND_RESTARTED),
        ("notifies.service", NOTIFIES),
        ("silent.service", SILENT),
        // An empty file masks a unit.
        ("masked.service", ""),
    ])
}

fn adapter(systemd: &PrivateSystemd, units: &[&str]) -> Systemd {
    let units = units.iter().map(|unit| (*unit).to_owned()).collect();
    Systemd::new(systemd.systemctl_prefix(), systemd.journalctl_prefix(), units)
}

fn unit(name: &str) -> ProcessRef {
    ProcessRef { manager: ManagerKind::Systemd, name: name.to_owned(), instance: None }
}

async fn read(manager: &Systemd, name: &str) -> ProcessReading {
    let scan = manager.list().await.expect("systemd is seen");
    assert_eq!(scan.cut_short, None);
    let found = scan.items.iter().find(|reading| reading.process.name == name);
    found.unwrap_or_else(|| panic!("{name} is not in {scan:#?}")).clone()
}

async fn until_status(manager: &Systemd, name: &str, status: ProcessStatus) -> ProcessReading {
    let mut last = None;
    for _ in 0..400 {
        let reading = read(manager, name).await;
        if reading.status == status {
            return reading;
        }
        last = Some(reading);
        pause().await;
    }
    panic!("{name} never became {}: {last:#?}", status.as_str());
}

#[expect(clippy::disallowed_methods, reason = "a real peer takes its time")]
async fn pause() {
    tokio::time::sleep(Duration::from_millis(25)).await;
}

fn make_well(systemd: &PrivateSystemd) {
    inside(systemd, &["touch", "/run/well"]);
}

fn inside(systemd: &PrivateSystemd, words: &[&str]) {
    let argv = systemd.enter();
    #[expect(clippy::disallowed_methods, reason = "tests start the peer that they speak to")]
    let mut command = std::process::Command::new(&argv[0]);
    let status = command.args(&argv[1..]).args(words).status();
    assert!(status.expect("it runs").success(), "{words:?}");
}

#[tokio::test]
async fn only_the_named_unit_is_restarted_and_its_identity_changes() {
    let Some(systemd) = boot() else { return };
    let manager = adapter(&systemd, &["steady.service", "beside.service", "gone.service"]);
    systemd.systemctl(&["start", "steady.service", "beside.service"]);
    let before = until_status(&manager, "steady.service", ProcessStatus::Online).await;
    let beside = read(&manager, "beside.service").await;
    assert!(before.identity.is_some() && before.identity != beside.identity);
    assert!(before.started_at.is_some());
    assert!(matches!(before.startable, Startable::Plausible { .. }), "{:?}", before.startable);
    let listed = manager.list().await.expect("systemd is seen").items.len();
    assert_eq!(listed, 2, "a unit that systemd does not know is absent");
    manager.restart(&unit("steady.service")).await.expect("it restarts");
    let after = until_status(&manager, "steady.service", ProcessStatus::Online).await;
    assert_ne!(after.identity, before.identity);
    assert_eq!(read(&manager, "beside.service").await.identity, beside.identity);
    let log = manager.log_tail(&after, 1_000).await.expect("its journal is read");
    assert!(log.contains("ready") && log.len() <= 1_000, "{log}");
}

#[tokio::test]
async fn a_unit_that_nobody_will_start_again_is_started() {
    let Some(systemd) = boot() else { return };
    let cases = [
        ("once.service", ProcessStatus::Crashed, "exit code 3"),
        ("storm.service", ProcessStatus::Errored, "exit code 4"),
        ("waits.service", ProcessStatus::WaitingRestart, "exit code 5"),
    ];
    let manager = adapter(&systemd, &cases.map(|(name, ..)| name));
    let mut before = Vec::new();
    for (name, status, exit) in cases {
        systemd.systemctl(&["start", name]);
        let reading = until_status(&manager, name, status).await;
        let last = reading.last_exit.clone().unwrap_or_default();
        assert!(last.starts_with(exit), "{name}: {last}");
        before.push(reading);
    }
    make_well(&systemd);
    for (reading, (name, ..)) in before.iter().zip(cases) {
        manager.restart(&unit(name)).await.unwrap_or_else(|why| panic!("{name}: {why}"));
        let after = until_status(&manager, name, ProcessStatus::Online).await;
        assert_ne!(after.identity, reading.identity, "{name}");
    }
}

#[tokio::test]
async fn a_stopped_unit_is_stopped_and_a_masked_one_is_blocked() {
    let Some(systemd) = boot() else { return };
    let units = ["steady.service", "beside.service", "broken.service", "masked.service"];
    let manager = adapter(&systemd, &units);
    systemd.systemctl(&["start", "steady.service", "beside.service"]);
    systemd.systemctl(&["stop", "steady.service"]);
    let stopped = read(&manager, "steady.service").await;
    assert_eq!(stopped.status, ProcessStatus::Stopped);
    systemd.systemctl(&["kill", "--signal=KILL", "beside.service"]);
    let killed = until_status(&manager, "beside.service", ProcessStatus::Crashed).await;
    assert_eq!(killed.last_exit.as_deref(), Some("signal 9 (signal)"));
    let broken = read(&manager, "broken.service").await;
    assert!(matches!(broken.startable, Startable::Blocked { .. }), "{:?}", broken.startable);
    let masked = read(&manager, "masked.service").await;
    assert_eq!(masked.status, ProcessStatus::Stopped);
    assert_eq!(masked.startable, Startable::Blocked { why: "its unit is masked".to_owned() });
}

#[tokio::test]
async fn a_unit_that_answers_a_stop_with_an_error_was_stopped_all_the_same() {
    let Some(systemd) = boot() else { return };
    let units = ["rude.service", "rude-restarted.service"];
    let manager = adapter(&systemd, &units);
    systemd.systemctl(&["start", units[0], units[1]]);
    // One of them was started again by systemd before.
    systemd.systemctl(&["kill", "--signal=KILL", units[1]]);
    for name in units {
        until_status(&manager, name, ProcessStatus::Online).await;
        systemd.systemctl(&["stop", name]);
        let stopped = read(&manager, name).await;
        assert_eq!(stopped.status, ProcessStatus::Stopped, "{name}");
    }
    systemd.systemctl(&["reset-failed"]);
    systemd.systemctl(&["start", "rude.service"]);
    systemd.systemctl(&["kill", "--signal=KILL", "rude.service"]);
    until_status(&manager, "rude.service", ProcessStatus::Crashed).await;
}

#[tokio::test]
async fn a_unit_that_systemd_itself_ended_was_not_stopped_by_anybody() {
    let Some(systemd) = boot() else { return };
    let manager = adapter(&systemd, &["notifies.service", "silent.service"]);
    make_well(&systemd);
    systemd.systemctl(&["start", "notifies.service", "silent.service"]);
    until_status(&manager, "notifies.service", ProcessStatus::Online).await;
    // Its next starts never get as far as being active: systemd remembers when it left that state in its earlier life.
    inside(&systemd, &["rm", "/run/well"]);
    systemd.systemctl(&["kill", "--signal=KILL", "notifies.service"]);
    until_status(&manager, "notifies.service", ProcessStatus::Errored).await;
    let silent = until_status(&manager, "silent.service", ProcessStatus::Crashed).await;
    assert!(silent.last_exit.as_ref().is_some_and(|exit| exit.contains("watchdog")), "{silent:?}");
}

#[tokio::test]
async fn a_start_that_fails_is_told_apart_from_a_refusal() {
    let Some(systemd) = boot() else { return };
    let manager = adapter(&systemd, &["never.service", "gone.service"]);
    let failed = manager.restart(&unit("never.service")).await;
    assert!(matches!(failed, Err(ActFailure::Unknown(_))), "{failed:?}");
    for name in ["gone.service", "steady.service"] {
        let refused = manager.restart(&unit(name)).await;
        assert!(matches!(refused, Err(ActFailure::Refused(_))), "{name}: {refused:?}");
    }
    let reload = manager.reload(&unit("never.service")).await;
    assert!(matches!(reload, Err(ActFailure::Refused(_))), "{reload:?}");
}

#[tokio::test]
async fn a_machine_without_systemd_is_blind() {
    let units = vec!["steady.service".to_owned()];
    let nobody = Systemd::new(vec!["/nowhere".to_owned()], vec!["/nowhere".to_owned()], units);
    let blind = nobody.list().await.expect_err("nobody answers");
    assert!(blind.why.contains("/nowhere"), "{blind}");
}
