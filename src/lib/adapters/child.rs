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

/// A program to run once.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    argv: Vec<String>,
    env: BTreeMap<String, String>,
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
            deadline: DEADLINE,
            limit_bytes: OUTPUT_LIMIT_BYTES,
        }
    }

    /// The same with one more variable in its environment.
    pub(crate) fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.insert(name.to_owned(), value.into());
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
        let Some((program, arguments)) = self.argv.split_first() else {
            return Err("no program is named".to_owned());
        };
        let inherited = INHERITED.iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
        let child = Command::new(program)
            .args(arguments)
            .env_clear()
            .envs(inherited)
            .envs(&self.env)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("`{program}` cannot be started: {error}"))?;
        let pid = child.id().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        Ok((child, Group { pid, over: AtomicBool::new(false) }))
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
mod tests {
    use super::*;

    fn sh(script: &str) -> Program {
        Program::new(["/bin/sh", "-c", script])
    }

    fn is_running(pid: &str) -> bool {
        let stat = std::fs::read_to_string(Path::new("/proc").join(pid.trim()).join("stat"));
        stat.is_ok_and(|stat| !stat.contains(") Z "))
    }

    async fn until(mut holds: impl FnMut() -> bool) -> bool {
        for _ in 0..5_000 {
            if holds() {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        false
    }

    #[tokio::test]
    async fn a_program_that_ends_is_heard_whole() {
        let outcome = sh("echo out; echo err >&2; exit 7").run().await;
        let Outcome::Exited { code: 7, stdout, stderr } = outcome else { panic!("{outcome:?}") };
        assert_eq!(stdout, Captured { bytes: b"out\n".to_vec(), cut_short: false });
        assert_eq!(stderr.last_line().as_deref(), Some("err"));
    }

    #[tokio::test]
    async fn a_program_sees_only_the_environment_that_it_is_given() {
        let outcome = Program::new(["/usr/bin/env"]).env("PM2_HOME", "/x").run().await;
        let Outcome::Exited { stdout, .. } = outcome else { panic!("{outcome:?}") };
        let text = stdout.text();
        let mut names: Vec<_> = text.lines().filter_map(|line| line.split('=').next()).collect();
        names.retain(|name| !INHERITED.contains(name));
        assert_eq!(names, ["PM2_HOME"]);
    }

    #[tokio::test]
    async fn an_argument_never_meets_a_shell() {
        let outcome = Program::new(["/bin/echo", "$(id); `id` > x"]).run().await;
        let Outcome::Exited { stdout, .. } = outcome else { panic!("{outcome:?}") };
        assert_eq!(stdout.text(), "$(id); `id` > x\n");
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_says_so() {
        let outcome = Program::new(["/nowhere/at-all"]).run().await;
        assert!(matches!(&outcome, Outcome::CouldNotStart { why } if why.contains("/nowhere")));
        let nothing = Program::new(Vec::<String>::new()).run().await;
        assert!(matches!(nothing, Outcome::CouldNotStart { .. }));
    }

    #[test]
    fn only_executable_files_are_found() {
        assert_eq!(find("/bin/sh"), Some(PathBuf::from("/bin/sh")));
        assert!(find("sh").is_some_and(|path| path.ends_with("sh")));
        for none in ["/etc/passwd", "/bin", "/nowhere", "no-such-program-here", ""] {
            assert_eq!(find(none), None, "{none}");
        }
    }

    #[tokio::test]
    async fn a_signal_is_no_exit_code() {
        assert_eq!(sh("kill -9 $$").run().await, Outcome::Signalled { signal: 9 });
    }

    #[tokio::test]
    async fn a_flood_of_output_stays_bounded() {
        let flood = sh("yes | head -c 300000000").limit_bytes(1_000);
        let outcome = flood.deadline(Duration::from_mins(1)).run().await;
        let Outcome::Exited { code: 0, stdout, .. } = outcome else { panic!("{outcome:?}") };
        assert!(stdout.cut_short);
        assert_eq!(stdout.bytes.len(), 1_000);
    }

    #[tokio::test]
    async fn a_flood_without_end_is_ended_by_the_deadline() {
        let outcome = Program::new(["yes"]).deadline(Duration::from_millis(300)).run().await;
        assert_eq!(outcome, Outcome::TimedOut { after: Duration::from_millis(300) });
    }

    #[tokio::test]
    async fn the_deadline_ends_the_whole_group() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("pid");
        let script = format!("sleep 1000 & echo $! > {}; wait", file.display());
        let outcome = sh(&script).deadline(Duration::from_millis(500)).run().await;
        assert!(matches!(outcome, Outcome::TimedOut { .. }));
        let pid = std::fs::read_to_string(file).unwrap();
        assert!(until(|| !is_running(&pid)).await, "the grandchild {pid} outlived the deadline");
    }

    #[tokio::test]
    async fn a_caller_that_goes_away_takes_the_group_along() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("pid");
        let script = format!("sleep 1000 & echo $! > {}; wait", file.display());
        let call = tokio::spawn(sh(&script).deadline(Duration::from_mins(10)).run());
        assert!(until(|| std::fs::read_to_string(&file).is_ok_and(|pid| !pid.is_empty())).await);
        let pid = std::fs::read_to_string(&file).unwrap();
        assert!(is_running(&pid));
        call.abort();
        assert!(call.await.unwrap_err().is_cancelled());
        assert!(until(|| !is_running(&pid)).await, "the grandchild {pid} outlived its caller");
    }

    #[tokio::test]
    async fn what_a_program_leaves_behind_lives_on_and_holds_nobody_up() {
        for script in ["sleep 30 & echo $!", "setsid sleep 30 & echo $!"] {
            let started = tokio::time::Instant::now();
            let outcome = sh(script).deadline(Duration::from_secs(20)).run().await;
            let Outcome::Exited { code: 0, stdout, .. } = outcome else { panic!("{outcome:?}") };
            assert!(started.elapsed() < Duration::from_secs(10));
            let pid = stdout.text();
            for _ in 0..50 {
                assert!(is_running(&pid), "{script}: what was started on purpose was killed");
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            let pid = Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
            rustix::process::kill_process(pid, Signal::KILL).unwrap();
        }
    }
}
