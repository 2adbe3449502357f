//! The programs as a person meets them: messages, exit codes, pipes, colour, secrets.
#![expect(clippy::disallowed_methods, reason = "the programs themselves are what is tested")]
#![expect(clippy::unwrap_used, reason = "a program that cannot be started should end the test")]

use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const OPSCTL: &str = env!("CARGO_BIN_EXE_opsctl");
const GUARDIAN: &str = env!("CARGO_BIN_EXE_health-guardian");

/// `program` in an empty environment, in `folder`, with backtraces asked for.
fn command(program: &str, folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).env_clear();
    command.env("RUST_BACKTRACE", "1").env("HOME", folder).stdin(Stdio::null());
    command
}

struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

fn said(output: &Output) -> Said {
    Said {
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn run(program: &str, folder: &Path, arguments: &[&str]) -> Said {
    said(&command(program, folder, arguments).output().unwrap())
}

#[test]
fn without_a_settings_file_every_program_says_where_it_looked() {
    if Path::new("/etc/opswarden/agents.toml").exists() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (program, arguments) in
        [(GUARDIAN, &[][..]), (OPSCTL, &["status"][..]), (OPSCTL, &["config", "check"])]
    {
        let said = run(program, folder.path(), arguments);
        assert_eq!(said.code, Some(78), "{}", said.err);
        for way in ["--config", "$OPSWARDEN_CONFIG", "./agents.toml", "/etc/opswarden/agents.toml"]
        {
            assert!(said.err.contains(way), "{}", said.err);
        }
        assert_eq!(
            std::fs::read_dir(folder.path()).unwrap().count(),
            0,
            "it left something behind"
        );
    }
}

#[test]
fn a_broken_file_starts_nothing_and_shows_lines_instead_of_frames() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("agents.toml"),
        "hots = 1\n[budgets]\nactions_per_run = \"x\"\n",
    )
    .unwrap();
    for (program, arguments) in [(GUARDIAN, &["--plan"][..]), (GUARDIAN, &[]), (OPSCTL, &["runs"])]
    {
        let said = run(program, folder.path(), arguments);
        assert_eq!(said.code, Some(78));
        assert!(said.err.contains("agents.toml:1:1: hots: "), "{}", said.err);
        assert!(said.err.contains("agents.toml:3:19: budgets.actions_per_run: "), "{}", said.err);
        assert_eq!(said.err.lines().count(), 2, "nothing but the two lines: {}", said.err);
        assert_eq!(said.out, "");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "it left something behind");
}

#[test]
fn a_file_that_is_none_is_named_with_what_named_it() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    std::fs::write(at.join("latin.toml"), b"# one\nhost = \"b\xfcro\"\n").unwrap();
    std::fs::write(at.join("large.toml"), "#".repeat(1_100_000)).unwrap();
    for (file, words) in [
        ("nowhere.toml", "failed to read the settings"),
        (".", "it is a folder"),
        ("latin.toml", "line 2 is not UTF-8"),
        ("large.toml", "larger than 1 MiB"),
    ] {
        let said = run(OPSCTL, at, &["config", "check", "--config", file]);
        assert_eq!(said.code, Some(78), "{}", said.err);
        assert!(said.err.contains(file) && said.err.contains(words), "{}", said.err);
    }
    let by_variable = command(OPSCTL, at, &["config", "check"])
        .env("OPSWARDEN_CONFIG", "no.toml")
        .output()
        .unwrap();
    assert!(said(&by_variable).err.contains("named by $OPSWARDEN_CONFIG"));
}

#[test]
fn a_usage_error_is_78_and_help_tells_the_exit_codes() {
    let folder = tempfile::tempdir().unwrap();
    for (program, arguments) in [
        (GUARDIAN, &["--plna"][..]),
        (OPSCTL, &["statsu"]),
        (OPSCTL, &[]),
        (GUARDIAN, &["--plan", "--observe"]),
    ] {
        let said = run(program, folder.path(), arguments);
        assert_eq!(said.code, Some(78), "{}", said.err);
        assert!(said.err.contains("--help") || said.err.contains("Usage"), "{}", said.err);
    }
    for program in [GUARDIAN, OPSCTL] {
        let said = run(program, folder.path(), &["--help"]);
        assert_eq!(said.code, Some(0));
        assert!(said.out.contains("Exit codes:") && said.out.contains("  78  "), "{}", said.out);
        assert!(!said.out.contains('\u{1b}'), "colour without a terminal");
        let said = run(program, folder.path(), &["--version"]);
        assert!(said.out.trim().ends_with(env!("CARGO_PKG_VERSION")), "{}", said.out);
    }
}

#[test]
fn a_closed_pipe_is_a_quiet_exit() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [&["config", "show", "--defaults"][..], &["completions", "bash"], &["--help"]]
    {
        let mut child = command(OPSCTL, folder.path(), arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let mut err = String::new();
        child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        assert_eq!(err, "", "{arguments:?}");
        assert_eq!(child.wait().unwrap().code(), Some(0), "{arguments:?}");
    }
}

#[test]
fn the_shipped_file_can_be_written_by_the_program_and_is_right() {
    let folder = tempfile::tempdir().unwrap();
    let said = run(OPSCTL, folder.path(), &["config", "show", "--defaults"]);
    std::fs::write(folder.path().join("agents.toml"), &said.out).unwrap();
    let said = run(OPSCTL, folder.path(), &["config", "check"]);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    assert!(said.out.contains("no problem found"), "{}", said.out);
}

#[test]
fn no_secret_is_shown_in_any_form() {
    const CANARY: &str = "canary-7f3a9c\"x";
    let folder = tempfile::tempdir().unwrap();
    // Without services, so that nothing is probed.
    let settings = "[agents.health-guardian]\nservices = []\n";
    std::fs::write(folder.path().join("agents.toml"), settings).unwrap();
    let names = [
        "SMTP_USER",
        "SMTP_PASS",
        "OPS_ALERT_EMAIL",
        "SLACK_WEBHOOK_URL",
        "VALIDATOR_EMAIL",
        "VALIDATOR_PASSWORD",
    ];
    for arguments in [
        &["config", "show", "--origin"][..],
        &["config", "show", "-o", "json"],
        &["config", "check", "-o", "json"],
        &["status"],
        &["doctor"],
    ] {
        let mut command = command(OPSCTL, folder.path(), arguments);
        let said = said(&command.envs(names.map(|name| (name, CANARY))).output().unwrap());
        assert!(
            !said.out.contains("canary-7f") && !said.err.contains("canary-7f"),
            "{arguments:?}"
        );
    }
    let mut control = command(OPSCTL, folder.path(), &["config", "show", "--origin"]);
    let shown = said(&control.env("SMTP_HOST", CANARY).output().unwrap());
    assert!(shown.out.contains("canary-7f"), "a value that is no secret is shown: {}", shown.out);
}
