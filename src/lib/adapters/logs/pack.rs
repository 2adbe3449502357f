//! Packing bytes into an archive, and proving it: what comes out must be what went in, before anything may go.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;

use flate2::read::GzDecoder;
use flate2::{Compression, GzBuilder};
use rustix::fs::{
    AtFlags, Gid, Mode, OFlags, RenameFlags, Timespec, Timestamps, Uid, fchmod, fchown, fstat,
    fsync, futimens, openat, renameat_with, unlinkat,
};
use rustix::io::Errno;
use sha2::{Digest, Sha256};

use super::walk::{self, About};

/// How much is read at once.
const BLOCK_BYTES: usize = 64 * 1024;
/// So many archives of one name and one second can lie beside each other.
const MOST_ALIKE: u32 = 100;

/// Why something was not packed. Whatever it was, the original is there.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unpacked {
    /// The time of the run is over. What there is to know about that follows.
    #[error("there was no time for it{0}")]
    OutOfTime(&'static str),
    /// It is not what it was any more.
    #[error("it changed meanwhile")]
    Changed,
    /// It could not be read, or its archive could not be written.
    #[error("{0}")]
    Failed(String),
}

impl Unpacked {
    pub(super) fn io(doing: &str, error: impl Into<io::Error>) -> Self {
        Self::Failed(format!("failed to {doing}: {}", error.into()))
    }
}

/// What is packed, and where to.
pub(super) struct Packing<'a> {
    /// The folder of the archive.
    pub(super) into: &'a OwnedFd,
    /// The archive's name, without `.gz`.
    pub(super) name: &'a str,
    /// The name of the log, kept inside.
    pub(super) log: &'a str,
    /// Whose time, owner and permissions it gets.
    pub(super) like: &'a About,
    pub(super) level: Compression,
    /// Whether there is time left.
    pub(super) may_go_on: &'a dyn Fn() -> bool,
}

/// How many bytes, and which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) bytes: u64,
    sha256: [u8; 32],
}

/// An archive that was proved.
#[derive(Debug)]
pub(super) struct Packed {
    /// Its name.
    pub(super) name: String,
    pub(super) content: Content,
    /// Its own size.
    pub(super) size_bytes: u64,
}

