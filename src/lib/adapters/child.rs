//! Child programs. The only file that starts any.
//!
//! A program is an argument vector, never a line for a shell. It gets a cleared environment, nothing to read, a
//! limit on what is kept of its output, a deadline, and a process group of its own that is killed as a whole when
//! the deadline passes or when the caller goes away. A program that left its group is out of reach; it cannot hold
//! the call open all the same, because only the program itself is waited for and its pipes are given up soon
//! after.

#![expect(
    clippy::disallowed_methods,
    reason = "this is the adapter that may start programs, and it hands on three variables"
)]

mod anew;
mod held;

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::time::timeout;

pub(crate) use self::anew::without;
pub(crate) use self::held::{Held, Taker};

/// How much of each output stream is kept unless the caller says otherwise.
const OUTPUT_LIMIT_BYTES: usize = 256 * 1024;
/// How long a program may run unless the caller says otherwise.
const DEADLINE: Duration = Duration::from_secs(10);
/// How long the pipes are read on after the program ended: a child that it left behind may hold them for ever.
const DRAIN: Duration = Duration::from_secs(2);
/// How long a killed program may take to be gone: one in an uninterruptible wait never is.
const REAP: Duration = Duration::from_secs(2);
/// What a program inherits. Everything else may hold a secret that is none of its business.
const INHERITED: [&str; 3] = ["PATH", "HOME", "LANG"];

/// Where a program would be found: the path itself if it has a slash, else the first hit in `PATH`.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    if program.contains('/') {
        return Some(PathBuf::from(program)).filter(|path| is_executable(path));
    }
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders)
        .map(|folder| folder.join(program))
        .find(|path| is_executable(path))
}

fn is_executable(path: &Path) -> bool {
    let found = std::fs::metadata(path);
    found.is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// As whom a program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    /// The user's number.
    pub(crate) user: u32,
    /// The group's; it has no others.
    pub(crate) group: u32,
}

/// A program to run once.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    argv: Vec<String>,
    env: BTreeMap<String, String>,
    account: Option<Account>,
    deadline: Duration,
    limit_bytes: usize,
}

/// One output stream, as far as it was kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Captured {
    /// Its beginning.
    pub(crate) bytes: Vec<u8>,
    /// Whether more came than was kept.
    pub(crate) cut_short: bool,
}

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// By itself.
    Exited {
        /// Its exit code.
        code: i32,
        /// What it printed.
        stdout: Captured,
        /// What it complained of.
        stderr: Captured,
    },
    /// By a signal that we did not send.
    Signalled {
        /// The signal's number.
        signal: i32,
    },
    /// It was killed with its group at the deadline.
    TimedOut {
        /// The deadline.
        after: Duration,
    },
    /// It never ran.
    CouldNotStart {
        /// A fragment.
        why: String,
    },
}

impl Captured {
    /// The text, with a mark for what is not UTF-8.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// The first line that says anything.
    pub(crate) fn first_line(&self) -> Option<String> {
        let text = self.text();
        let line = text.lines().map(str::trim).find(|line| !line.is_empty());
        line.map(str::to_owned)
    }

    /// The last line that says anything.
    pub(crate) fn last_line(&self) -> Option<String> {
        let text = self.text();
        let line = text.lines().rev().map(str::trim).find(|line| !line.is_empty());
        line.map(str::to_owned)
    }
}

impl Program {
    /// The program `argv[0]` with its arguments.
    pub(crate) fn new<S: Into<String>>(argv: impl IntoIterator<Item = S>) -> Self {
        Self {
            argv: argv.into_iter().map(Into::into).collect(),
            env: BTreeMap::new(),
            account: None,
            deadline: DEADLINE,
            limit_bytes: OUTPUT_LIMIT_BYTES,
        }
    }

