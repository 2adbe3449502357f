//! Who has a file open for writing, and how: the kernel's own list of open files, process by process.
//!
//! The list of a process can be read by its own user and by root. What cannot be read is not taken for nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::read_to_string;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use std::os::fd::AsFd;

use rustix::fs::{lstat, stat};
use rustix::process::{getegid, geteuid};

use super::file_system::shared;
use super::walk::{About, Node, node};
use crate::domain::upkeep::Held;

/// `O_APPEND` among the flags in `/proc/PID/fdinfo/FD`, which are octal.
const APPENDS: u32 = 0o2000;
/// The bit of a link in `/proc/PID/fd` that tells that the file is open for writing.
const WRITES: u32 = 0o200;
/// The number of that capability (`man 7 capabilities`).
const CAP_SYS_PTRACE: u32 = 19;

/// Programs that keep even their own user from looking into them, that every session of a user has, and that write no log. The
/// first process of a machine or a container, which others may not look into either, only starts those that do.
const HIDE_AND_WRITE_NO_LOG: [&str; 3] = ["(sd-pam)", "ssh-agent", "gpg-agent"];

/// Who writes the files that were asked about.
#[derive(Debug, Default)]
pub(in crate::adapters) struct Writers {
    found: BTreeMap<Node, Writing>,
    /// Whether this process may look into every other one.
    sees_all: bool,
    /// Whether the open files of some process could not be read all the same.
    has_hidden: bool,
    /// One of this user's own whose open files could not be read.
    hidden_own: Option<String>,
    /// The network file system that the files lie on, which other hosts may write to.
    shared: Option<&'static str>,
}

#[derive(Debug, Default)]
struct Writing {
    /// The first that does not append.
    placed: Option<String>,
}

impl Writers {
    /// Asks about these files. This process itself is left out: it appends to its own log and to no other.
    pub(in crate::adapters) fn of(folder: impl AsFd, wanted: &BTreeSet<Node>) -> Self {
        let mut writers = Self { shared: shared(folder), ..Self::default() };
        let Ok(entries) = std::fs::read_dir("/proc") else {
            writers.has_hidden = true;
            writers.hidden_own = Some("/proc cannot be read".to_owned());
            return writers;
        };
        writers.sees_all = may_look_into_all();
        let pid = |entry: std::fs::DirEntry| entry.file_name().to_str()?.parse::<u32>().ok();
        for pid in entries.flatten().filter_map(pid).filter(|pid| *pid != std::process::id()) {
            writers.ask(&PathBuf::from(format!("/proc/{pid}")), wanted);
        }
        writers
    }

    fn ask(&mut self, process: &Path, wanted: &BTreeSet<Node>) {
        if let Err(error) = self.read(process, wanted) {
            // One that has ended has nothing open.
            let ended = [rustix::io::Errno::NOENT, rustix::io::Errno::SRCH];
            if ended.iter().any(|ended| error.raw_os_error() == Some(ended.raw_os_error())) {
                return;
            }
            let name = program(process);
            if process == Path::new("/proc/1") || HIDE_AND_WRITE_NO_LOG.contains(&name.as_str()) {
                return;
            }
            self.has_hidden = true;
            if is_own(process) {
                self.hidden_own = Some(format!("{name} cannot be looked into"));
            }
        }
    }

    fn read(&mut self, process: &Path, wanted: &BTreeSet<Node>) -> io::Result<()> {
        for link in std::fs::read_dir(process.join("fd"))? {
            let link = link?.path();
            match self.file(process, &link, wanted) {
                // It was closed since.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                other => other?,
            }
        }
        Ok(())
    }

    /// One open file. Where a list may be read, what is in it may still be hidden: a namespace of users does that.
    fn file(&mut self, process: &Path, link: &Path, wanted: &BTreeSet<Node>) -> io::Result<()> {
        if lstat(link)?.st_mode & WRITES == 0 {
            return Ok(());
        }
        // Only a file has a path: neither pipes nor sockets are asked, which may not answer.
        if !std::fs::read_link(link)?.is_absolute() {
            return Ok(());
        }
        let node = node(&stat(link)?);
        if !wanted.contains(&node) {
            return Ok(());
        }
        let number = link.file_name().unwrap_or_default();
        let info = read_to_string(process.join("fdinfo").join(number))?;
        let writing = self.found.entry(node).or_default();
        if !appends(&info) {
            writing.placed.get_or_insert_with(|| program(process));
        }
        Ok(())
    }

    /// Who writes this file.
    pub(in crate::adapters) fn held(&self, about: &About) -> Held {
        let writing = self.found.get(&about.node);
        if let Some(by) = writing.and_then(|writing| writing.placed.clone()) {
            return Held::Placed { by };
        }
        match (self.unseen(about), writing) {
            (Some(why), _) => Held::Unseen { why },
            (None, Some(_)) => Held::Appended,
            (None, None) => match self.shared {
                None => Held::Free,
                Some(name) => Held::Unseen {
                    why: format!(
                        "other hosts may write on a {name} file system, which is not seen from here"
                    ),
                },
            },
        }
    }

    /// Why somebody else may write it unseen, if so. Who has the capability, as root does, sees everybody. Another user sees the processes of its own, and
    /// those of others need not be seen where the file's permissions keep them out; what root itself writes into another user's log is not looked for.
    fn unseen(&self, about: &About) -> Option<String> {
        if self.sees_all && !self.has_hidden {
            return None;
        }
        if let Some(why) = &self.hidden_own {
            return Some(format!("who writes it cannot be seen: {why}"));
        }
        let others = if about.owner != geteuid().as_raw() {
            "it belongs to another user, whose processes cannot be looked into"
        } else if about.mode & 0o002 != 0 {
            "every user may write it, and the processes of others cannot be looked into"
        } else if about.mode & 0o020 != 0 && about.group != getegid().as_raw() {
            "its group may write it, and the processes of others cannot be looked into"
        } else {
            return None;
        };
        Some(format!("who writes it cannot be seen: {others}"))
    }
}

/// Whether it has the capability to look into processes of others. Without it some may not even be listed, also for root.
fn may_look_into_all() -> bool {
    let status = read_to_string("/proc/self/status").unwrap_or_default();
    let held = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let held = held.and_then(|held| u64::from_str_radix(held.trim(), 16).ok());
    held.is_some_and(|held| held & (1 << CAP_SYS_PTRACE) != 0)
}

/// Whether what was opened so always writes at the end.
fn appends(info: &str) -> bool {
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
    let flags = flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok());
    flags.is_some_and(|flags| flags & APPENDS != 0)
}

/// The name of a process's program.
fn program(process: &Path) -> String {
    let name = read_to_string(process.join("comm")).unwrap_or_default();
    if name.trim().is_empty() { "a process".to_owned() } else { name.trim().to_owned() }
}

fn is_own(process: &Path) -> bool {
    let status = read_to_string(process.join("status")).unwrap_or_default();
    let users = status.lines().find_map(|line| line.strip_prefix("Uid:")).unwrap_or_default();
    let effective = users.split_whitespace().nth(1).and_then(|user| user.parse::<u32>().ok());
    effective == Some(geteuid().as_raw())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_octal_and_what_cannot_be_read_does_not_append() {
        assert!(appends("pos:\t0\nflags:\t0102001\nmnt_id:\t1\n"));
        assert!(!appends("pos:\t0\nflags:\t0100001\n"));
        assert!(!appends(""));
        assert!(!appends("flags:\tx\n"));
    }
}
