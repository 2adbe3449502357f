//! What is installed on this machine to start agents: units of systemd and lines of crontabs that name our programs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::registry;

/// The name of the program that starts every agent.
pub(super) const SCHEDULER: &str = "scheduler";

/// Where a machine keeps what starts programs.
#[derive(Clone, Debug)]
pub(super) struct Places {
    /// Folders of units, the one that wins first.
    pub(super) units: Vec<PathBuf>,
    /// Crontabs, and folders of them.
    pub(super) crontabs: Vec<PathBuf>,
    /// Whether a program is there.
    pub(super) has: fn(&Path) -> bool,
}

impl Places {
    /// Those of this machine.
    pub(super) fn of_machine() -> Self {
        let all = |paths: &[&str]| paths.iter().map(PathBuf::from).collect();
        Self {
            units: all(&[
                "/etc/systemd/system",
                "/run/systemd/system",
                "/usr/local/lib/systemd/system",
                "/usr/lib/systemd/system",
                "/lib/systemd/system",
            ]),
            crontabs: all(&[
                "/etc/crontab",
                "/etc/cron.d",
                "/var/spool/cron",
                "/var/spool/cron/crontabs",
            ]),
            has: Path::exists,
        }
    }
}

/// Whom something starts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Started {
    /// One agent.
    One(String),
    /// Every one, as the scheduler does.
    All,
}

/// Something that starts an agent by itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Trigger {
    /// Whom.
    pub(super) starts: Started,
    /// What it is, in words.
    pub(super) by: String,
}

/// The settings of a unit, each with its values in order; an empty value takes back those before it.
pub(super) type Settings = BTreeMap<String, Vec<String>>;

/// A unit of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unit {
    /// Its name.
    pub(super) name: String,
    /// Its file.
    pub(super) file: PathBuf,
    /// What it says, with what was added beside it.
    pub(super) settings: Settings,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Installed {
    /// What starts agents.
    pub(super) triggers: Vec<Trigger>,
    /// Units that start our programs, and their timers, whether they are enabled or not.
    pub(super) units: Vec<Unit>,
    /// What could not be read.
    pub(super) unread: Vec<String>,
}

/// Reads everything there.
pub(super) fn installed(places: &Places) -> Installed {
    let mut found = Installed::default();
    units(&places.units, &mut found);
    for crontab in &places.crontabs {
        crontabs(crontab, &mut found);
    }
    found.triggers.sort();
    found.triggers.dedup();
    found
}

/// Whom of our agents a command starts.
pub(super) fn started_by(command: &str) -> Option<Started> {
    command.split_whitespace().find_map(|word| {
        let path = Path::new(word.trim_start_matches(['-', '@', ':', '+', '!', '"', '\'']));
        let name = path.file_name()?.to_str()?;
        if registry::find(name).is_some() {
            return Some(Started::One(name.to_owned()));
        }
        // Many a program is called so: ours lies in a folder of ours, or beside our other programs.
        let ours = name == SCHEDULER
            && (word.contains("opswarden") || path.with_file_name("opsctl").exists());
        ours.then_some(Started::All)
    })
}

fn units(folders: &[PathBuf], found: &mut Installed) {
    let mut files: BTreeMap<String, PathBuf> = BTreeMap::new();
    let mut enabled: BTreeSet<String> = BTreeSet::new();
    for folder in folders {
        for (name, path) in entries(folder) {
            if path.extension().is_some_and(|ending| ending == "wants" || ending == "requires") {
                enabled.extend(entries(&path).into_iter().map(|(name, _)| name));
            } else {
                files.entry(name).or_insert(path);
            }
        }
    }
    let read = |name: &str| {
        let file = files.get(name)?;
        let beside = folders.iter().flat_map(|folder| entries(&folder.join(format!("{name}.d"))));
        // A later name wins, wherever it lies.
        let added: BTreeMap<String, PathBuf> =
            beside.filter(|(name, _)| name.strip_suffix(".conf").is_some()).collect();
        let texts = std::iter::once(file).chain(added.values());
        let texts: Vec<String> =
            texts.filter_map(|file| std::fs::read_to_string(file).ok()).collect();
        Some(Unit { name: name.to_owned(), file: file.clone(), settings: settings(&texts) })
    };
    let services = files.keys().filter(|name| name.strip_suffix(".service").is_some());
    let services: Vec<(Unit, Started)> = services
        .filter_map(|name| {
            let unit = read(name)?;
            let command = unit.settings.get("ExecStart")?.last()?.clone();
            started_by(&command).map(|starts| (unit, starts))
        })
        .collect();
    for name in files.keys().filter(|name| name.strip_suffix(".timer").is_some()) {
        let Some(timer) = read(name) else { continue };
        let own = format!("{}.service", name.trim_end_matches(".timer"));
        let started = timer.settings.get("Unit").and_then(|units| units.last()).unwrap_or(&own);
        let Some((_, starts)) = services.iter().find(|(unit, _)| unit.name == *started) else {
            continue;
        };
        if enabled.contains(name) {
            found.triggers.push(Trigger { starts: starts.clone(), by: name.clone() });
        }
        found.units.push(timer);
    }
    for (unit, starts) in services {
        if enabled.contains(&unit.name) && starts == Started::All {
            found.triggers.push(Trigger { starts, by: unit.name.clone() });
        }
        found.units.push(unit);
    }
}

/// The settings of a unit whose parts are `texts`, in order.
pub(super) fn settings(texts: &[String]) -> Settings {
    let mut settings = Settings::new();
    let lines = texts.iter().flat_map(|text| text.lines()).map(str::trim);
    for line in lines.filter(|line| !line.starts_with(['#', ';', '['])) {
        let Some((name, value)) = line.split_once('=') else { continue };
        let values = settings.entry(name.trim().to_owned()).or_default();
        match value.trim() {
            "" => values.clear(),
            value => values.push(value.to_owned()),
        }
    }
    settings
}

fn crontabs(place: &Path, found: &mut Installed) {
    if place.is_dir() {
        match std::fs::read_dir(place) {
            Err(error) => found.unread.push(format!("{}: {error}", place.display())),
            Ok(_) => {
                for (_, path) in entries(place).into_iter().filter(|(_, path)| path.is_file()) {
                    crontabs(&path, found);
                }
            }
        }
        return;
    }
    match std::fs::read_to_string(place) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => found.unread.push(format!("{}: {error}", place.display())),
        Ok(text) => {
            let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
            let by = format!("the crontab {}", place.display());
            let triggers = lines.filter_map(started_by);
            found.triggers.extend(triggers.map(|starts| Trigger { starts, by: by.clone() }));
        }
    }
}

/// What lies in a folder, by name; nothing where it cannot be read.
fn entries(folder: &Path) -> Vec<(String, PathBuf)> {
    let found = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<(String, PathBuf)> = found
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()))
        .collect();
    found.sort();
    found
}
