//! `opsctl init`: asks or takes flags, writes a short settings file, tries what it names, and says what was found.

mod answers;
pub mod args;
mod ask;
mod look;
mod place;
pub mod told;

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::sync::Arc;

use serde_json::json;

use self::answers::Answers;
use self::args::InitArgs;
use self::ask::Person;
use self::place::{Place, Written};
use self::told::Initialised;
use super::Desk;
use super::doctor::row;
use crate::adapters::system_clock::SystemClock;
use crate::app::cli::Output;
use crate::app::config::platform::account_names;
use crate::app::config::secret::RECOGNISED;
use crate::app::config::{Config, Environ, Loaded, Secret};
use crate::app::exit::Exit;
use crate::app::{out, registry};
use crate::render::initial_settings;

/// The whole verb.
pub(super) fn run(args: &InitArgs, environ: &Environ, form: Output) -> Exit {
    match first(args, environ, form) {
        Ok(exit) => exit,
        Err((why, exit)) => out::fail(form, &why, exit),
    }
}

type Failed = (String, Exit);

fn wrong(why: String) -> Failed {
    (why, Exit::BadConfig)
}

fn first(args: &InitArgs, environ: &Environ, form: Output) -> Result<Exit, Failed> {
    let asks = args.ask || (!args.yes && std::io::stdin().is_terminal());
    if !asks && !args.yes && !args.says_something() {
        let why = "there is no terminal to ask at: say what to watch by --service, --process or --url, or --yes for \
                   the host alone, or --ask to read the answers line by line";
        return Err(wrong(why.to_owned()));
    }
    let place = Place::of(args).map_err(wrong)?;
    let mut answers = Answers::of(args).map_err(wrong)?;
    answers.initial.folders.clone_from(&place.folders);
    if asks {
        let keeps_secrets = place.credentials.is_some();
        // What a program reads stands alone on standard output.
        let mut shown = std::io::stderr();
        let lines = std::io::stdin().lock();
        let mut person = Person { keeps_secrets, lines, shown: &mut shown };
        person
            .complete(&mut answers, args, environ)
            .map_err(|error| wrong(format!("{error}; nothing was written")))?;
    }
    let text = initial_settings::text(&answers.initial);
    let with =
        |environ: Environ, (name, value): (&String, &Secret)| environ.with(name, value.expose());
    let environ = answers.secrets.iter().fold(environ.clone(), with);
    let Loaded { config, .. } = Config::from_text(&place.file, &text, &environ, registry::ALL)
        .map_err(|errors| {
            wrong(format!("{}\nnothing was written", errors.to_string().trim_end()))
        })?;
    let secrets = kept(&answers, &config, &environ);
    let written = place.write(&text, &secrets).map_err(|why| (why, Exit::Incomplete))?;
    tell(&place, &answers, &config, &environ, &written, form)
}

/// What goes into the folder of credentials: what was answered, and what variables give. What lies in such a folder already
/// stays where it is.
fn kept(answers: &Answers, config: &Config, environ: &Environ) -> BTreeMap<String, Secret> {
    let tenant = config.platform.iter().flat_map(|platform| &platform.tenants);
    let accounts = tenant.flat_map(|tenant| account_names(&tenant.name));
    let known = RECOGNISED.into_iter().map(|known| known.name.into_owned()).chain(accounts);
    let by_variable = known.filter(|name| {
        environ.get(name).or_else(|| environ.get(&format!("{name}_FILE"))).is_some()
    });
    let given = by_variable
        .filter_map(|name| Some((name.clone(), Secret::new(config.given(&name)?.to_owned()))));
    given.chain(answers.secrets.clone()).collect()
}

/// What the agents' environment must give beside the settings.
fn wanted(place: &Place, answers: &Answers, config: &Config) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    if place.credentials.is_none() {
        names.extend(answers.secrets.keys().cloned());
    }
    if config.platform.is_some() {
        names.extend(["VALIDATOR_EMAIL", "VALIDATOR_PASSWORD"].map(str::to_owned));
    }
    if answers.mail {
        names.extend(["SMTP_HOST", "OPS_ALERT_EMAIL"].map(str::to_owned));
    }
    let is_missing = |name: &String| {
        config.given(name).is_none()
            || answers.secrets.contains_key(name) && place.credentials.is_none()
    };
    names.retain(is_missing);
    names
}

fn tell(
    place: &Place,
    answers: &Answers,
    config: &Config,
    environ: &Environ,
    written: &Written,
    form: Output,
) -> Result<Exit, Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| (format!("failed to start: {error}"), Exit::Incomplete))?;
    let desk = Desk {
        config,
        environ,
        form,
        style: out::style(environ),
        clock: Arc::new(SystemClock::new()),
    };
    let rows = runtime.block_on(look::look(&desk));
    let wanted = wanted(place, answers, config);
    let said = match form {
        Output::Json => {
            let told = Initialised {
                settings: place.file.clone(),
                kept: written.kept.clone(),
                credentials: written.credentials.clone(),
                wanted,
                found: row::examined(rows),
            };
            out::say(&format!("{:#}", json!(told)))
        }
        Output::Text => {
            let mut lines = vec![format!("wrote {}", place.file.display())];
            lines.extend(
                written.kept.iter().map(|kept| format!("the old file is {}", kept.display())),
            );
            lines
                .extend(written.credentials.iter().map(|file| format!("wrote {}", file.display())));
            lines.extend(wanted.iter().map(|name| format!("to be set: {name}, or {name}_FILE")));
            lines.push(String::new());
            lines.push(row::page(&rows, desk.style));
            lines.push(NEXT.to_owned());
            out::say(&lines.join("\n"))
        }
    };
    said.map_err(|error| (format!("failed to write: {error}"), Exit::Incomplete))?;
    Ok(Exit::Clean)
}

/// What is left to do.
const NEXT: &str = "next:\n  \
    `opsctl notify test --all`                 a trial message to everybody who is told\n  \
    `opsctl generate systemd`                  what must be granted for units to be restarted: its opswarden.rules\n  \
    `opsctl doctor`, `health-guardian --plan`  would everything work, and what would it do? changes nothing\n  \
    `systemctl enable --now opswarden`         starts every agent when it is due, from now on";
