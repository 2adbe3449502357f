//! Whether this host has what encrypts and decrypts backups: the program, and the files that its arguments name. What is in them
//! is nobody's business, and nothing is run.

use super::row::{Grade, Row};
use crate::adapters::backup::{key_files, unusable};
use crate::adapters::child::find;
use crate::domain::upkeep::DeclaredBackup;

/// A row for each of the two that the settings name.
pub(super) fn encryption(agent: &str, declared: &DeclaredBackup) -> Vec<Row> {
    let Some(own) = &declared.encryption else { return Vec::new() };
    [("encrypt", &own.encrypt), ("decrypt", &own.decrypt)]
        .into_iter()
        .filter_map(|(setting, words)| {
            let (program, arguments) = words.split_first()?;
            let about = format!("{agent}: {setting} of {}", declared.name);
            Some(match examined(setting, program, arguments) {
                Ok(found) => (Grade::Ok, about, found),
                Err(why) => (Grade::Blocked, about, why),
            })
        })
        .collect()
}

fn examined(setting: &str, program: &str, arguments: &[String]) -> Result<String, String> {
    let found = find(program).ok_or_else(|| {
        if program.contains('/') {
            format!("{program} is no program that can be run: install it, or correct `encryption.{setting}`")
        } else {
            format!(
                "`{program}` is not found on PATH: install it, or write its whole path in `encryption.{setting}`"
            )
        }
    })?;
    let wrong = key_files(arguments).into_iter().filter_map(|file| {
        let why = unusable(&file)?;
        Some(format!("{} {why}", file.display()))
    });
    let wrong: Vec<String> = wrong.collect();
    if wrong.is_empty() {
        return Ok(format!("`{program}` is {}", found.display()));
    }
    Err(format!(
        "{}: put it there for the user that runs the agents, or correct `encryption.{setting}`",
        wrong.join("; ")
    ))
}
