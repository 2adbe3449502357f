//! `opsctl notify failed`: what a service manager calls when a unit of ours failed. People are told past the ledger, because
//! whatever failed could not tell them itself.

use std::path::Path;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::adapters::system_clock::SystemClock;
use crate::app::cli::Output;
use crate::app::config::{Config, Environ, Standby};
use crate::app::exit::Exit;
use crate::app::paths::{self, SYSTEM_FILE};
use crate::app::telling::{Cried, cry_of_unit};
use crate::app::{agent_run, out, registry};
use crate::ports::clock::Clock;

/// What became of a word about a unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FailedUnit {
    /// The unit.
    pub unit: String,
    /// Whether somebody was told now.
    pub told: bool,
    /// What was told, or why nobody was.
    pub why: String,
}

/// Tells people that `unit` failed, as the service manager describes it in the environment.
pub(super) fn run(unit: &str, option: Option<&Path>, environ: &Environ, form: Output) -> Exit {
    let (config, broken) = match settings(option, environ) {
        Ok(found) => found,
        Err(why) => return out::fail(form, &why, Exit::BadConfig),
    };
    if let Err(exit) = agent_run::as_owner(&config, form) {
        return exit;
    }
    let end = End::read(environ);
    if let Some(why) = end.is_told_elsewhere() {
        return say(FailedUnit { unit: unit.to_owned(), told: false, why }, Exit::Clean, form);
    }
    let what = match broken {
        None => end.in_words(),
        Some(broken) => format!("{}. The settings cannot be used: {broken}", end.in_words()),
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            return out::fail(form, &format!("failed to start: {error}"), Exit::Incomplete);
        }
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let (told, why, exit) = match runtime.block_on(cry_of_unit(&config, unit, &what, &clock)) {
        Cried::Told => (true, what, Exit::Clean),
        Cried::Lately => (false, "people were told within the hour".to_owned(), Exit::Clean),
        Cried::ToNobody => (false, format!("no channel took it: {what}"), Exit::Incomplete),
    };
    say(FailedUnit { unit: unit.to_owned(), told, why }, exit, form)
}

/// The settings; where they cannot be used, those that the scheduler last accepted, or the defaults, with what is wrong: the
/// environment alone may name a channel.
fn settings(option: Option<&Path>, environ: &Environ) -> Result<(Config, Option<String>), String> {
    let errors = match Config::load(option, environ) {
        Ok(loaded) => return Ok((loaded.config, None)),
        Err(errors) => errors.to_string(),
    };
    if let Some(standby) = Standby::find(option, environ) {
        return Ok((standby.config, Some(errors)));
    }
    let file = paths::find(option, environ).map_or_else(|_| SYSTEM_FILE.into(), |found| found.file);
    let defaults = Config::from_text(&file, "", environ, registry::ALL);
    let loaded = defaults.map_err(|_| errors.clone())?;
    Ok((loaded.config, Some(errors)))
}

fn say(answer: FailedUnit, exit: Exit, form: Output) -> Exit {
    let text = match form {
        Output::Json => format!("{:#}", json!(answer)),
        Output::Text if answer.told => {
            format!("people were told: {} failed: {}", answer.unit, answer.why)
        }
        Output::Text => format!("nobody was told of {}: {}", answer.unit, answer.why),
    };
    match out::say(&text) {
        Ok(()) => exit,
        Err(error) => {
            out::complain(&format!("failed to write: {error}"));
            Exit::Incomplete
        }
    }
}

/// How the unit ended, as systemd says in the environment of what it starts on a failure, or after a stop.
struct End {
    result: String,
    code: String,
    status: String,
}

impl End {
    fn read(environ: &Environ) -> Self {
        let value = |names: [&str; 2]| {
            let found = names.into_iter().find_map(|name| environ.get(name));
            found.unwrap_or_default().to_owned()
        };
        Self {
            result: value(["MONITOR_SERVICE_RESULT", "SERVICE_RESULT"]),
            code: value(["MONITOR_EXIT_CODE", "EXIT_CODE"]),
            status: value(["MONITOR_EXIT_STATUS", "EXIT_STATUS"]),
        }
    }

    /// Why there is nothing to tell: the unit ended well, or its program could tell of its end itself.
    fn is_told_elsewhere(&self) -> Option<String> {
        if self.result == "success" {
            return Some("it ended well".to_owned());
        }
        let incomplete =
            self.code == "exited" && self.status == Exit::Incomplete.code().to_string();
        incomplete
            .then(|| format!("it came to its end with {}, which stands in the ledger", self.status))
    }

    fn in_words(&self) -> String {
        let how = match (self.code.as_str(), self.status.as_str()) {
            ("", _) | (_, "") => String::new(),
            ("exited", status) => {
                let meaning = Exit::ALL.iter().find(|exit| exit.code().to_string() == status);
                let meaning = meaning.map(|exit| format!(": {}", exit.meaning()));
                format!(", exit code {status}{}", meaning.unwrap_or_default())
            }
            (code, status) => format!(", {code} by {status}"),
        };
        let result = if self.result.is_empty() { "it said no more" } else { &self.result };
        format!("{result}{how}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(variables: &[(&str, &str)]) -> End {
        End::read(&Environ::of(variables.iter().copied()))
    }

    #[test]
    fn an_end_is_told_in_words_from_either_set_of_variables() {
        let timed_out = [
            ("MONITOR_SERVICE_RESULT", "timeout"),
            ("MONITOR_EXIT_CODE", "killed"),
            ("MONITOR_EXIT_STATUS", "TERM"),
        ];
        assert_eq!(end(&timed_out).in_words(), "timeout, killed by TERM");
        let wrong =
            [("SERVICE_RESULT", "exit-code"), ("EXIT_CODE", "exited"), ("EXIT_STATUS", "78")];
        let said = end(&wrong).in_words();
        assert_eq!(said, format!("exit-code, exit code 78: {}", Exit::BadConfig.meaning()));
        assert_eq!(end(&[]).in_words(), "it said no more");
    }

    #[test]
    fn what_could_tell_of_itself_is_not_told_twice() {
        let with = |status: &str| {
            end(&[
                ("SERVICE_RESULT", "exit-code"),
                ("EXIT_CODE", "exited"),
                ("EXIT_STATUS", status),
            ])
        };
        assert!(with("2").is_told_elsewhere().is_some());
        assert!(with("78").is_told_elsewhere().is_none());
        assert!(with("203").is_told_elsewhere().is_none());
        assert!(end(&[("SERVICE_RESULT", "success")]).is_told_elsewhere().is_some());
        assert!(end(&[]).is_told_elsewhere().is_none());
    }
}
