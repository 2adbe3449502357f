//! Whether a folder's disk takes anything at all, whoever asks.

use std::path::Path;

use rustix::fs::{StatVfsMountFlags, statvfs};

/// What a run may write. Measured: with a megabyte left every run comes to its end (docs/PROOF.md, `full-disk`).
const ENOUGH_BYTES: u64 = 1024 * 1024;

/// Why nothing can be written there, as far as its disk shows.
pub(super) fn no_room(folder: &Path) -> Option<&'static str> {
    let disk = statvfs(folder).ok()?;
    if disk.f_flag.contains(StatVfsMountFlags::RDONLY) {
        return Some("is on a disk that can only be read");
    }
    let left = disk.f_bavail.saturating_mul(disk.f_frsize);
    (left < ENOUGH_BYTES).then_some("is on a disk with less than 1 MiB left")
}
