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

/// A folder with settings, and without anything to look at.
fn settled() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let settings = "[agents.health-guardian]\nservices = []\n";
    std::fs::write(folder.path().join("agents.toml"), settings).unwrap();
    folder
}

#[test]
fn before_the_first_run_a_list_is_empty_and_a_single_thing_is_not_there() {
    let folder = settled();
    let lists = [&["incidents"][..], &["incidents", "list"], &["runs"], &["remediations"]];
    for arguments in lists {
        let said = run(OPSCTL, folder.path(), arguments);
        assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{arguments:?}");
        assert!(said.out.starts_with("Nothing is recorded yet"), "{}", said.out);
        assert_eq!(said.out.lines().count(), 1, "{}", said.out);
        let said = run(OPSCTL, folder.path(), &[arguments, &["-o", "json"]].concat());
        assert_eq!((said.code, said.out.as_str()), (Some(0), "[]\n"), "{}", said.err);
    }
    for arguments in [
        &["incidents", "show", "INC-1"][..],
        &["explain", "INC-1"],
        &["explain", "health-guardian/service_down/service:a/b"],
        &["resolve", "INC-1", "--reason", "a test"],
        &["ledger", "verify"],
    ] {
        let said = run(OPSCTL, folder.path(), arguments);
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(said.err.starts_with("nothing is recorded yet; "), "{}", said.err);
    }
    assert!(!folder.path().join("state").exists(), "looking makes no ledger");
}

#[test]
fn the_state_begins_with_the_places_that_it_is_about() {
    let folder = settled();
    let at = folder.path().canonicalize().unwrap();
    for told in ["Nothing is recorded yet.", "good until"] {
        let said = run(OPSCTL, &at, &["status"]).out;
        let lines: Vec<&str> = said.lines().take(5).collect();
        for (line, (label, name)) in
            lines.iter().zip([("settings", "agents.toml"), ("state", "state"), ("logs", "logs")])
        {
            assert_eq!(*line, format!("{label:<12}{}", at.join(name).display()));
        }
        assert!(lines[4].contains(told), "{said}");
        run(GUARDIAN, &at, &[]);
    }
}

#[test]
fn a_ledger_that_cannot_be_used_is_told_with_its_own_reason() {
    let garbage: fn(&Path) = |file| std::fs::write(file, "no database".repeat(500)).unwrap();
    let folder_there: fn(&Path) = |file| std::fs::create_dir(file).unwrap();
    for (make, words) in [(garbage, "is damaged"), (folder_there, "is not a file")] {
        let folder = settled();
        std::fs::create_dir(folder.path().join("state")).unwrap();
        make(&folder.path().join("state/ops.db"));
        let said = run(OPSCTL, folder.path(), &["status"]);
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""));
        assert!(said.err.contains("ops.db") && said.err.contains(words), "{}", said.err);
        assert!(said.err.contains("ops-state.json cannot be read either"), "{}", said.err);
    }
}

#[test]
fn the_doctor_tells_what_is_not_there_yet_from_what_cannot_be_looked_at() {
    let not_yet = "the first run creates it";
    let said_of_state = |folder: &tempfile::TempDir| {
        let said = run(OPSCTL, folder.path(), &["doctor", "-o", "json"]).out;
        let rows: Vec<serde_json::Value> = serde_json::from_str(&said).unwrap();
        let found = |about: &str| {
            let row = rows.iter().find(|row| row["about"] == about).unwrap();
            format!("{}: {}", row["grade"].as_str().unwrap(), row["found"].as_str().unwrap())
        };
        (found("state folder"), found("ledger"))
    };
    let folder = settled();
    let (state, ledger) = said_of_state(&folder);
    assert!(state.starts_with("partial: ") && state.ends_with(not_yet), "{state}");
    assert!(ledger.starts_with("skipped: ") && ledger.ends_with(not_yet), "{ledger}");

    let at = folder.path().join("state");
    std::fs::write(&at, "").unwrap();
    let (state, ledger) = said_of_state(&folder);
    assert!(state.starts_with("blocked: ") && state.ends_with("is not a folder"), "{state}");
    assert!(ledger.starts_with("blocked: ") && ledger.contains("cannot be looked at"), "{ledger}");

    std::fs::remove_file(&at).unwrap();
    std::os::unix::fs::symlink("state", &at).unwrap();
    let (state, ledger) = said_of_state(&folder);
    for found in [state, ledger] {
        assert!(found.starts_with("blocked: ") && found.contains("cannot be looked at"), "{found}");
    }
}
