//! Units of a real systemd that break on demand, and what systemd says of them.

use std::fmt::Write as _;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use super::lives::{Life, Lives};
use super::peers::wait_until;
use super::peers_systemd::PrivateSystemd;
use super::world::{World, policy, services};

/// Dies at once while a file says so. Answers a stop with an error, as many programs do.
const EXEC: &str = "ExecStart=/bin/sh -c 'test ! -e /run/bad-%N || exit 3; trap \"exit 143\" TERM; \
    while :; do sleep 0.1; done'\n";
const HEAD: &str = "[Unit]\nDefaultDependencies=no\n";
const PATIENCE: Duration = Duration::from_secs(20);
const SHOWN: &str = "Id,ActiveState,SubState,Result,InvocationID,MainPID,NRestarts";

/// A unit that systemd leaves alone when it dies.
pub(crate) fn once() -> String {
    format!("{HEAD}[Service]\n{EXEC}")
}

/// A unit that systemd starts again, five times within so many seconds.
pub(crate) fn again(limit_seconds: u32) -> String {
    format!(
        "{HEAD}StartLimitBurst=5\nStartLimitIntervalSec={limit_seconds}\n\
         [Service]\nRestart=always\nRestartSec=50ms\n{EXEC}"
    )
}

/// A systemd with units of ours.
pub(crate) struct Units {
    pub(crate) systemd: PrivateSystemd,
    names: Vec<String>,
}

impl Units {
    /// A systemd that runs these units (an empty text masks one), or `None` with a loud skip.
    pub(crate) fn boot(units: &[(&str, String)]) -> Option<Self> {
        let texts: Vec<(&str, &str)> =
            units.iter().map(|(name, text)| (*name, text.as_str())).collect();
        let systemd = PrivateSystemd::boot(&texts)?;
        let names = units.iter().map(|(name, _)| (*name).to_owned()).collect();
        let booted = Self { systemd, names };
        let alive = units.iter().filter(|(_, text)| !text.is_empty()).map(|(name, _)| *name);
        booted.order("start", &alive.collect::<Vec<_>>());
        Some(booted)
    }

    /// A world whose agent watches `watched` here.
    pub(crate) fn world(&self, settle: &str, more: &str, watched: &[&str]) -> World {
        let prefixes = [self.systemd.systemctl_prefix(), self.systemd.journalctl_prefix()];
        let mut managers = "[managers.systemd]\n".to_owned();
        for (name, prefix) in ["systemctl", "journalctl"].iter().zip(prefixes) {
            let _infallible = writeln!(managers, "{name} = {prefix:?}");
        }
        World::new(&[managers, policy(settle, more), services("systemd", watched)].concat())
    }

    /// What systemd's own command line says of every unit.
    pub(crate) fn lives(&self) -> Lives {
        self.names.iter().map(|name| (name.clone(), self.life(name))).collect()
    }

    fn life(&self, name: &str) -> Life {
        let shown = self.systemd.systemctl(&["show", "--property", SHOWN, "--", name]);
        let text = String::from_utf8_lossy(&shown.stdout).into_owned();
        let field = |wanted: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(wanted));
            line.and_then(|rest| rest.strip_prefix('=')).unwrap_or_default().to_owned()
        };
        let status = ["ActiveState", "SubState", "Result"].map(field).join("/");
        let restarts = field("NRestarts").parse().unwrap_or_default();
        Life { status, identity: ["InvocationID", "MainPID"].map(field).join("@"), restarts }
    }

    /// Does what a person would do by the command line.
    pub(crate) fn order(&self, verb: &str, names: &[&str]) {
        if !names.is_empty() {
            self.systemd.systemctl(&[&[verb, "--"], names].concat());
        }
    }

    /// Kills a unit as the kernel would.
    pub(crate) fn kill(&self, name: &str) {
        let killed = self.systemd.systemctl(&["kill", "--signal=KILL", name]);
        assert!(killed.status.success(), "{}", String::from_utf8_lossy(&killed.stderr));
    }

    /// Makes a unit die at every start.
    pub(crate) fn tell_bad(&self, name: &str) {
        self.inside(&["touch", &flag(name)]);
    }

    /// Takes it back.
    pub(crate) fn untell_bad(&self, name: &str) {
        self.inside(&["rm", &flag(name)]);
    }

    /// Makes units fail for good that would be well if they were started once more.
    pub(crate) fn break_once(&self, names: &[&str]) {
        for name in names {
            self.tell_bad(name);
            self.kill(name);
        }
        for name in names {
            self.await_life(name, |life| life.status.starts_with("failed/"));
            self.untell_bad(name);
        }
    }

    /// Waits until systemd says something of a unit.
    pub(crate) fn await_life(&self, name: &str, holds: impl Fn(&Life) -> bool) {
        let came = wait_until(PATIENCE, || holds(&self.life(name)));
        assert!(came, "{name} never came that far: {:?}", self.life(name));
    }

    fn inside(&self, argv: &[&str]) -> Output {
        let enter = self.systemd.enter();
        let mut command = Command::new(&enter[0]);
        command.args(&enter[1..]).args(argv).stdin(Stdio::null());
        let output = command.output().expect("nsenter runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output
    }
}

fn flag(unit: &str) -> String {
    format!("/run/bad-{}", unit.trim_end_matches(".service"))
}
