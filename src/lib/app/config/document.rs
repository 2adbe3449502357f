//! The house's own settings: everything of `agents.toml` that belongs to no single agent.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::notify::NotifySettings;
use super::platform::PlatformSettings;
use crate::domain::policy::Budgets;
use crate::domain::severity::Environment;

/// The top level of `agents.toml`, without `[agents]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct House {
    /// What depends on this host: "production", "staging" or "development". It decides how urgent a finding is;
    /// one environment per ledger.
    pub environment: Environment,
    /// The name of this host in findings. Empty: the system's host name.
    #[schemars(length(max = 253))]
    pub host: String,
    /// Where the ledger and the logs lie.
    pub paths: PathSettings,
    /// How process managers are reached.
    pub managers: Managers,
    /// What all agents of this host may do together.
    pub budgets: Budgets,
    /// How people are told.
    pub notify: NotifySettings,
    /// The platform.
    pub platform: Option<PlatformSettings>,
}

/// `[paths]`: folders, relative to the folder of this file. `$STATE_DIRECTORY` and `$LOGS_DIRECTORY`, which systemd sets,
/// win.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PathSettings {
    /// The folder of the ledger, the published view, locks and recordings.
    #[schemars(length(min = 1))]
    pub state: String,
    /// The folder of the log files.
    #[schemars(length(min = 1))]
    pub logs: String,
}

impl Default for PathSettings {
    fn default() -> Self {
        Self { state: "state".to_owned(), logs: "logs".to_owned() }
    }
}

/// `[managers]`: how process managers are reached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Managers {
    /// PM2.
    pub pm2: Pm2Settings,
    /// systemd.
    pub systemd: SystemdSettings,
}

/// How PM2 is read.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Pm2Read {
    /// Through the daemon's own socket: starts nothing, and is fast.
    #[default]
    Socket,
    /// Through the command line of `cli`.
    Cli,
}

/// `[managers.pm2]`: PM2, the process manager of Node.js programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Pm2Settings {
    /// The folder of the PM2 daemon. Empty: `$PM2_HOME`, else `~/.pm2`.
    pub home: String,
    /// How PM2 is read: "socket" (its own socket, starts nothing) or "cli".
    pub read: Pm2Read,
    /// The command line of PM2, as an argument vector; no shell is involved.
    #[schemars(length(min = 1, max = 32))]
    pub cli: Vec<String>,
}

impl Default for Pm2Settings {
    fn default() -> Self {
        Self { home: String::new(), read: Pm2Read::Socket, cli: vec!["pm2".to_owned()] }
    }
}

/// `[managers.systemd]`: the service manager systemd.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SystemdSettings {
    /// The command that speaks to systemd, as an argument vector; no shell is involved.
    #[schemars(length(min = 1, max = 32))]
    pub systemctl: Vec<String>,
    /// The command that reads the journal, as an argument vector.
    #[schemars(length(min = 1, max = 32))]
    pub journalctl: Vec<String>,
}

impl Default for SystemdSettings {
    fn default() -> Self {
        Self { systemctl: vec!["systemctl".to_owned()], journalctl: vec!["journalctl".to_owned()] }
    }
}
