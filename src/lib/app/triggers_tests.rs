//! Files for other programs follow the settings in effect.

use super::*;
use crate::app::config::Environ;
use crate::app::registry;

fn config(text: &str) -> Config {
    let environ = Environ::of([]);
    let file = Path::new("/etc/opswarden/agents.toml");
    Config::from_text(file, text, &environ, registry::ALL)
        .unwrap_or_else(|errors| panic!("{errors}"))
        .config
}

fn place() -> Place<'static> {
    let now = "2026-11-20T12:00:00Z".parse().unwrap();
    Place { programs: PROGRAMS, user: USER, now }
}

fn made(text: &str) -> Triggers {
    units(&config(text), registry::ALL, Mode::Timers, &place()).unwrap()
}

fn has(triggers: &Triggers, name: &str, line: &str) -> bool {
    triggers.text(name).unwrap().lines().any(|one| one == line)
}

#[test]
fn a_timer_follows_zone_seconds_offset_and_timeout() {
    let text = "[agents.fleet-manager.schedule]\ncron = \"0 3 * * *\"\nzone = \"Europe/Paris\"\noffset = \"5m\"\n\
                [agents.ops-reporter.schedule]\nseconds = true\ncron = \"*/2 * * * * *\"\ntimeout = \"1s\"\nmutex = [\"x\"]\n\
                catch_up_within = \"31s\"\n";
    let made = made(text);
    let (fleet, reporter) = ("opswarden-fleet-manager", "opswarden-ops-reporter");
    let timer = format!("{fleet}.timer");
    assert!(has(&made, &timer, "OnCalendar=*-*-* 01,02:05:00 UTC"), "{:?}", made.text(&timer));
    assert!(has(&made, &timer, "Persistent=true"));
    let timer = format!("{reporter}.timer");
    assert!(
        has(&made, &timer, "OnCalendar=*-*-* *:*:00/2 UTC")
            && !has(&made, &timer, "Persistent=true")
    );
    assert!(has(&made, &format!("{reporter}.service"), "TimeoutStartSec=62"));
    assert!(has(&made, &format!("{fleet}.service"), "TimeoutStartSec=7230"));
}

#[test]
fn what_only_starts_cannot_replace_and_says_what_to_do() {
    let text = "[agents.fleet-manager.schedule]\noverlap = \"replace\"\n";
    let wrong = units(&config(text), registry::ALL, Mode::Timers, &place()).unwrap_err();
    let said = wrong.first().unwrap().to_string();
    assert!(said.contains("fleet-manager") && said.contains("--mode daemon"), "{said}");
    assert!(units(&config(text), registry::ALL, Mode::Daemon, &place()).is_ok());
    assert!(ecosystem(&config(text), registry::ALL, true, &TimeZone::UTC, &place()).is_err());
    assert!(ecosystem(&config(text), registry::ALL, false, &TimeZone::UTC, &place()).is_ok());
}

#[test]
fn what_must_be_granted_is_told_and_made() {
    let service = |manager: &str, process: &str| {
        format!(
            "[[agents.health-guardian.services]]\nname = \"web\"\nmanager = \"{manager}\"\nprocess = \"{process}\"\n"
        )
    };
    let with_unit = made(&service("systemd", "web.service"));
    let rule = with_unit.text(POLKIT).unwrap();
    assert!(rule.contains("[\"web.service\"]") && rule.contains("\"opswarden\""), "{rule}");
    assert!(with_unit.notes.iter().any(|note| note.contains("polkit")), "{:?}", with_unit.notes);
    let with_pm2 = made(&service("pm2", "web"));
    assert!(with_pm2.notes.iter().any(|note| note.contains("--user")), "{:?}", with_pm2.notes);
    assert_eq!(with_pm2.text(POLKIT), None);
}

