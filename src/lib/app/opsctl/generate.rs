//! `opsctl generate`: what starts agents by themselves, from the settings in effect, as files for systemd and PM2.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use jiff::tz::TimeZone;
use serde_json::json;

use crate::adapters::system_clock::SystemClock;
use crate::app::cli::Output;
use crate::app::config::{Config, Environ};
use crate::app::exit::Exit;
use crate::app::installed::SCHEDULER;
use crate::app::out;
use crate::app::paths::{self, SYSTEM_FILE};
use crate::app::registry;
use crate::app::triggers::{self, Mode, NoForm, PROGRAMS, Place, TriggerFile, Triggers};
use crate::ports::clock::Clock as _;
use crate::render::triggers::pm2;

/// For which program files are made.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum GenerateVerb {
    /// Units of systemd: one service for all agents, or a service and a timer for each
    Systemd {
        /// What starts the agents
        #[arg(long, value_enum, value_name = "MODE", default_value = "timers")]
        mode: Mode,
        /// Write the files into this folder, like /etc/systemd/system
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
        /// Where the programs lie [default: /usr/lib/opswarden]
        #[arg(long, value_name = "DIR")]
        programs: Option<PathBuf>,
        /// The user that everything runs as; where PM2 is tended, PM2's own
        #[arg(long, value_name = "NAME", default_value = "opswarden")]
        user: String,
    },
    /// An ecosystem file of PM2: the scheduler as one app, or one app for each agent
    Pm2 {
        /// An app for each agent, which PM2's own cron starts
        #[arg(long)]
        per_agent: bool,
        /// Write it as this file, whose name ends with .config.js
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Where the programs lie [default: /usr/lib/opswarden]
        #[arg(long, value_name = "DIR")]
        programs: Option<PathBuf>,
        /// The zone in which PM2's daemon reads cron, if not this machine's
        #[arg(long, value_name = "ZONE")]
        zone: Option<String>,
    },
}

/// An ecosystem file has another name than PM2 takes one for.
const NOT_AN_ECOSYSTEM_FILE: &str =
    "PM2 takes a file for an ecosystem file only where its name ends with .config.js";

/// Carries out one of the verbs, as the user who calls it: the files go where that user may write.
///
/// # Errors
///
/// `output` cannot be written.
pub(super) fn run(
    verb: &GenerateVerb,
    option: Option<&Path>,
    environ: &Environ,
    form: Output,
    output: &mut impl Write,
) -> io::Result<Exit> {
    let (config, absent) = match settings(option, environ) {
        Ok(found) => found,
        Err(why) => return Ok(out::fail(form, &why, Exit::BadConfig)),
    };
    let (made, out) = match made(verb, &config) {
        Ok(made) => made,
        Err(why) => return Ok(out::fail(form, &why, Exit::BadConfig)),
    };
    let notes = absent.into_iter().chain(without_programs(verb)).chain(made.notes).collect();
    let made = Triggers { notes, ..made };
    let written = match out.map(|out| written(&made.files, out, verb)).transpose() {
        Ok(written) => written,
        Err(why) => return Ok(out::fail(form, &why, Exit::Incomplete)),
    };
    for note in &made.notes {
        out::complain(note);
    }
    let text = match (form, written) {
        (Output::Json, _) => format!("{:#}\n", json!(made)),
        (Output::Text, Some(written)) => written,
        (Output::Text, None) => shown(&made.files),
    };
    out::write_to(output, &text)?;
    Ok(Exit::Clean)
}

