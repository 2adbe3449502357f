//! The walls of the house: who may look at whom, how long a file may be, which words do not belong.
//!
//! Each rule is a function over plain text, and each is shown a text that breaks it.
#![expect(clippy::unwrap_used, reason = "an unreadable package should end the test")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A source file: its path inside `src/lib`, and its text.
struct Source {
    path: String,
    text: String,
}

fn package(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Every file below `folder` whose name ends with one of `endings`.
fn files(folder: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .flat_map(|path| if path.is_dir() { files(&path, endings) } else { vec![path] })
        .filter(|path| endings.iter().any(|ending| path.to_string_lossy().ends_with(ending)))
        .collect();
    found.sort();
    found
}

fn sources() -> Vec<Source> {
    let root = package("src/lib");
    let read = |file: PathBuf| Source {
        path: file.strip_prefix(&root).unwrap().to_string_lossy().into_owned(),
        text: std::fs::read_to_string(&file).unwrap(),
    };
    let is_test = |file: &PathBuf| file.to_string_lossy().ends_with("tests.rs");
    files(&root, &[".rs"]).into_iter().filter(|file| !is_test(file)).map(read).collect()
}

fn planted(path: &str, text: &str) -> Source {
    Source { path: path.to_owned(), text: text.to_owned() }
}

/// The text without its tests, which stand at the end of a file and may look anywhere.
fn production(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests").next().unwrap_or(text)
}

fn assert_none(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// What each floor may look at, beside itself.
fn below(floor: &str) -> &'static [&'static str] {
    match floor {
        "domain" => &[],
        "ports" | "render" => &["domain"],
        "agent" => &["ports", "domain"],
        "agents" => &["agent", "ports", "domain"],
        // It shares no code with what it judges.
        "sandbox" => &["ports"],
        "engine" | "adapters" | "scheduler" => &["agent", "ports", "domain", "render"],
        "app" => &[
            "engine",
            "scheduler",
            "sandbox",
            "adapters",
            "agents",
            "agent",
            "ports",
            "domain",
            "render",
        ],
        other => panic!(
            "`{other}` has no place on the floors; give it one here and in docs/ARCHITECTURE.md"
        ),
    }
}

/// The module path of a file: `engine/run.rs` is `engine`, `run`.
fn module(path: &str) -> Vec<&str> {
    path.trim_end_matches(".rs")
        .trim_end_matches("/mod")
        .split('/')
        .filter(|part| *part != "mod")
        .collect()
}

/// The names at the top of the library that `source` mentions, with the name below each.
fn edges(source: &Source) -> BTreeSet<(String, String)> {
    let code: String = production(&source.text)
        .lines()
        .map(str::trim_start)
        .filter(|line| !line.starts_with("//"))
        .collect::<Vec<_>>()
        .join(" ");
    let depth = module(&source.path).len();
    let up = "super::".repeat(depth);
    let marks = if depth > 1 { vec!["crate::", up.as_str()] } else { vec!["crate::"] };
    let mut found = BTreeSet::new();
    for mark in marks {
        for rest in code.split(mark).skip(1) {
            let group = rest.strip_prefix('{').and_then(|rest| rest.split_once('}'));
            let heads = group.map_or_else(|| vec![rest], |(group, _)| group.split(',').collect());
            found.extend(heads.into_iter().map(|head| {
                let mut names = head.trim().split("::").map(word);
                (names.next().unwrap_or_default(), names.next().unwrap_or_default())
            }));
        }
    }
    found.retain(|(top, _)| !top.is_empty() && top != "super" && top != "self");
    found
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
}

/// Looks that go up, sideways, or from one agent to another.
fn forbidden_looks(source: &Source) -> Vec<String> {
    let own = module(&source.path);
    let Some(floor) = own.first().copied().filter(|_| source.path != "mod.rs") else {
        return Vec::new();
    };
    let complain = |(top, next): &(String, String)| {
        let sideways =
            floor == "agents" && top == "agents" && own.get(1).is_some_and(|me| me != next);
        let allowed = (top == floor || below(floor).contains(&top.as_str())) && !sideways;
        (!allowed).then(|| format!("{} looks at crate::{top}::{next}", source.path))
    };
    edges(source).iter().filter_map(complain).collect()
}

#[test]
fn every_floor_looks_down_only() {
    let all = sources();
    assert!(all.len() > 30);
    assert!(all.iter().any(|source| !edges(source).is_empty()));
    assert_none(all.iter().flat_map(forbidden_looks).collect());
}

#[test]
fn a_look_up_sideways_or_in_disguise_would_be_noticed() {
    let broken = [
        ("domain/x.rs", "use crate::app::exit::Exit;"),
        ("domain/x.rs", "fn f() -> crate::ports::Pending<()> {}"),
        ("ports/x.rs", "use crate::{domain::gate::Door, engine::run};"),
        ("engine/x.rs", "use super::super::adapters::pm2;"),
        ("agents/a.rs", "use crate::agents::b::B;"),
        ("agents/a/mod.rs", "use crate::agents::b::B;"),
        ("adapters/x.rs", "use crate::agents::a::A;"),
        ("render/x.rs", "use crate::app::config::Config;"),
        ("sandbox/x.rs", "use crate::domain::platform::DisplayRow;"),
    ];
    for (path, text) in broken {
        assert_eq!(forbidden_looks(&planted(path, text)).len(), 1, "{path}: {text}");
    }
    let whole = [
        ("app/x.rs", "use crate::adapters::pm2::Pm2;"),
        ("agents/a/b.rs", "use crate::agents::a::c;\nuse super::super::a;"),
        ("domain/x.rs", "// use crate::app::exit::Exit;"),
        ("domain/x.rs", "use super::gate;\n#[cfg(test)]\nmod tests { use crate::app; }"),
    ];
    for (path, text) in whole {
        assert_none(forbidden_looks(&planted(path, text)));
    }
}

/// The floors that decide: what they know is handed to them. Time and waiting are forbidden everywhere by
/// `clippy.toml`; these floors must not reach for the world in any other way either.
const DECIDING: [&str; 6] = ["domain", "ports", "render", "agent", "agents", "engine"];
/// Ways to the world: files, network, processes, and the crates that lead there.
const WORLD: [&str; 13] = [
    "std::fs",
    "std::net::Tcp",
    "std::net::Udp",
    "std::process",
    "std::env",
    "std::os",
    "std::io::std",
    "tokio::",
    "reqwest::",
    "rustix::",
    "sqlx::",
    "sysinfo::",
    "tempfile::",
];

fn reaches_for_the_world(source: &Source) -> Vec<String> {
    let floor = module(&source.path).first().map_or("", |floor| *floor).to_owned();
    if !DECIDING.contains(&floor.as_str()) {
        return Vec::new();
    }
    let lines = production(&source.text).lines().map(str::trim_start);
    let code: Vec<&str> = lines.filter(|line| !line.starts_with("//")).collect();
    let reached = WORLD.iter().filter(|way| code.iter().any(|line| line.contains(**way)));
    reached.map(|way| format!("{} names {way}", source.path)).collect()
}

#[test]
fn the_floors_that_decide_do_not_reach_for_the_world() {
    assert_none(sources().iter().flat_map(reaches_for_the_world).collect());
    let broken = [
        ("domain/x.rs", "use std::fs::File;"),
        ("engine/x.rs", "let text = std::fs::read(path)?;"),
        ("agents/a.rs", "tokio::time::timeout(limit, look).await"),
        ("render/x.rs", "std::io::stdout()"),
    ];
    for (path, text) in broken {
        assert_eq!(reaches_for_the_world(&planted(path, text)).len(), 1, "{path}: {text}");
    }
    assert_none(reaches_for_the_world(&planted("adapters/x.rs", "use std::fs::File;")));
    assert_none(reaches_for_the_world(&planted("domain/x.rs", "// unlike std::fs")));
}

/// A file longer than this holds more than one idea.
const LONGEST: usize = 400;

fn too_long(source: &Source) -> Option<String> {
    let lines = production(&source.text).lines().count();
    (lines > LONGEST).then(|| format!("{} has {lines} lines, at most {LONGEST}", source.path))
}

#[test]
fn no_file_is_longer_than_a_reader_can_hold() {
    assert_none(sources().iter().filter_map(too_long).collect());
    let long = "x\n".repeat(LONGEST + 1);
    assert!(too_long(&planted("x.rs", &long)).is_some());
    assert!(
        too_long(&planted("x.rs", &format!("x\n#[cfg(test)]\nmod tests {{\n{long}"))).is_none()
    );
}

fn undocumented(source: &Source) -> Option<String> {
    let says = source.text.lines().next().is_some_and(|line| line.starts_with("//! "));
    (!says).then(|| format!("{} does not say what it is for", source.path))
}

/// Public types belong into a file that is named after them.
fn type_in_mod(source: &Source) -> Option<String> {
    let is_mod = source.path.ends_with("mod.rs");
    let defines = |line: &str| {
        ["pub struct ", "pub enum ", "pub trait "].iter().any(|word| line.starts_with(word))
    };
    (is_mod && production(&source.text).lines().any(defines))
        .then(|| format!("{} defines a type; give it a file", source.path))
}

#[test]
fn every_file_says_what_it_is_for_and_mod_rs_defines_no_public_type() {
    assert_none(sources().iter().filter_map(undocumented).collect());
    assert_none(sources().iter().filter_map(type_in_mod).collect());
    assert!(undocumented(&planted("x.rs", "use std::fs;\n//! Late.")).is_some());
    assert!(type_in_mod(&planted("x/mod.rs", "//! X.\npub struct X;")).is_some());
    assert!(type_in_mod(&planted("x/y.rs", "//! X.\npub struct X;")).is_none());
}

/// Marks of notes that no reader of this package has, and places of one machine.
fn strange_words(path: &str, text: &str) -> Vec<String> {
    // The levels of a backup, which are our own words (docs/adr/0035).
    const LEVELS: [&str; 5] = ["L0", "L1", "L2", "L3", "L4"];
    let is_mark = |token: &&str| {
        let digits = token.trim_start_matches(|c: char| c.is_ascii_uppercase());
        let letters = &token[..token.len() - digits.len()];
        matches!(letters, "L" | "OL" | "T" | "W")
            && !LEVELS.contains(token)
            && (1..=3).contains(&digits.len())
            && digits.chars().all(|c| c.is_ascii_digit())
    };
    let places = [
        ["/wo", "rk/"],
        ["/tmp/", "wt"],
        ["/ro", "ot/"],
        ["house-", "style.md"],
        ["less", "ons.md"],
    ];
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let tokens = line.split(|c: char| !c.is_ascii_alphanumeric());
        let marks = tokens.filter(is_mark).map(str::to_owned);
        let here = places.iter().map(|parts| parts.concat()).filter(|place| line.contains(place));
        found.extend(marks.chain(here).map(|word| format!("{path}:{}: {word}", number + 1)));
    }
    found
}

