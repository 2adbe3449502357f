//! Settings files, broken and whole: every mistake is shown at its line with a hint, and nothing else is.
#![expect(clippy::unwrap_used, reason = "a broken corpus should end the test")]

#[path = "support/settings.rs"]
mod settings;

use std::collections::{BTreeMap, BTreeSet};

use opswarden::app::config::{Level, schema};
use opswarden::app::registry;
use opswarden::render::json_schema::{is_duration, kind, only, words};
use serde_json::Value;

use settings::{Case, corpus, differences, expected, load};

#[test]
fn every_broken_file_shows_its_mistakes_at_their_lines_and_nothing_else() {
    let cases = corpus("bad");
    assert!(cases.len() >= 60, "only {} broken files", cases.len());
    let wrong: Vec<String> = cases.iter().filter_map(judge_broken).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn judge_broken(case: &Case) -> Option<String> {
    let complaint = match load(&case.text) {
        Ok(_) => vec!["it was accepted".to_owned()],
        Err(_) if case.expected.is_empty() => vec!["it expects nothing".to_owned()],
        Err(errors) => differences(&errors.problems, &case.expected),
    };
    (!complaint.is_empty()).then(|| format!("{}:\n  {}", case.name, complaint.join("\n  ")))
}

#[test]
fn every_whole_file_is_read_with_exactly_its_warnings() {
    let cases = corpus("good");
    assert!(cases.len() >= 20, "only {} whole files", cases.len());
    for case in cases {
        let loaded = load(&case.text).unwrap_or_else(|errors| panic!("{}:\n{errors}", case.name));
        let differences = differences(&loaded.warnings, &case.expected);
        assert!(differences.is_empty(), "{}: {differences:#?}", case.name);
        assert!(loaded.warnings.iter().all(|problem| problem.level == Level::Warning));
    }
}

#[test]
fn a_wrong_line_wrong_words_and_an_unexpected_problem_would_be_noticed() {
    let problems = load("hots = 1\n").unwrap_err().problems;
    assert!(differences(&problems, &expected("# line 1: did you mean `host`?")).is_empty());
    assert_eq!(differences(&problems, &expected("# line 2: did you mean `host`?")).len(), 2);
    assert_eq!(differences(&problems, &expected("# line 1: something else")).len(), 2);
    assert_eq!(differences(&problems, &[]).len(), 1);
    let accepted = Case { name: "x".into(), text: String::new(), expected: vec![] };
    assert!(judge_broken(&accepted).unwrap().contains("it was accepted"));
}

#[test]
fn every_setting_changes_what_is_in_effect() {
    let schema = schema::document(registry::ALL);
    let mut leaves = Vec::new();
    collect(&schema, &schema, "", &mut leaves);
    assert!(leaves.len() >= 50, "only {} settings in the schema", leaves.len());
    let before = effective("");
    let unread: Vec<&String> = leaves
        .iter()
        .filter(|(path, value)| !takes_effect(&before, path, value))
        .map(|(path, _)| path)
        .collect();
    assert!(unread.is_empty(), "no struct reads, or nothing shows: {unread:#?}");
}

#[test]
fn a_setting_that_nothing_reads_would_be_noticed() {
    let before = effective("");
    assert!(!takes_effect(&before, "host", "\"\""), "the default changes nothing");
    assert!(takes_effect(&before, "host", "\"other\""));
}

/// Every leaf of the schema with a value that is not its default. Items of lists stand in the first item.
fn collect(root: &Value, schema: &Value, path: &str, leaves: &mut Vec<(String, String)>) {
    let schema = only(root, schema);
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        if let Some(items) = schema.get("items").map(|items| only(root, items))
            && items.get("properties").is_some()
        {
            return collect(root, items, &format!("{path}[]"), leaves);
        }
        return leaves.push((path.to_owned(), other_value(root, schema, path)));
    };
    for (name, property) in properties {
        let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let default = property.get("default").cloned();
        let before = leaves.len();
        collect(root, property, &below, leaves);
        if let (Some(default), [(_, value)]) = (default, &mut leaves[before..])
            && toml_text(&default).as_deref() == Some(value.as_str())
        {
            *value = other_than(&default);
        }
    }
}

fn toml_text(value: &Value) -> Option<String> {
    toml::Value::try_from(value).ok().map(|value| value.to_string())
}