    /// The same with one more variable in its environment.
    pub(crate) fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.insert(name.to_owned(), value.into());
        self
    }

    /// The same as another user; `None` changes nothing.
    pub(crate) const fn account(mut self, account: Option<Account>) -> Self {
        self.account = account;
        self
    }

    /// The same with another deadline.
    pub(crate) const fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// The same with another limit for each output stream.
    pub(crate) const fn limit_bytes(mut self, limit_bytes: usize) -> Self {
        self.limit_bytes = limit_bytes;
        self
    }

    /// Runs it to its end or to its deadline.
    pub(crate) async fn run(self) -> Outcome {
        match self.start() {
            Ok((child, group)) => self.attend(child, group).await,
            Err(why) => Outcome::CouldNotStart { why },
        }
    }

    fn start(&self) -> Result<(Child, Group), String> {
        self.start_with(Stdio::null())
    }

    fn start_with(&self, input: Stdio) -> Result<(Child, Group), String> {
        let Some((program, arguments)) = self.argv.split_first() else {
            return Err("no program is named".to_owned());
        };
        let child = self
            .command(program, arguments)
            .stdin(input)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("`{program}` cannot be started: {error}"))?;
        Ok(Group::with(child))
    }

    fn command(&self, program: &str, arguments: &[String]) -> Command {
        let inherited = INHERITED.iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
        let mut command = Command::new(program);
        command.args(arguments).env_clear().envs(inherited).envs(&self.env);
        command.stdin(Stdio::null()).process_group(0).kill_on_drop(true);
        if let Some(account) = self.account {
            command.uid(account.user).gid(account.group);
        }
        command
    }

    async fn attend(&self, mut child: Child, group: Group) -> Outcome {
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let mut stdout = Captured::default();
        let mut stderr = Captured::default();
        let status = {
            let waiting = async {
                let status = child.wait().await;
                group.is_over();
                status
            };
            let reading = async {
                tokio::join!(
                    fill(&mut stdout, out, self.limit_bytes),
                    fill(&mut stderr, err, self.limit_bytes)
                )
            };
            wait_then_drain(waiting, reading, self.deadline).await
        };
        match status {
            Some(Ok(status)) => ended(status, stdout, stderr),
            Some(Err(error)) => {
                Outcome::CouldNotStart { why: format!("it cannot be waited for: {error}") }
            }
            None => {
                group.kill();
                let _gone = timeout(REAP, child.wait()).await;
                group.is_over();
                Outcome::TimedOut { after: self.deadline }
            }
        }
    }
}

/// Waits for the program's end while its pipes are read, then reads them a little longer. `None` at the deadline.
async fn wait_then_drain<T, R>(
    waiting: impl Future<Output = T>,
    reading: impl Future<Output = R>,
    deadline: Duration,
) -> Option<T> {
    let mut waiting = pin!(waiting);
    let mut reading = pin!(reading);
    let (status, read_to_end) = timeout(deadline, async {
        tokio::select! {
            biased;
            _ = &mut reading => (waiting.await, true),
            status = &mut waiting => (status, false),
        }
    })
    .await
    .ok()?;
    if !read_to_end {
        let _held_open = timeout(DRAIN, reading).await;
    }
    Some(status)
}

/// Keeps the first `limit_bytes` of a stream and reads the rest away, so that its writer never blocks.
async fn fill(kept: &mut Captured, stream: Option<impl AsyncRead + Unpin>, limit_bytes: usize) {
    let Some(mut stream) = stream else { return };
    let mut chunk = vec![0; 16 * 1024];
    while let Ok(read @ 1..) = stream.read(&mut chunk).await {
        let room = limit_bytes.saturating_sub(kept.bytes.len());
        kept.bytes.extend_from_slice(&chunk[..read.min(room)]);
        kept.cut_short |= read > room;
    }
}

fn ended(status: ExitStatus, stdout: Captured, stderr: Captured) -> Outcome {
    match (status.code(), status.signal()) {
        (Some(code), _) => Outcome::Exited { code, stdout, stderr },
        (None, signal) => Outcome::Signalled { signal: signal.unwrap_or_default() },
    }
}

/// The program's process group, killed when the caller goes away before the program does.
///
/// Once the program is reaped the group is left alone: what it started on purpose lives on, and its number may
/// be another's by then.
struct Group {
    pid: Option<Pid>,
    over: AtomicBool,
}

impl Group {
    /// A program with its group.
    fn with(child: Child) -> (Child, Self) {
        let pid = child.id().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        (child, Self { pid, over: AtomicBool::new(false) })
    }

    fn is_over(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    fn kill(&self) {
        if let (Some(pid), false) = (self.pid, self.over.load(Ordering::Relaxed)) {
            let _already_gone = kill_process_group(pid, Signal::KILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

#[cfg(test)]
mod tests;
