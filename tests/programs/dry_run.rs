//! A dry run is pure: watched at the border to the kernel, it writes nothing outside a folder of its own, sends no
//! signal, and says nothing to anybody but questions.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::fake::{Fake, GUARDIAN};
use super::peers::{skip, test_name};

/// System calls that could change something outside the process.
const WATCHED: &str = "trace=open,openat,creat,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,rmdir,link,\
linkat,symlink,symlinkat,truncate,ftruncate,chmod,fchmod,fchmodat,chown,fchown,kill,tkill,tgkill,execve";

fn strace_works() -> bool {
    Command::new("strace")
        .args(["-o", "/dev/null", "true"])
        .output()
        .is_ok_and(|out| out.status.success())
}

/// Every watched call of one run of the agent.
fn trace(fake: &Fake, temp: &Path, arguments: &[&str]) -> (Option<i32>, Vec<String>) {
    let file = temp.join("trace");
    let name = file.display().to_string();
    let mut strace = fake
        .program("strace", &["-f", "-y", "-qq", "-s", "300", "-e", WATCHED, "-o", &name, GUARDIAN]);
    let output = strace.args(arguments).env("TMPDIR", temp).output().expect("strace starts");
    let lines =
        fs::read_to_string(&file).expect("the trace is there").lines().map(str::to_owned).collect();
    (output.status.code(), lines)
}

/// Calls that succeeded and change something outside `own`.
fn changes(lines: &[String], own: &Path) -> Vec<String> {
    let own = own.display().to_string();
    let harmless = |line: &str| {
        line.contains(&own) || line.contains("\"/dev/null\"") || line.contains("\"/proc/self")
    };
    let failed = |line: &str| line.contains(" = -1 ");
    let opens = |line: &str| line.contains("open");
    let writes = |line: &str| {
        ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "creat("]
            .iter()
            .any(|flag| line.contains(flag))
    };
    lines
        .iter()
        .filter(|line| !failed(line) && !harmless(line))
        .filter(|line| !line.contains("execve(") && (!opens(line) || writes(line)))
        .filter(|line| line.contains('('))
        .cloned()
        .collect()
}

fn runs(lines: &[String], program: &str) -> bool {
    lines
        .iter()
        .any(|line| line.contains("execve(") && line.contains(program) && line.contains(" = 0"))
}

#[test]
fn a_dry_run_changes_nothing_and_a_real_run_is_seen_to() {
    if !strace_works() {
        return skip(&test_name(), "strace");
    }
    let own = tempfile::tempdir().expect("a temporary folder");
    for with_ledger in [false, true] {
        let fake = Fake::new();
        if with_ledger {
            assert_eq!(fake.run(&[]).status.code(), Some(0));
        }
        fake.crash();
        let (code, lines) = trace(&fake, own.path(), &["--plan"]);
        assert_eq!(code, Some(1), "the finding is told");
        assert_eq!(changes(&lines, own.path()), Vec::<String>::new(), "ledger: {with_ledger}");
        assert!(runs(&lines, "/status") && !runs(&lines, "/restart"));
        assert_eq!(fake.restarts(), 0);
        // The same watch over a real run must see what it does: else it would see nothing at all.
        let (code, lines) = trace(&fake, own.path(), &[]);
        assert_eq!(code, Some(0));
        assert!(!changes(&lines, own.path()).is_empty() && runs(&lines, "/restart"));
    }
}

#[test]
fn the_plan_that_is_shown_is_the_plan_that_runs() {
    let fake = Fake::new();
    fake.run(&[]);
    fake.crash();
    let dry = fake.run(&["--plan", "-o", "json"]);
    let wet = fake.run(&["-o", "json"]);
    let plan = |output: &std::process::Output| {
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a report");
        report["plan"]["actions"][0]["operation"].clone()
    };
    assert_eq!(plan(&dry), plan(&wet));
    assert_eq!(fake.restarts(), 1);
}