#[test]
fn folders_of_ones_own_are_opened_and_homes_only_where_they_are_needed() {
    let own = made("[paths]\nstate = \"/srv/ops/state\"\nlogs = \"/srv/ops/logs\"\n");
    let name = "opswarden-fleet-manager.service";
    assert!(has(&own, name, "ReadWritePaths=/srv/ops/state /srv/ops/logs"));
    assert!(!own.text(name).unwrap().contains("StateDirectory="));
    assert!(has(&own, name, "ProtectHome=yes"));
    let systemds = "[paths]\nstate = \"/var/lib/opswarden\"\nlogs = \"/var/log/opswarden\"\n";
    let systemds = made(systemds);
    assert!(has(&systemds, name, "StateDirectory=opswarden"));
    assert!(!systemds.notes.iter().any(|note| note.contains("by hand")));
    assert!(made("").notes.iter().any(|note| note.contains("by hand")));
    let home = Place { programs: "/home/ops/bin", ..place() };
    let home = units(&config(""), registry::ALL, Mode::Timers, &home).unwrap();
    assert!(has(&home, name, "ProtectHome=read-only"));
    let spaced = Place { programs: "/opt/my programs", ..place() };
    assert!(units(&config(""), registry::ALL, Mode::Daemon, &spaced).is_err());
}

#[test]
fn an_app_for_each_agent_is_started_in_the_zone_of_the_daemon() {
    let text = "[agents.fleet-manager.schedule]\ncron = \"0 3 * * *\"\nzone = \"Europe/Paris\"\n";
    let of = |zone: &str| {
        let zone = TimeZone::get(zone).unwrap();
        let made = ecosystem(&config(text), registry::ALL, true, &zone, &place()).unwrap();
        let warned = made.notes.iter().any(|note| note.contains("comes twice"));
        assert_eq!(warned, zone.iana_name() == Some("Europe/Paris"), "{:?}", made.notes);
        let text = made.files.first().unwrap().text.clone();
        let json = text.split_once("module.exports = ").unwrap().1.trim_end().trim_end_matches(';');
        let apps: serde_json::Value = serde_json::from_str(json).unwrap();
        let apps = apps["apps"].as_array().unwrap().clone();
        assert_eq!(apps.len(), registry::ALL.len());
        apps.into_iter().find(|app| app["name"] == "opswarden-fleet-manager").unwrap()
    };
    assert_eq!(of("UTC")["cron_restart"], "0 1,2 * * *");
    assert_eq!(of("Europe/Paris")["cron_restart"], "0 3 * * *");
    assert_eq!(of("Asia/Kolkata")["cron_restart"], "30 6,7 * * *");
    let app = of("UTC");
    assert_eq!((&app["kill_timeout"], &app["treekill"]), (&7_215_000.into(), &false.into()));
    assert_eq!(app["out_file"], "/etc/opswarden/logs/pm2-fleet-manager.log");
}

#[test]
fn folders_of_logs_can_be_written_by_who_tends_them_alone() {
    let text = "[[agents.db-maintainer.logs]]\nname = \"pm2\"\nfolder = \"/home/app/.pm2/logs\"\n";
    let made = made(text);
    let (maintainer, other) = ("opswarden-db-maintainer.service", "opswarden-ops-reporter.service");
    for line in ["ReadWritePaths=-/home/app/.pm2/logs", "PrivateUsers=no", "ProtectHome=read-only"]
    {
        assert!(has(&made, maintainer, line), "{line}: {:?}", made.text(maintainer));
    }
    assert!(!has(&made, maintainer, "PrivateUsers=yes"));
    assert!(has(&made, other, "PrivateUsers=yes"));
    assert!(!has(&made, other, "ReadWritePaths=-/home/app/.pm2/logs"));
    let daemon = |text: &str| units(&config(text), registry::ALL, Mode::Daemon, &place()).unwrap();
    let unit = "opswarden.service";
    assert!(has(&daemon(text), unit, "ReadWritePaths=-/home/app/.pm2/logs"));
    assert!(has(&daemon(""), unit, "PrivateUsers=yes"), "its own logs are written by itself");
    let strange = text.replace("/home/app", "/home/a b");
    let wrong = units(&config(&strange), registry::ALL, Mode::Timers, &place()).unwrap_err();
    assert!(wrong[0].to_string().contains("/home/a b"), "{wrong:?}");
}