impl Packing<'_> {
    /// Packs everything that `source` gives. What is there afterwards is whole, on the disk, and was read back.
    pub(super) fn pack(&self, source: &mut dyn Read) -> Result<Packed, Unpacked> {
        let unfinished = format!(".{}.part", self.name);
        let result = self.written(&unfinished, source);
        if result.is_err() {
            let _as_it_was = unlinkat(self.into, unfinished.as_str(), AtFlags::empty());
        }
        result
    }

    fn written(&self, unfinished: &str, source: &mut dyn Read) -> Result<Packed, Unpacked> {
        let file = self.fresh(unfinished)?;
        let put = |error| Unpacked::io("write the archive", error);
        let seconds = u32::try_from(self.like.written.0).unwrap_or_default();
        let head = GzBuilder::new().filename(self.log).mtime(seconds);
        let mut packer = head.write(file, self.level);
        let content = self.copied(source, &mut packer)?;
        let file = packer.finish().map_err(put)?;
        self.dress(&file).map_err(|error| Unpacked::io("keep its owner and time", error))?;
        file.sync_all().map_err(put)?;
        let size_bytes = file.metadata().map_err(put)?.len();
        drop(file);
        self.proved(unfinished, content)?;
        let name =
            self.settled(unfinished).map_err(|error| Unpacked::io("name the archive", error))?;
        fsync(self.into).map_err(|error| Unpacked::io("write the archive's folder", error))?;
        Ok(Packed { name, content, size_bytes })
    }

    /// A new file; what a crash left behind goes, as one run of an agent is at work at a time.
    fn fresh(&self, name: &str) -> Result<File, Unpacked> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
        let private = Mode::RUSR | Mode::WUSR;
        let create = || openat(self.into, name, flags | OFlags::CLOEXEC, private);
        let opened = match create() {
            Err(Errno::EXIST) => {
                let _or_the_next_line_says_so = unlinkat(self.into, name, AtFlags::empty());
                create()
            }
            other => other,
        };
        opened.map(File::from).map_err(|error| Unpacked::io("create the archive", error))
    }

    fn copied(&self, source: &mut dyn Read, into: &mut dyn Write) -> Result<Content, Unpacked> {
        let mut counted = Counted::new();
        let mut block = vec![0; BLOCK_BYTES];
        loop {
            if !(self.may_go_on)() {
                return Err(Unpacked::OutOfTime(""));
            }
            let read = source.read(&mut block).map_err(|error| Unpacked::io("read it", error))?;
            if read == 0 {
                return Ok(counted.end());
            }
            counted.add(&block[..read]);
            let written = into.write_all(&block[..read]);
            written.map_err(|error| Unpacked::io("write the archive", error))?;
        }
    }

    /// It gets the owner, the permissions and the time of what it was made of: it tells as much, to the same people.
    fn dress(&self, file: &File) -> rustix::io::Result<()> {
        let own = fstat(file)?;
        let user = (own.st_uid != self.like.owner).then(|| Uid::from_raw(self.like.owner));
        let group = (own.st_gid != self.like.group).then(|| Gid::from_raw(self.like.group));
        if user.is_some() || group.is_some() {
            fchown(file, user, group)?;
        }
        // It is written no more; who could read the log can read it.
        fchmod(file, Mode::from_raw_mode(self.like.mode & 0o666))?;
        futimens(file, &times(self.like))
    }

    /// Reads it back.
    fn proved(&self, name: &str, expected: Content) -> Result<(), Unpacked> {
        let failed = |error: io::Error| Unpacked::io("read the archive back", error);
        let opened = walk::open(self.into, name, OFlags::RDONLY);
        let opened = opened.map_err(|error| failed(error.into()))?;
        let Some((file, _)) = opened else { return Err(Unpacked::Changed) };
        let found = content(&mut GzDecoder::new(File::from(file)), self.may_go_on)?;
        if found == expected {
            return Ok(());
        }
        Err(Unpacked::Failed("the archive does not give back what went into it".to_owned()))
    }

    /// Gives it a name that nothing has.
    fn settled(&self, unfinished: &str) -> rustix::io::Result<String> {
        let mut number = 1;
        loop {
            let name = match number {
                1 => format!("{}.gz", self.name),
                more => format!("{}-{more}.gz", self.name),
            };
            let flags = RenameFlags::NOREPLACE;
            match renameat_with(self.into, unfinished, self.into, name.as_str(), flags) {
                Ok(()) => return Ok(name),
                Err(Errno::EXIST) if number < MOST_ALIKE => number += 1,
                Err(error) => return Err(error),
            }
        }
    }
}

/// What a source holds, to its end.
pub(super) fn content(
    source: &mut dyn Read,
    may_go_on: &dyn Fn() -> bool,
) -> Result<Content, Unpacked> {
    let mut counted = Counted::new();
    let mut block = vec![0; BLOCK_BYTES];
    loop {
        if !may_go_on() {
            return Err(Unpacked::OutOfTime(""));
        }
        match source.read(&mut block).map_err(|error| Unpacked::io("read the archive", error))? {
            0 => return Ok(counted.end()),
            read => counted.add(&block[..read]),
        }
    }
}

/// The times to give to a file: when it was last written, as a log.
pub(super) fn times(about: &About) -> Timestamps {
    let written = Timespec { tv_sec: about.written.0, tv_nsec: about.written.1 };
    Timestamps { last_access: written, last_modification: written }
}

struct Counted {
    bytes: u64,
    hash: Sha256,
}

impl Counted {
    fn new() -> Self {
        Self { bytes: 0, hash: Sha256::new() }
    }

    fn add(&mut self, block: &[u8]) {
        self.bytes += block.len() as u64;
        self.hash.update(block);
    }

    fn end(self) -> Content {
        Content { bytes: self.bytes, sha256: self.hash.finalize().into() }
    }
}
