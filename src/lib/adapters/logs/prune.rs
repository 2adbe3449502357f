//! Taking archives away that are past their retention.

use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, unlinkat};

use super::LogFolder;
use super::folder::ARCHIVE;
use super::pack::Unpacked;
use super::walk;
use crate::domain::upkeep::Archive;

impl LogFolder {
    /// Takes one archive away, if it is what was judged. Returns its size, and that nothing is left.
    pub(super) fn prune(root: &OwnedFd, archive: &Archive) -> Result<(u64, u64), Unpacked> {
        let failed = |error| Unpacked::io("take it away", error);
        let path = format!("{ARCHIVE}/{}/{}", archive.tier.as_str(), archive.name);
        let (folder, name) = walk::place(root, &path).map_err(failed)?;
        let found = walk::about(&folder, name).map_err(failed)?;
        let as_judged = found.filter(|about| {
            about.size_bytes == archive.size_bytes && about.written_at() == archive.written_at
        });
        if as_judged.is_none() {
            return Err(Unpacked::Changed);
        }
        unlinkat(&folder, name, AtFlags::empty()).map_err(failed)?;
        Ok((archive.size_bytes, 0))
    }
}
