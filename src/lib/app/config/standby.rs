//! Settings to go by while the file has a mistake: enough to look and to hold agents back, never to act.

use std::path::Path;

use super::environ::Environ;
use super::load::{Config, read_file};
use super::problem::ConfigErrors;
use crate::app::{paths, registry};

/// What is gone by instead of the file.
pub struct Standby {
    /// The settings.
    pub config: Config,
    /// What they are, in a few words.
    pub what: &'static str,
}

impl Standby {
    /// The settings that the scheduler accepted last; where there are none, defaults with the folders that the file names. `None`
    /// where nothing was recorded there, so that there is nothing to look at.
    #[must_use]
    pub fn find(option: Option<&Path>, environ: &Environ) -> Option<Self> {
        let found = paths::find(option, environ).ok()?;
        let text = read_file(&found).ok()?;
        let load = |text: &str| -> Result<Config, ConfigErrors> {
            Ok(Config::from_text(&found.file, text, environ, registry::ALL)?.config)
        };
        let folders = load(&folders(&text)).ok()?;
        if !folders.paths.ledger().exists() && !folders.paths.view().exists() {
            return None;
        }
        let accepted = std::fs::read_to_string(folders.paths.accepted()).ok();
        let accepted = accepted.and_then(|text| load(&text).ok());
        Some(match accepted {
            Some(config) => Self { config, what: "the settings that the scheduler accepted last" },
            None => Self { config: folders, what: "the defaults, with the folders of the file" },
        })
    }
}

/// The part of a settings file that names its folders, as far as it can be read: of a file with a mistake, which may be one
/// that no reader gets past, each line that names one is taken by itself.
fn folders(text: &str) -> String {
    let lines = text.lines().map(str::trim);
    let of_paths = lines.skip_while(|line| *line != "[paths]").skip(1);
    let of_paths = of_paths.take_while(|line| !line.starts_with('['));
    let is_folder = |line: &&str| {
        let one = line.parse::<toml::Table>().unwrap_or_default();
        one.contains_key("state") || one.contains_key("logs")
    };
    let folders: Vec<&str> = of_paths.filter(is_folder).collect();
    format!("[paths]\n{}\n", folders.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folders_of_a_file_are_known_whatever_else_is_wrong_with_it() {
        let text = "host = \n[paths]\n# where\n  state = \"/srv/state\" # there\nbroken\nlogs = \"x\"\n[agents\nstate = 1";
        assert_eq!(folders(text), "[paths]\nstate = \"/srv/state\" # there\nlogs = \"x\"\n");
        assert_eq!(folders("host = \"a\""), "[paths]\n\n");
        assert_eq!(folders("[paths]\nsate = \"x\"\n"), "[paths]\n\n");
    }
}
