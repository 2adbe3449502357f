//! A disk that is really full: a small file system in a mount namespace of its own, and a ballast on it.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use super::fake::Fake;

/// What the file system holds in all.
const SIZE: &str = "size=2m";
/// What it holds is counted in pieces of this size.
pub(crate) const PAGE: u64 = 4096;
/// No run of a test takes longer by itself: the settings let it wait for nothing.
const PATIENCE_S: &str = "60";

/// A file system of two megabytes, mounted where nobody else sees it, for as long as this lives.
pub(crate) struct SmallDisk {
    folder: PathBuf,
    /// Lives in the namespace, and with it the mount; ends when its input ends.
    holder: Child,
    enter: Vec<String>,
}

impl SmallDisk {
    /// Mounts one at `folder`, or `None` where this user may not.
    pub(crate) fn mount(folder: &Path) -> Option<Self> {
        let root = rustix::process::getuid().is_root();
        let script = "mount -t tmpfs -o \"$1\" tmpfs \"$2\" && echo ready && read -r _ignored";
        let mut holder = Command::new("unshare")
            .args([if root { "-m" } else { "-rm" }, "sh", "-c", script, "holder", SIZE])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut said = String::new();
        BufReader::new(holder.stdout.take()?).read_line(&mut said).ok()?;
        if said.trim() != "ready" {
            holder.wait().ok()?;
            return None;
        }
        let pid = holder.id().to_string();
        let user: &[&str] = if root { &[] } else { &["-U", "--preserve-credentials"] };
        let words = [&["nsenter", "-t", &pid, "-m"], user].concat();
        let enter = words.into_iter().map(str::to_owned).collect();
        Some(Self { folder: folder.to_owned(), holder, enter })
    }

    /// Where its files are seen from outside of the namespace.
    pub(crate) fn path(&self) -> PathBuf {
        let inside = self.folder.strip_prefix("/").expect("a whole path");
        Path::new("/proc").join(self.holder.id().to_string()).join("root").join(inside)
    }

    /// Runs a program in the namespace, as [`Fake::program`] would outside of it. 124 if it does not end by itself.
    pub(crate) fn run(&self, fake: &Fake, program: &str, arguments: &[&str]) -> Output {
        let words = [&[PATIENCE_S, program], arguments].concat();
        self.command(fake, "timeout", &words).output().expect("nsenter starts")
    }

    /// The command line of a program in the namespace.
    pub(crate) fn command(&self, fake: &Fake, program: &str, arguments: &[&str]) -> Command {
        // Entering a namespace leaves the working folder behind.
        let change = ["sh", "-c", "cd \"$1\" && shift && exec \"$@\"", "run"];
        let mut words: Vec<&str> = self.enter[1..].iter().map(String::as_str).collect();
        let here = fake.path().display().to_string();
        words.extend(change);
        words.extend([here.as_str(), program]);
        words.extend(arguments);
        fake.program(&self.enter[0], &words)
    }

    /// Fills it up, and then leaves so much free.
    pub(crate) fn fill(&self, free: u64) {
        let mut ballast = File::create(self.ballast()).expect("a ballast");
        let page = vec![0; usize::try_from(PAGE).expect("a small number")];
        let mut len = 0;
        let end = loop {
            match ballast.write(&page) {
                Ok(written) => len += written as u64,
                Err(error) => break error,
            }
        };
        assert_eq!(end.kind(), ErrorKind::StorageFull, "the disk is full: {end}");
        ballast.set_len(len.saturating_sub(free) / PAGE * PAGE).expect("it can be made smaller");
    }

    /// Takes the ballast away.
    pub(crate) fn empty(&self) {
        fs::remove_file(self.ballast()).expect("the ballast is there");
    }

    fn ballast(&self) -> PathBuf {
        self.path().join("ballast")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(self.holder.stdin.take());
        let _reaped = self.holder.wait();
    }
}
