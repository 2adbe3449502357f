//! A folder of our own for as long as a backup is looked at: what is fetched or decrypted lies in it, and is gone afterwards.

use std::fs::{File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use tempfile::TempDir;

use crate::adapters::private_file;

/// A folder, held while this lives.
pub(super) struct Bench {
    folder: TempDir,
    /// Locked: others leave it alone.
    _held: File,
}

impl Bench {
    /// A new one in `place`. Those with the same `mark` that nobody holds are taken away: a run that was killed left them.
    ///
    /// # Errors
    ///
    /// A fragment: no folder can be made there.
    pub(super) fn new(place: &Path, mark: &str) -> Result<Self, String> {
        let prefix = format!(".backup-{mark}-");
        let made = || -> io::Result<Self> {
            private_file::folder(place)?;
            clear(place, &prefix)?;
            let folder = tempfile::Builder::new()
                .prefix(&prefix)
                .permissions(Permissions::from_mode(0o700))
                .tempdir_in(place)?;
            let held = File::open(folder.path())?;
            flock(&held, FlockOperation::NonBlockingLockExclusive)?;
            Ok(Self { folder, _held: held })
        };
        made().map_err(|error| format!("no folder can be made in {}: {error}", place.display()))
    }

    /// A file in it.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// Takes away what nobody holds.
fn clear(place: &Path, prefix: &str) -> io::Result<()> {
    for entry in private_file::entries(place)? {
        let is_ours =
            entry.file_name().is_some_and(|name| name.to_string_lossy().starts_with(prefix));
        let free = |entry: &Path| {
            let opened = File::open(entry);
            opened.is_ok_and(|it| flock(&it, FlockOperation::NonBlockingLockExclusive).is_ok())
        };
        if is_ours
            && free(&entry)
            && let Err(error) = std::fs::remove_dir_all(&entry)
        {
            tracing::warn!("failed to take {} away: {error}", entry.display());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_run_left_goes_and_what_is_in_use_or_of_others_stays() {
        let place = tempfile::tempdir().unwrap();
        let [left, other, server] = [".backup-ab-1", ".backup-cd-1", ".restore-ab-1"];
        for name in [left, other, server] {
            std::fs::create_dir(place.path().join(name)).unwrap();
        }
        let bench = Bench::new(place.path(), "ab").unwrap();
        std::fs::write(bench.file("dump"), "in the clear").unwrap();
        let second = Bench::new(place.path(), "ab").unwrap();
        assert!(bench.file("dump").exists(), "somebody holds it");
        assert!(!place.path().join(left).exists());
        assert!(place.path().join(other).exists() && place.path().join(server).exists());
        let paths = [bench.file(""), second.file("")];
        drop((bench, second));
        assert!(paths.iter().all(|path| !path.exists()));
    }
}
