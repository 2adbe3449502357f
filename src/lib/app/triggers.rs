//! What starts agents by themselves, from the settings in effect: units of systemd, an ecosystem file of PM2.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::Serialize;

use super::config::{AgentSettings, Config, Pm2Read};
use super::declared_folders;
use super::registry::Entry;
use super::wire;
use crate::agent::Need;
use crate::domain::planner::Job;
use crate::domain::process::ManagerKind;
use crate::domain::schedule::Calendar;
use crate::domain::spec::Spec;
use crate::domain::timing::Overlap;
use crate::render::triggers::{calendar, pm2, systemd};

/// Where a package puts the programs.
pub const PROGRAMS: &str = "/usr/lib/opswarden";
/// The user that a package makes.
pub const USER: &str = "opswarden";
/// The folders that a service manager hands over.
const STATE: &str = "/var/lib/opswarden";
const LOGS: &str = "/var/log/opswarden";
/// Where the sandbox of a unit shows nothing unless it has to.
const HOMES: [&str; 3] = ["/home", "/root", "/run/user"];
/// Timers of agents that are due no more often than this make up for what passed while the machine was off. A day may have 23
/// hours.
const SELDOM: Duration = Duration::from_hours(23);
/// The name of the rule for polkit, beside the units.
pub const POLKIT: &str = "opswarden.rules";

/// What starts the agents under systemd.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Mode {
    /// One service, which starts every agent
    Daemon,
    /// A service and a timer for each agent
    Timers,
}

/// A file for another program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TriggerFile {
    /// Its name.
    pub name: String,
    /// Its contents.
    pub text: String,
}

/// Files for another program.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Triggers {
    /// The files.
    pub files: Vec<TriggerFile>,
    /// What somebody should know who installs them.
    pub notes: Vec<String>,
}

/// Settings that the other program cannot keep.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoForm {
    /// An agent's schedule asks for more than a start.
    #[error("{agent}: {why}; {instead}")]
    Agent {
        /// The agent.
        agent: String,
        /// Why it has no form.
        why: String,
        /// What to do instead.
        instead: String,
    },
    /// A path that the other program would read differently.
    #[error(
        "{0} has a character that a unit cannot hold; use a path of letters, digits and . _ - /"
    )]
    Path(String),
}

/// Who runs what from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// The folder of the programs.
    pub programs: &'a str,
    /// The user that units run as.
    pub user: &'a str,
    /// From when on changes of the local clock are looked for.
    pub now: Timestamp,
}

/// Units of systemd.
///
/// # Errors
///
/// Everything that systemd cannot keep.
pub fn units(
    config: &Config,
    entries: &[Entry],
    mode: Mode,
    place: &Place<'_>,
) -> Result<Triggers, Vec<NoForm>> {
    let settings = config.file.display().to_string();
    let folders = [&config.paths.state, &config.paths.logs].map(|path| path.display().to_string());
    let beside = config.file.parent().unwrap_or(Path::new("/"));
    let are_default =
        config.paths.state == beside.join("state") && config.paths.logs == beside.join("logs");
    let are_systemds = folders == [STATE, LOGS];
    let logs = logs(config, entries);
    let paths = [place.programs, place.user, &settings, &folders[0], &folders[1]];
    let wrong: Vec<NoForm> = paths
        .into_iter()
        .chain(logs.iter().map(String::as_str))
        .filter(|path| !is_plain(path))
        .map(|path| NoForm::Path(path.to_owned()))
        .collect();
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let in_home = |path: &&str| HOMES.iter().any(|home| Path::new(path).starts_with(home));
    let homes = paths.into_iter().chain(logs.iter().map(String::as_str)).any(|path| in_home(&path));
    let house = systemd::House {
        programs: place.programs.to_owned(),
        homes,
        foreign: starts_foreign_programs(config, entries),
        user: place.user.to_owned(),
        folders: (!are_default && !are_systemds).then(|| folders.clone()),
        settings,
    };
    let mut triggers = Triggers::default();
    if are_default && !are_systemds {
        triggers.notes.push(format!(
            "units keep state and logs in {STATE} and {LOGS}: write paths = {{ state = \"{STATE}\", logs = \"{LOGS}\" }} into \
             {}, or opsctl reads other ones by hand",
            house.settings
        ));
    }
    match mode {
        Mode::Daemon => triggers.add(systemd::DAEMON, systemd::daemon(&house, &logs)),
        Mode::Timers => timers(config, entries, place, &house, &mut triggers)?,
    }
    triggers.add(systemd::TELLER, systemd::teller(&house));
    managers(config, entries, place, &mut triggers);
    triggers.notes.extend(off(config, entries));
    Ok(triggers)
}

