//! The effective settings, and reading them from the file that applies.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use super::document::Managers;
use super::environ::Environ;
use super::notify::NotifySettings;
use super::origins::OriginRow;
use super::platform::{PlatformSettings, account_names};
use super::problem::{ConfigErrors, Problem};
use super::reader::Reader;
use super::secret;
use super::stores;
use crate::agent::Agent;
use crate::app::paths::{self, Paths};
use crate::app::registry::{self, Entry};
use crate::domain::duration::HumanDuration;
use crate::domain::planner::Rules;
use crate::domain::policy::{Budgets, Policy};
use crate::domain::schedule::Schedule;
use crate::domain::severity::Environment;
use crate::domain::subject::AgentName;
use crate::domain::timing::ScheduleSettings;

/// A settings file may hold at most so many bytes; the commented one has a few thousand.
const LARGEST: u64 = 1024 * 1024;

/// The variable that names the settings as they were accepted.
pub const ACCEPTED_VARIABLE: &str = "OPS_SETTINGS";

/// The effective settings of everything.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file that was read.
    pub file: PathBuf,
    /// Its text.
    pub text: String,
    /// What depends on this host.
    pub environment: Environment,
    /// This host's name in findings.
    pub host: String,
    /// The effective folders.
    pub paths: Paths,
    /// How process managers are reached; the home of PM2 is the effective one.
    pub managers: Managers,
    /// What all agents of this host may do together.
    pub budgets: Budgets,
    /// How people are told, with what the environment adds.
    pub notify: NotifySettings,
    /// The platform, where there is one.
    pub platform: Option<PlatformSettings>,
    /// Every registered agent's settings.
    pub agents: BTreeMap<AgentName, AgentSettings>,
    /// Every effective value with where it came from.
    pub origins: Vec<OriginRow>,
    pub(super) given: Vec<secret::Given>,
}

/// One agent's effective settings.
#[derive(Clone, Debug)]
pub struct AgentSettings {
    /// When it is due.
    pub schedule: Schedule,
    /// The largest gap between two slots.
    pub interval: Duration,
    /// The longest time that a run may take.
    pub timeout: Duration,
    /// Whether its expression may begin with seconds.
    pub seconds: bool,
    /// What becomes of its slots.
    pub rules: Rules,
    /// What it may do.
    pub policy: Policy,
    /// Its own stanza with every default filled in.
    pub stanza: Value,
}

impl AgentSettings {
    /// The schedule as a file would spell it, every default filled in.
    #[must_use]
    pub fn written(&self) -> ScheduleSettings {
        ScheduleSettings {
            cron: self.schedule.expression().to_owned(),
            seconds: self.seconds,
            zone: self.schedule.zone().to_owned(),
            timeout: Some(HumanDuration::from(self.timeout)),
            offset: HumanDuration::from(self.rules.offset),
            jitter: HumanDuration::from(self.rules.jitter),
            overlap: self.rules.overlap,
            catch_up: self.rules.catch_up,
            catch_up_within: Some(HumanDuration::from(self.rules.catch_up_within)),
            plan_only_after: Some(HumanDuration::from(self.rules.plan_only_after)),
            mutex: self.rules.mutex.clone(),
            retries: self.rules.retries.clone(),
        }
    }
}

/// Settings that can be used, and what somebody should look at.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// Problems that stop nothing.
    pub warnings: Vec<Problem>,
}

impl Config {
    /// Reads the settings that apply: those of `option`, else those that [`paths::find`] names.
    ///
    /// # Errors
    ///
    /// No file, an unreadable one, or any mistake in it; every one of them is listed.
    pub fn load(option: Option<&Path>, environ: &Environ) -> Result<Loaded, ConfigErrors> {
        let found = paths::find(option, environ)
            .map_err(|none| ConfigErrors::single(None, none.to_string(), None))?;
        let text = match accepted(environ) {
            Some(text) => text,
            None => read_file(&found)?,
        };
        Self::from_text(&found.file, &text, environ, registry::ALL)
    }