/// The settings in effect; the defaults, and a word about it, where there is no file and none was named.
fn settings(option: Option<&Path>, environ: &Environ) -> Result<(Config, Option<String>), String> {
    let loaded = match paths::find(option, environ) {
        Ok(_) => Config::load(option, environ).map(|loaded| (loaded, None)),
        Err(_) => {
            Config::from_text(Path::new(SYSTEM_FILE), "", environ, registry::ALL).map(|loaded| {
                let absent = format!(
                    "there is no settings file: these are the defaults, for a file at {SYSTEM_FILE}"
                );
                (loaded, Some(absent))
            })
        }
    };
    let (loaded, absent) = loaded.map_err(|errors| errors.to_string())?;
    let mut config = loaded.config;
    // What is written is read from elsewhere.
    config.file = std::path::absolute(&config.file).unwrap_or(config.file);
    Ok((config, absent))
}

/// What a verb makes, and where it goes.
/// Where the programs are to lie.
fn programs(verb: &GenerateVerb) -> io::Result<PathBuf> {
    let named = match verb {
        GenerateVerb::Systemd { programs, .. } | GenerateVerb::Pm2 { programs, .. } => programs,
    };
    std::path::absolute(named.as_deref().unwrap_or(Path::new(PROGRAMS)))
}

/// What would start nothing, as the programs are not there: files are made for other machines, too.
fn without_programs(verb: &GenerateVerb) -> Option<String> {
    let folder = programs(verb).ok()?;
    let is_there = folder.join(SCHEDULER).exists();
    let shown = folder.display();
    (!is_there).then(|| format!("{shown} has no program of opswarden on this machine: --programs DIR names where they are"))
}

fn made<'v>(
    verb: &'v GenerateVerb,
    config: &Config,
) -> Result<(Triggers, Option<&'v Path>), String> {
    let programs = programs(verb).map_err(|error| error.to_string())?.display().to_string();
    let all =
        |wrong: Vec<NoForm>| wrong.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    let now = SystemClock::new().now();
    match verb {
        GenerateVerb::Systemd { mode, user, out, .. } => {
            let place = Place { programs: &programs, user, now };
            let made = triggers::units(config, registry::ALL, *mode, &place).map_err(all)?;
            Ok((made, out.as_deref()))
        }
        GenerateVerb::Pm2 { per_agent, zone, out, .. } => {
            let is_named_right =
                |out: &std::path::PathBuf| out.to_string_lossy().ends_with(".config.js");
            if !out.as_ref().is_none_or(is_named_right) {
                return Err(NOT_AN_ECOSYSTEM_FILE.to_owned());
            }
            let zone = match zone {
                Some(name) => {
                    TimeZone::get(name).map_err(|_| format!("`{name}` is not a time zone"))?
                }
                None => TimeZone::system(),
            };
            let place = Place { programs: &programs, user: triggers::USER, now };
            let made = triggers::ecosystem(config, registry::ALL, *per_agent, &zone, &place);
            Ok((made.map_err(all)?, out.as_deref()))
        }
    }
}

/// Writes the files, and says which.
fn written(files: &[TriggerFile], out: &Path, verb: &GenerateVerb) -> Result<String, String> {
    let wrong =
        |path: &Path, error: io::Error| format!("failed to write {}: {error}", path.display());
    let folder = match verb {
        GenerateVerb::Systemd { .. } => out,
        GenerateVerb::Pm2 { .. } => out.parent().unwrap_or(out),
    };
    if !folder.as_os_str().is_empty() {
        std::fs::create_dir_all(folder).map_err(|error| wrong(folder, error))?;
    }
    let mut said = String::new();
    for file in files {
        let path = if file.name == pm2::FILE { out.to_owned() } else { out.join(&file.name) };
        std::fs::write(&path, &file.text).map_err(|error| wrong(&path, error))?;
        said.push_str("wrote ");
        said.push_str(&path.display().to_string());
        said.push('\n');
    }
    Ok(said)
}

/// The files one after the other; where there are several, each below its name.
fn shown(files: &[TriggerFile]) -> String {
    match files {
        [only] => only.text.clone(),
        all => {
            let shown: Vec<String> =
                all.iter().map(|file| format!("# ==> {} <==\n{}", file.name, file.text)).collect();
            shown.join("\n")
        }
    }
}
