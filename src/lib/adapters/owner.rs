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

/// Where the users of this machine are listed, one a line: name, password, number, group, comment, home, shell.
const USERS: &str = "/etc/passwd";

/// The home of a user, as `users` lists it.
fn home_of(uid: u32, users: &str) -> Option<&str> {
    users.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let home = fields.get(5).filter(|home| home.starts_with('/'))?;
        (fields.get(2)?.parse() == Ok(uid)).then_some(*home)
    })
}

/// Starts this program anew as `owner`, in the place of this process and without root's groups. Its home is the owner's,
/// where PM2 is found; who called it stays known, for the record. It gets these `secrets` as variables: the files that root
/// read them from are not the owner's to read. Returns only where that fails.
#[must_use]
pub fn start_anew_as<'a>(
    owner: Owner,
    secrets: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> io::Error {
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return error,
    };
    let mut words = std::env::args_os();
    let name = words.next().unwrap_or_default();
    let mut command = Command::new(program);
    let users = std::fs::read_to_string(USERS).unwrap_or_default();
    if let Some(home) = home_of(owner.uid, &users) {
        command.env("HOME", home);
    }
    if std::env::var_os("USER").is_none() {
        command.env("USER", "root");
    }
    command.envs(secrets);
    command.arg0(name).args(words).uid(owner.uid).gid(owner.gid).exec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_the_home_that_is_listed() {
        let users = "root:x:0:0:root:/root:/bin/bash\nodd\nbare:x:7:7::x\nops:x:1001:1001::/home/ops:/bin/sh\n";
        assert_eq!(home_of(1001, users), Some("/home/ops"));
        assert_eq!(home_of(0, users), Some("/root"));
        assert_eq!(home_of(7, users), None);
        assert_eq!(home_of(1000, users), None);
    }
}