    /// The settings of `text`, which stands for the contents of `file`, for these agents.
    ///
    /// # Errors
    ///
    /// Any mistake; every one of them is listed.
    pub fn from_text(
        file: &Path,
        text: &str,
        environ: &Environ,
        entries: &[Entry],
    ) -> Result<Loaded, ConfigErrors> {
        Reader::new(file, text).config(environ, entries)
    }

    /// The settings of agent `A`, defaults included.
    ///
    /// # Panics
    ///
    /// `A` is not in the registry, which a test excludes.
    #[must_use]
    pub fn agent<A: Agent>(&self) -> A {
        let settings = self.of(&A::SPEC.name);
        A::deserialize(settings.stanza.clone()).expect("an effective stanza was an `A` before")
    }

    /// The house's settings of the agent called `name`.
    ///
    /// # Panics
    ///
    /// There is no such agent in the registry.
    #[must_use]
    pub fn of(&self, name: &AgentName) -> &AgentSettings {
        self.agents.get(name).expect("every registered agent has settings")
    }

    /// A tenant's account, as e-mail address and password.
    ///
    /// # Errors
    ///
    /// The name in the environment that is not set.
    pub fn account(&self, tenant: &str) -> Result<[String; 2], String> {
        let [email, password] = account_names(tenant).map(|name| {
            let found = self.given.iter().find(|given| given.name == name);
            found.map(|found| found.value.expose().to_owned()).ok_or(name)
        });
        Ok([email?, password?])
    }

    /// What the environment gives under this name.
    #[must_use]
    pub fn given(&self, name: &str) -> Option<&str> {
        self.given.iter().find(|given| given.name == name).map(|given| given.value.expose())
    }

    /// What the environment gives by files and not by variables: each name with its value.
    pub(in crate::app) fn by_files(&self) -> impl Iterator<Item = (&str, &str)> {
        let by_file = |given: &&secret::Given| given.by.starts_with('/');
        self.given.iter().filter(by_file).map(|one| (one.name.as_str(), one.value.expose()))
    }

    /// The values that must never be seen in any output.
    #[must_use]
    pub fn secrets(&self) -> Vec<String> {
        let hidden = self.given.iter().filter(|found| found.hidden);
        let hidden: Vec<String> = hidden.map(|found| found.value.expose().to_owned()).collect();
        let within = hidden.iter().flat_map(|address| stores::passwords(address));
        within.collect::<Vec<_>>().into_iter().chain(hidden).collect()
    }
}

/// The settings that the scheduler which started this process has accepted: a change of the file is in effect for its agents
/// once it has taken it. Where they cannot be read, the file is.
fn accepted(environ: &Environ) -> Option<String> {
    std::fs::read_to_string(environ.get(ACCEPTED_VARIABLE)?).ok()
}

pub(super) fn read_file(found: &paths::Found) -> Result<String, ConfigErrors> {
    let file = &found.file;
    let wrong = |message: String, hint: &str| {
        let hint = (!hint.is_empty()).then(|| hint.to_owned());
        ConfigErrors::single(Some(file.clone()), message, hint)
    };
    let named = format!("named by {}", found.by);
    if file.is_dir() {
        return Err(wrong("it is a folder, not a settings file".to_owned(), &named));
    }
    let mut bytes = Vec::new();
    std::fs::File::open(file)
        .and_then(|opened| opened.take(LARGEST + 1).read_to_end(&mut bytes))
        .map_err(|error| {
        let denied = error.kind() == std::io::ErrorKind::PermissionDenied;
        let user = rustix::process::geteuid().as_raw();
        let who = format!("the user {user} must be able to read it: chgrp and chmod 640");
        wrong(format!("failed to read the settings: {error}"), if denied { &who } else { &named })
    })?;
    if bytes.len() as u64 > LARGEST {
        return Err(wrong("it is larger than 1 MiB, which no settings file is".to_owned(), &named));
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..good].split(|byte| *byte == b'\n').count();
        wrong(format!("line {line} is not UTF-8 text"), "save the file as UTF-8")
    })
}
