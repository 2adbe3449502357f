//! The pages that people read: every check has its runbook, every runbook fits a screen and says the same six things,
//! and every command line that a page shows is one that the programs understand.
#![expect(clippy::unwrap_used, reason = "an unreadable page should end the test")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Parser as _;
use clap::error::ErrorKind::InvalidSubcommand;
use opswarden::app::opsctl::args::Opsctl;
use opswarden::app::registry;
use opswarden::engine::own_checks;
use opswarden::render::table::{WIDTH, display_width};

/// A runbook is read in one piece.
const SCREEN_LINES: usize = 40;
/// What every runbook says, in this order.
const PARTS: [&str; 6] = [
    "**What it means.** ",
    "**What opswarden did.** ",
    "**Look first.**",
    "**Fix it.** ",
    "**Well again.** ",
    "**Hold opswarden back.** ",
];

fn package(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(package(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn runbooks() -> BTreeSet<String> {
    let entries = std::fs::read_dir(package("docs/runbooks")).unwrap();
    entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

/// Every check with its summary: the agents' and opswarden's own.
fn checks() -> Vec<(String, &'static str)> {
    let specs = registry::ALL.iter().map(|entry| (entry.spec)()).chain([own_checks::SPEC]);
    specs.flat_map(|spec| spec.checks).map(|check| (check.id.to_string(), check.summary)).collect()
}

/// The files that an agent needs beside its own.
fn lacking(exists: &dyn Fn(&str) -> bool) -> Vec<String> {
    let binaries = registry::ALL.iter().map(|entry| format!("src/bin/{}.rs", (entry.spec)().name));
    let runbooks = checks().into_iter().map(|(check, _)| format!("docs/runbooks/{check}.md"));
    binaries.chain(runbooks).filter(|path| !exists(path)).collect()
}

#[test]
fn every_agent_has_its_binary_and_every_check_its_runbook() {
    assert_eq!(lacking(&|path| package(path).exists()), Vec::<String>::new());
    let all = registry::ALL.len() + checks().len();
    assert_eq!(lacking(&|_| false).len(), all, "what is missing is named");
    assert!(checks().iter().any(|(check, _)| check == "store_rescued"), "ours are among them");
}

#[test]
fn no_runbook_is_left_of_a_check_that_is_gone() {
    let wanted: BTreeSet<String> =
        checks().iter().map(|(check, _)| format!("{check}.md")).collect();
    assert_eq!(runbooks(), wanted);
}

/// What is wrong with a runbook's form.
fn complaints(check: &str, summary: &str, text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if text.lines().next() != Some(&format!("# {check}: {summary}")) {
        wrong.push(format!("it does not begin with `# {check}: {summary}`"));
    }
    if text.lines().count() > SCREEN_LINES {
        wrong.push("it is longer than a screen".to_owned());
    }
    if let Some(line) = text.lines().find(|line| display_width(line) > WIDTH) {
        wrong.push(format!("too wide: {line}"));
    }
    let mut rest = text;
    for part in PARTS {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => wrong.push(format!("it does not say, in its place: {part}")),
        }
    }
    wrong
}

#[test]
fn every_runbook_fits_a_screen_and_says_the_same_six_things() {
    for (check, summary) in checks() {
        let text = read(&format!("docs/runbooks/{check}.md"));
        assert_eq!(complaints(&check, summary, &text), Vec::<String>::new(), "{check}");
        let broken = text.replacen("**Fix it.** ", "**Fix.** ", 1);
        assert_eq!(complaints(&check, summary, &broken).len(), 1, "{check}");
        let wide = format!("{text}{}\n", "x".repeat(WIDTH + 1));
        assert!(!complaints(&check, summary, &wide).is_empty());
    }
}

/// The calls of opsctl that a page shows: in its console blocks, and between backticks.
fn calls(text: &str) -> Vec<String> {
    let of_blocks = text.lines().filter_map(|line| {
        let command = line.trim_start().strip_prefix("$ ").or_else(|| line.strip_prefix("# "))?;
        command.starts_with("opsctl ").then(|| command.to_owned())
    });
    let flat = text.replace('\n', " ");
    let inline = flat.split('`').filter(|part| part.starts_with("opsctl ")).map(str::to_owned);
    of_blocks
        .chain(inline)
        .map(|call| call.split(" #").next().unwrap_or_default().to_owned())
        .collect()
}

/// The words of a call, quotes taken off.
fn words(call: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (place, part) in call.split('"').enumerate() {
        match place % 2 {
            0 => words.extend(part.split_whitespace().map(str::to_owned)),
            _ => words.push(part.to_owned()),
        }
    }
    words
}

/// Whether a call is wrong. A bare `opsctl pause` names the verb and is no call: it may lack its arguments.
fn is_wrong(call: &str) -> bool {
    let words = words(call);
    let bare = words.len() == 2;
    Opsctl::try_parse_from(words).is_err_and(|error| !bare || error.kind() == InvalidSubcommand)
}

fn misunderstood(text: &str) -> Vec<String> {
    calls(text).into_iter().filter(|call| is_wrong(call)).collect()
}

#[test]
fn every_call_that_a_page_shows_is_understood() {
    let pages = runbooks().into_iter().map(|name| format!("docs/runbooks/{name}"));
    let others = [
        "README.md",
        "CONTRIBUTING.md",
        "docs/ARCHITECTURE.md",
        "docs/STATE.md",
        "docs/LOGGING.md",
    ];
    let mut seen = 0;
    for page in pages.chain(others.map(str::to_owned)) {
        let text = read(&page);
        assert_eq!(misunderstood(&text), Vec::<String>::new(), "{page}");
        seen += calls(&text).len();
    }
    assert!(seen > 60, "calls are found: {seen}");
    assert_eq!(misunderstood("```\n$ opsctl statsu\n```").len(), 1);
    assert_eq!(misunderstood("do `opsctl pause all --reason \"x\"`").len(), 1, "without --for");
}

/// The sections of docs/SPEC.md that a text cites: `5.3` of `SPEC.md §5.3`.
fn cited(text: &str) -> Vec<String> {
    let number = |rest: &str| {
        let digits = rest.chars().take_while(|c| c.is_ascii_digit() || *c == '.');
        digits.collect::<String>().trim_end_matches('.').to_owned()
    };
    text.split("SPEC.md §").skip(1).map(number).collect()
}

/// The sections that it has: `## 5. …` and `5.3 …`.
fn sections(spec: &str) -> BTreeSet<String> {
    let heading = |line: &str| {
        let line = line.trim_start_matches("## ");
        let number: String = line.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
        let number = number.trim_end_matches('.').to_owned();
        (!number.is_empty()).then_some(number)
    };
    spec.lines().filter_map(heading).collect()
}

fn texts_below(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(texts_below(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs" || ending == "md") {
            found.push(std::fs::read_to_string(&path).unwrap());
        }
    }
    found
}

#[test]
fn every_section_that_is_cited_is_there() {
    let sections = sections(&read("docs/SPEC.md"));
    assert!(sections.contains("5.3") && sections.contains("10") && !sections.contains("99"));
    let all: Vec<String> =
        ["src", "docs"].iter().flat_map(|folder| texts_below(&package(folder))).collect();
    let citations: Vec<String> = all.iter().flat_map(|text| cited(text)).collect();
    assert!(citations.len() >= 4, "{citations:?}");
    let missing: Vec<&String> = citations.iter().filter(|one| !sections.contains(*one)).collect();
    assert_eq!(missing, Vec::<&String>::new());
    assert_eq!(cited("see docs/SPEC.md §99.1, and SPEC.md §4."), ["99.1", "4"]);
}
