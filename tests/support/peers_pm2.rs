//! A real PM2 with a home of its own, in a temporary folder. A test file that uses it declares `peers` too.

#![expect(clippy::disallowed_methods, reason = "tests start the peer that they speak to")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::peers::{env, skip, test_name, wait_until};

/// One PM2 daemon, ended when this is dropped.
pub(crate) struct PrivatePm2 {
    dir: TempDir,
    bin: PathBuf,
}

impl PrivatePm2 {
    /// A daemon without processes, or `None` with a loud skip where PM2 is not installed.
    pub(crate) fn start() -> Option<Self> {
        let Some(bin) = bin() else {
            skip(&test_name(), "pm2");
            return None;
        };
        let pm2 = Self { dir: tempfile::tempdir().expect("a temporary folder"), bin };
        assert!(pm2.pm2(&["ping"]).status.success(), "PM2 does not start");
        Some(pm2)
    }

    /// Its home.
    pub(crate) fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    /// The folder that apps started here live in.
    pub(crate) fn apps(&self) -> &Path {
        self.dir.path()
    }

    /// The program, as an argument vector.
    pub(crate) fn cli(&self) -> Vec<String> {
        vec![self.bin.display().to_string()]
    }

    /// Runs its command line to the end.
    pub(crate) fn pm2(&self, args: &[&str]) -> Output {
        Command::new(&self.bin)
            .args(args)
            .env("PM2_HOME", self.home())
            .current_dir(self.dir.path())
            .stdin(Stdio::null())
            .output()
            .expect("pm2 runs")
    }

    /// Writes `script` as `<name>.js` and starts it under `name` with these options of an ecosystem file.
    pub(crate) fn start_app(&self, name: &str, script: &str, options: &Value) {
        let file = self.apps().join(format!("{name}.js"));
        std::fs::write(&file, script).expect("the script is written");
        let mut app = json!({ "name": name, "script": file, "cwd": self.apps() });
        for (option, value) in options.as_object().into_iter().flatten() {
            app[option] = value.clone();
        }
        let config = self.apps().join(format!("{name}.config.json"));
        std::fs::write(&config, json!({ "apps": [app] }).to_string()).expect("it is written");
        let started = self.pm2(&["start", &config.display().to_string()]);
        assert!(started.status.success(), "{}", String::from_utf8_lossy(&started.stdout));
    }

    /// The daemon's pid.
    pub(crate) fn daemon(&self) -> Option<rustix::process::Pid> {
        let pid = std::fs::read_to_string(self.home().join("pm2.pid")).ok()?;
        rustix::process::Pid::from_raw(pid.trim().parse().ok()?)
    }

    /// Kills the daemon as the kernel would.
    pub(crate) fn kill_daemon(&self) {
        let Some(pid) = self.daemon() else { return };
        kill(pid);
        // The kernel closes its socket a moment after the process counts as dead.
        let socket = self.home().join("rpc.sock");
        wait_until(Duration::from_secs(10), || {
            !is_there(pid) && std::os::unix::net::UnixStream::connect(&socket).is_err()
        });
    }

    /// The pids of the processes of the daemon, which outlive a killed one.
    fn children(&self) -> Vec<rustix::process::Pid> {
        let entries = std::fs::read_dir(self.home().join("pids")).into_iter().flatten().flatten();
        let texts = entries.filter_map(|entry| std::fs::read_to_string(entry.path()).ok());
        texts.filter_map(|pid| rustix::process::Pid::from_raw(pid.trim().parse().ok()?)).collect()
    }
}

impl Drop for PrivatePm2 {
    fn drop(&mut self) {
        let children = self.children();
        self.kill_daemon();
        for child in children {
            if belongs_to(child, &self.home()) {
                kill(child);
            }
        }
    }
}

fn bin() -> Option<PathBuf> {
    let named = env("OPSWARDEN_TEST_PM2").map(PathBuf::from);
    let installed =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers/node_modules/.bin/pm2");
    named.or_else(|| installed.exists().then_some(installed))
}

fn kill(pid: rustix::process::Pid) {
    let _already_gone = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
}

fn is_there(pid: rustix::process::Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_pid()));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}

/// Whether a pid is still a process of this home: it may be another's by now.
fn belongs_to(pid: rustix::process::Pid, home: &Path) -> bool {
    let environment = std::fs::read(format!("/proc/{}/environ", pid.as_raw_pid()));
    let wanted = format!("PM2_HOME={}", home.display());
    environment
        .is_ok_and(|bytes| bytes.split(|byte| *byte == 0).any(|var| var == wanted.as_bytes()))
}

// Counts every helper as used, whichever of them a test file needs.
const _: () = {
    let _ = PrivatePm2::start;
    let _ = PrivatePm2::home;
    let _ = PrivatePm2::cli;
    let _ = PrivatePm2::pm2;
    let _ = PrivatePm2::start_app;
    let _ = PrivatePm2::kill_daemon;
};
