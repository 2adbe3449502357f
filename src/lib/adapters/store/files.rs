//! The state folder: its paths, its modes, and the locks that lie in it.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use crate::ports::clock::Clock;

/// How long a lock file is waited for, in all.
const LOCK_WAIT: Duration = Duration::from_secs(5);
/// The pause between tries.
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// Where things lie.
#[derive(Clone, Debug)]
pub(super) struct Paths {
    /// The state folder.
    pub(super) state: PathBuf,
    /// The ledger.
    pub(super) ledger: PathBuf,
    /// The published view.
    pub(super) view: PathBuf,
    /// Held shared by everybody who has the ledger open, alone by who creates or replaces it.
    pub(super) ledger_lock: PathBuf,
    /// Held by the publisher.
    pub(super) view_lock: PathBuf,
    /// There, where a process died while it created the ledger.
    pub(super) journal: PathBuf,
    /// There, where somebody met damage in an open ledger.
    pub(super) suspect: PathBuf,
}

impl Paths {
    pub(super) fn of(state: &Path) -> Self {
        let locks = state.join("locks");
        Self {
            state: state.to_owned(),
            ledger: state.join("ops.db"),
            view: state.join("ops-state.json"),
            ledger_lock: locks.join("ledger.lock"),
            view_lock: locks.join("ops-state.lock"),
            journal: state.join("ops.db-journal"),
            suspect: locks.join("ledger.suspect"),
        }
    }

    /// The ledger's companions, which must not meet another ledger.
    pub(super) fn companions(&self) -> [PathBuf; 2] {
        [self.state.join("ops.db-wal"), self.state.join("ops.db-shm")]
    }

    /// Creates the folders that are missing.
    pub(super) fn create_folders(&self) -> Result<(), String> {
        let locks = self.state.join("locks");
        if self.state.exists() && !self.state.is_dir() {
            return Err(format!(
                "{} is not a folder; name another one in [paths] state",
                self.state.display()
            ));
        }
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&locks).map_err(|error| {
            format!(
                "{} cannot be created ({error}); make {} writable for this user",
                locks.display(),
                self.state.display()
            )
        })
    }

    /// The ledgers that were set aside earlier.
    pub(super) fn has_rescued_copy(&self) -> bool {
        let Ok(entries) = std::fs::read_dir(&self.state) else { return false };
        entries
            .filter_map(Result::ok)
            .any(|entry| entry.file_name().to_string_lossy().starts_with("ops.db.rescued-"))
    }
}

/// A lock on a file; the kernel frees it when the holder dies.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

/// How a lock is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    /// Together with others.
    Shared,
    /// Alone.
    Alone,
}

/// Takes the lock on `path`, waiting for it a bounded time.
pub(super) async fn lock(path: &Path, hold: Hold, clock: &dyn Clock) -> Result<Lock, String> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(|error| {
            let path = path.display();
            match error.kind() {
                io::ErrorKind::PermissionDenied => {
                    format!("{path} cannot be opened ({error}); make it writable for this user")
                }
                _ => format!("{path} cannot be opened ({error})"),
            }
        })?;
    let tries = LOCK_WAIT.as_millis() / LOCK_PAUSE.as_millis();
    for _ in 0..tries {
        let taken = match hold {
            Hold::Shared => fs2::FileExt::try_lock_shared(&file),
            Hold::Alone => fs2::FileExt::try_lock_exclusive(&file),
        };
        match taken {
            Ok(()) => return Ok(Lock { _file: file }),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                clock.sleep(LOCK_PAUSE).await;
            }
            Err(error) => return Err(format!("{} cannot be locked ({error})", path.display())),
        }
    }
    Err(format!("{} is held by another process; try again when it has ended", path.display()))
}

/// Makes renames in a folder durable.
pub(in crate::adapters) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// A time as part of a file name.
pub(in crate::adapters) fn stamp(at: Timestamp) -> String {
    at.strftime("%Y%m%dT%H%M%S%3fZ").to_string()
}

/// Moves `from` aside as `<name>.<word>-<time>`, never over something that is there.
pub(super) fn set_aside(from: &Path, word: &str, at: Timestamp) -> io::Result<PathBuf> {
    const NAMES: u32 = 1_000;
    let base = format!("{}.{word}-{}", from.display(), stamp(at));
    let free = std::iter::once(base.clone())
        .chain((2..NAMES).map(|number| format!("{base}.{number}")))
        .map(PathBuf::from)
        .find(|name| !name.exists())
        .ok_or_else(|| io::Error::other("no free name is left"))?;
    std::fs::rename(from, &free)?;
    Ok(free)
}
