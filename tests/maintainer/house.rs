//! A folder with settings and a ledger, and a database that is tended.

use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::nobody::{AS_NOBODY, NOBODY, Nobody, give, open_to_all};
use super::peers_postgres::PrivatePostgres;

const MAINTAINER: &str = env!("CARGO_BIN_EXE_db-maintainer");
const OPSCTL: &str = env!("CARGO_BIN_EXE_opsctl");

pub(crate) struct House {
    folder: tempfile::TempDir,
    pub(crate) server: PrivatePostgres,
    url: String,
    given: Vec<(String, String)>,
    /// As whom our programs run, if not as whoever runs the tests.
    nobody: Option<Nobody>,
}

impl House {
    /// With these tables declared as ones that change all the time; `None` where there is no PostgreSQL here.
    pub(crate) fn new(tables: &[&str]) -> Option<Self> {
        Self::with(tables, "autovacuum = off")
    }

    pub(crate) fn with(tables: &[&str], server: &str) -> Option<Self> {
        let server = PrivatePostgres::start(server)?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let house = Self { url: server.url(), folder, server, given: Vec::new(), nobody: None };
        house.settings(&format!(
            "[[agents.db-maintainer.databases]]\nname = \"main\"\ntables = {tables:?}\n"
        ));
        Some(house)
    }

    pub(crate) fn settings(&self, text: &str) {
        let text = format!("host = \"host-a\"\n{text}\n[agents.health-guardian]\nservices = []\n");
        std::fs::write(self.path().join("agents.toml"), text).expect("they are written");
    }

    /// With these in its environment, too.
    pub(crate) fn given(self, given: &[(&str, &str)]) -> Self {
        let given = given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self { given: given.collect(), ..self }
    }

    /// Whose programs run as a user who is not root, to whom all of it is given; `None` where only root could do that.
    pub(crate) fn of_nobody(self) -> Option<Self> {
        let nobody = Some(Nobody::of(&[MAINTAINER, OPSCTL])?);
        open_to_all(self.path());
        give(self.path(), NOBODY);
        Some(Self { nobody, ..self })
    }

    /// Reached at another address.
    pub(crate) fn at(self, url: &str) -> Self {
        Self { url: url.to_owned(), ..self }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn command(&self, program: &str, words: &[&str]) -> Command {
        let mut command = match &self.nobody {
            None => Command::new(program),
            Some(nobody) => {
                let mut command = Command::new("setpriv");
                command.args(AS_NOBODY).arg(nobody.program(program));
                command
            }
        };
        command.args(words).current_dir(self.path()).env_clear().env("PATH", "/usr/bin:/bin");
        command.env("OPSWARDEN_CONFIG", self.path().join("agents.toml"));
        command.env("DATABASE_URL", &self.url).stdin(Stdio::null());
        command.envs(self.given.iter().cloned());
        command
    }

    pub(crate) fn maintainer(&self) -> Command {
        self.command(MAINTAINER, &["-o", "json"])
    }

    pub(crate) fn output(&self, words: &[&str]) -> Output {
        self.command(OPSCTL, words).output().expect("it starts")
    }

    /// What `opsctl` answers.
    pub(crate) fn asked(&self, words: &[&str]) -> Value {
        let output = self.output(&[words, &["-o", "json"]].concat());
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        serde_json::from_str(&text).unwrap_or_else(|why| panic!("{words:?}: {why}: {text}"))
    }

    /// What the database answers whoever tends it: where that is not its owner, another user's session would be seen by it.
    pub(crate) fn sql(&self, words: &str) -> String {
        let output = Command::new("psql").args(["-XqAt", &self.url, "-c", words]).output();
        let output = output.expect("psql starts");
        assert!(output.status.success(), "{words}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// A session that says this, and stays until it is dropped.
    pub(crate) fn holding(&self, words: &str) -> Holder {
        let mut holder = Command::new("psql")
            .args(["-XqAt", &self.server.url()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("psql starts");
        let input = holder.stdin.as_mut().expect("it reads");
        input.write_all(words.as_bytes()).expect("it listens");
        input.flush().expect("it listens");
        std::thread::sleep(Duration::from_millis(400));
        Holder(holder)
    }

    /// Runs it, and returns its report.
    pub(crate) fn tend(&self) -> Report {
        Report::of(self.maintainer().output().expect("it starts"))
    }
}

/// A session that stays.
pub(crate) struct Holder(Child);

impl Drop for Holder {
    fn drop(&mut self) {
        let _already_gone = self.0.kill();
        let _reaped = self.0.wait();
        // The server notices a moment later.
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// What one run reported.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) report: Value,
    pub(crate) code: Option<i32>,
}

impl Report {
    /// What a run printed.
    pub(crate) fn of(output: Output) -> Self {
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let report =
            serde_json::from_str(&text).unwrap_or_else(|why| panic!("{why}: {text}{said}"));
        Self { report, code: output.status.code() }
    }

    /// The acts on logs that ended so, by their words.
    pub(crate) fn ended(&self, state: &str) -> Vec<&str> {
        // A report without any has no such list.
        let attempts = self.report["attempts"].as_array().into_iter().flatten();
        let found = attempts.filter(|one| one["state"] == state);
        let said = found.map(|one| one["operation"].as_str().unwrap_or_default());
        said.filter(|one| one.contains("log") || one.contains("archive")).collect()
    }

    /// What was done about databases, and proved.
    pub(crate) fn proved(&self) -> Vec<&str> {
        let attempts = self.report["attempts"].as_array().expect("a list").iter();
        let verified = attempts.filter(|one| one["state"] == "verified");
        let said = verified.map(|one| one["operation"].as_str().unwrap_or_default());
        said.filter(|one| one.contains("main/")).collect()
    }

    /// What was done about this, each with the state that it came to.
    pub(crate) fn attempts(&self, about: &str) -> Vec<String> {
        let told = |one: &Value| {
            let text = |field: &str| one[field].as_str().unwrap_or_default().to_owned();
            format!("{}: {}", text("operation"), text("state"))
        };
        let attempts = self.report["attempts"].as_array().expect("a list").iter();
        attempts.map(told).filter(|told| told.contains(about)).collect()
    }

    /// Why what was found and is about this was left alone.
    pub(crate) fn left(&self, about: &str) -> String {
        let all = self.report["plan"]["deferrals"].as_array().expect("a list").iter();
        let found = all.filter(|one| one["key"].as_str().is_some_and(|key| key.contains(about)));
        let told = found.map(|one| format!("{} {}", one["message"], one["ruling"]));
        told.collect::<Vec<_>>().join("\n")
    }
}
