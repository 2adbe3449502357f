//! Whose folder it is: root works in a folder of another user as that user.
//!
//! What root left behind there its owner could not use: the next run of the timer would find locks and logs that it may
//! not open.

#![expect(
    clippy::disallowed_methods,
    reason = "this program starts itself anew, in its own place, as another user"
)]

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

/// A user and a group, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
}

/// The owner of `folder`, where that is another one than root, and root is who asks.
#[must_use]
pub fn other_owner(folder: &Path) -> Option<Owner> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let about = std::fs::metadata(folder).ok()?;
    let owner = Owner { uid: about.uid(), gid: about.gid() };
    (owner.uid != 0).then_some(owner)
}

/// Starts this program anew as `owner`, in the place of this process and without root's groups. Returns only where that
/// fails.
#[must_use]
pub fn start_anew_as(owner: Owner) -> io::Error {
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return error,
    };
    let mut words = std::env::args_os();
    let name = words.next().unwrap_or_default();
    Command::new(program).arg0(name).args(words).uid(owner.uid).gid(owner.gid).exec()
}
