//! One set of logs: its folder, its rules, and what a run left for the next one.

use std::collections::BTreeSet;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::{Gid, Mode, OFlags, Uid, fchmod, fchown, fstat, mkdirat, open};
use rustix::io::Errno;

use super::walk;
use crate::domain::upkeep::{LogRules, Tier};
use crate::ports::clock::Clock;

/// The folder of archives, in the folder of the logs.
pub(super) const ARCHIVE: &str = "archive";

/// A set of logs.
#[derive(Clone)]
pub struct LogFolder {
    pub(super) root: PathBuf,
    pub(super) rules: LogRules,
    /// Whether a folder that does not exist is one in which nothing was written yet.
    pub(super) may_be_missing: bool,
    pub(super) clock: Arc<dyn Clock>,
    /// What an act of this run had no time for.
    put_off: Arc<Mutex<BTreeSet<String>>>,
}

impl LogFolder {
    /// The logs of the folder `root`, tended by `rules`.
    #[must_use]
    pub fn new(root: PathBuf, rules: LogRules, clock: Arc<dyn Clock>) -> Self {
        Self { root, rules, may_be_missing: false, clock, put_off: Arc::default() }
    }

    /// The same, where the folder need not exist before anything was written.
    #[must_use]
    pub fn made_when_written(self) -> Self {
        Self { may_be_missing: true, ..self }
    }

    /// Its folder, which may be reached through links: that path was declared.
    pub(super) fn opened(&self) -> rustix::io::Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        open(&self.root, flags, Mode::empty())
    }

    /// The folder for archives of logs that lie in `below`, made where it is missing, for the same people as the logs' own.
    pub(super) fn room(root: &OwnedFd, tier: Tier, below: &str) -> rustix::io::Result<OwnedFd> {
        let like = fstat(root)?;
        let mut folder = walk::folder(root, "")?;
        let below = below.split('/').filter(|name| !name.is_empty());
        for name in [ARCHIVE, tier.as_str()].into_iter().chain(below) {
            let made = match mkdirat(&folder, name, Mode::RWXU) {
                Ok(()) => true,
                Err(Errno::EXIST) => false,
                Err(error) => return Err(error),
            };
            folder = walk::folder(&folder, name)?;
            if !made {
                continue;
            }
            let own = fstat(&folder)?;
            let user = (own.st_uid != like.st_uid).then(|| Uid::from_raw(like.st_uid));
            let group = (own.st_gid != like.st_gid).then(|| Gid::from_raw(like.st_gid));
            if user.is_some() || group.is_some() {
                fchown(&folder, user, group)?;
            }
            fchmod(&folder, Mode::from_raw_mode(like.st_mode & 0o7777))?;
        }
        Ok(folder)
    }

    pub(super) fn put_off(&self, name: String) {
        self.put_off.lock().unwrap_or_else(PoisonError::into_inner).insert(name);
    }

    pub(super) fn is_put_off(&self, name: &str) -> bool {
        self.put_off.lock().unwrap_or_else(PoisonError::into_inner).contains(name)
    }
}
