//! Writers as processes of their own, for the proofs that kill, stop and starve them.
#![expect(clippy::disallowed_methods, reason = "proofs start processes and read how much to prove")]

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

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

/// Runs a writer while this happens to a system call of it: `signal=SIGKILL:when=3`, `error=EIO:when=1`.
pub(crate) fn tampered(job: Job<'_>, call: &str, what: &str) -> Output {
    Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={call}")])
        .args(["-e", &format!("inject={call}:{what}")])
        .arg(writer())
        .args(words(job))
        .output()
        .expect("strace runs")
}

/// How often each system call is made by the thread that makes it most.
pub(crate) fn calls(job: Job<'_>, log: &Path) -> BTreeMap<String, usize> {
    let output = Command::new("strace")
        .args(["-f", "-qq", "-o", &log.display().to_string()])
        .arg(writer())
        .args(words(job))
        .output()
        .expect("strace runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = std::fs::read_to_string(log).expect("strace wrote its log");
    let mut by_thread: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let (Some(thread), Some(rest)) = (words.next(), words.next()) else { continue };
        let Some((call, _)) = rest.split_once('(') else { continue };
        if call.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            *by_thread.entry((thread, call)).or_default() += 1;
        }
    }
    let mut most: BTreeMap<String, usize> = BTreeMap::new();
    for ((_, call), count) in by_thread {
        let known = most.entry(call.to_owned()).or_default();
        *known = count.max(*known);
    }
    most
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
