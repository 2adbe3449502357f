//! Where the settings file, the state and the log lie.

use std::path::{Path, PathBuf};

use super::config::environ::Environ;

/// The name of the environment variable that names the settings file.
pub const CONFIG_VARIABLE: &str = "OPSWARDEN_CONFIG";
/// The file that is looked for in the current folder.
pub const LOCAL_FILE: &str = "agents.toml";
/// The file that is looked for last.
pub const SYSTEM_FILE: &str = "/etc/opswarden/agents.toml";

/// The settings file that applies, and what named it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The file.
    pub file: PathBuf,
    /// What named it: `--config`, the variable, or one of the two places.
    pub by: &'static str,
}

/// No settings file anywhere.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no settings file: --config was not given, ${CONFIG_VARIABLE} is not set, \
     and neither ./{LOCAL_FILE} nor {SYSTEM_FILE} exists\n  \
     hint: `opsctl init` looks at this host and writes a first one; `opsctl config show --defaults` \
     prints every setting with its default"
)]
pub struct NoFile;

/// The settings file: `--config`, else the variable, else the current folder's, else the system's. A file that
/// is named is taken even where it does not exist, so that a typing error does not silently pick another one.
///
/// # Errors
///
/// None is named and neither place has one.
pub fn find(option: Option<&Path>, environ: &Environ) -> Result<Found, NoFile> {
    if let Some(file) = option {
        return Ok(Found { file: file.to_owned(), by: "--config" });
    }
    if let Some(file) = environ.get(CONFIG_VARIABLE) {
        return Ok(Found { file: PathBuf::from(file), by: "$OPSWARDEN_CONFIG" });
    }
    [LOCAL_FILE, SYSTEM_FILE]
        .into_iter()
        .find(|place| Path::new(place).exists())
        .map(|place| Found { file: PathBuf::from(place), by: "the default places" })
        .ok_or(NoFile)
}

/// The effective folders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// The ledger, the published view, locks and tapes.
    pub state: PathBuf,
    /// The log files.
    pub logs: PathBuf,
}

impl Paths {
    /// The ledger.
    #[must_use]
    pub fn ledger(&self) -> PathBuf {
        self.state.join("ops.db")
    }

    /// The published view.
    #[must_use]
    pub fn view(&self) -> PathBuf {
        self.state.join("ops-state.json")
    }

    /// The scheduler's sign of life.
    #[must_use]
    pub fn beat(&self) -> PathBuf {
        self.state.join("scheduler.json")
    }

    /// The settings as the scheduler accepted them.
    #[must_use]
    pub fn accepted(&self) -> PathBuf {
        self.state.join("scheduler.toml")
    }

    /// The folder of lock files.
    #[must_use]
    pub fn locks(&self) -> PathBuf {
        self.state.join("locks")
    }

    /// The folder of an agent's tapes.
    #[must_use]
    pub fn snapshots(&self, agent: &str) -> PathBuf {
        self.state.join("snapshots").join(agent)
    }

    /// The folder of the ledger's backups.
    #[must_use]
    pub fn backups(&self) -> PathBuf {
        self.state.join("backups")
    }

    /// The folder of what is remembered of Redis servers.
    #[must_use]
    pub fn redis(&self) -> PathBuf {
        self.state.join("redis")
    }

    /// The folder of evidence that was taken before acting.
    #[must_use]
    pub fn evidence(&self) -> PathBuf {
        self.state.join("evidence")
    }

    /// The log file of an agent.
    #[must_use]
    pub fn log(&self, agent: &str) -> PathBuf {
        self.logs.join(format!("ops-{agent}.log"))
    }
}

/// The folder that settings name, relative to the folder of the settings file; a folder that the service manager
/// hands over wins. systemd may hand over several, separated by colons: the first is ours.
#[must_use]
pub fn folder(configured: &str, handed_over: Option<&str>, file: &Path) -> PathBuf {
    let given = handed_over.and_then(|list| list.split(':').next()).filter(|text| !text.is_empty());
    if let Some(folder) = given {
        return PathBuf::from(folder);
    }
    let base = file.parent().filter(|base| !base.as_os_str().is_empty());
    base.unwrap_or(Path::new(".")).join(configured)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_file_wins_and_the_option_wins_over_the_variable() {
        let environ = Environ::of([(CONFIG_VARIABLE, "/b.toml")]);
        assert_eq!(find(Some(Path::new("/a.toml")), &environ).unwrap().file, Path::new("/a.toml"));
        assert_eq!(find(None, &environ).unwrap().file, Path::new("/b.toml"));
    }

    #[test]
    fn without_any_file_all_four_ways_are_named() {
        let message = NoFile.to_string();
        for way in ["--config", "$OPSWARDEN_CONFIG", "./agents.toml", "/etc/opswarden/agents.toml"]
        {
            assert!(message.contains(way), "{way}: {message}");
        }
        let [init, defaults] = ["`opsctl init`", "`opsctl config show --defaults`"]
            .map(|way| message.find(way).unwrap_or_else(|| panic!("{way}: {message}")));
        assert!(init < defaults, "the shorter way comes first: {message}");
    }

    #[test]
    fn folders_are_relative_to_the_file_and_the_service_manager_wins() {
        let file = Path::new("/srv/ops/agents.toml");
        assert_eq!(folder("state", None, file), Path::new("/srv/ops/state"));
        assert_eq!(folder("/var/x", None, file), Path::new("/var/x"));
        assert_eq!(folder("state", Some("/var/lib/a:/var/lib/b"), file), Path::new("/var/lib/a"));
        assert_eq!(folder("state", Some(""), file), Path::new("/srv/ops/state"));
        assert_eq!(folder("state", None, Path::new("agents.toml")), Path::new("./state"));
    }
}
