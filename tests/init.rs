//! `opsctl init`: what it asks, writes, refuses and finds, with real listeners and a real sandbox.
#![expect(clippy::disallowed_methods, reason = "the program itself is what is tested")]
#![expect(clippy::unwrap_used, reason = "a program that cannot be started should end the test")]

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use opswarden::adapters::system_clock::SystemClock;
use opswarden::sandbox::{Options, PASSWORD, Running, Sandbox, Sizes};
use serde_json::{Value, json};

const OPSCTL: &str = env!("CARGO_BIN_EXE_opsctl");
const WEBHOOK: &str = "https://hooks.slack.com/services/TEAM/BOT/very-secret-word";

/// `opsctl init` in `folder`, in an environment of exactly these variables.
fn command(folder: &Path, variables: &[(&str, &str)], words: &[&str]) -> Command {
    let mut command = Command::new(OPSCTL);
    command.arg("init").args(words).current_dir(folder).env_clear();
    command.env("PATH", "/usr/bin:/bin").env("HOME", folder).envs(variables.iter().copied());
    command.stdin(Stdio::null());
    command
}

fn run(folder: &Path, words: &[&str]) -> Output {
    command(folder, &[], words).output().unwrap()
}

fn told(output: &Output) -> String {
    let texts = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    texts.concat()
}

fn document(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", told(output)))
}

/// The grade of what was found about something.
fn grade<'v>(document: &'v Value, about: &str) -> &'v Value {
    let found = document["found"].as_array().unwrap().iter().find(|row| row["about"] == about);
    &found.unwrap_or_else(|| panic!("{about}: {document:#}"))["grade"]
}

/// An address at which every request is answered with `status`, for as long as the test lasts.
fn answering(status: u16) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _whatever = stream.read(&mut [0; 1024]);
            let _gone = write!(stream, "HTTP/1.1 {status} X\r\ncontent-length: 2\r\n\r\nok");
        }
    });
    format!("http://{address}/health")
}

/// An address at which nobody listens.
fn silent() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}/", listener.local_addr().unwrap())
}

fn config_check(folder: &Path, file: &str) {
    let output = Command::new(OPSCTL)
        .args(["config", "check", "--config", file])
        .current_dir(folder)
        .env_clear()
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", told(&output));
}

fn mode(file: &Path) -> u32 {
    std::fs::metadata(file).unwrap().permissions().mode() & 0o777
}

fn nothing_is_in(folder: &Path) {
    let there: Vec<_> = std::fs::read_dir(folder).unwrap().collect();
    assert!(there.is_empty(), "{there:?}");
}

#[test]
fn flags_become_a_short_file_and_what_they_name_is_tried() {
    let folder = tempfile::tempdir().unwrap();
    let services = [
        format!("api={}", answering(200)),
        format!("web={}", answering(503)),
        format!("old={}", silent()),
    ];
    let mut words = vec!["-o", "json", "--process", "api=api.service", "--needs", "api=none"];
    for service in &services {
        words.extend(["--service", service]);
    }
    let output = run(folder.path(), &words);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let document = document(&output);
    assert_eq!(document["settings"], "./agents.toml".trim_start_matches("./"));
    assert_eq!(document["wanted"], json!([]));
    let grades = ["api", "web", "old"].map(|name| grade(&document, &format!("service {name}")));
    assert_eq!(grades, ["ok", "blocked", "blocked"], "{document:#}");
    assert_eq!(grade(&document, "channels"), "skipped");
    let text = std::fs::read_to_string(folder.path().join("agents.toml")).unwrap();
    assert!(text.lines().count() < 40, "{text}");
    let settings: toml::Table = text.parse().unwrap();
    let api = &settings["agents"]["health-guardian"]["services"][0];
    assert_eq!(api["process"].as_str(), Some("api.service"));
    assert_eq!(api["manager"].as_str(), Some("systemd"));
    assert_eq!(api["dependencies"].as_array().map(Vec::len), Some(0));
    config_check(folder.path(), "agents.toml");
}

