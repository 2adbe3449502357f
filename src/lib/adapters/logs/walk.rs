//! Going through a folder by its own handle: no link is followed, and no file is opened.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use jiff::Timestamp;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat, openat, statat};
use rustix::io::Errno;

/// So many names of a folder are looked at in all: the look is kept in the recording of its run.
pub(super) const MOST_NAMES: usize = 20_000;

/// What the kernel tells of a file without opening it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::adapters) struct About {
    pub(in crate::adapters) node: Node,
    pub(in crate::adapters) owner: u32,
    pub(in crate::adapters) group: u32,
    /// Its permissions.
    pub(in crate::adapters) mode: u32,
    pub(in crate::adapters) names: i64,
    pub(in crate::adapters) size_bytes: u64,
    /// What of it is on the disk, in bytes.
    allocated_bytes: u64,
    /// When it was last written, in seconds and nanoseconds.
    pub(in crate::adapters) written: (i64, i64),
}

/// Which file it is: the device, and the number on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::adapters) struct Node(pub(in crate::adapters) u64, pub(in crate::adapters) u64);

impl std::fmt::Display for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.0, self.1)
    }
}

impl About {
    /// Of a regular file; `None` for everything else.
    pub(in crate::adapters) fn of(found: &Stat) -> Option<Self> {
        let is_file = FileType::from_raw_mode(found.st_mode) == FileType::RegularFile;
        is_file.then(|| Self {
            node: node(found),
            owner: found.st_uid,
            group: found.st_gid,
            mode: found.st_mode & 0o777,
            names: i64::try_from(found.st_nlink).unwrap_or(i64::MAX),
            size_bytes: u64::try_from(found.st_size).unwrap_or_default(),
            allocated_bytes: u64::try_from(found.st_blocks).unwrap_or_default().saturating_mul(512),
            written: (found.st_mtime, i64::try_from(found.st_mtime_nsec).unwrap_or_default()),
        })
    }

    pub(in crate::adapters) fn written_at(&self) -> Timestamp {
        let nanos = i32::try_from(self.written.1).unwrap_or_default();
        Timestamp::new(self.written.0, nanos).unwrap_or(Timestamp::MIN)
    }

    /// Whether most of it is holes, or takes no room for another reason.
    pub(super) const fn is_hollow(&self) -> bool {
        self.allocated_bytes < self.size_bytes / 2
    }

    /// Whether nobody has written to it, nor put another in its place.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let of = |about: &Self| (about.node, about.names, about.size_bytes, about.written);
        of(self) == of(other)
    }
}

pub(super) fn node(found: &Stat) -> Node {
    Node(found.st_dev, found.st_ino)
}

/// A file that was met.
#[derive(Clone, Debug)]
pub(super) struct Met {
    /// Its path below the folder.
    pub(super) name: String,
    pub(super) about: About,
}

/// What a walk met.
#[derive(Debug, Default)]
pub(super) struct Walk {
    pub(super) files: Vec<Met>,
    /// Why that is not all of it.
    pub(super) cut_short: Option<String>,
}

/// Goes through a folder and those up to `depth` below it, except for the one called `except` in the first.
pub(super) fn walk(
    root: &OwnedFd,
    depth: u32,
    except: &str,
    wanted: &dyn Fn(&str) -> bool,
) -> io::Result<Walk> {
    let mut walk = Walk::default();
    let mut seen = 0;
    let mut waiting = vec![(String::new(), 0)];
    while let Some((below, level)) = waiting.pop() {
        let listed = folder(root, &below).and_then(|open| Ok((Dir::read_from(&open)?, open)));
        let (names, open) = match listed {
            Ok(listed) => listed,
            Err(error) if below.is_empty() => return Err(error.into()),
            Err(error) => {
                walk.cut_short = Some(format!("the folder {below} cannot be read: {error}"));
                continue;
            }
        };
        for entry in names {
            let entry = entry?;
            let bytes = entry.file_name().to_bytes();
            if bytes == b"." || bytes == b".." {
                continue;
            }
            seen += 1;
            if seen > MOST_NAMES {
                walk.cut_short = Some(format!("there are more than {MOST_NAMES} names in it"));
                return Ok(walk);
            }
            let found = match statat(&open, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW) {
                Ok(found) => found,
                // It went while we looked.
                Err(Errno::NOENT) => continue,
                Err(error) => return Err(error.into()),
            };
            let Ok(name) = std::str::from_utf8(bytes) else {
                let shown = String::from_utf8_lossy(bytes).into_owned();
                if wanted(&shown) {
                    walk.cut_short = Some(format!("the name of {below}{shown} is not UTF-8"));
                }
                continue;
            };
            let path = format!("{below}{name}");
            let is_folder = FileType::from_raw_mode(found.st_mode) == FileType::Directory;
            if is_folder && level < depth && path != except {
                waiting.push((format!("{path}/"), level + 1));
            } else if let Some(about) = About::of(&found).filter(|_| wanted(name)) {
                walk.files.push(Met { name: path, about });
            }
        }
    }
    walk.files.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(walk)
}

/// A folder below another one, by its path; empty for that one itself.
pub(super) fn folder(root: &OwnedFd, path: &str) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut open = openat(root, ".", flags, Mode::empty())?;
    for name in path.split('/').filter(|name| !name.is_empty()) {
        if name == ".." {
            return Err(Errno::INVAL);
        }
        open = openat(&open, name, flags, Mode::empty())?;
    }
    Ok(open)
}

/// The folder that a file lies in, and its name there.
pub(super) fn place<'p>(root: &OwnedFd, path: &'p str) -> rustix::io::Result<(OwnedFd, &'p str)> {
    let (below, name) = path.rsplit_once('/').unwrap_or(("", path));
    Ok((folder(root, below)?, name))
}

/// A file as it is now, if it is a regular one.
pub(super) fn about(folder: impl AsFd, name: &str) -> rustix::io::Result<Option<About>> {
    match statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(found) => Ok(About::of(&found)),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Opens a regular file, and nothing else, without waiting for anybody.
pub(super) fn open(
    folder: impl AsFd,
    name: &str,
    access: OFlags,
) -> rustix::io::Result<Option<(OwnedFd, About)>> {
    let flags = access | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = match openat(folder, name, flags, Mode::empty()) {
        Ok(opened) => opened,
        // A link stands there, or nothing.
        Err(Errno::NOENT | Errno::LOOP) => return Ok(None),
        Err(error) => return Err(error),
    };
    let about = About::of(&rustix::fs::fstat(&opened)?);
    Ok(about.map(|about| (opened, about)))
}
