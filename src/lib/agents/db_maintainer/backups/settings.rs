//! What of the declared backups contradicts itself.

use std::collections::BTreeSet;
use std::path::Path;

use super::super::DbMaintainer;
use crate::agent::Problem;
use crate::domain::operation::LEDGER;
use crate::domain::upkeep::{BackupFormat, DeclaredBackup, DeclaredCopy};

pub(in super::super) fn lint(agent: &DbMaintainer, found: &mut Vec<Problem>) {
    let mut names = BTreeSet::from([LEDGER]);
    for (place, declared) in agent.backups.iter().enumerate() {
        let mut wrong = |field: &str, message: String| {
            found.push(Problem { path: format!("backups[{place}].{field}"), message });
        };
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !declared.name.chars().all(plain) {
            let name = &declared.name;
            wrong("name", format!("`{name}` is not in small letters, digits and hyphens"));
        }
        if !names.insert(&declared.name) {
            let message = format!("`{}` is the name of other backups already", declared.name);
            wrong("name", message);
        }
        let shares = |other: &DeclaredBackup| {
            other.make && is_same(other.folder.as_deref(), declared.folder.as_deref())
        };
        let before = &agent.backups[..place];
        if let Some(folder) = declared.folder.as_ref().filter(|_| declared.make)
            && before.iter().any(shares)
        {
            wrong("folder", format!("`{folder}` is where other backups are made already"));
        }
        for (field, message) in contradictions(agent, declared) {
            wrong(field, message);
        }
    }
}

fn contradictions(agent: &DbMaintainer, declared: &DeclaredBackup) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    if let Some(folder) = declared.folder.as_ref().filter(|folder| !folder.starts_with('/')) {
        found.push(("folder", format!("`{folder}` is no whole path")));
    }
    match (&declared.folder, &declared.bucket) {
        (Some(_), None) => {}
        (None, Some(name)) if known_bucket(agent, name) => {}
        (None, Some(name)) => {
            found.push(("bucket", format!("there is no bucket `{name}` among `buckets`")));
        }
        (None, None) => {
            found.push((
                "folder",
                "it is not said where they lie: a `folder`, or a `bucket`".to_owned(),
            ));
        }
        (Some(_), Some(_)) => {
            let message =
                "they lie in a `folder` or in a `bucket`; one more place is one of `copies`";
            found.push(("bucket", message.to_owned()));
        }
    }
    if declared.every.get().is_zero() {
        found.push(("every", "it must be longer than nothing".to_owned()));
    }
    let known = |name: &String| agent.databases.iter().any(|one| one.name == *name);
    match &declared.database {
        Some(name) if !known(name) => {
            found.push(("database", format!("there is no database `{name}` among `databases`")));
        }
        None if declared.make => {
            found.push(("make", "it is not said of which `database`".to_owned()));
        }
        Some(_) | None => {}
    }
    if declared.make && declared.format != BackupFormat::PostgresDump {
        found.push(("make", "only a postgres_dump can be made".to_owned()));
    }
    if declared.is_proved() && declared.prove_every < declared.every {
        let message = format!(
            "{} is shorter than every ({}): there would be nothing new to restore",
            declared.prove_every, declared.every
        );
        found.push(("prove_every", message));
    }
    let mute = declared.encryption.as_ref().is_some_and(|own| own.encrypt.is_empty());
    if declared.make && mute {
        found.push(("encryption.encrypt", "it is not said what encrypts them".to_owned()));
    }
    if declared.queries.iter().any(|query| query.trim().is_empty()) {
        found.push(("queries", "one of them asks nothing".to_owned()));
    }
    found.extend(of_copies(agent, declared).into_iter().map(|message| ("copies", message)));
    found
}

/// Each other place is one of its own: what lies there twice is lost at once.
fn of_copies(agent: &DbMaintainer, declared: &DeclaredBackup) -> Vec<String> {
    let mut found = Vec::new();
    for (place, copy) in declared.copies.iter().enumerate() {
        if copy.folder.is_some() == copy.bucket.is_some() {
            found.push("each is a `folder` or a `bucket`".to_owned());
        }
        if let Some(name) = copy.bucket.as_ref().filter(|name| !known_bucket(agent, name)) {
            found.push(format!("there is no bucket `{name}` among `buckets`"));
        }
        if let Some(folder) = copy.folder.as_ref().filter(|folder| !folder.starts_with('/')) {
            found.push(format!("`{folder}` is no whole path"));
        }
        if copy.bucket.is_some() && copy.bucket == declared.bucket {
            found.push("they lie in that bucket anyhow".to_owned());
        }
        if is_same(copy.folder.as_deref(), declared.folder.as_deref()) {
            found.push("they lie in that folder anyhow".to_owned());
        }
        let is_there = |other: &DeclaredCopy| {
            is_same(other.folder.as_deref(), copy.folder.as_deref())
                || (copy.bucket.is_some() && other.bucket == copy.bucket)
        };
        if declared.copies[..place].iter().any(is_there) {
            let name = copy.folder.as_ref().or(copy.bucket.as_ref());
            found.push(format!("`{}` is among them twice", name.map_or("", String::as_str)));
        }
    }
    found
}

fn known_bucket(agent: &DbMaintainer, name: &str) -> bool {
    agent.buckets.iter().any(|one| one.name == name)
}

/// Whether two folders are one: `/b`, `/b/` and `/./b` are.
fn is_same(one: Option<&str>, other: Option<&str>) -> bool {
    matches!((one, other), (Some(one), Some(other)) if Path::new(one) == Path::new(other))
}
