//! A folder with settings and a ledger, and a Redis server that is tended.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use super::house::Report;
use super::peers_redis::PrivateRedis;

const MAINTAINER: &str = env!("CARGO_BIN_EXE_db-maintainer");
const OPSCTL: &str = env!("CARGO_BIN_EXE_opsctl");

pub(crate) struct RedisHouse {
    folder: tempfile::TempDir,
    pub(crate) server: PrivateRedis,
    url: Option<String>,
    roots: Option<PathBuf>,
}

impl RedisHouse {
    pub(crate) fn of(server: PrivateRedis) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let house = Self { url: Some(server.url()), roots: None, folder, server };
        house.settings("");
        house
    }

    /// The server of the settings, with these of its limits.
    pub(crate) fn settings(&self, limits: &str) {
        let text = format!(
            "host = \"host-a\"\n[[agents.db-maintainer.redis]]\nname = \"main\"\n{limits}\n\
             [agents.db-maintainer.policy]\nsettle = \"0s\"\n[agents.health-guardian]\nservices = []\n"
        );
        std::fs::write(self.folder.path().join("agents.toml"), text).expect("they are written");
    }

    /// Reached at another address, or at none.
    pub(crate) fn at(&mut self, url: Option<&str>) {
        self.url = url.map(str::to_owned);
    }

    /// The system trusts whom this file names, and nobody else.
    pub(crate) fn trusting(&mut self, roots: &Path) {
        self.roots = Some(roots.to_owned());
    }

    fn command(&self, program: &str, words: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(words).current_dir(self.folder.path()).env_clear().stdin(Stdio::null());
        command.env("PATH", "/usr/bin:/bin").envs(self.url.as_ref().map(|url| ("REDIS_URL", url)));
        command.envs(self.roots.as_ref().map(|file| ("SSL_CERT_FILE", file)));
        command.env("OPSWARDEN_CONFIG", self.folder.path().join("agents.toml"));
        command
    }

    pub(crate) fn output(&self, words: &[&str]) -> Output {
        self.command(OPSCTL, words).output().expect("it starts")
    }

    /// Runs it, and returns its report.
    pub(crate) fn tend(&self) -> Report {
        let output = self.command(MAINTAINER, &["-o", "json"]).output().expect("it starts");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let report =
            serde_json::from_str(&text).unwrap_or_else(|why| panic!("{why}: {text}{said}"));
        Report { report, code: output.status.code() }
    }

    /// What a person could run, as `opsctl db advice` tells.
    pub(crate) fn advice(&self) -> String {
        let output = self.output(&["db", "advice", "-o", "json"]);
        let advice: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
        let all = advice.as_array().expect("a list").iter();
        all.map(|one| one["command"].as_str().unwrap_or("nothing")).collect::<Vec<_>>().join("\n")
    }

    /// Every file that was written.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        walk(self.folder.path())
    }
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() { files.extend(walk(&path)) } else { files.push(path) }
    }
    files
}
