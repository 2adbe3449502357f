//! What is wrong with the settings, as a person reads it: `file:line:col: path: message; hint`.

use std::fmt;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

pub use super::position::Place;

/// How bad a problem of the settings is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Nothing is run with such settings.
    Error,
    /// It runs, and somebody should look.
    Warning,
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Problem {
    /// How bad.
    pub level: Level,
    /// The file; empty where no file is meant.
    pub file: String,
    /// Where in the file.
    pub place: Option<Place>,
    /// The setting's path; empty where none is meant.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
    /// The line with a caret, where that says more than the message.
    pub excerpt: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.file.is_empty() {
            f.write_str(&self.file)?;
            if let Some(place) = self.place {
                write!(f, ":{}:{}", place.line, place.column)?;
            }
            f.write_str(": ")?;
        }
        if self.level == Level::Warning {
            f.write_str("warning: ")?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        if let Some(hint) = &self.hint {
            write!(f, "; {hint}")?;
        }
        if let Some(excerpt) = &self.excerpt {
            for line in excerpt.lines() {
                write!(f, "\n  {line}")?;
            }
        }
        Ok(())
    }
}

/// Settings that cannot be used: every problem that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConfigErrors {
    /// The settings file, where one was found.
    pub file: Option<PathBuf>,
    /// The problems, in the order of the file; warnings too.
    pub problems: Vec<Problem>,
}

/// More problems than this are counted, not printed.
const SHOWN: usize = 100;

impl ConfigErrors {
    /// A single problem that is about no line of a file.
    #[must_use]
    pub fn single(file: Option<PathBuf>, message: String, hint: Option<String>) -> Self {
        let shown = file.as_ref().map(|file| file.display().to_string()).unwrap_or_default();
        let problem = Problem {
            level: Level::Error,
            file: shown,
            place: None,
            path: String::new(),
            message,
            hint,
            excerpt: None,
        };
        Self { file, problems: vec![problem] }
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, problem) in self.problems.iter().take(SHOWN).enumerate() {
            let end = if number == 0 { "" } else { "\n" };
            write!(f, "{end}{problem}")?;
        }
        match self.problems.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, "\nand {more} more problems"),
        }
    }
}

impl std::error::Error for ConfigErrors {}
