//! Real processes that try to get away from the run that started them.
//!
//! What is handed to this process when its parent goes away is taken for a part of the one run at work: so there is one test at
//! a time, in whatever way they are run.
#![expect(clippy::unwrap_used, reason = "a stage that cannot be set ends the test")]

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use opswarden::adapters::agent_process::{AgentProcesses, end_holder, is_run};
use opswarden::adapters::system_clock::SystemClock;
use opswarden::domain::incident::RunId;
use opswarden::domain::subject::AgentName;
use opswarden::ports::clock::Clock as _;
use opswarden::ports::runner::{How, Order, Runner as _, Started};
use tokio::sync::{Mutex, MutexGuard};

const GRACE: Duration = Duration::from_millis(300);

static ALONE: Mutex<()> = Mutex::const_new(());

/// A folder with one program: a shell script in the place of an agent.
struct Stage {
    folder: tempfile::TempDir,
    runner: AgentProcesses,
    _alone: Option<MutexGuard<'static, ()>>,
}

impl Stage {
    async fn with(script: &str) -> Self {
        Self { _alone: Some(ALONE.lock().await), ..Self::beside(script) }
    }

    /// One more on the same stage.
    fn beside(script: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("agent");
        let text = format!("#!/bin/sh\ncd {}\n{script}\n", folder.path().display());
        std::fs::write(&program, text).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let clock = Arc::new(SystemClock::new());
        let runner = AgentProcesses::new(folder.path(), GRACE, BTreeMap::new(), clock);
        Self { folder, runner, _alone: None }
    }

    fn start(&self, run: &str) -> Started {
        let variables = BTreeMap::from([("OPS_SLOT".to_owned(), "now".to_owned())]);
        let agent = AgentName::of("agent");
        self.runner.start(&Order { agent, run: RunId(run.to_owned()), variables }).unwrap()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The number that a script wrote into a file.
    async fn pid(&self, name: &str) -> u32 {
        let file = self.file(name);
        assert!(until(|| read(&file).is_some()).await, "{name} is written");
        read(&file).unwrap()
    }
}

fn read(file: &Path) -> Option<u32> {
    std::fs::read_to_string(file).ok()?.trim().parse().ok()
}

async fn until(mut holds: impl FnMut() -> bool) -> bool {
    let clock = SystemClock::new();
    for _ in 0..1_000 {
        if holds() {
            return true;
        }
        clock.sleep(Duration::from_millis(5)).await;
    }
    false
}

/// The letter by which the kernel tells what a process does.
fn state(pid: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(stat.rsplit_once(')')?.1.split_whitespace().next()?.to_owned())
}

fn is_alive(pid: u32) -> bool {
    state(pid).is_some_and(|state| !"ZX".contains(&state))
}

/// Stops a run whose script wrote the pid of the one that gets away into `escaped`, and looks whether that one is gone.
async fn nothing_gets_away(script: &str) {
    let stage = Stage::with(script).await;
    let run = format!("run-{}", uuid::Uuid::now_v7());
    let started = stage.start(&run);
    let escaped = stage.pid("escaped").await;
    assert!(is_alive(escaped), "it lives until the run is stopped");
    (started.stop)();
    let ended = started.ended.await;
    assert!(ended.stopped);
    assert_eq!(ended.left, Vec::<u32>::new());
    assert!(!is_alive(escaped) && !is_alive(started.pid), "{ended:?}");
}

#[tokio::test]
async fn a_child_in_the_background_ends_with_its_run() {
    nothing_gets_away("sleep 300 & echo $! > escaped; wait").await;
}

#[tokio::test]
async fn a_child_in_a_session_of_its_own_ends_with_its_run() {
    nothing_gets_away("setsid sh -c 'echo $$ > escaped; exec sleep 300' & wait").await;
}

#[tokio::test]
async fn a_daemon_that_forked_twice_ends_with_its_run() {
    nothing_gets_away(
        "setsid sh -c 'sh -c \"echo \\$\\$ > escaped; exec sleep 300\" & exit' ; sleep 300",
    )
    .await;
}

#[tokio::test]
async fn a_daemon_without_the_environment_ends_with_its_run() {
    nothing_gets_away(
        "setsid env -i sh -c 'sh -c \"echo \\$\\$ > escaped; exec sleep 300\" & exit' ; sleep 300",
    )
    .await;
}

#[tokio::test]
async fn who_ignores_the_request_to_stop_is_killed() {
    nothing_gets_away("trap '' TERM; echo $$ > escaped; while :; do sleep 0.05; done").await;
}

#[tokio::test]
async fn who_is_frozen_is_killed() {
    nothing_gets_away("echo $$ > escaped; kill -STOP $$").await;
}

#[tokio::test]
async fn who_stops_when_asked_has_its_own_code_and_words() {
    let stage = Stage::with(
        "trap 'echo stopped in order; exit 7' TERM; echo $$ > up; while :; do sleep 0.02; done",
    )
    .await;
    let started = stage.start("run-ordered");
    stage.pid("up").await;
    (started.stop)();
    let ended = started.ended.await;
    assert_eq!(ended.how, How::Exited(7));
    assert!(ended.printed.contains("stopped in order\n"), "{}", ended.printed);
}

#[tokio::test]
async fn what_is_left_behind_on_purpose_lives_on_and_does_not_hold_the_run_open() {
    let stage = Stage::with("sleep 300 & echo $! > left; echo done; exit 1").await;
    let ended = stage.start("run-left").ended.await;
    assert_eq!((ended.how, ended.stopped), (How::Exited(1), false));
    assert_eq!(ended.printed, "done\n");
    let left = stage.pid("left").await;
    assert!(is_alive(left), "a service that an agent started goes on");
    end_holder(left, GRACE, &SystemClock::new()).await;
    assert!(
        until(|| {
            stage.runner.tidy();
            state(left).is_none()
        })
        .await
    );
}

#[tokio::test]
async fn a_run_is_told_its_order_and_nothing_of_our_own_service() {
    let stage = Stage::with("echo $OPS_RUN_ID $OPS_SLOT [$WATCHDOG_USEC] $@").await;
    let ended = stage.start("run-told").ended.await;
    assert_eq!(ended.printed, "run-told now [] --if-due --trigger scheduler\n");
}

#[tokio::test]
async fn a_program_that_is_not_there_says_so() {
    let stage = Stage::with("").await;
    let agent = AgentName::of("nobody");
    let order = Order { agent, run: RunId("r".to_owned()), variables: BTreeMap::new() };
    let why = stage.runner.start(&order).err().unwrap();
    assert!(why.contains("nobody cannot be started"), "{why}");
}

#[tokio::test]
async fn a_run_of_a_scheduler_that_is_gone_is_adopted_by_its_id_and_not_by_its_number() {
    let stage = Stage::with("echo $$ > up; exec sleep 300").await;
    let first = stage.start("run-adopted");
    let pid = stage.pid("up").await;
    let other = Stage::beside("");
    // Between two programs a process has no environment for a moment.
    let comm = || std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    assert!(until(|| comm().trim() == "sleep" && is_run(pid, "run-adopted")).await);
    assert!(other.runner.adopt(&RunId("run-other".to_owned()), pid).is_none());
    let adopted = other.runner.adopt(&RunId("run-adopted".to_owned()), pid).unwrap();
    (adopted.stop)();
    let ended = adopted.ended.await;
    assert_eq!((ended.how, ended.left), (How::Unseen, Vec::new()));
    // Here, and only here, both are of one process: whoever buries it first learns of its end.
    first.ended.await;
    assert!(!is_alive(pid));
}
