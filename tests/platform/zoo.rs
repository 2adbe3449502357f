//! Planted faults: each is a small change of the agents, their gate or their client, and the tests must notice it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const ZOO: &str = include_str!("zoo.txt");

/// One planted fault.
#[derive(Debug)]
struct Animal {
    name: String,
    file: String,
    /// What is replaced, and by what.
    changes: Vec<(String, String)>,
}

fn animals() -> Vec<Animal> {
    let blocks = ZOO.split("\n\n").filter(|block| !block.trim().is_empty());
    blocks.map(animal).collect()
}

fn animal(block: &str) -> Animal {
    let mut found = Animal { name: String::new(), file: String::new(), changes: Vec::new() };
    let mut writing = true;
    for line in block.lines().filter(|line| !line.is_empty()) {
        match line.split_once(' ') {
            Some(("#", name)) => name.clone_into(&mut found.name),
            Some(("file", file)) => file.clone_into(&mut found.file),
            Some(("-", text)) => {
                if writing {
                    found.changes.push((String::new(), String::new()));
                    writing = false;
                }
                add(&mut found.changes.last_mut().expect("holds in this test").0, text);
            }
            Some(("+", text)) => {
                writing = true;
                add(&mut found.changes.last_mut().expect("holds in this test").1, text);
            }
            _ => panic!("`{line}` has no place in a planted fault"),
        }
    }
    found
}

fn add(to: &mut String, line: &str) {
    if !to.is_empty() {
        to.push('\n');
    }
    to.push_str(line);
}

fn package() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The file with the fault in it.
fn planted(text: &str, animal: &Animal) -> String {
    animal.changes.iter().fold(text.to_owned(), |text, (old, new)| {
        let places = text.matches(old).count();
        assert_eq!(places, 1, "`{}` has {places} places in {}: {old}", animal.name, animal.file);
        text.replace(old, new)
    })
}

#[test]
fn every_planted_fault_has_its_place() {
    let all = animals();
    assert!(all.len() >= 30, "{} are too few", all.len());
    for animal in &all {
        let text =
            std::fs::read_to_string(package().join(&animal.file)).expect("holds in this test");
        assert_ne!(planted(&text, animal), text, "{} changes nothing", animal.name);
    }
}

type Tests = &'static [&'static str];

const JUDGED: Tests =
    &["--test", "platform", "--", "laws::", "screens::", "short_lists::", "score::", "people::"];
const BY_UNITS: Tests = &["--lib", "--", "agents::", "domain::", "adapters::platform"];
const UNDONE: Tests = &["--test", "platform", "--", "undo::", "behaviours", "limits::"];
const AT_LENGTH: Tests = &["--test", "platform", "--", "faults::", "sim::"];
const GATE: Tests = &["--test", "gate"];
/// The test of secrets listens to a whole process, and so needs one of its own.
const CLIENT: Tests = &["--test", "contract_platform", "--", "--skip", "secrets::"];

/// The tests that are asked about a change of a file, the likeliest first.
fn asked(file: &str) -> [Tests; 5] {
    if file.contains("adapters/platform") {
        return [CLIENT, JUDGED, BY_UNITS, UNDONE, AT_LENGTH];
    }
    if file.contains("domain/gate") {
        return [GATE, JUDGED, BY_UNITS, UNDONE, AT_LENGTH];
    }
    if file.contains("engine/") || file.contains("operation/") {
        return [UNDONE, JUDGED, BY_UNITS, GATE, AT_LENGTH];
    }
    [JUDGED, BY_UNITS, UNDONE, GATE, AT_LENGTH]
}

#[expect(clippy::disallowed_methods, reason = "the compiler is asked, not a machine")]
fn cargo(folder: &Path, target: &Path, arguments: &[&str]) -> bool {
    let mut command = Command::new(env!("CARGO"));
    command.arg("test").args(arguments).current_dir(folder);
    command.env("CARGO_TARGET_DIR", target).env("CARGO_PROFILE_DEV_DEBUG", "false");
    command.env_remove("OPSWARDEN_PROOF_N").env_remove("OPSWARDEN_PROOF_FROM");
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.status().expect("holds in this test").success()
}

