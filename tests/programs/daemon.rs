//! A scheduler on a stage: started with real agents, told by real signals, and looked at from outside.

use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::fake::Fake;

pub(crate) const SCHEDULER: &str = env!("CARGO_BIN_EXE_scheduler");

static NUMBER: AtomicUsize = AtomicUsize::new(0);

/// A scheduler at work; ended with everything that it started when it is dropped.
pub(crate) struct Daemon {
    child: Child,
    said: PathBuf,
    state: PathBuf,
}

/// Agents that come every second or so: health-guardian with these settings, and nothing else.
pub(crate) fn scheduled(fake: &Fake, (seconds, timeout): (&str, &str), more: &str) {
    let never = "[agents.ops-reporter.schedule]\ncron = \"0 0 1 1 *\"\n";
    let schedule = format!(
        "{never}[agents.health-guardian.schedule]\nseconds = true\ncron = \"{seconds} * * * * *\"\n\
         timeout = \"{timeout}\"\n{more}[agents.health-guardian.policy]"
    );
    fake.instead("[agents.health-guardian.policy]", &schedule);
}

/// The agent takes so long for each of its runs.
pub(crate) fn takes(fake: &Fake, seconds: &str) {
    fake.script_is("status", &format!("sleep {seconds}\necho start-1\n"));
}

pub(crate) fn signal(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(pid).expect("a pid")).expect("a pid");
    kill_process(pid, signal).expect("the process is there");
}

/// Whether something holds within a time that no healthy machine needs.
pub(crate) fn until(mut holds: impl FnMut() -> bool) -> bool {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(40) {
        if holds() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    false
}

pub(crate) fn is_alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with(['Z', 'X']))
}

/// Every row of a run, newest first.
pub(crate) fn runs(fake: &Fake) -> Vec<Value> {
    fake.asked(&["runs", "-n", "1000"]).as_array().expect("a list").clone()
}

pub(crate) fn in_state(fake: &Fake, state: &str) -> Vec<Value> {
    runs(fake).into_iter().filter(|row| row["state"] == state).collect()
}

impl Daemon {
    pub(crate) fn start(fake: &Fake, arguments: &[&str]) -> Self {
        Self::of(fake, fake.program(SCHEDULER, arguments))
    }

    /// The same from a command line with an environment of its own.
    pub(crate) fn of(fake: &Fake, command: Command) -> Self {
        Self::at(fake, command, None)
    }

    /// The same at a terminal, if there is one.
    pub(crate) fn at(fake: &Fake, mut command: Command, terminal: Option<OwnedFd>) -> Self {
        let said =
            fake.path().join(format!("scheduler-{}.err", NUMBER.fetch_add(1, Ordering::Relaxed)));
        let file = std::fs::File::create(&said).expect("it is created");
        let stderr = terminal.map_or_else(|| Stdio::from(file), Stdio::from);
        command.stdout(Stdio::null()).stderr(stderr).process_group(0);
        let child = command.spawn().expect("the scheduler starts");
        Self { child, said, state: fake.path().join("state/scheduler.json") }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn said(&self) -> String {
        std::fs::read_to_string(&self.said).unwrap_or_default()
    }

    pub(crate) fn says(&self, words: &str) {
        assert!(until(|| self.said().contains(words)), "`{words}` is not in:\n{}", self.said());
    }

    pub(crate) fn signal(&self, word: Signal) {
        signal(self.pid(), word);
    }

    /// The sign of life.
    pub(crate) fn beat(&self) -> Value {
        beat(&self.state).unwrap_or(Value::Null)
    }

    /// The process of the agent at work, once there is one.
    pub(crate) fn at_work(&self) -> u32 {
        let mut found = None;
        let pid = |beat: &Value| beat["working"][0]["pid"].as_u64();
        until(|| {
            found = pid(&self.beat());
            found.is_some()
        });
        u32::try_from(found.unwrap_or_else(|| panic!("nobody is at work: {}", self.said())))
            .expect("a pid")
    }

    /// Waits for its end and tells its code.
    pub(crate) fn ends(mut self) -> Option<i32> {
        assert!(until(|| self.child.try_wait().expect("it is ours").is_some()), "{}", self.said());
        self.child.wait().expect("it is ours").code()
    }

    /// Is killed as by a crash.
    pub(crate) fn crash(&mut self) {
        self.child.kill().expect("it is ours");
        self.child.wait().expect("it is ours");
    }
}

fn beat(file: &Path) -> Option<Value> {
    serde_json::from_slice(&std::fs::read(file).ok()?).ok()
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let working = self.beat();
        let _ended = self.child.kill().and_then(|()| self.child.wait());
        for one in working["working"].as_array().into_iter().flatten() {
            let pid = one["pid"].as_i64().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
            let run = one["run"].as_str().unwrap_or_default();
            let ours = pid.is_some_and(|pid| {
                let environ = std::fs::read(format!("/proc/{}/environ", pid.as_raw_nonzero()));
                String::from_utf8_lossy(&environ.unwrap_or_default()).contains(run)
            });
            if let Some(pid) = pid.filter(|_| ours) {
                let _gone = kill_process(pid, Signal::KILL);
            }
        }
    }
}
