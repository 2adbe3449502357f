//! Files that only we may read, written whole or not at all.

use std::fs::{DirBuilder, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// What an unfinished file is called. One that a crash left behind is removed with the rest once it is old.
const UNFINISHED: &str = ".unfinished-";
const OWNER_ONLY: u32 = 0o600;
const OWNER_ONLY_FOLDER: u32 = 0o700;

/// Makes a folder and those above it for us alone; what is there keeps its mode.
pub(crate) fn folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(OWNER_ONLY_FOLDER).create(path)
}

/// Writes a new file. It appears under its name only when all of it is on the disk; one that is there stays.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let parent = path.parent().unwrap_or(Path::new("."));
    let mut file = unfinished(path)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path).map_err(|error| error.error)?;
    File::open(parent)?.sync_all()
}

/// Writes a file that may be there already: readers see the old one or the new one. It may be lost with the machine's power.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = unfinished(path)?;
    file.write_all(bytes)?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

/// A file beside the one that it becomes; dropped, it is gone.
pub(crate) fn unfinished(path: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new()
        .prefix(UNFINISHED)
        .permissions(Permissions::from_mode(OWNER_ONLY))
        .tempfile_in(path.parent().unwrap_or(Path::new(".")))
}

/// A text as part of a file name: no folder, no hidden file, nothing that a shell or a terminal would read.
pub(crate) fn name(text: &str, longest: usize) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' };
    let name: String = text.chars().take(longest).map(plain).collect();
    let name = name.trim_start_matches('.');
    if name.is_empty() { "unnamed".to_owned() } else { name.to_owned() }
}

/// Everything in a folder; a folder that is not there holds nothing.
pub(crate) fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match std::fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| entry.map(|entry| entry.path())).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Whether a path is a file that was never finished.
pub(crate) fn is_unfinished(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(UNFINISHED))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_file_is_for_us_alone_and_is_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join("a/b");
        folder(&inner).unwrap();
        let path = inner.join("x");
        write_new(&path, b"one").unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(&inner), mode(&dir.path().join("a"))), (0o600, 0o700, 0o700));
        assert_eq!(write_new(&path, b"two").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(&path).unwrap(), b"one");
        assert_eq!(entries(&inner).unwrap(), [path]);
    }

    #[test]
    fn a_file_that_may_change_is_replaced_whole_and_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        replace(&path, b"one, and long").unwrap();
        replace(&path, b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(entries(dir.path()).unwrap(), [path]);
    }

    #[test]
    fn a_missing_folder_is_empty_and_an_unreadable_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(entries(&dir.path().join("none")).unwrap(), Vec::<PathBuf>::new());
        let file = dir.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(entries(&file).is_err());
    }

    proptest! {
        #[test]
        fn a_name_never_leaves_its_folder(text in "\\PC{0,60}") {
            let name = name(&text, 40);
            prop_assert!(!name.is_empty() && name.len() <= 40 && !name.starts_with('.'));
            prop_assert!(!name.contains('/') && Path::new(&name).components().count() == 1);
        }
    }
}
