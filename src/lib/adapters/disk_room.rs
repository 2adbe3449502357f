//! Whether a disk has room for what is about to be written: one that is full stops everybody who writes to it.

use std::io;
use std::path::Path;

use rustix::fs::statvfs;

/// What somebody else may need on a disk that is not ours alone: so much of its write-ahead log the ledger may keep beside itself.
const BESIDE_MIB: u64 = 64;

/// How much others than root may still write on the disk of `place`.
pub(crate) fn free_bytes(place: &Path) -> io::Result<u64> {
    let disk = statvfs(place)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Whether the disk of `place` has so much room; `taker` says in an error what takes it.
///
/// # Errors
///
/// A fragment: it has less, or it cannot be looked at.
pub(crate) fn has_room(place: &Path, needed_bytes: u64, taker: &str) -> Result<(), String> {
    let told = |why: String| format!("{} {why}", place.display());
    let free = free_bytes(place).map_err(|error| told(format!("cannot be looked at: {error}")))?;
    enough(free, needed_bytes, taker).map_err(told)
}

/// The same, where room for others stays free beside it.
pub(crate) fn has_room_beside(place: &Path, needed_bytes: u64, taker: &str) -> Result<(), String> {
    let needed_bytes = needed_bytes.saturating_add(BESIDE_MIB * 1024 * 1024);
    let taker = format!("{taker}, with {BESIDE_MIB} MiB that stay free,");
    has_room(place, needed_bytes, &taker)
}

fn enough(free: u64, needed: u64, taker: &str) -> Result<(), String> {
    if free < needed {
        return Err(format!("has {free} bytes free, and {taker} {needed}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_than_what_is_needed_is_refused_with_both_numbers() {
        assert_eq!(enough(200, 200, "it may take"), Ok(()));
        let why = "has 199 bytes free, and it may take 200";
        assert_eq!(enough(199, 200, "it may take"), Err(why.to_owned()));
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(has_room(folder.path(), 0, "it may take"), Ok(()));
        let why = has_room(folder.path(), u64::MAX, "it may take").unwrap_err();
        assert!(why.starts_with(&folder.path().display().to_string()), "{why}");
        let why = has_room_beside(folder.path(), u64::MAX, "it takes").unwrap_err();
        assert!(why.contains("and it takes, with 64 MiB that stay free, "), "{why}");
        let gone = has_room(&folder.path().join("gone"), 0, "it may take").unwrap_err();
        assert!(gone.contains("cannot be looked at"), "{gone}");
    }
}