#[test]
fn no_mark_of_a_note_and_no_place_of_a_machine_is_in_the_package() {
    let folders = ["src", "tests", "docs", "examples", "scripts", "systemd", "packaging", ".ci"];
    let mut all: Vec<PathBuf> =
        folders.iter().flat_map(|folder| files(&package(folder), &[""])).collect();
    all.extend(
        ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "agents.toml", "Cargo.toml"].map(package),
    );
    let own = package("tests/architecture.rs");
    let found = all.iter().filter(|file| **file != own).flat_map(|file| {
        strange_words(&file.to_string_lossy(), &std::fs::read_to_string(file).unwrap_or_default())
    });
    assert_none(found.collect());
    assert_eq!(strange_words("x", "as L\u{32}7 says").len(), 1);
    assert_eq!(strange_words("x", "as L\u{35} says").len(), 1);
    assert_eq!(strange_words("x", "see /wor\u{6b}/x").len(), 1);
    assert_none(strange_words("x", "2026-11-20T10:00:00Z, HTTP2, P0, LOG, TLS13"));
}

/// The names in one section of Cargo.toml.
fn dependencies(section: &str) -> Vec<String> {
    let manifest: toml::Table =
        std::fs::read_to_string(package("Cargo.toml")).unwrap().parse().unwrap();
    manifest[section].as_table().unwrap().keys().cloned().collect()
}

