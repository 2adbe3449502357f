//! A service under the `command` manager: two scripts, a file that says whether it runs, and a list of every
//! restart that was really carried out.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

pub(crate) const OPSCTL: &str = env!("CARGO_BIN_EXE_opsctl");
pub(crate) const GUARDIAN: &str = env!("CARGO_BIN_EXE_health-guardian");

/// A folder with settings, a service and, once an agent ran, a ledger.
pub(crate) struct Fake {
    folder: TempDir,
}

impl Fake {
    /// A service that runs.
    pub(crate) fn new() -> Self {
        let fake = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        let path = fake.path().display().to_string();
        fake.script("status", &format!(
            "read state number < {path}/service || exit 4\n[ $state = up ] || exit 1\necho start-$number\n"
        ));
        // The new state appears by a rename: a reader never sees half of it.
        fake.script(
            "restart",
            &format!(
                "echo restarted >> {path}/restarts\nnumber=$(wc -l < {path}/restarts)\n\
             echo up $number > {path}/service.new\nmv {path}/service.new {path}/service\n"
            ),
        );
        fs::write(fake.path().join("agents.toml"), settings(&path)).expect("it is written");
        fake.set("up 0");
        fake
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    fn script(&self, name: &str, body: &str) {
        let file = self.path().join(name);
        fs::write(&file, format!("#!/bin/sh\n{body}")).expect("it is written");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755))
            .expect("it is made a program");
    }

    /// Replaces a piece of the settings.
    pub(crate) fn instead(&self, old: &str, new: &str) {
        let file = self.path().join("agents.toml");
        let text = fs::read_to_string(&file).expect("the settings are there");
        assert!(text.contains(old), "{old} is not in the settings");
        fs::write(&file, text.replace(old, new)).expect("they are written");
    }

    /// Replaces one of the two scripts.
    pub(crate) fn script_is(&self, name: &str, body: &str) {
        self.script(name, body);
    }

    fn set(&self, state: &str) {
        fs::write(self.path().join("service"), format!("{state}\n")).expect("it is written");
    }

    /// The service dies.
    pub(crate) fn crash(&self) {
        self.set("down 0");
    }

    /// How often it was really restarted.
    pub(crate) fn restarts(&self) -> usize {
        fs::read_to_string(self.path().join("restarts")).map_or(0, |text| text.lines().count())
    }

    /// The agent's command line, with a strict environment.
    pub(crate) fn guardian(&self, arguments: &[&str]) -> Command {
        self.program(GUARDIAN, arguments)
    }

    pub(crate) fn program(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.path()).env_clear().stdin(Stdio::null());
        command.env("PATH", "/usr/local/bin:/usr/bin:/bin").env("HOME", self.path());
        command
    }

    /// One run of the agent.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.guardian(arguments).output().expect("the agent starts")
    }

    /// What `opsctl` answers in JSON.
    pub(crate) fn asked(&self, arguments: &[&str]) -> serde_json::Value {
        let output =
            self.program(OPSCTL, arguments).args(["-o", "json"]).output().expect("opsctl starts");
        let text = String::from_utf8_lossy(&output.stdout);
        serde_json::from_str(&text).unwrap_or_else(|error| {
            panic!("{error}: {text}{}", String::from_utf8_lossy(&output.stderr))
        })
    }
}

/// Everything of the machine itself is out of the way, and nothing waits longer than it must.
fn settings(path: &str) -> String {
    PathBuf::from(path)
        .to_str()
        .map(|path| {
            format!(
                r#"host = "fake"
[agents.health-guardian]
process_pause = "10ms"
[agents.health-guardian.limits]
cpu_percent = 100
memory_percent = 100
swap_percent = 100
disk_percent = 100
disk_critical_percent = 100
load_percent = 100000
[agents.health-guardian.policy]
settle = "10ms"
[[agents.health-guardian.services]]
name = "shop"
manager = "command"
process = "shop"
[agents.health-guardian.services.command]
status = ["{path}/status"]
restart = ["{path}/restart"]
"#
            )
        })
        .expect("a path of text")
}

#[test]
fn the_fake_service_crashes_and_is_restarted_once() {
    let fake = Fake::new();
    assert_eq!(fake.run(&[]).status.code(), Some(0));
    fake.crash();
    let repaired = fake.run(&[]);
    assert_eq!(repaired.status.code(), Some(0), "{}", String::from_utf8_lossy(&repaired.stdout));
    assert_eq!(fake.restarts(), 1);
    assert_eq!(fake.asked(&["remediations"])[0]["state"], "verified");
}

#[test]
fn two_runs_at_once_are_one_run() {
    let fake = Fake::new();
    fake.crash();
    let first = fake.guardian(&[]).stdout(Stdio::null()).spawn();
    let mut runs = vec![first.expect("the agent starts")];
    for _ in 0..3 {
        runs.push(
            fake.guardian(&[])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("it starts"),
        );
    }
    let codes: Vec<_> = runs.iter_mut().map(|run| run.wait().expect("it ends").code()).collect();
    assert_eq!(fake.restarts(), 1, "{codes:?}");
    assert!(codes.iter().all(|code| matches!(code, Some(0 | 75))), "{codes:?}");
}
