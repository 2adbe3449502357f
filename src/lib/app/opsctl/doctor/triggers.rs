//! The doctor's look at what starts agents: each by one trigger, and units that say what the settings say.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::row::{Grade, Row};
use crate::adapters::child::{Outcome, Program};
use crate::adapters::pm2::{Pm2, Pm2Read};
use crate::app::installed::{
    self, Installed, Places, Settings, Started, Trigger, Unit, installed, started_by,
};
use crate::app::opsctl::Desk;
use crate::app::scheduler::Beat;
use crate::app::triggers::{self, Mode, PROGRAMS, Place, USER};
use crate::app::{registry, wire};
use crate::domain::process::ProcessStatus;

/// Whether systemd is what runs this machine.
const BOOTED: &str = "/run/systemd/system";

/// Which of the units among these is not active, by systemd's own word.
async fn stopped(triggers: &[Trigger]) -> BTreeSet<String> {
    let mut stopped = BTreeSet::new();
    if !Path::new(BOOTED).exists() {
        return stopped;
    }
    let units = triggers.iter().map(|trigger| trigger.by.as_str());
    let is_unit = |name: &&str| name.starts_with("opswarden") && !name.contains(' ');
    for unit in units.filter(is_unit).collect::<BTreeSet<&str>>() {
        let asked = Program::new(["systemctl", "is-active", unit]).run().await;
        if let Outcome::Exited { code: 3, .. } = asked {
            stopped.insert(unit.to_owned());
        }
    }
    stopped
}

/// A unit that names a program which is not there can only fail.
fn without_program(unit: &Unit, has: fn(&Path) -> bool) -> Option<Row> {
    let command = unit.settings.get("ExecStart")?.last()?;
    let program = command.split_whitespace().next()?.trim_start_matches(['-', '@', ':', '+', '!']);
    let is_missing = program.starts_with('/') && !has(Path::new(program));
    is_missing.then(|| {
        let said = format!(
            "{} names {program}, which is not there, and every start fails: `opsctl generate systemd --programs DIR`",
            unit.file.display()
        );
        (Grade::Blocked, format!("unit {}", unit.name), said)
    })
}

/// What the settings decide in a unit. An admin may change everything else beside it.
const DECIDED: [&str; 6] = [
    "OnCalendar",
    "Persistent",
    "TimeoutStartSec",
    "Environment",
    "StateDirectory",
    "ReadWritePaths",
];

