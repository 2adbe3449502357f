//! A folder with settings and a ledger, and the real programs run in it.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

const OPSCTL: &str = env!("CARGO_BIN_EXE_opsctl");
const GUARDIAN: &str = env!("CARGO_BIN_EXE_health-guardian");

/// Everything of the machine itself is out of the way, and nothing waits longer than it must.
const QUIET: &str = r#"host = "rounds"
[agents.health-guardian]
process_pause = "50ms"
probe_pause = "50ms"
[agents.health-guardian.limits]
cpu_percent = 100
memory_percent = 100
swap_percent = 100
disk_percent = 100
disk_critical_percent = 100
load_percent = 100000
"#;

/// A folder with settings and, once an agent ran, a ledger.
pub(crate) struct World {
    folder: TempDir,
}

impl World {
    /// A folder whose settings are the quiet ones, then `rest`.
    pub(crate) fn new(rest: &str) -> Self {
        let world = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        fs::write(world.path().join("agents.toml"), format!("{QUIET}{rest}")).expect("written");
        world
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A program of ours with a strict environment.
    pub(crate) fn program(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.path()).env_clear().stdin(Stdio::null());
        command.env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin").env("HOME", self.path());
        command
    }

    /// The agent's command line.
    pub(crate) fn guardian(&self, arguments: &[&str]) -> Command {
        self.program(GUARDIAN, arguments)
    }

    /// The operator's command line.
    pub(crate) fn opsctl(&self, arguments: &[&str]) -> Command {
        self.program(OPSCTL, arguments)
    }

    /// One run; its exit code must be `code`.
    pub(crate) fn run(&self, code: i32) -> String {
        let output = self.guardian(&[]).output().expect("the agent starts");
        let text = both(&output);
        assert_eq!(output.status.code(), Some(code), "{text}");
        text
    }

    /// One run, whatever it finds.
    pub(crate) fn run_anyhow(&self) -> (Option<i32>, String) {
        let output = self.guardian(&[]).output().expect("the agent starts");
        (output.status.code(), both(&output))
    }

    /// What `opsctl` answers in JSON.
    pub(crate) fn asked(&self, arguments: &[&str]) -> Value {
        let mut command = self.opsctl(arguments);
        let output = command.args(["-o", "json"]).output().expect("opsctl starts");
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", both(&output)))
    }

    /// Every incident that is active or was resolved of late.
    pub(crate) fn incidents(&self) -> Value {
        self.asked(&["incidents", "list"])
    }

    /// The only incident about `id`, such as `pm2:web`.
    pub(crate) fn incident(&self, check: &str, id: &str) -> Value {
        let all = self.incidents();
        let wanted = format!("/{check}/process:rounds/{id}");
        let of_it = |incident: &&Value| incident["key"].as_str().expect("a key").ends_with(&wanted);
        let mut found = all.as_array().expect("a list").iter().filter(of_it);
        let only = found.next().unwrap_or_else(|| panic!("no incident of {wanted}: {all:#}"));
        assert!(found.next().is_none(), "several incidents of {wanted}: {all:#}");
        only.clone()
    }

    /// Every remediation, oldest first.
    pub(crate) fn remediations(&self) -> Vec<Value> {
        let all = self.asked(&["remediations", "-n", "100000"]);
        let mut all = all.as_array().expect("a list").clone();
        all.sort_by_key(|of| {
            let id = of["id"].as_str().expect("an id");
            id.trim_start_matches("REM-").parse::<u64>().expect("a number")
        });
        all
    }
}

/// Both streams of a program that ended.
pub(crate) fn both(output: &Output) -> String {
    let texts = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    texts.concat()
}

/// A policy that shortens every wait; each case says what else it needs.
pub(crate) fn policy(settle: &str, more: &str) -> String {
    format!("[agents.health-guardian.policy]\nsettle = \"{settle}\"\n{more}")
}

/// One service for each name, each a process of the same name at `manager`.
pub(crate) fn services(manager: &str, names: &[&str]) -> String {
    names.iter().fold(String::new(), |mut text, name| {
        let service = name.replace('.', "-");
        let _infallible = write!(
            text,
            "[[agents.health-guardian.services]]\nname = \"{service}\"\nmanager = \"{manager}\"\n\
             process = \"{name}\"\n"
        );
        text
    })
}

/// The process that a remediation was about, such as `web` or `web#1`.
pub(crate) fn target(remediation: &Value) -> String {
    let operations = remediation["operation"].as_object().expect("an operation");
    let process = operations.values().next().expect("its process");
    let name = process["name"].as_str().expect("a name");
    process["instance"].as_u64().map_or_else(|| name.to_owned(), |it| format!("{name}#{it}"))
}
