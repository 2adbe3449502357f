//! Programs that run as nobody. They need root, who alone may start them so. A test file that uses it declares `peers` too.

#![expect(clippy::disallowed_methods, reason = "tests start the programs that they speak to")]

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::peers::{skip, test_name};

pub(crate) const NOBODY: u32 = 65534;

/// What `setpriv` starts a program with.
pub(crate) const AS_NOBODY: [&str; 3] = ["--reuid=65534", "--regid=65534", "--clear-groups"];

/// Programs that nobody may start.
pub(crate) struct Nobody {
    programs: TempDir,
}

impl Nobody {
    /// Copies of these; `None`, with a loud skip, where they cannot be run as somebody else.
    pub(crate) fn of(programs: &[&str]) -> Option<Self> {
        let works = Command::new("setpriv").args(AS_NOBODY).arg("true").output();
        if !works.is_ok_and(|output| output.status.success()) {
            skip(&test_name(), "root");
            return None;
        }
        let user = Self { programs: tempfile::tempdir().expect("a temporary folder") };
        open_to_all(user.programs.path());
        for program in programs {
            fs::copy(program, user.program(program)).expect("it is copied");
        }
        Some(user)
    }

    /// Where the copy of this is.
    pub(crate) fn program(&self, program: &str) -> PathBuf {
        self.programs.path().join(Path::new(program).file_name().expect("a name"))
    }
}

pub(crate) fn open_to_all(path: &Path) {
    fs::set_permissions(path, Permissions::from_mode(0o755)).expect("root may");
}

/// Gives a file or folder to this user, with everything in it.
pub(crate) fn give(path: &Path, to: u32) {
    chown(path, Some(to), Some(to)).expect("root may");
    if path.is_dir() {
        for entry in fs::read_dir(path).expect("root may").flatten() {
            give(&entry.path(), to);
        }
    }
}
