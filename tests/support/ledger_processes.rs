//! Writers as processes of their own, for the proofs that kill, stop and starve them.
#![expect(clippy::disallowed_methods, reason = "proofs start processes and read how much to prove")]

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

/// How many cases a proof runs: `OPSWARDEN_PROOF_N`, or the slice that fits a build.
pub(crate) fn cases(slice: usize) -> usize {
    std::env::var("OPSWARDEN_PROOF_N").ok().and_then(|text| text.parse().ok()).unwrap_or(slice)
}

/// One line about what was proved.
pub(crate) fn report(line: &str) {
    writeln!(std::io::stdout(), "PROOF: {line}").expect("standard output is there");
}

/// The writer's binary, which is built with the tests.
pub(crate) fn writer() -> PathBuf {
    let test = std::env::current_exe().expect("a test has a path");
    let folder = test.parent().and_then(Path::parent).expect("tests lie in target/<profile>/deps");
    let writer = folder.join("examples/ledger_writer");
    assert!(writer.exists(), "build it: cargo build --example ledger_writer");
    writer
}

/// Whether system calls can be tampered with here. Where not, the test is skipped aloud.
pub(crate) fn can_trace(test: &str) -> bool {
    let traced = Command::new("strace").args(["-f", "-qq", "-o", "/dev/null", "true"]).output();
    if traced.is_ok_and(|output| output.status.success()) {
        return true;
    }
    let allowed = std::env::var("OPSWARDEN_TEST_ALLOW_SKIP").unwrap_or_default();
    let required = std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(!required || allowed.contains("strace"), "{test} needs strace");
    writeln!(std::io::stderr(), "SKIPPED: {test}: strace is missing or not permitted")
        .expect("standard error is there");
    false
}

/// How a writer is run.
#[derive(Clone, Copy)]
pub(crate) struct Job<'a> {
    pub(crate) state: &'a Path,
    pub(crate) name: &'a str,
    pub(crate) count: usize,
    pub(crate) too_early: bool,
}

fn words(job: Job<'_>) -> Vec<String> {
    let mut words =
        vec![job.state.display().to_string(), job.name.to_owned(), job.count.to_string()];
    if job.too_early {
        words.push("--ack-before-commit".to_owned());
    }
    words
}

/// Starts a writer.
pub(crate) fn start(job: Job<'_>) -> std::process::Child {
    let mut command = Command::new(writer());
    command.args(words(job)).stdout(Stdio::null()).stderr(Stdio::piped());
    command.spawn().expect("the writer starts")
}

/// How long a tampered writer may take. It waits for locks for seconds at most.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs a writer while this happens to a system call of it: `signal=SIGKILL:when=3`, `error=EIO:when=1`.
///
/// # Panics
///
/// The writer hangs. It is killed first, with the tracer: both are a process group of their own.
pub(crate) fn tampered(job: Job<'_>, call: &str, what: &str) -> Output {
    let tracer = Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={call}")])
        .args(["-e", &format!("inject={call}:{what}")])
        .arg(writer())
        .args(words(job))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .expect("strace runs");
    let group = i32::try_from(tracer.id()).ok().and_then(Pid::from_raw).expect("a process number");
    let (done, patience) = mpsc::channel::<()>();
    let watchdog = std::thread::spawn(move || {
        let hangs = patience.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout);
        if hangs {
            kill_process_group(group, Signal::KILL).expect("a hanging writer can be killed");
        }
        hangs
    });
    let output = tracer.wait_with_output().expect("strace ends");
    drop(done);
    assert!(!watchdog.join().expect("a watchdog ends"), "{call} {what}: the writer hangs");
    output
}

/// The system calls of a whole run: each with its place among the calls of that name by the same thread, which is
/// how the tracer counts, and whether it touches the state folder.
pub(crate) fn calls(job: Job<'_>) -> BTreeMap<(String, usize), bool> {
    let log = tempfile::NamedTempFile::new().expect("a temporary file");
    let output = Command::new("strace")
        .args(["-f", "-y", "-qq", "-o", &log.path().display().to_string()])
        .arg(writer())
        .args(words(job))
        .output()
        .expect("strace runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = std::fs::read_to_string(log.path()).expect("strace wrote its log");
    let state = job.state.display().to_string();
    let mut counted: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut found: BTreeMap<(String, usize), bool> = BTreeMap::new();
    for line in text.lines() {
        let Some((thread, rest)) = line.split_once(char::is_whitespace) else { continue };
        let Some((call, arguments)) = rest.trim_start().split_once('(') else { continue };
        if call.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            let place = counted.entry((thread, call)).or_default();
            *place += 1;
            *found.entry((call.to_owned(), *place)).or_default() |= arguments.contains(&state);
        }
    }
    found
}

/// What the writer has acknowledged.
pub(crate) fn acknowledged(output: &Output) -> Vec<String> {
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(ToOwned::to_owned).collect()
}

/// Copies the files of a folder, one level of folders deep.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a temporary folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("a file can be copied");
        }
    }
}

/// `wanted` of `all`, spread evenly; all of them several times over where more are wanted than there are.
pub(crate) fn spread<T: Clone>(all: &[T], wanted: usize) -> Vec<T> {
    if wanted >= all.len() {
        return all.iter().cycle().take(wanted).cloned().collect();
    }
    (0..wanted).map(|place| all[place * all.len() / wanted].clone()).collect()
}