/// An ecosystem file of PM2, whose daemon reads cron in `zone`.
///
/// # Errors
///
/// Everything that PM2 cannot keep.
pub fn ecosystem(
    config: &Config,
    entries: &[Entry],
    per_agent: bool,
    zone: &TimeZone,
    place: &Place<'_>,
) -> Result<Triggers, Vec<NoForm>> {
    let house = pm2::House {
        programs: place.programs.to_owned(),
        settings: config.file.display().to_string(),
        logs: config.paths.logs.display().to_string(),
        zone: zone.iana_name().unwrap_or("UTC").to_owned(),
    };
    let mut made = Triggers::default();
    if !per_agent {
        made.add(pm2::FILE, pm2::scheduler(&house));
        made.notes.extend(off(config, entries));
        return Ok(made);
    }
    let (mut agents, mut wrong) = (Vec::new(), Vec::new());
    for (spec, settings) in of_all(config, entries) {
        if let Err(no) = can_be_started_blindly(&spec, settings, "PM2", "leave --per-agent away") {
            wrong.push(no);
            continue;
        }
        let starts = starts(config, &spec, settings, zone, place.now);
        if let Some(hull) = Calendar::hull(&starts) {
            agents.push(pm2::Agent {
                name: spec.name.to_string(),
                cron: calendar::cron(&hull),
                longest: longest(settings),
            });
        }
        made.notes.extend(further_attempts(&spec, settings));
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    if zone.following(place.now).next().is_some() {
        made.notes.push(format!(
            "PM2's cron starts nothing in the hour that comes twice in {}, and slots of that hour are recorded as missed: start \
             its daemon with TZ=UTC and write --zone UTC",
            house.zone
        ));
    }
    made.add(pm2::FILE, pm2::per_agent(&house, &agents));
    made.notes.extend(off(config, entries));
    Ok(made)
}

impl Triggers {
    fn add(&mut self, name: &str, text: String) {
        self.files.push(TriggerFile { name: name.to_owned(), text });
    }

    /// The text of the file called `name`.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.files.iter().find(|file| file.name == name).map(|file| file.text.as_str())
    }
}

