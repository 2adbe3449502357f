//! Cutting the oldest bytes of a log off while it is written.
//!
//! The file system takes whole blocks out of the beginning of the file, in one step with regard to everybody who writes: a
//! process that appends goes on at the new end, and nothing that it wrote is copied, moved by us or lost. Where the file system
//! does not have that, nothing is done: to copy and to truncate loses what is written in between.

use std::collections::BTreeSet;
use std::os::fd::OwnedFd;

use rustix::fs::{FallocateFlags, OFlags, fallocate, fstat, futimens};
use rustix::io::{Errno, pread};
use sha2::{Digest, Sha256};

use super::LogFolder;
use super::look::no_cut;
use super::pack::times;
use super::walk::{self, About};
use super::writers::Writers;
use crate::domain::operation::{DataRef, DataState, Measure};
use crate::domain::sight::{Blind, Sight};
use crate::domain::upkeep::Held;
use crate::ports::processes::ActFailure;

/// So many of its first bytes tell one beginning of a log from another.
const HEAD_BYTES: usize = 4096;

impl LogFolder {
    /// Trims one log, if all of what was judged still holds.
    pub(super) fn trim(&self, path: &str) -> Result<String, ActFailure> {
        let not_now = |why: &str| ActFailure::NotSent(why.to_owned());
        let refused = |error: Errno| ActFailure::Refused(format!("failed to open it: {error}"));
        let root = self.opened().map_err(refused)?;
        let (folder, name) = walk::place(&root, path).map_err(refused)?;
        let opened = walk::open(&folder, name, OFlags::RDWR).map_err(refused)?;
        let Some((file, about)) = opened else { return Err(not_now("it is gone")) };
        if about.names != 1 {
            return Err(not_now("it has another name (a hard link)"));
        }
        let held = Writers::of(&root, &BTreeSet::from([about.node])).held(&about);
        match &held {
            Held::Free | Held::Appended => {}
            Held::Placed { by } => {
                return Err(ActFailure::NotSent(format!("{by} does not append to it")));
            }
            Held::Unseen { why } => return Err(not_now(why)),
        }
        let cut = self.rules.cut(about.size_bytes);
        if cut == 0 {
            return Err(not_now("it is not too large any more"));
        }
        fallocate(&file, FallocateFlags::COLLAPSE_RANGE, 0, cut).map_err(|error| {
            ActFailure::Refused(match error {
                Errno::OPNOTSUPP | Errno::NOSYS => no_cut("file system like this"),
                other => format!("failed to cut {cut} bytes off: {other}"),
            })
        })?;
        if held == Held::Free {
            // Nobody wrote: it stays as old as its newest line.
            let _it_only_looks_younger = futimens(&file, &times(&about));
        }
        let stay = fstat(&file).map_or(0, |found| found.st_size);
        Ok(format!("the oldest {cut} bytes are cut off, {stay} stay"))
    }

    /// One log, as it is measured before and after.
    pub(super) fn log(&self, data: &DataRef) -> Sight<Option<DataState>> {
        let unread = |error: Errno| Blind::because(format!("it cannot be opened: {error}"));
        let root = self.opened().map_err(unread)?;
        let (folder, name) = match walk::place(&root, &data.object) {
            Ok(place) => place,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(None),
            Err(error) => return Err(unread(error)),
        };
        let opened = walk::open(&folder, name, OFlags::RDONLY).map_err(unread)?;
        let Some((file, about)) = opened else { return Ok(None) };
        let head = head(&file).map_err(unread)?;
        Ok(Some(state(data, &about, head)))
    }
}

fn state(data: &DataRef, about: &About, head: String) -> DataState {
    let measures = [
        (Measure::SizeBytes, about.size_bytes.to_string()),
        (Measure::FileNode, about.node.to_string()),
        (Measure::Head, head),
    ];
    DataState { data: data.clone(), measures: measures.into_iter().collect() }
}

/// The first 16 digits of the hash of its first bytes.
fn head(file: &OwnedFd) -> rustix::io::Result<String> {
    let mut bytes = [0; HEAD_BYTES];
    let mut read = 0;
    while read < HEAD_BYTES {
        match pread(file, &mut bytes[read..], read as u64)? {
            0 => break,
            more => read += more,
        }
    }
    let hash = Sha256::digest(&bytes[..read]);
    let first = hash.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    Ok(format!("{first:016x}"))
}