/// Values for settings that not every text or number fits.
const SPECIAL: [(&str, &str); 42] = [
    ("cron", "\"*/7 * * * *\""),
    ("zone", "\"Europe/Paris\""),
    ("uplink", "[\"https://www.example.test/\"]"),
    ("url", "\"tcp://127.0.0.1:9\""),
    ("body", "{ \"/a\" = [\"b\"] }"),
    ("degraded", "{ \"/a\" = [\"b\"] }"),
    ("dependencies", "[]"),
    ("status", "[201]"),
    ("certificate_critical_days", "6"),
    ("disk_percent", "84"),
    ("disk_critical_percent", "94"),
    ("storage_critical_percent", "91"),
    ("back_off", "\"11m\""),
    ("back_off_cap", "\"11h\""),
    ("persistent_after", "\"2h\""),
    ("realtime", "\"ws://127.0.0.1:9\""),
    ("thumbnails", "\"http://127.0.0.1:9\""),
    ("thumbnail_origins", "[\"https://cdn.example.test\"]"),
    ("digest_at", "\"07:30\""),
    ("from", "\"00:30\""),
    ("to", "\"03:30\""),
    ("days", "[\"mon\"]"),
    ("environments", "[\"staging\"]"),
    ("on", "[\"lost\"]"),
    ("agents", "[\"fleet-manager\"]"),
    ("checks", "[\"host_disk\"]"),
    ("mutex", "[\"api\"]"),
    ("prove_every", "\"9d\""),
    ("freeze_warning", "400000000"),
    ("freeze_critical", "1100000000"),
    ("bloat_percent", "40"),
    ("bloat_most_mib", "20"),
    ("endpoint", "\"https://s3.example.test\""),
    ("folder", "\"/x\""),
    ("hot", "\"5d\""),
    ("warm", "\"40d\""),
    ("cold", "\"100d\""),
    ("trim_above_mib", "200"),
    ("depth", "2"),
    ("memory_critical_percent", "99"),
    ("fragmentation_percent", "200"),
    ("fallback_playlists", "{ default = \"c1\" }"),
];

/// Values that must mean something beside their type.
fn other_value(root: &Value, schema: &Value, path: &str) -> String {
    let special = BTreeMap::from(SPECIAL);
    let name = path.rsplit(['.', ']']).next().unwrap_or(path);
    if path.contains("command.") {
        return if name == "log" { "\"/x\"".to_owned() } else { "[\"/bin/x\"]".to_owned() };
    }
    if name == "disabled_checks" {
        let of_agent =
            |entry: &&registry::Entry| path.contains(&format!("agents.{}.", (entry.spec)().name));
        let entry = registry::ALL.iter().find(of_agent).expect("the path names an agent");
        return format!("[\"{}\"]", (entry.spec)().checks[0].id);
    }
    if path == "platform.url" {
        return "\"http://127.0.0.1:9\"".to_owned();
    }
    if path == "notify.routes[].status" {
        return "true".to_owned();
    }
    if path == "notify.channels[].to" {
        return "[\"ops@example.test\"]".to_owned();
    }
    if let Some(value) = special.get(name) {
        return (*value).to_owned();
    }
    if is_duration(schema) {
        return "\"3m59s\"".to_owned();
    }
    if let Some(words) = words(root, schema) {
        return format!("{:?}", words.last().unwrap());
    }
    match kind(schema) {
        Some("boolean") => "true".to_owned(),
        Some("integer" | "number") => "9".to_owned(),
        Some("array") => "[\"other\"]".to_owned(),
        _ => "\"other\"".to_owned(),
    }
}

fn other_than(default: &Value) -> String {
    match default {
        Value::Bool(value) => (!value).to_string(),
        Value::Number(number) => (number.as_u64().unwrap() + 1).to_string(),
        Value::String(word) => match word.as_str() {
            "act" => "\"observe\"".to_owned(),
            "socket" => "\"cli\"".to_owned(),
            other => panic!("no other value for {other:?}"),
        },
        other => panic!("no other value for {other}"),
    }
}

/// Whether setting `path` to `value` changes anything but a line number.
fn takes_effect(before: &BTreeSet<String>, path: &str, value: &str) -> bool {
    effective(&document(path, value)) != *before && {
        // In a list the setting must change more than the list's own presence.
        match path.split_once("[]") {
            None => true,
            Some(_) => effective(&document(path, value)) != effective(&document(path, "")),
        }
    }
}

