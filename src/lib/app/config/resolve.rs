//! Where the environment and the system complete the file: addresses of folders and the host's name.

use std::path::Path;

use super::document::House;
use super::environ::Environ;
use super::origins::{Origin, OriginRow};
use super::secret::Given;
use crate::app::paths::{Paths, folder};

/// What the environment added, and the settings whose origin it is.
pub(super) struct Resolved {
    /// The effective folders.
    pub(super) paths: Paths,
    /// The setting's path, its effective value, and where it came from.
    pub(super) replaced: Vec<(&'static str, String, Origin)>,
}

/// Completes `house` in place.
pub(super) fn resolve(house: &mut House, file: &Path, environ: &Environ) -> Resolved {
    let mut replaced = Vec::new();
    if house.host.is_empty() {
        environ.host().clone_into(&mut house.host);
        replaced.push(("host", house.host.clone(), Origin::System));
    }
    if house.managers.pm2.home.is_empty()
        && let Some((home, name)) = pm2_home(environ)
    {
        house.managers.pm2.home.clone_from(&home);
        let origin = Origin::Environment { name: name.to_owned() };
        replaced.push(("managers.pm2.home", home, origin));
    }
    let mut place = |setting: &'static str, configured: &str, variable: &str| {
        let handed_over = environ.get(variable);
        // What is recorded names these folders: a path must mean the same wherever it is read.
        let found = folder(configured, handed_over, file);
        let effective = std::path::absolute(&found).unwrap_or(found);
        if handed_over.is_some() {
            let origin = Origin::Environment { name: variable.to_owned() };
            replaced.push((setting, effective.display().to_string(), origin));
        }
        effective
    };
    let paths = Paths {
        state: place("paths.state", &house.paths.state, "STATE_DIRECTORY"),
        logs: place("paths.logs", &house.paths.logs, "LOGS_DIRECTORY"),
    };
    Resolved { paths, replaced }
}

fn pm2_home(environ: &Environ) -> Option<(String, &'static str)> {
    match environ.get("PM2_HOME") {
        Some(home) => Some((home.to_owned(), "PM2_HOME")),
        None => {
            environ.get("HOME").map(|home| (format!("{}/.pm2", home.trim_end_matches('/')), "HOME"))
        }
    }
}

fn used_by(name: &str) -> &'static str {
    if name.starts_with("VALIDATOR_") {
        "the account on the platform"
    } else {
        "how people are told"
    }
}

/// Puts what was resolved, and what the environment gives, into the rows.
pub(super) fn amend(rows: &mut Vec<OriginRow>, resolved: &Resolved, given: &[Given]) {
    for (path, value, origin) in &resolved.replaced {
        if let Some(row) = rows.iter_mut().find(|row| row.path == *path) {
            row.value = value.clone().into();
            row.origin = origin.clone();
        }
    }
    rows.extend(given.iter().map(|found| OriginRow {
        path: found.name.clone(),
        value: if found.hidden { "***".into() } else { found.value.expose().into() },
        origin: Origin::Environment { name: found.by.trim_start_matches('$').to_owned() },
        note: used_by(&found.name).to_owned(),
    }));
}
