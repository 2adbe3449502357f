//! The demo's stage: a folder, three services, settings that name them, and their end.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitOptions, kill_process, set_child_subreaper, waitpid};
use tokio::net::TcpListener;

use super::service::{API, DATABASE, Files, SHOP, restart};
use crate::ports::clock::Clock;

/// Every service, in the order in which they are started.
const SERVICES: [&str; 3] = [DATABASE, API, SHOP];
/// How long a killed service may take to be gone.
const GONE: Duration = Duration::from_secs(5);

/// A stage that is set. What it started is gone when it is struck, and at the latest when it is dropped.
pub(super) struct Stage {
    folder: PathBuf,
}

impl Stage {
    /// Makes the folder and starts the services.
    pub(super) async fn set(program: &Path) -> Result<Self, String> {
        let folder = tempfile::Builder::new()
            .prefix("opswarden-demo-")
            .tempdir()
            .map_err(|error| format!("failed to make a folder: {error}"))?
            .keep();
        // Services that lose their starter become our children, so that none can be left over.
        set_child_subreaper(Pid::from_raw(1))
            .map_err(|error| format!("failed to adopt what will be started: {error}"))?;
        let stage = Self { folder };
        stage.write("demo.pid", &std::process::id().to_string())?;
        let mut ports = BTreeMap::new();
        for name in SERVICES {
            let port = free_port().await?;
            stage
                .files(name)
                .set_port(port)
                .map_err(|error| format!("failed to note a port: {error}"))?;
            ports.insert(name, port);
        }
        stage.write("agents.toml", &settings(&stage.folder, program, &ports))?;
        for name in SERVICES {
            restart(&stage.files(name))
                .await
                .map_err(|why| format!("failed to start {name}: {why}"))?;
        }
        Ok(stage)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn settings(&self) -> PathBuf {
        self.folder.join("agents.toml")
    }

    /// Adds to the settings.
    pub(super) fn add_settings(&self, text: &str) -> Result<(), String> {
        let settings = fs::read_to_string(self.settings()).map_err(|error| error.to_string())?;
        self.write("agents.toml", &format!("{settings}{text}"))
    }

    pub(super) fn files(&self, name: &str) -> Files {
        Files::of(&self.folder, name)
    }

    /// Sends a signal to a service.
    pub(super) fn signal(&self, name: &str, signal: Signal) -> Result<Pid, String> {
        let pid = self.files(name).living().ok_or_else(|| format!("{name} does not run"))?;
        kill_process(pid, signal).map_err(|error| format!("failed to signal {name}: {error}"))?;
        Ok(pid)
    }

    /// Ends every service and waits until all of them are gone. Returns how many were still alive at the end.
    pub(super) async fn strike(&self, clock: &dyn Clock) -> usize {
        let until = clock.elapsed() + GONE;
        loop {
            let left = self.kill_all();
            reap();
            if left == 0 || clock.elapsed() >= until {
                return left;
            }
            clock.sleep(Duration::from_millis(20)).await;
        }
    }

    fn kill_all(&self) -> usize {
        let mut living = 0;
        for pid in SERVICES.iter().filter_map(|name| self.files(name).living()) {
            living += 1;
            if let Err(error) = kill_process(pid, Signal::KILL) {
                tracing::debug!("failed to end pid {}: {error}", pid.as_raw_pid());
            }
        }
        living
    }

    fn write(&self, name: &str, text: &str) -> Result<(), String> {
        fs::write(self.folder.join(name), text)
            .map_err(|error| format!("failed to write {name}: {error}"))
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.kill_all();
        reap();
    }
}

/// Takes the ends of adopted children that have died.
fn reap() {
    while let Ok(Some(_)) = waitpid(None, WaitOptions::NOHANG) {}
}

async fn free_port() -> Result<u16, String> {
    let taken = TcpListener::bind(("127.0.0.1", 0)).await.map_err(|error| error.to_string());
    let address =
        taken.and_then(|listener| listener.local_addr().map_err(|error| error.to_string()));
    address
        .map(|address| address.port())
        .map_err(|why| format!("failed to find a free port: {why}"))
}

/// The demo's own settings: everything as shipped, but waits that fit a demo.
fn settings(folder: &Path, program: &Path, ports: &BTreeMap<&str, u16>) -> String {
    let quoted = |text: &str| format!("{text:?}");
    let program = quoted(&program.display().to_string());
    let folder = quoted(&folder.display().to_string());
    let port = |name: &str| ports.get(name).copied().unwrap_or_default();
    let words = |verb: &str, name: &str| {
        format!("[{program}, \"demo-service\", \"{verb}\", {folder}, \"{name}\"]")
    };
    let service = |name: &str, dependencies: &str| {
        format!(
            "\n[[agents.health-guardian.services]]\nname = \"{name}\"\nmanager = \"command\"\nprocess = \"{name}\"\n\
             dependencies = {dependencies}\n\n\
             [agents.health-guardian.services.command]\nstatus = {}\nrestart = {}\nlog = {}\n\n{}",
            words("status", name),
            words("restart", name),
            quoted(&format!("{}/{name}.log", folder.trim_matches('"'))),
            probe(port(name)),
        )
    };
    format!(
        "# Settings of the demo. Waits are shortened so that you need not wait.\n\
         environment = \"production\"\nhost = \"demo\"\n\n\
         [agents.health-guardian]\nprobe_pause = \"200ms\"\nprocess_pause = \"200ms\"\n\n\
         [agents.health-guardian.limits]\n\
         # The demo is about services; a busy machine must not disturb it.\n\
         cpu_percent = 100\nmemory_percent = 100\nswap_percent = 100\n\
         disk_percent = 100\ndisk_critical_percent = 100\nload_percent = 100000\n\n\
         [agents.health-guardian.policy]\nsettle = \"1s\"\n{}{}\n\
         [[agents.health-guardian.services]]\nname = \"database\"\n\
         # No process is named: it belongs to somebody else, so it is only alerted.\n\n{}",
        service(SHOP, "[]"),
        service(API, "[\"database\"]"),
        probe(port(DATABASE)),
    )
}

fn probe(port: u16) -> String {
    format!(
        "[[agents.health-guardian.services.probes]]\nurl = \"http://127.0.0.1:{port}/ready\"\n\
         body = {{ \"/status\" = [\"ok\"] }}\ndeadline = \"1s\"\n"
    )
}