fn timers(
    config: &Config,
    entries: &[Entry],
    place: &Place<'_>,
    house: &systemd::House,
    made: &mut Triggers,
) -> Result<(), Vec<NoForm>> {
    let mut wrong = Vec::new();
    for (spec, settings) in of_all(config, entries) {
        let instead = "use --mode daemon";
        if let Err(no) = can_be_started_blindly(&spec, settings, "a timer", instead) {
            wrong.push(no);
            continue;
        }
        let starts = starts(config, &spec, settings, &TimeZone::UTC, place.now);
        let needs = needs(config, entries, &spec);
        let schedule = &settings.schedule;
        let agent = systemd::Agent {
            name: spec.name.to_string(),
            summary: spec.summary.to_owned(),
            schedule: format!("{} in {}", schedule.expression(), schedule.zone()),
            calendars: starts.iter().map(calendar::on_calendar).collect(),
            persistent: schedule.period(place.now) >= SELDOM,
            longest: longest(settings),
            logs: declared_folders::tends_logs(&needs).then(|| declared_folders::folders(&needs)),
            tends_host: needs.iter().any(|need| matches!(need, Need::Host | Need::Manager { .. })),
        };
        let unit = format!("opswarden-{}", spec.name);
        made.add(&format!("{unit}.service"), systemd::service(house, &agent));
        made.add(&format!("{unit}.timer"), systemd::timer(&agent));
        made.notes.extend(further_attempts(&spec, settings));
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

fn of_all<'c>(
    config: &'c Config,
    entries: &[Entry],
) -> impl Iterator<Item = (Spec, &'c AgentSettings)> {
    entries.iter().map(|entry| (entry.spec)()).map(|spec| {
        let settings = config.of(&spec.name);
        (spec, settings)
    })
}

fn needs(config: &Config, entries: &[Entry], spec: &Spec) -> Vec<Need> {
    let entry = entries.iter().find(|entry| (entry.spec)().name == spec.name);
    entry.map(|entry| (entry.needs)(&config.of(&spec.name).stanza)).unwrap_or_default()
}

/// The folders that settings name.
fn logs(config: &Config, entries: &[Entry]) -> Vec<String> {
    let asked = entries.iter().flat_map(|entry| needs(config, entries, &(entry.spec)()));
    declared_folders::folders(&asked.collect::<Vec<_>>())
}

/// Whether settings name programs of others that a run starts.
fn starts_foreign_programs(config: &Config, entries: &[Entry]) -> bool {
    let asked = entries.iter().flat_map(|entry| needs(config, entries, &(entry.spec)()));
    asked.into_iter().any(|need| match need {
        Need::Manager { kind: ManagerKind::Pm2, .. } => config.managers.pm2.read == Pm2Read::Cli,
        Need::Manager { kind: ManagerKind::Command, declared } => !declared.is_empty(),
        _ => false,
    })
}

/// When an agent starts, as calendars in `zone`.
fn starts(
    config: &Config,
    spec: &Spec,
    settings: &AgentSettings,
    zone: &TimeZone,
    now: Timestamp,
) -> Vec<Calendar> {
    let (schedule, rules) = (settings.schedule.clone(), settings.rules.clone());
    let job = Job::new(spec.name.clone(), &config.host, schedule, rules);
    settings.schedule.calendars(up_to_the_second(job.delay()), zone, now)
}

/// A start must not come before its slot is due.
fn up_to_the_second(delay: Duration) -> Duration {
    Duration::from_secs(delay.as_secs() + u64::from(delay.subsec_nanos() > 0))
}

/// How long a start may take: it may wait for another agent before it runs.
fn longest(settings: &AgentSettings) -> Duration {
    let waits = if settings.rules.mutex.is_empty() {
        Duration::ZERO
    } else {
        settings.rules.catch_up_within
    };
    settings.timeout + waits
}

/// A program that only starts others starts none while one is at work, so that nobody could end that one for the next slot.
fn can_be_started_blindly(
    spec: &Spec,
    settings: &AgentSettings,
    starter: &str,
    instead: &str,
) -> Result<(), NoForm> {
    if settings.rules.overlap != Overlap::Replace {
        return Ok(());
    }
    Err(NoForm::Agent {
        agent: spec.name.to_string(),
        why: format!(
            "overlap = \"replace\" ends a run for the next slot, and {starter} starts nothing beside a run that is at work"
        ),
        instead: format!("{instead}, or write overlap = \"skip\" or \"queue\""),
    })
}

fn further_attempts(spec: &Spec, settings: &AgentSettings) -> Option<String> {
    let asked = settings.rules.retries.max > 0;
    asked.then(|| {
        format!(
            "{}: further attempts at a slot are made when something asks for it again, which is here the next start; the \
             scheduler asks in time",
            spec.name
        )
    })
}

/// What must be granted for processes to be restarted.
fn managers(config: &Config, entries: &[Entry], place: &Place<'_>, made: &mut Triggers) {
    for (spec, _) in of_all(config, entries) {
        for need in needs(config, entries, &spec) {
            let Need::Manager { kind, declared } = need else { continue };
            let names: Vec<String> = declared.into_iter().map(|process| process.name).collect();
            if names.is_empty() {
                continue;
            }
            let list = names.join(", ");
            let note = match kind {
                ManagerKind::Systemd => {
                    made.add(POLKIT, systemd::polkit(place.user, &names));
                    format!(
                        "{}: {list} can be restarted only once polkit lets {}: copy {POLKIT} to \
                         /etc/polkit-1/rules.d/50-opswarden.rules (polkit 0.106 or newer)",
                        spec.name, place.user
                    )
                }
                ManagerKind::Pm2 => format!(
                    "{}: PM2 listens to its own user only: for {list} every unit must run as that user (--user NAME), who must \
                     own {STATE} and {LOGS}; name the home of PM2 in managers.pm2.home",
                    spec.name
                ),
                ManagerKind::Command => format!(
                    "{}: the commands of {list} run inside the sandbox of the unit and are ended with it: let them ask a \
                     manager, and start no service themselves",
                    spec.name
                ),
            };
            made.notes.push(note);
        }
    }
}

fn off(config: &Config, entries: &[Entry]) -> impl Iterator<Item = String> {
    entries.iter().filter_map(|entry| wire::off(config, entry))
}

fn is_plain(path: &str) -> bool {
    !path.is_empty() && path.chars().all(|c| c.is_ascii_alphanumeric() || "._-/@+,".contains(c))
}

#[cfg(test)]
#[path = "triggers_tests.rs"]
mod tests;