/// A document with one setting; inside a list, in a whole service that is otherwise at its defaults.
fn document(path: &str, value: &str) -> String {
    let services = "[[agents.health-guardian.services]]\n";
    let probes = "[[agents.health-guardian.services.probes]]\n";
    let line =
        |name: &str| if value.is_empty() { String::new() } else { format!("{name} = {value}\n") };
    if let Some(name) = path.strip_prefix("platform.tenants[].") {
        return format!("[[platform.tenants]]\n{}", line(name));
    }
    if let Some(inner) = path.strip_prefix("notify.") {
        return of_notify(inner, &line);
    }
    for (list, folder) in [("databases", ""), ("redis", ""), ("logs", "folder = \"/l\"\n")] {
        let list = format!("agents.db-maintainer.{list}");
        if let Some(inner) = path.strip_prefix(&format!("{list}[].")) {
            let given = |name: &str| inner == name && !value.is_empty();
            let name = if given("name") { "" } else { "name = \"a\"\n" };
            let folder = if given("folder") { "" } else { folder };
            return format!("[[{list}]]\n{name}{folder}{}", line(inner));
        }
    }
    if let Some(inner) = path.strip_prefix("agents.db-maintainer.backups[].") {
        return of_backups(inner, value);
    }
    if let Some(inner) = path.strip_prefix("agents.db-maintainer.buckets[].") {
        let must = [
            ("name", "name = \"a\"\n"),
            ("endpoint", "endpoint = \"http://127.0.0.1:1\"\n"),
            ("bucket", "bucket = \"abc\"\n"),
        ];
        let others = must.iter().filter(|(name, _)| inner != *name || value.is_empty());
        let others: String = others.map(|(_, text)| *text).collect();
        return format!("[[agents.db-maintainer.buckets]]\n{others}{}", line(inner));
    }
    let Some((_, inner)) = path.split_once("services[].") else {
        return line(path);
    };
    if let Some(name) = inner.strip_prefix("probes[].") {
        let url =
            if name == "url" && !value.is_empty() { "" } else { "url = \"http://127.0.0.1:1\"\n" };
        return format!("{services}name = \"a\"\n{probes}{url}{}", line(name));
    }
    let name = if inner == "name" && !value.is_empty() { "" } else { "name = \"a\"\n" };
    let command = match inner {
        "command.status" => "manager = \"command\"\nprocess = \"p\"\n",
        _ if inner.starts_with("command.") => {
            "manager = \"command\"\nprocess = \"p\"\ncommand.status = [\"/bin/s\"]\n"
        }
        _ => "",
    };
    let fallback = if inner == "command.status" && value.is_empty() {
        "command.status = [\"/bin/s\"]\n"
    } else {
        ""
    };
    format!(
        "{services}{name}{command}{fallback}{}{probes}url = \"tcp://127.0.0.1:1\"\n",
        line(inner)
    )
}

/// The same for how people are told: a list there is one of whole channels, routes or windows.
fn of_notify(inner: &str, line: &dyn Fn(&str) -> String) -> String {
    const WINDOW: &str = "from = \"01:00\"\nto = \"02:00\"\n";
    let channel = "[[notify.channels]]\nname = \"a\"\n";
    let route = "[[notify.routes]]\nname = \"r\"\nchannel = \"a\"\n";
    let own = |name: &str, table: &str| {
        let own = line(name);
        let others: Vec<&str> = table
            .lines()
            .filter(|other| own.is_empty() || !other.starts_with(&format!("{name} = ")))
            .collect();
        format!("{}\n{own}", others.join("\n"))
    };
    if let Some(name) = inner.strip_prefix("channels[].") {
        return own(name, channel);
    }
    if let Some(name) = inner.strip_prefix("routes[].quiet[].") {
        return format!(
            "{channel}{route}{}",
            own(name, &format!("[[notify.routes.quiet]]\n{WINDOW}"))
        );
    }
    if let Some(name) = inner.strip_prefix("routes[].") {
        let other = channel.replace("\"a\"", "\"other\"");
        return format!("{channel}{other}{}", own(name, route));
    }
    if let Some(name) = inner.strip_prefix("maintenance[].") {
        return own(name, &format!("[[notify.maintenance]]\n{WINDOW}"));
    }
    format!("[notify]\n{}", line(inner))
}

