//! A folder with settings and a ledger, and a folder of logs that is tended.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use rustix::fs::{FallocateFlags, fallocate};

use super::house::Report;
use super::peers::{skip, test_name, wait_until};

pub(crate) const MAINTAINER: &str = env!("CARGO_BIN_EXE_db-maintainer");
pub(crate) const MIB: usize = 1024 * 1024;

pub(crate) struct Yard {
    folder: tempfile::TempDir,
}

impl Yard {
    /// Logs with these rules, as TOML.
    pub(crate) fn new(rules: &str) -> Self {
        // The build folder is rather on a disk than a temporary folder is, which may be memory.
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        let yard = Self { folder };
        std::fs::create_dir(yard.logs()).expect("a folder");
        yard.settings(&yard.logs(), rules);
        yard
    }

    /// The same, or `None` with a loud skip where files cannot be cut in place here.
    pub(crate) fn with_cuts(rules: &str) -> Option<Self> {
        let yard = Self::new(rules);
        let tried = File::create(yard.path().join("tried")).expect("a file");
        tried.set_len(2 * MIB as u64).expect("it grows");
        let cut = fallocate(&tried, FallocateFlags::COLLAPSE_RANGE, 0, MIB as u64);
        if cut.is_err() {
            skip(&test_name(), "a file system that can cut files in place (ext4, xfs)");
            return None;
        }
        Some(yard)
    }

    pub(crate) fn settings(&self, logs: &Path, rules: &str) {
        let text = format!(
            "host = \"host-a\"\n[agents.health-guardian]\nservices = []\n\
             [[agents.db-maintainer.logs]]\nname = \"app\"\nfolder = \"{}\"\n{rules}\n",
            logs.display()
        );
        std::fs::write(self.path().join("agents.toml"), text).expect("they are written");
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn logs(&self) -> PathBuf {
        self.path().join("app")
    }

    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.logs().join(name)
    }

    /// A log that was last written so long ago.
    pub(crate) fn put(&self, name: &str, bytes: &[u8], days: u64) -> PathBuf {
        let path = self.log(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(&path, bytes).expect("it is written");
        aged(&path, days);
        path
    }

    pub(crate) fn command(&self, program: &str, words: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(words).current_dir(self.path()).env_clear().env("PATH", "/usr/bin:/bin");
        command.env("OPSWARDEN_CONFIG", self.path().join("agents.toml")).stdin(Stdio::null());
        command
    }

    /// Runs it, and returns its report.
    pub(crate) fn tend(&self) -> Report {
        Report::of(self.command(MAINTAINER, &["-o", "json"]).output().expect("it starts"))
    }

    /// What lies in the archive, by its path there.
    pub(crate) fn archived(&self) -> Vec<String> {
        let mut found = Vec::new();
        for tier in ["warm", "cold"] {
            let entries = std::fs::read_dir(self.logs().join("archive").join(tier));
            for entry in entries.into_iter().flatten().flatten() {
                found.push(format!("{tier}/{}", entry.file_name().display()));
            }
        }
        found.sort();
        found
    }

    /// What an archive holds.
    pub(crate) fn unpacked(&self, name: &str) -> Vec<u8> {
        unpacked(&self.logs().join("archive").join(name))
    }

    /// An archive as opswarden makes them.
    pub(crate) fn put_archive(&self, name: &str, bytes: &[u8], days: u64) {
        let path = self.put(&format!("archive/{name}"), &[], days);
        let file = File::create(&path).expect("it is made");
        let mut packer = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
        packer.write_all(bytes).expect("it is packed");
        packer.finish().expect("it is packed");
        aged(&path, days);
    }
}

pub(crate) fn unpacked(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    let file = File::open(path).expect("it is there");
    flate2::read::GzDecoder::new(file).read_to_end(&mut bytes).expect("it is whole");
    bytes
}

pub(crate) fn aged(path: &Path, days: u64) {
    let file = OpenOptions::new().append(true).open(path).expect("it is there");
    let written = SystemTime::UNIX_EPOCH + at(days);
    file.set_modified(written).expect("its time is set");
}

/// So many days ago, to the second.
fn at(days: u64) -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Realtime).tv_sec;
    Duration::from_secs(u64::try_from(now).expect("after 1970") - days * 86_400)
}

/// A process that has a file open, as a shell opens it: `>>FILE` appends, `1<>FILE` does not.
pub(crate) struct Holder(Child);

impl Holder {
    pub(crate) fn of(path: &Path, how: &str) -> Self {
        let script = format!("exec sleep 600 {how}'{}'", path.display());
        let child = Command::new("sh").args(["-c", &script]).spawn().expect("it starts");
        let open = format!("/proc/{}/fd/1", child.id());
        let has_it = || std::fs::read_link(&open).is_ok_and(|found| found == path);
        assert!(wait_until(Duration::from_secs(10), has_it), "nobody has {} open", path.display());
        Self(child)
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _already_gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}
