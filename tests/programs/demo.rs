//! The demo, to its end and interrupted: either way nothing that it started is left.

use std::fs;
use std::io::Read as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::fake::OPSCTL;
use super::peers::wait_until;

/// Processes whose command line names `folder`.
fn alive(folder: &str) -> usize {
    let entries = fs::read_dir("/proc").expect("/proc is there").flatten();
    let lines = entries.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    lines.filter(|line| String::from_utf8_lossy(line).contains(folder)).count()
}

fn folder_in(text: &str) -> Option<String> {
    let start = text.find("opswarden-demo-")?;
    let rest = text.get(start..)?;
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-')?;
    rest.get(..end).map(str::to_owned)
}

/// Whether this host has a server of PostgreSQL with its clients where Debian puts them.
fn has_postgres() -> bool {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let names = ["initdb", "postgres", "pg_restore", "pg_dump", "psql"];
    versions
        .into_iter()
        .any(|one| names.iter().all(|name| one.path().join("bin").join(name).exists()))
}

#[test]
fn the_demo_tells_its_story_and_leaves_no_process() {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let output = Command::new(OPSCTL)
        .arg("demo")
        .env("TMPDIR", temp.path())
        .stdin(Stdio::null())
        .output()
        .expect("the demo starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{text}{told}");
    for part in [
        "restart command:shop",
        "verified",
        "auto_fixed",
        "explained by",
        "recovered",
        "the ledger is intact",
        "back up ledger: verified",
        "7. A signage platform with a broken tenant",
        "content-lifecycle/content_expired        52       52     0       0",
        "Acts that answer nothing that is wrong: 0.",
        "The last round sent nothing: yes.",
    ] {
        assert!(text.contains(part), "no `{part}` in:\n{text}");
    }
    let skipped = text.contains("No PostgreSQL server is installed here");
    assert_ne!(skipped, has_postgres(), "{text}");
    let shown = [
        "vacuum main/public.orders: verified",
        "ALTER COLUMN id TYPE bigint",
        "restore the newest backup of shop for a proof: verified",
    ];
    assert!(skipped || shown.iter().all(|part| text.contains(part)), "{text}");
    let folder = folder_in(&text).expect("the folder is told");
    assert_eq!(alive(&folder), 0);
    let state: PathBuf = temp.path().join(&folder).join("state/ops-state.json");
    let view: serde_json::Value =
        serde_json::from_slice(&fs::read(state).expect("the view is left")).expect("it is JSON");
    // What only a person can decide stays open, and is told.
    assert_eq!(view["systemStatus"], "CRITICAL");
}

#[test]
fn an_interrupted_demo_leaves_no_process() {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let mut demo = Command::new(OPSCTL)
        .arg("demo")
        .env("TMPDIR", temp.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the demo starts");
    let mut seen = String::new();
    let mut stdout = demo.stdout.take().expect("its output is piped");
    let mut chunk = [0_u8; 256];
    while !seen.contains("2. Two things break") {
        let size = stdout.read(&mut chunk).expect("the demo tells its story");
        assert!(size > 0, "the demo ended early: {seen}");
        seen.push_str(&String::from_utf8_lossy(&chunk[..size]));
    }
    let folder = folder_in(&seen).expect("the folder is told");
    assert!(alive(&folder) >= 2, "the services run");
    let pid = rustix::process::Pid::from_child(&demo);
    rustix::process::kill_process(pid, rustix::process::Signal::INT)
        .expect("it can be interrupted");
    let status = demo.wait().expect("it ends");
    assert_eq!(status.code(), Some(2));
    assert!(wait_until(Duration::from_secs(5), || alive(&folder) == 0), "something is left");
}