impl Desk<'_> {
    /// What starts agents on this machine.
    pub(super) async fn triggers(&self) -> Vec<Row> {
        self.triggers_at(&Places::of_machine()).await
    }

    async fn triggers_at(&self, places: &Places) -> Vec<Row> {
        let mut found = installed(places);
        found.triggers.extend(self.apps().await);
        found.triggers.extend(self.scheduler(&found.triggers));
        let stopped = stopped(&found.triggers).await;
        let mut rows = self.started(&found.triggers, &stopped);
        rows.extend(found.units.iter().filter_map(|unit| without_program(unit, places.has)));
        rows.extend(found.unread.iter().map(|unread| {
            let said = format!("could not be read, and may start agents: {unread}");
            (Grade::Skipped, "crontabs".to_owned(), said)
        }));
        rows.extend(self.units_that_differ(&found));
        rows
    }

    /// A scheduler at work that nothing known has started: a person did, or a container.
    fn scheduler(&self, known: &[Trigger]) -> Option<Trigger> {
        if known.iter().any(|trigger| trigger.starts == Started::All) {
            return None;
        }
        let beat = Beat::read(&self.config.paths.beat()).ok()??;
        let by = format!("the scheduler that runs as pid {}", beat.pid);
        (!beat.is_silent(self.clock.now())).then_some(Trigger { starts: Started::All, by })
    }

    /// Apps of PM2 that start our programs. A stopped app is started by its cron all the same.
    async fn apps(&self) -> Vec<Trigger> {
        let home = PathBuf::from(&self.config.managers.pm2.home);
        if !home.join("rpc.sock").exists() {
            return Vec::new();
        }
        let seen = Pm2::new(home, Pm2Read::Socket, Vec::new()).programs().await;
        let apps = seen.unwrap_or_default().into_iter();
        apps.filter_map(|(reading, program)| {
            let starts = started_by(&program.display().to_string())?;
            let does = starts != Started::All || reading.status == ProcessStatus::Online;
            does.then(|| Trigger { starts, by: format!("the app {} of PM2", reading.process.name) })
        })
        .collect()
    }

    /// One row for each agent that is on.
    fn started(&self, triggers: &[Trigger], stopped: &BTreeSet<String>) -> Vec<Row> {
        let on = registry::ALL.iter().filter(|entry| wire::off(self.config, entry).is_none());
        on.map(|entry| {
            let name = (entry.spec)().name.to_string();
            let own = Started::One(name.clone());
            let is_its =
                |trigger: &&Trigger| trigger.starts == own || trigger.starts == Started::All;
            let by: Vec<&str> =
                triggers.iter().filter(is_its).map(|trigger| trigger.by.as_str()).collect();
            let (grade, said) = match by.as_slice() {
                [] => (
                    Grade::Blocked,
                    "nothing starts it: `systemctl enable --now opswarden` does where the package is installed; else \
                     `opsctl generate systemd` or `pm2` makes what does"
                        .to_owned(),
                ),
                all if all.iter().all(|by| stopped.contains(*by)) => (
                    Grade::Blocked,
                    format!(
                        "{} would start it and is stopped: systemctl start {}",
                        all.join(" or "),
                        all.first().copied().unwrap_or_default()
                    ),
                ),
                [only] => (Grade::Ok, format!("started by {only}")),
                all => (
                    Grade::Partial,
                    format!(
                        "started by {}: harmless, each slot is run once, but keep only one",
                        all.join(" and ")
                    ),
                ),
            };
            (grade, format!("{name}: trigger"), said)
        })
        .collect()
    }

    /// Units that say something else than what would be made from the settings now.
    fn units_that_differ(&self, found: &Installed) -> Vec<Row> {
        let mut rows = Vec::new();
        let is_daemon = |unit: &Unit| {
            unit.settings
                .get("Type")
                .and_then(|types| types.last())
                .is_some_and(|of| of == "notify")
        };
        for unit in &found.units {
            let mode = if is_daemon(unit) { Mode::Daemon } else { Mode::Timers };
            let about = format!("unit {}", unit.name);
            match self.made_for(mode) {
                Err(why) => rows.push((Grade::Partial, about, why)),
                Ok(triggers) => {
                    let Some(text) = triggers.text(&unit.name) else { continue };
                    let wanted = installed::settings(&[text.to_owned()]);
                    rows.extend(
                        differences(unit, &wanted)
                            .into_iter()
                            .map(|said| (Grade::Partial, about.clone(), said)),
                    );
                }
            }
        }
        rows.sort();
        rows.dedup();
        rows
    }

    fn made_for(&self, mode: Mode) -> Result<triggers::Triggers, String> {
        let place = Place { programs: PROGRAMS, user: USER, now: self.clock.now() };
        let mut config = self.config.clone();
        config.file = std::path::absolute(&config.file).unwrap_or(config.file);
        triggers::units(&config, registry::ALL, mode, &place)
            .map_err(|wrong| wrong.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
    }
}

/// Which settings differ, in words.
fn differences(unit: &Unit, wanted: &Settings) -> Vec<String> {
    let nothing = Vec::new();
    let folder = unit.file.parent().unwrap_or(Path::new("/")).display().to_string();
    let differing = DECIDED.iter().filter_map(|name| {
        let values = |settings: &Settings| {
            let mut values = settings.get(*name).unwrap_or(&nothing).clone();
            values.sort();
            values
        };
        let (is, should) = (values(&unit.settings), values(wanted));
        let shown = |values: &[String]| {
            if values.is_empty() { "not set".to_owned() } else { values.join(", ") }
        };
        (is != should).then(|| {
            format!(
                "{name} is {}, and by the settings {}: `opsctl generate systemd --out {folder}` writes it anew",
                shown(&is),
                shown(&should)
            )
        })
    });
    differing.collect()
}

#[cfg(test)]
#[path = "triggers_tests.rs"]
mod tests;
