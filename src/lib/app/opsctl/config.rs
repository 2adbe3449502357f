//! `opsctl config`: are the settings right, and what is in effect?

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use serde_json::json;

use super::args::ConfigVerb;
use crate::adapters::redact::Redactor;
use crate::adapters::system_clock::SystemClock;
use crate::app::cli::Output;
use crate::app::config::{Config, ConfigErrors, Environ, Level, Loaded, OriginRow, Problem};
use crate::app::documents::{SettingsCheck, SettingsShown};
use crate::app::exit::Exit;
use crate::app::out;
use crate::app::registry;
use crate::app::shipped;
use crate::app::telling::examined;
use crate::ports::clock::Clock;
use crate::render::table::clean;

/// Carries out `verb` on the settings that `option` and `environ` name.
///
/// # Errors
///
/// `output` cannot be written.
pub fn run(
    verb: &ConfigVerb,
    option: Option<&Path>,
    environ: &Environ,
    form: Output,
    output: &mut impl Write,
) -> io::Result<Exit> {
    if let ConfigVerb::Show { defaults: true, .. } = verb {
        out::write_to(output, &shipped::agents_toml(registry::ALL))?;
        return Ok(Exit::Clean);
    }
    let loaded = match Config::load(option, environ) {
        Ok(loaded) if matches!(verb, ConfigVerb::Check) => tried(discreet(loaded)),
        Ok(loaded) => discreet(loaded),
        Err(errors) => return refuse(&errors, form, output),
    };
    let text = match (verb, form) {
        (ConfigVerb::Check, Output::Text) => checked(&loaded),
        (ConfigVerb::Check, Output::Json) => document(&SettingsCheck {
            file: Some(loaded.config.file.clone()),
            problems: loaded.warnings.clone(),
        }),
        (ConfigVerb::Show { origin, .. }, Output::Text) => shown(&loaded, *origin),
        (ConfigVerb::Show { .. }, Output::Json) => document(&SettingsShown {
            file: loaded.config.file.clone(),
            settings: loaded.config.origins.clone(),
        }),
    };
    out::write_to(output, &text)?;
    Ok(Exit::Clean)
}

/// Values as they may be shown.
fn discreet(mut loaded: Loaded) -> Loaded {
    let redactor = Redactor::new(loaded.config.secrets());
    for row in &mut loaded.config.origins {
        row.value = redactor.settings(&row.value);
    }
    loaded
}

/// With a warning of each channel that cannot be used as it is set up.
fn tried(mut loaded: Loaded) -> Loaded {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let broken = examined(&loaded.config, &clock).into_iter();
    let warning = |(name, built): (String, Result<(), String>)| {
        let why = built.err()?;
        Some(Problem {
            level: Level::Warning,
            file: String::new(),
            place: None,
            path: String::new(),
            message: format!("channel {name} cannot be used: {why}"),
            hint: None,
            excerpt: None,
        })
    };
    loaded.warnings.extend(broken.filter_map(warning));
    loaded
}

fn refuse(errors: &ConfigErrors, form: Output, output: &mut impl Write) -> io::Result<Exit> {
    match form {
        Output::Text => out::complain(&errors.to_string()),
        Output::Json => {
            let found =
                SettingsCheck { file: errors.file.clone(), problems: errors.problems.clone() };
            out::write_to(output, &document(&found))?;
        }
    }
    Ok(Exit::BadConfig)
}

fn document(found: &impl Serialize) -> String {
    format!("{:#}\n", json!(found))
}

fn checked(loaded: &Loaded) -> String {
    let file = loaded.config.file.display();
    let warnings = loaded.warnings.iter().map(|warning| format!("{warning}\n"));
    let end = match loaded.warnings.len() {
        0 => format!("{file}: no problem found\n"),
        1 => format!("{file}: 1 warning, no error\n"),
        many => format!("{file}: {many} warnings, no error\n"),
    };
    warnings.chain([end]).collect()
}

fn shown(loaded: &Loaded, origin: bool) -> String {
    let config = &loaded.config;
    let mut text = format!(
        "# settings of {}\n# state in {}\n# logs in {}\n",
        config.file.display(),
        config.paths.state.display(),
        config.paths.logs.display()
    );
    for row in &config.origins {
        text.push_str(&line(row, origin));
    }
    text
}

fn line(row: &OriginRow, origin: bool) -> String {
    let setting = format!("{} = {}", row.path, clean(&row.value.to_string()));
    if !origin {
        return format!("{setting}\n");
    }
    let note = if row.note.is_empty() { String::new() } else { format!("; {}", row.note) };
    format!("{setting:<58}  # {}{note}\n", row.origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run_on(text: &str, verb: &ConfigVerb, form: Output) -> (Exit, String) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("agents.toml");
        std::fs::write(&file, text).unwrap();
        let environ = Environ::of([("SMTP_PASS", "hunter22"), ("SMTP_HOST", "mail.example.test")]);
        let mut output = Vec::new();
        let exit = run(verb, Some(&file), &environ, form, &mut output).unwrap();
        (exit, String::from_utf8(output).unwrap())
    }

    const SHOW: ConfigVerb = ConfigVerb::Show { origin: true, defaults: false };

    #[test]
    fn every_value_shows_its_origin_and_no_secret_is_shown() {
        let (exit, text) = run_on("# one\nhost = \"web-1\"\n", &SHOW, Output::Text);
        assert_eq!(exit, Exit::Clean);
        let line = |path: &str| {
            text.lines().find(|line| line.starts_with(path)).unwrap_or_default().to_owned()
        };
        assert!(line("host =").ends_with("# line 2"), "{text}");
        assert!(
            line("agents.health-guardian.policy.attempts = 2").ends_with("# default"),
            "{text}"
        );
        assert!(line("SMTP_PASS = \"***\"").ends_with("# $SMTP_PASS; how people are told"));
        assert!(
            line("SMTP_HOST = \"mail.example.test\"").contains("how people are told"),
            "{text}"
        );
        assert!(!text.contains("hunter22"));
        let (_, json) = run_on("", &SHOW, Output::Json);
        assert!(!json.contains("hunter22") && json.contains("\"origin\": \"default\""), "{json}");
    }

    #[test]
    fn a_mistake_ends_with_the_code_for_bad_settings() {
        let (exit, json) = run_on("hots = 3\n", &ConfigVerb::Check, Output::Json);
        assert_eq!(exit, Exit::BadConfig);
        assert!(json.contains("did you mean `host`?"), "{json}");
        assert_eq!(run_on("", &ConfigVerb::Check, Output::Text).0, Exit::Clean);
    }
}
