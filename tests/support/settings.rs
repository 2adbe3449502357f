//! The corpus of settings files: each says in its head which lines are wrong, and with which words.

use std::path::{Path, PathBuf};

use opswarden::app::config::{Config, ConfigErrors, Environ, Loaded, Problem};
use opswarden::app::registry;

/// A file of the corpus.
pub(crate) struct Case {
    /// Its name.
    pub(crate) name: String,
    /// Its text.
    pub(crate) text: String,
    /// The line and the words of every problem that it must show.
    pub(crate) expected: Vec<(usize, String)>,
}

/// The files of one folder of the corpus.
pub(crate) fn corpus(folder: &str) -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/settings").join(folder);
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| case(file)).collect()
}

fn case(file: &Path) -> Case {
    let text = std::fs::read_to_string(file).unwrap();
    let name = file.file_stem().unwrap().to_string_lossy().into_owned();
    Case { name, expected: expected(&text), text }
}

/// What the head of `text` asks for: `# line 3: some words`.
pub(crate) fn expected(text: &str) -> Vec<(usize, String)> {
    text.lines()
        .map_while(|line| line.strip_prefix("# line "))
        .map(|line| {
            let (number, words) = line.split_once(": ").unwrap();
            (number.parse().unwrap(), words.to_owned())
        })
        .collect()
}

/// Loads `text` as if it were a file, in an environment with a home and nothing else.
pub(crate) fn load(text: &str) -> Result<Loaded, ConfigErrors> {
    let environ = Environ::of([("HOME", "/home/ops")]);
    Config::from_text(Path::new("agents.toml"), text, &environ, registry::ALL)
}

/// What differs between the problems that were found and those that were expected.
pub(crate) fn differences(found: &[Problem], expected: &[(usize, String)]) -> Vec<String> {
    let mut left: Vec<&Problem> = found.iter().collect();
    let mut differences = Vec::new();
    for (line, words) in expected {
        let matches = |problem: &&Problem| {
            problem.place.is_some_and(|place| place.line == *line)
                && problem.to_string().contains(words)
        };
        match left.iter().position(matches) {
            Some(place) => drop(left.remove(place)),
            None => differences.push(format!("line {line} should say {words:?}")),
        }
    }
    differences.extend(left.iter().map(|problem| format!("not expected: {problem}")));
    differences
}
