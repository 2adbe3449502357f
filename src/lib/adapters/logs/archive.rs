//! From a log to its archive, and from an archive to a tighter one. What goes, goes last.

use std::collections::BTreeSet;
use std::fs::File;
use std::os::fd::OwnedFd;

use flate2::Compression;
use flate2::read::GzDecoder;
use rustix::fs::{AtFlags, OFlags, RenameFlags, fsync, renameat_with, unlinkat};
use rustix::io::Errno;

use super::LogFolder;
use super::folder::ARCHIVE;
use super::pack::{Packed, Packing, Unpacked};
use super::walk::{self, About};
use super::writers::Writers;
use crate::domain::upkeep::{Archive, GOING, Held, LogFile, Tier};

/// A log that has just become old is packed quickly.
const QUICK: u32 = 1;
/// And one that nobody asked for since, as tight as gzip can: about a fifth less.
const TIGHT: u32 = 9;
/// What a person needs to know of a log that takes so long for what it holds: a hole is packed byte for byte.
const HOLES: &str = ": most of it is holes, as they are left where a log is copied and truncated whose writer does not append";

impl LogFolder {
    /// Puts one log into an archive. Returns its size and that of the archive.
    pub(super) fn archive(
        root: &OwnedFd,
        file: &LogFile,
        may_go_on: &dyn Fn() -> bool,
    ) -> Result<(u64, u64), Unpacked> {
        let unread = |error: Errno| Unpacked::io("open it", error);
        let (folder, name) = walk::place(root, &file.name).map_err(unread)?;
        let opened = walk::open(&folder, name, OFlags::RDONLY).map_err(unread)?;
        let Some((opened, about)) = opened else { return Err(Unpacked::Changed) };
        if !is_as_seen(file, &about) {
            return Err(Unpacked::Changed);
        }
        let into = Self::room(root, Tier::Warm, below(&file.name))
            .map_err(|error| Unpacked::io("make the folder of archives", error))?;
        let stamp = about.written_at().strftime("%Y%m%dT%H%M%SZ");
        let packing = Packing {
            into: &into,
            name: &format!("{name}.{stamp}"),
            log: name,
            like: &about,
            level: Compression::new(QUICK),
            may_go_on,
        };
        let packed = packing.pack(&mut File::from(opened)).map_err(|why| match why {
            Unpacked::OutOfTime(_) if about.is_hollow() => Unpacked::OutOfTime(HOLES),
            other => other,
        })?;
        let gone = if packed.content.bytes == about.size_bytes {
            take_away(&folder, name, &about)
        } else {
            Err(Unpacked::Changed)
        };
        finished(&into, packed, gone, about.size_bytes)
    }

    /// Packs one archive tighter. Returns its size before and after.
    pub(super) fn pack_tighter(
        root: &OwnedFd,
        archive: &Archive,
        may_go_on: &dyn Fn() -> bool,
    ) -> Result<(u64, u64), Unpacked> {
        let unread = |error: Errno| Unpacked::io("open it", error);
        let warm = format!("{ARCHIVE}/{}/{}", Tier::Warm.as_str(), archive.name);
        let (folder, name) = walk::place(root, &warm).map_err(unread)?;
        let opened = walk::open(&folder, name, OFlags::RDONLY).map_err(unread)?;
        let Some((opened, about)) = opened else { return Err(Unpacked::Changed) };
        let into = Self::room(root, Tier::Cold, below(&archive.name))
            .map_err(|error| Unpacked::io("make the folder of archives", error))?;
        let log = archive.of.rsplit('/').next().unwrap_or_default();
        let packing = Packing {
            into: &into,
            name: name.strip_suffix(".gz").unwrap_or(name),
            log,
            like: &about,
            level: Compression::new(TIGHT),
            may_go_on,
        };
        // An archive that does not give back what it held ends in an error here, and stays.
        let packed = packing.pack(&mut GzDecoder::new(File::from(opened)))?;
        let gone = match walk::about(&folder, name) {
            Ok(Some(now)) if now.is_same(&about) => removed(&folder, name),
            Ok(_) => Err(Unpacked::Changed),
            Err(error) => Err(unread(error)),
        };
        finished(&into, packed, gone, about.size_bytes)
    }
}

/// Where the original stays, its new archive goes: there would be two of it.
fn finished(
    into: &OwnedFd,
    packed: Packed,
    gone: Result<(), Unpacked>,
    before: u64,
) -> Result<(u64, u64), Unpacked> {
    match gone {
        Ok(()) => Ok((before, packed.size_bytes)),
        Err(why) => {
            let _one_more_does_no_harm = unlinkat(into, packed.name.as_str(), AtFlags::empty());
            Err(why)
        }
    }
}

/// The folder that a path lies in; empty for the first.
fn below(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(below, _)| below)
}

/// Whether it is what the look saw.
pub(super) fn is_as_seen(file: &LogFile, about: &About) -> bool {
    about.node.to_string() == file.node
        && about.size_bytes == file.size_bytes
        && about.written_at() == file.written_at
        && about.names == 1
}

/// Takes a log away whose archive is proved: first its name, so that nobody new can come to it, and then, where it is what it
/// was and nobody has it open, the file. Else it gets its name back.
fn take_away(folder: &OwnedFd, name: &str, about: &About) -> Result<(), Unpacked> {
    let going = format!("{name}{GOING}");
    let failed = |error: Errno| Unpacked::io("take it away", error);
    match renameat_with(folder, name, folder, going.as_str(), RenameFlags::NOREPLACE) {
        Ok(()) => {}
        Err(Errno::NOENT) => return Err(Unpacked::Changed),
        Err(error) => return Err(failed(error)),
    }
    let writers = Writers::of(folder, &BTreeSet::from([about.node]));
    let gone = match walk::about(folder, &going) {
        Ok(Some(now)) if now.is_same(about) && writers.held(&now) == Held::Free => {
            removed(folder, &going)
        }
        Ok(_) => Err(Unpacked::Changed),
        Err(error) => Err(failed(error)),
    };
    if gone.is_err() {
        // Where its writer has made a new one meanwhile it keeps the other name, and is a log under it too.
        let _a_log_under_either =
            renameat_with(folder, going.as_str(), folder, name, RenameFlags::NOREPLACE);
    }
    gone
}

fn removed(folder: &OwnedFd, name: &str) -> Result<(), Unpacked> {
    let gone = unlinkat(folder, name, AtFlags::empty()).and_then(|()| fsync(folder));
    gone.map_err(|error| Unpacked::io("take it away", error))
}
