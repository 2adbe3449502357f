//! The derived files of the package equal what the code says, and are what they claim to be.
#![expect(clippy::disallowed_methods, reason = "systemd's own tools are the oracle of its units")]
#![expect(clippy::print_stderr, reason = "a skip is told loudly")]
#![expect(clippy::unwrap_used, reason = "a tool that cannot be started should end the test")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use jiff::tz::TimeZone;

use opswarden::app::config::{Config, Environ};
use opswarden::app::{registry, shipped};
use opswarden::domain::schedule::Schedule;
use opswarden::render::agents_toml::UNSET;
use opswarden::render::json_schema::only;
use opswarden::render::triggers::calendar::on_calendar;
use serde_json::Value;

fn package(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

#[test]
fn every_derived_file_is_up_to_date() {
    for (path, text) in shipped::files(registry::ALL).unwrap() {
        let stored = std::fs::read_to_string(package(&path)).unwrap_or_default();
        assert!(stored == text, "{path} differs from the code: run scripts/sync");
    }
}

#[test]
fn no_unit_is_left_of_an_agent_that_is_gone() {
    let derived = shipped::files(registry::ALL).unwrap();
    for entry in std::fs::read_dir(package("systemd")).unwrap() {
        let name = format!("systemd/{}", entry.unwrap().file_name().to_string_lossy());
        assert!(derived.contains_key(&name), "nothing derives {name}");
    }
}

/// The effective values of a settings text, without the lines that they come from.
fn effective(text: &str) -> Vec<String> {
    let environ = Environ::of([]);
    let loaded = Config::from_text(Path::new("agents.toml"), text, &environ, registry::ALL)
        .unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(loaded.warnings, []);
    let rows = loaded.config.origins.iter();
    rows.map(|row| format!("{} = {}", row.path, row.value)).collect()
}

/// The settings text with every commented default switched on; of the tables that are not set by default only `wanted`.
fn switched_on(text: &str, wanted: Option<&str>) -> String {
    let mut is_here = true;
    let mut on = Vec::new();
    for line in text.lines() {
        let commented = line.strip_prefix('#').filter(|rest| {
            rest.starts_with(|c: char| c.is_ascii_lowercase() || c == '[')
                && rest.contains(['=', ']'])
        });
        let header = commented.and_then(|rest| rest.strip_suffix(UNSET)).map(str::trim);
        if let Some(table) = header.filter(|text| text.starts_with('[')) {
            is_here = wanted == Some(table);
            on.push(if is_here { table } else { line });
            continue;
        }
        is_here |= line.starts_with('[');
        let is_set = is_here && !line.ends_with(UNSET);
        on.push(commented.filter(|_| is_set).unwrap_or(line));
    }
    on.join("\n")
}

#[test]
fn the_shipped_settings_are_the_defaults_and_so_is_every_commented_value() {
    let text = std::fs::read_to_string(package("agents.toml")).unwrap();
    assert_eq!(effective(&text), effective(""), "as shipped");
    // Settings of a manager that no service names are a warning; they are right all the same.
    let used = "process = \"\"\n";
    let on = switched_on(&text, None);
    assert!(on.contains(used) && on.lines().count() == text.lines().count());
    let on: String = on.replace("[managers.pm2]", "[managers.pm2x]");
    let broken = Config::from_text(Path::new("x"), &on, &Environ::of([]), registry::ALL);
    assert!(broken.is_err(), "a wrong name in the file would be noticed");
    let on = switched_on(&text, None);
    let loaded = Config::from_text(Path::new("x"), &on, &Environ::of([]), registry::ALL)
        .unwrap_or_else(|errors| panic!("{errors}"));
    let rows = loaded.config.origins.iter();
    let values: Vec<String> = rows.map(|row| format!("{} = {}", row.path, row.value)).collect();
    assert_eq!(values, effective(""), "with every default switched on");
}

#[test]
fn the_commented_values_of_a_table_that_is_not_set_are_its_defaults() {
    let text = std::fs::read_to_string(package("agents.toml")).unwrap();
    let on = switched_on(&text, Some("[platform]"));
    assert!(on.contains("\nevidence_age = "), "{on}");
    let fields = on.split_once("[platform]").unwrap().1.split("\n[").next().unwrap();
    assert_eq!(effective(&format!("[platform]{fields}")), effective("[platform]"));
    let wrong = fields.replace("evidence_age = \"1d\"", "evidence_age = \"2d\"");
    assert_ne!(effective(&format!("[platform]{wrong}")), effective("[platform]"));
}

#[test]
fn a_commented_value_that_is_not_the_default_would_be_noticed() {
    let text = std::fs::read_to_string(package("agents.toml")).unwrap();
    let wrong = switched_on(&text, None).replace("attempts = 2", "attempts = 3");
    let loaded =
        Config::from_text(Path::new("x"), &wrong, &Environ::of([]), registry::ALL).unwrap();
    let rows = loaded.config.origins.iter();
    let values: Vec<String> = rows.map(|row| format!("{} = {}", row.path, row.value)).collect();
    assert_ne!(values, effective(""));
}

/// Every table with known fields that is an item of a list, or that may not be there, with its keys.
fn tables_of(root: &Value, schema: &Value, path: &str, found: &mut Vec<(String, Vec<String>)>) {
    let schema = only(root, schema);
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
    for (name, property) in properties {
        let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let of_field = only(root, property);
        let (table, header) = match of_field.get("items") {
            Some(items) => (only(root, items), format!("[[{below}]]")),
            None => (of_field, format!("[{below}]")),
        };
        // What has a default stands there with it, in one line.
        let stands_inline = path == "platform" && property.get("default").is_some_and(is_filled);
        if let Some(fields) = table.get("properties").and_then(Value::as_object)
            && !stands_inline
        {
            if below != "agents" {
                found.push((header, fields.keys().cloned().collect()));
            }
            tables_of(root, table, &below, found);
        }
    }
}

fn is_filled(value: &Value) -> bool {
    value.as_array().map(Vec::is_empty).or_else(|| value.as_object().map(serde_json::Map::is_empty))
        == Some(false)
}

#[test]
fn every_key_of_every_table_stands_below_its_header_with_a_description() {
    let text = std::fs::read_to_string(package("agents.toml")).unwrap();
    let schema = opswarden::app::config::schema::document(registry::ALL);
    let mut tables = Vec::new();
    tables_of(&schema, &schema, "", &mut tables);
    assert!(tables.len() >= 40, "{tables:#?}");
    let lines: Vec<&str> = text.lines().collect();
    let bare = |line: &str| line.trim_start_matches('#').trim_end_matches(UNSET).trim().to_owned();
    let mut missing = Vec::new();
    for (header, keys) in tables {
        let Some(at) = lines.iter().position(|line| bare(line) == header) else {
            missing.push(header);
            continue;
        };
        let below = header.trim_matches(['[', ']']);
        let own: Vec<&str> = lines[at + 1..]
            .iter()
            .take_while(|line| !bare(line).starts_with('['))
            .copied()
            .collect();
        for key in keys {
            let starts =
                |line: &&str| line.trim_start_matches('#').starts_with(&format!("{key} = "));
            let place = own.iter().position(starts);
            let described = place.is_some_and(|at| at > 0 && own[at - 1].starts_with("# "));
            let is_table = lines.iter().any(|line| {
                [format!("[{below}.{key}]"), format!("[[{below}.{key}]]")].contains(&bare(line))
            });
            if !described && !is_table {
                missing.push(format!("{header} {key}"));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
    assert!(lines.iter().all(|line| line.chars().count() <= 110 || !line.starts_with("# ")));
}

/// The commented items of the file, switched on: of the values that are not set only those of `with`.
fn items_switched_on(text: &str, with: &dyn Fn(&str, &str) -> bool) -> String {
    let (mut header, mut on) = (String::new(), String::new());
    for line in text.lines() {
        let Some(rest) = line.strip_prefix('#').filter(|rest| !rest.starts_with([' ', ':'])) else {
            if line.starts_with('[') {
                header.clear();
            }
            continue;
        };
        if rest.starts_with('[') {
            let name = rest.trim_end_matches(UNSET).trim();
            // Hours of planned work are nobody's default, and a whole day is no window.
            let is_window = name.ends_with("maintenance]]") || name.ends_with("quiet]]");
            header =
                if is_window || name == "[platform]" { String::new() } else { name.to_owned() };
            // The file's own services are of other kinds.
            if header.contains("health-guardian") {
                header.clear();
            }
            if !header.is_empty() {
                on.extend([header.as_str(), "\n"]);
            }
            continue;
        }
        let key = rest.split(" = ").next().unwrap();
        if !header.is_empty() && (!rest.ends_with(UNSET) || with(&header, key)) {
            on.extend([rest, "\n"]);
        }
    }
    on
}

#[test]
fn an_item_that_is_switched_on_and_told_where_it_lies_is_accepted() {
    let text = std::fs::read_to_string(package("agents.toml")).unwrap();
    let on = items_switched_on(&text, &|_, key| ["folder", "database"].contains(&key));
    for list in ["backups", "buckets", "databases", "logs", "redis", "backups.copies"] {
        assert!(on.contains(&format!("[[agents.db-maintainer.{list}]]\n")), "{list}: {on}");
    }
    for table in ["backups.encryption", "backups.newest"] {
        assert!(on.contains(&format!("[agents.db-maintainer.{table}]\n")), "{table}: {on}");
    }
    assert!(on.contains("[[notify.channels]]\n") && on.contains("[[notify.routes]]\n"), "{on}");
    let environ = Environ::of([("SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/A/B/c")]);
    if let Err(errors) = Config::from_text(Path::new("agents.toml"), &on, &environ, registry::ALL) {
        panic!("{on}\n{errors}");
    }
    // With every key, also with those of which one excludes another, it is of the right form.
    let all = items_switched_on(&text, &|_, _| true);
    let value: toml::Table = all.parse().unwrap_or_else(|error| panic!("{all}\n{error}"));
    let schema = opswarden::app::config::schema::document(registry::ALL);
    let validator = jsonschema::validator_for(&schema).unwrap();
    let value = serde_json::to_value(value).unwrap();
    let wrong: Vec<String> = validator.iter_errors(&value).map(|one| one.to_string()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_schema_accepts_the_corpus_that_the_walk_accepts() {
    let schema = opswarden::app::config::schema::document(registry::ALL);
    let validator = jsonschema::validator_for(&schema).unwrap();
    let judge = |text: &str| {
        let value: toml::Table = text.parse().unwrap();
        validator.is_valid(&serde_json::to_value(value).unwrap())
    };
    assert!(judge(&std::fs::read_to_string(package("agents.toml")).unwrap()));
    for entry in std::fs::read_dir(package("tests/settings/good")).unwrap() {
        let file = entry.unwrap().path();
        assert!(judge(&std::fs::read_to_string(&file).unwrap()), "{}", file.display());
    }
    assert!(!judge("hots = 1"), "an editor shows what the walk refuses");
    assert!(!judge("[agents.health-guardian.policy]\nautonomy = \"no\""));
}

/// A tool of systemd, or a loud skip where the machine has none.
fn systemd_analyze(test: &str) -> Option<Command> {
    let there = Command::new("systemd-analyze").arg("--version").stdout(Stdio::null()).status();
    if there.is_ok_and(|status| status.success()) {
        return Some(Command::new("systemd-analyze"));
    }
    let allowed = std::env::var("OPSWARDEN_TEST_ALLOW_SKIP").unwrap_or_default();
    let strict = std::env::var("CI").is_ok_and(|value| value == "true");
    assert!(!strict || allowed.contains("systemd"), "{test}: systemd is missing");
    eprintln!("SKIPPED: {test}: systemd is missing");
    None
}

#[test]
fn systemd_accepts_every_unit() {
    if systemd_analyze("systemd_accepts_every_unit").is_none() {
        return;
    }
    let verify = |change: &dyn Fn(String) -> String| {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("systemd-analyze");
        command.arg("verify");
        for entry in std::fs::read_dir(package("systemd")).unwrap() {
            let file = entry.unwrap();
            let text = std::fs::read_to_string(file.path()).unwrap();
            let copy = folder.path().join(file.file_name());
            // The program is not installed on the machine of a test.
            let text: String = text
                .lines()
                .map(|line| {
                    if let Some((setting, _)) =
                        line.split_once('=').filter(|(setting, _)| *setting == "ExecStart")
                    {
                        format!("{setting}=/bin/true\n")
                    } else {
                        format!("{line}\n")
                    }
                })
                .collect();
            std::fs::write(&copy, change(text)).unwrap();
            command.arg(copy);
        }
        String::from_utf8_lossy(&command.output().unwrap().stderr).into_owned()
    };
    assert_eq!(verify(&|text| text), "");
    assert!(verify(&|text| text.replace("Type=oneshot", "Type=onshot")).contains("onshot"));
    assert!(!verify(&|text| text.replace("00/5", "00/x")).is_empty());
}

/// How exposed a unit is, as systemd counts it, in tenths; or why it does not say.
fn exposure(name: &str, text: &str) -> Result<u32, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name);
    std::fs::write(&file, text).unwrap();
    let output = Command::new("systemd-analyze")
        .args(["security", "--offline=true", "--no-pager"])
        .arg(&file)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let level = text.rsplit_once("exposure level for").and_then(|(_, rest)| rest.split_once(": "));
    let level = level.and_then(|(_, rest)| rest.split_whitespace().next());
    level.and_then(|level| level.replace('.', "").parse().ok()).ok_or(text)
}

#[test]
fn every_service_is_closed_but_for_what_it_needs() {
    if systemd_analyze("every_service_is_closed_but_for_what_it_needs").is_none() {
        return;
    }
    let files = shipped::files(registry::ALL).unwrap();
    let services = files.iter().filter(|(path, _)| path.ends_with(".service"));
    let mut seen = 0;
    for (path, text) in services {
        let name = path.trim_start_matches("systemd/");
        let level = exposure(name, text).unwrap();
        assert!(level <= 15, "{name} is exposed by {level} tenths");
        let open = text.replace("ProtectSystem=strict\n", "").replace("PrivateDevices=yes\n", "");
        assert!(exposure(name, &open).unwrap() > level, "{name}");
        seen += 1;
    }
    assert_eq!(seen, registry::ALL.len() + 2);
}

#[test]
fn systemd_fires_at_the_slots_of_the_cron_expression() {
    let name = "systemd_fires_at_the_slots_of_the_cron_expression";
    if systemd_analyze(name).is_none() {
        return;
    }
    let base = "2026-11-20T10:03:00Z".parse().unwrap();
    let agents = registry::ALL.iter().map(|entry| (entry.spec)().cron);
    let forms = ["*/7 * * * *", "0 3 * * *", "15,45 8-18/2 * * 1-5", "0 0 1 */3 *", "30 4 * * 0,6"];
    for cron in agents.chain(forms) {
        let schedule: Schedule = cron.parse().unwrap();
        let calendars = schedule.calendars(Duration::ZERO, &TimeZone::UTC, base);
        let calendar = on_calendar(&calendars[0]);
        let output = Command::new("systemd-analyze")
            .args(["calendar", "--iterations=6", "--base-time=2026-11-20 10:03:00 UTC", &calendar])
            .env("TZ", "UTC")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let fired: Vec<String> = text
            .lines()
            .filter(|line| line.contains("Next elapse:") || line.contains("Iter"))
            .filter_map(|line| {
                line.split_whitespace()
                    .rev()
                    .take(3)
                    .nth(2)
                    .zip(line.split_whitespace().rev().nth(1))
            })
            .map(|(day, time)| format!("{day}T{time}Z"))
            .collect();
        let mut at = base;
        let ours: Vec<String> = (0..fired.len())
            .map(|_| {
                at = schedule.next_after(at).unwrap();
                at.to_string()
            })
            .collect();
        assert_eq!(fired.len(), 6, "{text}");
        assert_eq!(fired, ours, "{cron} as {calendar}");
    }
}