#[test]
fn a_file_that_is_there_is_replaced_only_where_that_is_said_and_kept_beside() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("agents.toml");
    std::fs::write(&file, "host = \"mine\"\n").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
    let output = run(folder.path(), &["--yes"]);
    assert_eq!(output.status.code(), Some(78), "{}", told(&output));
    assert!(told(&output).contains("--force"), "{}", told(&output));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "host = \"mine\"\n");
    let output = run(folder.path(), &["--yes", "--force"]);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let kept = folder.path().join("agents.toml.before-1");
    assert_eq!(std::fs::read_to_string(kept).unwrap(), "host = \"mine\"\n");
    assert_eq!(mode(&file), 0o640, "its mode is that of the old one");
    config_check(folder.path(), "agents.toml");
}

#[test]
fn without_a_terminal_something_must_be_said() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &[]);
    assert_eq!(output.status.code(), Some(78), "{}", told(&output));
    assert!(told(&output).contains("--service"), "{}", told(&output));
    nothing_is_in(folder.path());
}

#[test]
fn what_cannot_be_right_is_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    for words in [
        &["--service", "api=ftp://127.0.0.1/"][..],
        &["--service", "api"],
        &["--process", "api", "--needs", "web=api"],
        &["--process", "api", "--needs", "api=nobody"],
        &["--url", "127.0.0.1:3000"],
        &["--slack-webhook-file", "/nowhere/webhook"],
    ] {
        let output = run(folder.path(), words);
        assert_eq!(output.status.code(), Some(78), "{words:?}: {}", told(&output));
        nothing_is_in(folder.path());
    }
}

#[test]
fn secrets_go_into_private_files_and_never_into_the_settings_or_the_output() {
    let folder = tempfile::tempdir().unwrap();
    let hook = folder.path().join("hook");
    std::fs::write(&hook, format!("{WEBHOOK}\n")).unwrap();
    let words = ["--slack-webhook-file", "hook", "--mail", "--credentials", "secrets"];
    let given = [("SMTP_HOST", "mail.example.test"), ("SMTP_PASS", "hunter2-hunter2")];
    let user = ("SMTP_USER", "ops@example.test");
    let output = command(folder.path(), &[given[0], given[1], user], &words).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let secrets = folder.path().join("secrets");
    assert_eq!(mode(&secrets), 0o700);
    for (name, value) in
        [("slack_webhook_url", WEBHOOK), ("smtp_pass", "hunter2-hunter2"), ("smtp_user", user.1)]
    {
        let file = secrets.join(name);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), value);
        assert_eq!(mode(&file), 0o600);
    }
    let said = told(&output);
    assert!(said.contains("to be set: OPS_ALERT_EMAIL"), "{said}");
    assert!(said.contains("channel slack: is set up"), "{said}");
    let text = std::fs::read_to_string(folder.path().join("agents.toml")).unwrap();
    for secret in ["very-secret-word", "hunter2", "ops@example.test"] {
        assert!(!said.contains(secret) && !text.contains(secret), "{secret}: {said}{text}");
    }
    // Another value under the same name is somebody's.
    std::fs::write(secrets.join("slack_webhook_url"), "https://other.example.test").unwrap();
    let again = [&words[..], &["--out", "second.toml"]].concat();
    let output = run(folder.path(), &again);
    assert_eq!(output.status.code(), Some(2), "{}", told(&output));
    assert!(!folder.path().join("second.toml").exists());
    let kept = std::fs::read_to_string(secrets.join("slack_webhook_url")).unwrap();
    assert_eq!(kept, "https://other.example.test");
}

fn answered(folder: &Path, words: &[&str], lines: &str) -> Output {
    let mut child = command(folder, &[], &[&["--ask"], words].concat())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn answers_line_by_line_are_the_same_as_flags() {
    let url = answering(200);
    let by_flags = tempfile::tempdir().unwrap();
    let service = format!("api={url}");
    let words = ["--service", &service, "--process", "api=api-app", "--needs", "api=none"];
    assert!(run(by_flags.path(), &words).status.success());
    let by_answers = tempfile::tempdir().unwrap();
    let lines = format!("nonsense\napi={url}\napi-app\nnone\n\n\n");
    let output = answered(by_answers.path(), &["-o", "json"], &lines);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert_eq!(grade(&document(&output), "service api"), "ok");
    assert!(told(&output).contains("write it as NAME=VALUE"), "the nonsense is asked again");
    let file = |folder: &tempfile::TempDir| {
        std::fs::read_to_string(folder.path().join("agents.toml")).unwrap()
    };
    assert_eq!(file(&by_answers), file(&by_flags));
}

#[test]
fn answers_that_end_too_early_leave_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let output = answered(folder.path(), &[], "api=http://127.0.0.1:1/\n");
    assert_eq!(output.status.code(), Some(78), "{}", told(&output));
    assert!(told(&output).contains("nothing was written"), "{}", told(&output));
    nothing_is_in(folder.path());
}