#[expect(clippy::disallowed_methods, reason = "the scratch copy is made by git")]
fn git(arguments: &[&str]) -> bool {
    Command::new("git")
        .args(arguments)
        .current_dir(package())
        .status()
        .expect("holds in this test")
        .success()
}

/// Which fault is the first: `OPSWARDEN_PROOF_FROM`, so that a run that was stopped can go on.
#[expect(clippy::disallowed_methods, reason = "which part of a programme runs comes from outside")]
fn first() -> u64 {
    std::env::var("OPSWARDEN_PROOF_FROM").ok().and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// Which faults are meant, by a part of their names: `OPSWARDEN_PROOF_ONLY`, with commas between; all where it is not set.
#[expect(clippy::disallowed_methods, reason = "which part of a programme runs comes from outside")]
fn is_meant(animal: &Animal) -> bool {
    let only = std::env::var("OPSWARDEN_PROOF_ONLY").unwrap_or_default();
    only.is_empty() || only.split(',').any(|part| animal.name.contains(part.trim()))
}

/// The programs are not built: none of these tests starts one, and linking them takes most of the time.
fn without_programs(copy: &Path) {
    std::fs::remove_dir_all(copy.join("src/bin")).expect("holds in this test");
    let manifest = copy.join("Cargo.toml");
    let text = std::fs::read_to_string(&manifest).expect("holds in this test");
    let kept: Vec<&str> = text.lines().filter(|line| !line.starts_with("default-run")).collect();
    std::fs::write(&manifest, kept.join("\n")).expect("holds in this test");
}

/// Takes long: every fault is built. `scripts/prove zoo N` runs N of them.
#[test]
#[ignore = "builds the whole package once for each planted fault; scripts/prove zoo"]
fn every_planted_fault_is_noticed() {
    let all = animals();
    let wanted = usize::try_from(crate::size(100)).expect("holds in this test");
    let first = usize::try_from(first()).expect("holds in this test");
    let scratch = tempfile::tempdir().expect("holds in this test");
    let copy = scratch.path().join("copy");
    let place = copy.to_str().expect("holds in this test");
    assert!(git(&["worktree", "add", "--quiet", "--detach", place, "HEAD"]));
    without_programs(&copy);
    let target = package().join("target/zoo");
    let mut well = BTreeSet::new();
    let mut survivors = Vec::new();
    for animal in all.iter().filter(|animal| is_meant(animal)).skip(first).take(wanted) {
        let path = copy.join(&animal.file);
        let text = std::fs::read_to_string(&path).expect("holds in this test");
        std::fs::write(&path, planted(&text, animal)).expect("holds in this test");
        let tests = asked(&animal.file);
        let builds = cargo(&copy, &target, &[&["--no-run"], &tests[0][..2]].concat());
        let caught = tests.into_iter().find(|tests| !cargo(&copy, &target, tests));
        std::fs::write(&path, text).expect("holds in this test");
        if let Some(tests) = caught.filter(|tests| well.insert(*tests)) {
            // What fails without any fault as well would notice anything.
            assert!(cargo(&copy, &target, tests), "{tests:?} fails without any fault");
        }
        let word = match (builds, caught) {
            (false, _) => "does not build".to_owned(),
            (true, Some(tests)) => format!("noticed by {}", tests.join(" ")),
            (true, None) => "SURVIVES".to_owned(),
        };
        crate::tell(&format!("{}: {word}", animal.name));
        if !(builds && caught.is_some()) {
            survivors.push(&animal.name);
        }
    }
    assert!(git(&["worktree", "remove", "--force", place]));
    assert!(survivors.is_empty(), "not noticed: {survivors:#?}");
}
