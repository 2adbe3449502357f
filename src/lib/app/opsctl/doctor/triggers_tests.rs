//! Every agent is started by one trigger, and units say what the settings say.

use std::sync::Arc;

use super::*;
use crate::adapters::system_clock::SystemClock;
use crate::app::cli::Output;
use crate::app::config::{Config, Environ};
use crate::ports::clock::Clock as _;
use crate::render::style::{Style, Terminal};

struct House {
    folder: tempfile::TempDir,
    config: Config,
}

impl House {
    fn new(settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = Path::new("/etc/opswarden/agents.toml");
        let loaded = Config::from_text(file, settings, &Environ::of([]), registry::ALL);
        Self { folder, config: loaded.unwrap_or_else(|errors| panic!("{errors}")).config }
    }

    fn write(&self, path: &str, text: &str) {
        let file = self.folder.path().join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }

    /// Installs what these settings make, and enables it.
    fn install(&self, settings: &str, mode: Mode) {
        let other = Self::new(settings);
        let place = Place { programs: PROGRAMS, user: USER, now: SystemClock::new().now() };
        for file in triggers::units(&other.config, registry::ALL, mode, &place).unwrap().files {
            self.write(&format!("units/{}", file.name), &file.text);
            if file.name.strip_suffix(".timer").is_some() {
                self.write(&format!("units/timers.target.wants/{}", file.name), &file.text);
            } else if file.name == "opswarden.service" {
                self.write(&format!("units/multi-user.target.wants/{}", file.name), &file.text);
            }
        }
    }

    /// The doctor's rows, as text.
    fn rows(&self) -> Vec<String> {
        let environ = Environ::of([]);
        let desk = Desk {
            config: &self.config,
            environ: &environ,
            form: Output::Text,
            style: Style::of(Terminal::No, None, None),
            clock: Arc::new(SystemClock::new()),
        };
        let places = Places {
            units: vec![self.folder.path().join("units"), self.folder.path().join("lib")],
            crontabs: vec![self.folder.path().join("cron.d"), self.folder.path().join("crontab")],
            has: |program| !program.starts_with("/nowhere"),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let rows = runtime.block_on(desk.triggers_at(&places));
        rows.iter()
            .map(|(grade, about, said)| format!("{} {about}: {said}", grade.as_str()))
            .collect()
    }
}

const GUARDIAN: &str = "health-guardian: trigger";

fn row<'r>(rows: &'r [String], about: &str) -> &'r str {
    rows.iter().find(|row| row.contains(about)).unwrap_or_else(|| panic!("{about} in {rows:#?}"))
}

#[test]
fn an_agent_that_nothing_starts_is_blocked_and_one_that_is_off_is_not_asked_about() {
    let rows = House::new("").rows();
    assert!(row(&rows, GUARDIAN).starts_with("blocked "), "{rows:#?}");
    assert!(!rows.iter().any(|row| row.contains("fleet-manager")), "{rows:#?}");
}

#[test]
fn one_trigger_is_well_and_two_are_told_with_both_names() {
    let house = House::new("");
    house.install("", Mode::Timers);
    assert_eq!(
        row(&house.rows(), GUARDIAN),
        "ok health-guardian: trigger: started by opswarden-health-guardian.timer"
    );
    assert_eq!(house.rows().len(), 3, "nothing differs: {:#?}", house.rows());
    house.write(
        "cron.d/ops",
        "# /usr/bin/health-guardian\n*/5 * * * * ops /usr/bin/health-guardian --if-due\n",
    );
    let rows = house.rows();
    let said = row(&rows, GUARDIAN);
    assert!(
        said.starts_with("partial ")
            && said.contains("opswarden-health-guardian.timer and the crontab "),
        "{said}"
    );
    assert!(row(&rows, "ops-reporter: trigger").starts_with("ok "));
}

#[test]
fn the_daemon_starts_every_agent_and_a_unit_that_is_not_enabled_none() {
    let house = House::new("");
    house.install("", Mode::Daemon);
    assert!(row(&house.rows(), GUARDIAN).ends_with("started by opswarden.service"));
    std::fs::remove_dir_all(house.folder.path().join("units/multi-user.target.wants")).unwrap();
    assert!(row(&house.rows(), GUARDIAN).starts_with("blocked "));
    house.write(
        "crontab",
        "@reboot root /usr/lib/opswarden/scheduler\n* * * * * root /usr/bin/scheduler\n",
    );
    assert!(row(&house.rows(), GUARDIAN).starts_with("ok "), "{:#?}", house.rows());
}

#[test]
fn a_unit_that_differs_from_the_settings_is_told_with_what_differs() {
    let settings = "[agents.health-guardian.schedule]\ncron = \"*/10 * * * *\"\n";
    let house = House::new(settings);
    house.install("", Mode::Timers);
    let rows = house.rows();
    let timer = row(&rows, "unit opswarden-health-guardian.timer");
    assert!(
        timer.starts_with("partial ") && timer.contains("OnCalendar is *-*-* *:00/5:00 UTC"),
        "{timer}"
    );
    assert!(timer.contains("by the settings *-*-* *:00/10:00 UTC"), "{timer}");
    let service = row(&rows, "unit opswarden-health-guardian.service");
    assert!(service.contains("TimeoutStartSec is 270"), "{service}");
    let own = "[Timer]\nOnCalendar=\nOnCalendar=*-*-* *:00/10:00 UTC\n";
    house.write("units/opswarden-health-guardian.timer.d/own.conf", own);
    house.write(
        "units/opswarden-health-guardian.service.d/own.conf",
        "[Service]\nTimeoutStartSec=\nTimeoutStartSec=510\n",
    );
    assert!(!house.rows().iter().any(|row| row.contains("unit ")), "{:#?}", house.rows());
}

#[test]
fn a_schedule_that_a_timer_cannot_keep_is_told_where_timers_are_installed() {
    let house = House::new("[agents.ops-reporter.schedule]\noverlap = \"replace\"\n");
    house.install("", Mode::Timers);
    let rows = house.rows();
    assert!(
        rows.iter().any(|row| row.starts_with("partial unit") && row.contains("overlap")),
        "{rows:#?}"
    );
}

#[test]
fn a_scheduler_that_a_person_started_counts_while_it_looks() {
    let mut house = House::new("");
    house.config.paths.state = house.folder.path().to_owned();
    let started = |house: &House| house.rows().iter().any(|row| row.contains("runs as pid 7"));
    assert!(!started(&house));
    let at = |at: jiff::Timestamp| {
        let beat = serde_json::json!({
            "version": 1, "pid": 7, "config": "x", "since": at, "at": at, "blind": null,
            "draining": false, "refused": null, "due": [], "working": []
        });
        house.write("scheduler.json", &beat.to_string());
    };
    let now = SystemClock::new().now();
    at(now);
    assert!(started(&house), "{:?}", house.rows());
    at(now.checked_sub(std::time::Duration::from_mins(2)).unwrap());
    assert!(!started(&house), "it has been silent for too long");
    at(now);
    house.install("", Mode::Daemon);
    assert!(!started(&house), "the unit is what started it");
}

#[test]
fn a_unit_whose_program_is_not_there_is_blocked() {
    let house = House::new("");
    house.install("", Mode::Timers);
    let blocked = |house: &House| {
        house.rows().iter().filter(|row| row.contains("which is not there")).count()
    };
    assert_eq!(blocked(&house), 0);
    let name = "units/opswarden-ops-reporter.service";
    house.write(name, "[Service]\nExecStart=-/nowhere/ops-reporter --if-due\n");
    assert_eq!(blocked(&house), 1, "{:?}", house.rows());
}
