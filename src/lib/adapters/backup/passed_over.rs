//! What lies in a folder of backups and is none: links, whose targets may be anything, and folders.

use std::path::Path;

use crate::domain::upkeep::{DeclaredBackup, Glob};

/// So many are named.
const NAMED: usize = 3;
/// What `pg_dump` writes into a folder that is a dump.
const CONTENTS: &str = "toc.dat";

/// Links and folders that are called like a backup, and folders that are a dump, each with what it is.
pub(super) fn passed_over(place: &Path, declared: &DeclaredBackup) -> Vec<String> {
    let pattern = Glob::new(&declared.pattern);
    let entries = std::fs::read_dir(place).into_iter().flatten().flatten();
    let mut found: Vec<String> = entries
        .filter_map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            let kind = entry.file_type().ok()?;
            let meant = pattern.matches(&name) && !name.starts_with('.');
            let is_dump = || kind.is_dir() && entry.path().join(CONTENTS).is_file();
            let what = if kind.is_symlink() { "link" } else { "folder" };
            let passed = (kind.is_symlink() || kind.is_dir()) && (meant || is_dump());
            passed.then(|| format!("`{name}` is a {what}"))
        })
        .collect();
    found.sort();
    found.truncate(NAMED);
    found
}