/// What a terminal shows until `wanted` stands there.
fn shown(terminal: &mut std::fs::File, screen: &mut String, wanted: &str) {
    while !screen.contains(wanted) {
        let mut bytes = [0; 4096];
        let count = terminal.read(&mut bytes).unwrap_or(0);
        assert!(count > 0, "the terminal ended before `{wanted}`: {screen}");
        screen.push_str(&String::from_utf8_lossy(&bytes[..count]));
    }
}

#[test]
fn a_secret_that_is_typed_at_a_terminal_is_not_shown() {
    use rustix::fs::{Mode, OFlags, open};
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let folder = tempfile::tempdir().unwrap();
    let control = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&control).unwrap();
    unlockpt(&control).unwrap();
    let name = ptsname(&control, Vec::new()).unwrap();
    let other: OwnedFd = open(&*name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
    let mut child = command(folder.path(), &[], &["--credentials", "secrets"])
        .stdin(other.try_clone().unwrap())
        .stdout(Stdio::piped())
        .stderr(other)
        .spawn()
        .unwrap();
    let mut terminal = std::fs::File::from(control);
    let mut screen = String::new();
    for (question, answer) in [
        ("A service to watch", ""),
        ("webhook of Slack", WEBHOOK),
        ("A mail server", "mail.example.test"),
        ("Its user", "seen-by-nobody"),
        ("Its password", "hunter2"),
        ("Who is told", "ops@example.test"),
        ("signage platform", ""),
    ] {
        shown(&mut terminal, &mut screen, question);
        writeln!(terminal, "{answer}").unwrap();
    }
    assert!(child.wait().unwrap().success(), "{screen}");
    assert!(screen.contains("mail.example.test"), "what is no secret is shown: {screen}");
    for secret in ["very-secret-word", "seen-by-nobody", "hunter2"] {
        assert!(!screen.contains(secret), "{secret}: {screen}");
    }
    let kept = std::fs::read_to_string(folder.path().join("secrets/smtp_pass")).unwrap();
    assert_eq!(kept, "hunter2");
}

fn sandbox() -> (Running, String) {
    let sizes = Sizes { displays: 3, content: 3, playlists: 2, schedules: 2, tenants: 1 };
    let options = Options { sizes, ..Options::default() };
    let running = Sandbox::start(options, std::sync::Arc::new(SystemClock::new())).unwrap();
    let accounts = running.accounts();
    let ours = accounts.into_iter().find(|one| one.email.starts_with("ops@")).unwrap();
    (running, ours.email)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_account_of_the_platform_is_tried_and_its_session_ended() {
    let (running, email) = sandbox();
    let url = running.base_url();
    let tried = |password: &'static str| {
        let (url, email) = (url.clone(), email.clone());
        tokio::task::spawn_blocking(move || {
            let folder = tempfile::tempdir().unwrap();
            let account = [("VALIDATOR_EMAIL", &*email), ("VALIDATOR_PASSWORD", password)];
            let words = ["--url", &*url, "-o", "json"];
            let output = command(folder.path(), &account, &words).output().unwrap();
            assert_eq!(output.status.code(), Some(0), "{}", told(&output));
            assert!(!folder.path().join("state").exists(), "nothing is remembered");
            document(&output)
        })
    };
    let good = tried(PASSWORD).await.unwrap();
    assert_eq!(grade(&good, "platform, tenant default"), "ok", "{good:#}");
    assert_eq!(running.sessions_open(), 0, "it was ended");
    let bad = tried("wrong-horse-battery").await.unwrap();
    assert_eq!(grade(&bad, "platform, tenant default"), "blocked", "{bad:#}");
    running.stop().await;
}