/// Whether any of `texts` names the crate outside of a comment.
fn is_named(name: &str, texts: &[String]) -> bool {
    let path = format!("{}::", name.replace('-', "_"));
    let names = |line: &str| {
        let line = line.trim_start();
        let before = |place: usize| line[..place].chars().next_back();
        let starts = line.match_indices(&path).any(|(place, _)| {
            !before(place).is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
        });
        starts && !line.starts_with("//")
    };
    texts.iter().any(|text| text.lines().any(names))
}

fn texts(folder: &str) -> Vec<String> {
    let read = |file: &PathBuf| std::fs::read_to_string(file).unwrap();
    files(&package(folder), &[".rs"]).iter().map(read).collect()
}

#[test]
fn every_dependency_is_used() {
    let code = texts("src");
    let unused = |name: &String| (!is_named(name, &code)).then(|| format!("{name} is unused"));
    assert_none(dependencies("dependencies").iter().filter_map(unused).collect());
    let tests: Vec<String> =
        code.iter().cloned().chain(texts("tests")).chain(texts("benches")).collect();
    let unused = |name: &String| (!is_named(name, &tests)).then(|| format!("{name} is unused"));
    assert_none(dependencies("dev-dependencies").iter().filter_map(unused).collect());
}

#[test]
fn every_dependency_has_a_line_in_a_decision() {
    let decisions: String = files(&package("docs/adr"), &[".md"])
        .iter()
        .map(|file| std::fs::read_to_string(file).unwrap())
        .collect();
    let missing = |name: &String| {
        let row = format!("| `{name}` |");
        (!decisions.contains(&row)).then(|| format!("docs/adr has no row {row}"))
    };
    for section in ["dependencies", "dev-dependencies"] {
        assert_none(dependencies(section).iter().filter_map(missing).collect());
    }
    assert!(missing(&"left-pad".to_owned()).is_some());
}

#[test]
fn an_unused_dependency_would_be_noticed() {
    let text = |text: &str| [text.to_owned()];
    assert!(is_named("serde-json", &text("use serde_json::Value;")));
    assert!(is_named("fs2", &text("    fs2::FileExt::lock(&file)")));
    assert!(!is_named("fs2", &text("// fs2::FileExt is not used")));
    assert!(!is_named("toml", &text("agents_toml::render()")));
    assert!(!is_named("toml", &text("crate::toml::x()")));
}
