//! Whether this host has what encrypts and decrypts backups: the program, and the files that its arguments name. What is in them
//! is nobody's business, and nothing is run.

use std::path::Path;

use rustix::fs::{Access, access};

use super::super::absent;
use super::row::{Grade, Row};
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
    let wrong: Vec<String> =
        arguments.iter().filter_map(|one| named_file(one)).filter_map(unreadable).collect();
    if wrong.is_empty() {
        return Ok(format!("`{program}` is {}", found.display()));
    }
    Err(format!("{}, or correct `encryption.{setting}`", wrong.join("; ")))
}

/// The file that an argument names from the root on: `/etc/key`, `--identity=/etc/key`.
fn named_file(argument: &str) -> Option<&Path> {
    let value = match argument.split_once('=') {
        Some((option, value)) if option.starts_with('-') => value,
        _ => argument,
    };
    Some(Path::new(value)).filter(|path| path.is_absolute())
}

/// Why a file cannot be read, and what to do about that.
fn unreadable(file: &Path) -> Option<String> {
    let shown = file.display();
    if absent(file) {
        return Some(format!("{shown} does not exist: put it there"));
    }
    access(file, Access::READ_OK).err().map(|error| {
        format!(
            "{shown} cannot be read by this user: {error}: let the user that runs the agents read it"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_named_from_the_root_on_is_taken_for_a_file() {
        let file = |argument| named_file(argument).and_then(Path::to_str);
        assert_eq!(file("/etc/backup.key"), Some("/etc/backup.key"));
        assert_eq!(file("--identity=/etc/backup.key"), Some("/etc/backup.key"));
        for other in ["-d", "age1abc", "key=/x", "--armor=yes", "", "../x"] {
            assert_eq!(file(other), None, "{other}");
        }
    }
}