/// A document with one declared backup, in which one setting has this value, or is not there.
fn of_backups(inner: &str, value: &str) -> String {
    let mut fields = BTreeMap::from([("name", "\"a\""), ("folder", "\"/b\"")]);
    let nested = [
        ("newest", "table = \"t\", column = \"c\", within = \"1h\"", ""),
        ("encryption", "key_id = \"k\"", ""),
        ("copies", "medium = \"nas\", folder = \"/c\"", "[]"),
    ];
    let mut own = String::new();
    let outer = nested.iter().find(|(name, ..)| inner.starts_with(name) && inner.contains('.'));
    if let (Some((name, rest, brackets)), false) = (outer, value.is_empty()) {
        let (_, field) = inner.split_once('.').expect("it has a field");
        // Either a folder or a bucket.
        let replaced = if field == "bucket" { "folder" } else { field };
        let is_other = |one: &&str| !one.starts_with(replaced);
        let mut parts: Vec<&str> = rest.split(", ").filter(is_other).collect();
        let set = format!("{field} = {value}");
        parts.push(&set);
        let (open, close) = brackets.split_at(brackets.len() / 2);
        own = format!("{name} = {open}{{ {} }}{close}\n", parts.join(", "));
    } else if !value.is_empty() {
        fields.insert(inner, value);
        // They lie in a folder or in a bucket.
        if inner == "bucket" {
            fields.remove("folder");
        }
        if inner == "make" {
            fields.insert("database", "\"other\"");
        }
    }
    let fields: Vec<String> =
        fields.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    let fields = fields.join(
        "
",
    );
    format!(
        "[[agents.db-maintainer.databases]]\nname = \"other\"\n\
         [[agents.db-maintainer.buckets]]\nname = \"other\"\nendpoint = \"http://127.0.0.1:1\"\n\
         bucket = \"abc\"\n[[agents.db-maintainer.backups]]\n{fields}\n{own}"
    )
}

/// Every effective value, without its origin.
fn effective(text: &str) -> BTreeSet<String> {
    let loaded = load(text).unwrap_or_else(|errors| panic!("{text}\n{errors}"));
    let rows = loaded.config.origins.iter();
    rows.map(|row| format!("{} = {}", row.path, row.value)).collect()
}

#[test]
fn the_only_texts_with_a_prescribed_form_are_durations() {
    fn patterns(value: &Value, found: &mut Vec<Value>) {
        match value {
            Value::Object(fields) => {
                if fields.get("pattern").is_some_and(Value::is_string) {
                    found.push(value.clone());
                }
                fields.values().for_each(|field| patterns(field, found));
            }
            Value::Array(items) => items.iter().for_each(|item| patterns(item, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    patterns(&schema::document(registry::ALL), &mut found);
    assert!(!found.is_empty());
    assert!(found.iter().all(is_duration), "the walk would not check {found:#?}");
}

/// A file with one probe of `url`.
fn probing(url: &str) -> String {
    let quoted = toml::Value::String(url.to_owned());
    let services = "[[agents.health-guardian.services]]\nname = \"a\"\n";
    format!("{services}probes = [{{ url = {quoted} }}]\n")
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig {
        cases: 300,
        failure_persistence: None,
        ..proptest::prelude::ProptestConfig::default()
    })]

    #[test]
    fn no_damage_to_a_settings_file_is_a_fault_of_ours(
        which in 0_usize..1_000,
        cut in proptest::prelude::any::<proptest::sample::Index>(),
        length in 0_usize..30,
        insert in "[\\[\\]{}=\"'.,#\n a-z0-9\u{e4}\u{0}]{0,12}",
    ) {
        let cases = corpus("good");
        let shipped = include_str!("../agents.toml").to_owned();
        let text = cases.get(which % (cases.len() + 1)).map_or(shipped, |case| case.text.clone());
        let from = cut.index(text.chars().count() + 1);
        let damaged: String = text
            .chars()
            .take(from)
            .chain(insert.chars())
            .chain(text.chars().skip(from + length))
            .collect();
        if let Err(errors) = load(&damaged) {
            proptest::prop_assert!(errors.problems.iter().any(|problem| problem.level == Level::Error));
            proptest::prop_assert!(errors.problems.iter().all(|problem| !problem.message.is_empty()));
        }
    }

    #[test]
    fn an_address_that_is_accepted_is_one_that_the_prober_can_read(
        url in "(http|https|tcp)://([a-z0-9]{0,3}|[0-9a-fx.:_%-]{0,12}|\\[[0-9a-f:.]{0,9}\\]?)(:[0-9]{0,6})?[/?#]?[a-z:@]{0,3}"
    ) {
        if load(&probing(&url)).is_ok() {
            let read = url.parse::<reqwest::Url>();
            let read = read.map_err(|error| format!("{url}: {error}"));
            proptest::prop_assert!(read.is_ok(), "{read:?}");
            let read = read.unwrap();
            proptest::prop_assert!(read.host_str().is_some_and(|host| !host.is_empty()));
            proptest::prop_assert!(read.username().is_empty() && read.port() != Some(0));
        }
    }
}
