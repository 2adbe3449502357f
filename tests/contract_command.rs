//! What the adapter for declared commands promises, proved on real commands and processes.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use opswarden::adapters::command::Commands;
use opswarden::agent::DeclaredProcess;
use opswarden::domain::process::{
    ManagerKind, ProcessReading, ProcessRef, ProcessStatus, Startable,
};
use opswarden::ports::processes::{ActFailure, ProcessControl as _, Processes as _};

fn sh(script: &str) -> Vec<String> {
    ["/bin/sh", "-c", script].into_iter().map(str::to_owned).collect()
}

fn declared(name: &str, status: &str) -> DeclaredProcess {
    DeclaredProcess { name: name.to_owned(), status: sh(status), restart: sh("exit 0"), log: None }
}

fn process(name: &str) -> ProcessRef {
    ProcessRef { manager: ManagerKind::Command, name: name.to_owned(), instance: None }
}

async fn one(declared: DeclaredProcess) -> ProcessReading {
    let scan = Commands::new(vec![declared]).list().await.expect("it is seen");
    assert_eq!(scan.cut_short, None);
    scan.items.into_iter().next().expect("one process")
}

/// A process of our own that is ended with the test.
struct Sleeper(Child);

impl Sleeper {
    #[expect(clippy::disallowed_methods, reason = "tests start the peer that they speak to")]
    fn start() -> Self {
        let child = Command::new("/bin/sleep").arg("1000").stdin(Stdio::null()).spawn();
        Self(child.expect("sleep runs"))
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        let _already_gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

#[tokio::test]
async fn exit_codes_follow_the_convention_of_init_scripts() {
    let cases = [
        (0, ProcessStatus::Online),
        (1, ProcessStatus::Crashed),
        (2, ProcessStatus::Crashed),
        (3, ProcessStatus::Stopped),
    ];
    for (code, status) in cases {
        assert_eq!(one(declared("web", &format!("exit {code}"))).await.status, status, "{code}");
    }
}

#[tokio::test]
async fn one_blind_process_hides_no_other_and_is_named() {
    let mut processes = vec![
        declared("a-unknown", "exit 4"),
        declared("b-killed", "kill -9 $$"),
        declared("well", "echo v1"),
        declared("z-odd", "exit 77"),
    ];
    processes.push(DeclaredProcess {
        status: vec!["/nowhere/status".to_owned()],
        ..declared("c-missing", "")
    });
    let scan = Commands::new(processes).list().await.expect("one is seen");
    assert_eq!(scan.items.len(), 1);
    assert_eq!(scan.items[0].process.to_string(), "command:well");
    let why = scan.cut_short.expect("the list is not whole");
    for name in ["a-unknown", "b-killed", "c-missing", "z-odd"] {
        assert!(why.contains(name), "{name} is not in: {why}");
    }
}

#[tokio::test]
async fn where_every_process_is_blind_the_manager_is() {
    let blind = Commands::new(vec![declared("web", "exit 4")]).list().await;
    assert!(blind.expect_err("nothing is seen").why.contains("`web`"));
}

#[tokio::test]
async fn a_bare_pid_is_made_unmistakable_by_the_kernel() {
    let sleeper = Sleeper::start();
    let reading = one(declared("web", &format!("echo {}; echo more", sleeper.pid()))).await;
    let identity = reading.identity.expect("an identity");
    assert!(identity.starts_with(&format!("{}@", sleeper.pid())), "{identity}");
    assert!(reading.started_at.is_some());
    assert!(reading.memory_bytes.is_some_and(|bytes| bytes > 10_000));
    assert_eq!(reading.memory_limit_bytes, None);
    let word = one(declared("web", "echo build-7")).await;
    assert_eq!(word.identity.as_deref(), Some("build-7"));
    assert_eq!(one(declared("web", "exit 0")).await.identity, None);
}

#[tokio::test]
async fn a_command_that_trusts_a_stale_pid_file_is_not_believed() {
    let mut gone = Sleeper::start();
    let pid = gone.pid();
    gone.0.kill().expect("it is killed");
    // Not waited for: the kernel keeps it as a zombie, to which signals can still be sent.
    let mut dead = one(declared("web", &format!("echo {pid}"))).await;
    for _ in 0..1_000 {
        if dead.status != ProcessStatus::Online {
            break;
        }
        dead = one(declared("web", &format!("echo {pid}"))).await;
    }
    assert_eq!(dead.status, ProcessStatus::Crashed);
    drop(gone);
    let blind = Commands::new(vec![declared("web", &format!("echo {pid}"))]).list().await;
    assert!(blind.expect_err("it contradicts the kernel").why.contains("nothing does"));
}

#[tokio::test]
async fn whether_it_could_start_again_is_told_before_anything_is_done() {
    let startable = async |restart: Vec<String>| {
        one(DeclaredProcess { restart, ..declared("web", "exit 0") }).await.startable
    };
    assert!(matches!(startable(sh("exit 0")).await, Startable::Plausible { .. }));
    assert!(matches!(startable(Vec::new()).await, Startable::Blocked { .. }));
    for missing in ["/nowhere/restart", "/etc/passwd", "/bin", "no-such-program"] {
        let found = startable(vec![missing.to_owned()]).await;
        assert!(matches!(found, Startable::Blocked { .. }), "{missing}");
    }
    let in_path = startable(vec!["sh".to_owned()]).await;
    assert!(matches!(in_path, Startable::Plausible { .. }), "{in_path:?}");
}

#[tokio::test]
async fn a_restart_runs_exactly_the_declared_arguments() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let program = dir.path().join("restart");
    let said = dir.path().join("said");
    let script = format!("#!/bin/sh\nprintf '%s|' \"$@\" > {}\necho done\n", said.display());
    write_program(&program, &script);
    let restart = [program.display().to_string(), "$(id) ; x".to_owned(), "two".to_owned()];
    let web = DeclaredProcess { restart: restart.to_vec(), ..declared("web", "exit 1") };
    let manager = Commands::new(vec![web, declared("other", "exit 0")]);
    let answer = manager.restart(&process("web")).await.expect("it restarts");
    assert!(answer.contains("done"), "{answer}");
    assert_eq!(std::fs::read_to_string(said).expect("it ran"), "$(id) ; x|two|");
}

fn write_program(path: &Path, script: &str) {
    std::fs::write(path, script).expect("it is written");
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(path, mode).expect("it is executable");
}

#[tokio::test]
async fn a_restart_that_is_refused_says_why_without_secrets() {
    let restart = sh("echo one >&2; echo 'no: password=hunter22' >&2; exit 5");
    let manager = Commands::new(vec![DeclaredProcess { restart, ..declared("web", "exit 1") }]);
    let refused = manager.restart(&process("web")).await;
    let why = "its restart command exited with 5: no: password=***".to_owned();
    assert_eq!(refused, Err(ActFailure::Refused(why)));
}

#[tokio::test]
async fn a_restart_whose_end_is_not_known_is_unknown() {
    let restart = sh("kill -9 $$");
    let manager = Commands::new(vec![DeclaredProcess { restart, ..declared("web", "exit 1") }]);
    assert!(matches!(manager.restart(&process("web")).await, Err(ActFailure::Unknown(_))));
}

#[tokio::test]
async fn what_is_not_declared_or_cannot_be_done_is_refused() {
    let bare = DeclaredProcess { restart: Vec::new(), ..declared("bare", "exit 0") };
    let manager = Commands::new(vec![bare]);
    let instance = ProcessRef { instance: Some(0), ..process("bare") };
    for target in [process("gone"), process("bare"), instance] {
        let refused = manager.restart(&target).await;
        assert!(matches!(refused, Err(ActFailure::Refused(_))), "{target}");
    }
    assert!(matches!(manager.reload(&process("bare")).await, Err(ActFailure::Refused(_))));
}

#[tokio::test]
async fn the_newest_part_of_the_declared_log_is_read() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let log = dir.path().join("log");
    std::fs::write(&log, "old line\n".repeat(1_000) + "last line\n").expect("it is written");
    let web = DeclaredProcess { log: Some(log.display().to_string()), ..declared("web", "exit 1") };
    let manager = Commands::new(vec![web.clone()]);
    let reading = one(web).await;
    let tail = manager.log_tail(&reading, 100).await.expect("it is read");
    assert!(tail.ends_with("last line\n") && tail.len() <= 100);
    let none = one(declared("bare", "exit 1")).await;
    assert!(manager.log_tail(&none, 100).await.is_err());
}
