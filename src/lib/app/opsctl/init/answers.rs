//! What was answered, by the command line or by a person: the first settings, and the secrets beside them.

use std::collections::BTreeMap;

use super::args::InitArgs;
use crate::app::config::secret::Secret;
use crate::domain::process::ManagerKind;
use crate::render::initial_settings::{Initial, InitialService};

/// Endings of the units that can be restarted.
const UNITS: [&str; 2] = [".service", ".scope"];

/// Everything that is written.
#[derive(Default)]
pub(super) struct Answers {
    pub(super) initial: Initial,
    /// By their names in the environment.
    pub(super) secrets: BTreeMap<String, Secret>,
    /// Whether mail was asked for.
    pub(super) mail: bool,
}

impl Answers {
    /// What the command line says.
    ///
    /// # Errors
    ///
    /// A sentence: something is said of a service that nothing watches, or a file cannot be read.
    pub(super) fn of(args: &InitArgs) -> Result<Self, String> {
        let mut answers = Self { mail: args.mail, ..Self::default() };
        answers.initial.platform.clone_from(&args.url);
        for (name, url) in &args.service {
            answers.service(name).urls.push(url.clone());
        }
        for (name, process) in &args.process {
            answers.service(name).process = Some((managed(process, args.manager), process.clone()));
        }
        for (name, others) in &args.needs {
            let known = answers.initial.services.iter().any(|service| service.name == *name);
            if !known {
                return Err(format!(
                    "--needs names {name}, which no --service and no --process does"
                ));
            }
            answers.service(name).needs = Some(names(others));
        }
        if let Some(file) = &args.slack_webhook_file {
            let text = std::fs::read_to_string(file)
                .map_err(|error| format!("failed to read {}: {error}", file.display()))?;
            let line = text.lines().next().unwrap_or_default().trim();
            if line.is_empty() {
                return Err(format!("{} is empty", file.display()));
            }
            answers.secret("SLACK_WEBHOOK_URL", line);
        }
        Ok(answers)
    }

    /// The service called `name`, which is there from now on.
    pub(super) fn service(&mut self, name: &str) -> &mut InitialService {
        let services = &mut self.initial.services;
        let place = services.iter().position(|service| service.name == name);
        let place = place.unwrap_or_else(|| {
            let (name, urls) = (name.to_owned(), Vec::new());
            services.push(InitialService { name, urls, process: None, needs: None });
            services.len() - 1
        });
        &mut services[place]
    }

    pub(super) fn secret(&mut self, name: &str, value: &str) {
        self.secrets.insert(name.to_owned(), Secret::new(value.to_owned()));
    }
}

/// Who manages a process, by the ending of its name where nobody says it.
pub(super) fn managed(process: &str, said: Option<ManagerKind>) -> ManagerKind {
    let is_unit = UNITS.iter().any(|ending| process.ends_with(ending));
    said.unwrap_or(if is_unit { ManagerKind::Systemd } else { ManagerKind::Pm2 })
}

/// `db,cache`; `none` is nothing.
pub(super) fn names(text: &str) -> Vec<String> {
    if text == "none" {
        return Vec::new();
    }
    text.split(',').map(str::trim).filter(|one| !one.is_empty()).map(str::to_owned).collect()
}
