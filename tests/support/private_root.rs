//! A private view of this machine's root: what is installed in it is installed nowhere else. It needs root. A test file
//! that uses it declares `peers` too.

#![expect(clippy::disallowed_methods, reason = "tests start the programs that they watch")]

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

use super::peers::{skip, test_name};

/// Runs in the new namespaces: builds the root, says so, and holds it for as long as its input is open. `$1` is a folder.
const HOLD: &str = r#"set -e
R=$1/root; mkdir -p "$R"
mount -t tmpfs -o mode=755 tmpfs "$R"
mkdir "$R/up" "$R/work" "$R/m"
mount -t overlay overlay -o "lowerdir=/,upperdir=$R/up,workdir=$R/work" "$R/m"
M=$R/m
mount -t proc proc "$M/proc"
mount -t tmpfs -o mode=755 tmpfs "$M/dev"
for n in null zero full random urandom tty; do touch "$M/dev/$n"; mount --bind "/dev/$n" "$M/dev/$n"; done
ln -s /proc/self/fd "$M/dev/fd"
mount -t tmpfs -o mode=755 tmpfs "$M/run"
mount -t tmpfs -o mode=1777 tmpfs "$M/tmp"
mkdir "$M/tmp/given"; mount --bind "$1/given" "$M/tmp/given"
cd "$M"; pivot_root . mnt; umount -l /mnt
ip link set lo up 2>/dev/null || true
echo ready
exec cat
"#;

/// One root, gone when this is dropped.
pub(crate) struct PrivateRoot {
    dir: TempDir,
    holder: Child,
    inner: u32,
}

impl PrivateRoot {
    /// A fresh view of the root, or `None` with a loud skip where that is not possible.
    pub(crate) fn new() -> Option<Self> {
        let is_root = rustix::process::getuid().is_root();
        let spaces = ["--mount", "--uts", "--ipc", "--net", "--propagation", "private"];
        let words = ["--pid", "--fork", "--kill-child"];
        let tried = Command::new("unshare").args(words).args(spaces).arg("true").output();
        if !is_root || !tried.is_ok_and(|output| output.status.success()) {
            skip(&test_name(), "root");
            return None;
        }
        let dir = tempfile::tempdir().expect("a temporary folder");
        std::fs::create_dir(dir.path().join("given")).expect("a folder");
        let mut holder = Command::new("unshare")
            .args(words)
            .args(spaces)
            .args(["bash", "-c", HOLD, "hold"])
            .arg(dir.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .expect("unshare runs");
        let mut first = String::new();
        let output = holder.stdout.take().expect("it is piped");
        BufReader::new(output).read_line(&mut first).expect("it is read");
        assert_eq!(first, "ready\n", "the private root is not built");
        let pid = holder.id();
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        let inner = children.ok().and_then(|text| text.split_whitespace().next()?.parse().ok());
        Some(Self { dir, holder, inner: inner.expect("it has a child") })
    }

    /// The folder that the inside sees as `/tmp/given`.
    pub(crate) fn given(&self) -> std::path::PathBuf {
        self.dir.path().join("given")
    }

    /// Runs a shell script inside, to its end, in an environment of its own.
    pub(crate) fn shell(&self, script: &str) -> Output {
        let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        Command::new("nsenter")
            .args(["-t", &self.inner.to_string(), "-a", "env", "-i", &format!("PATH={path}")])
            .args(["LC_ALL=C.UTF-8", "HOME=/tmp", "DEBIAN_FRONTEND=noninteractive"])
            .args(["sh", "-c", script])
            .current_dir(Path::new("/"))
            .stdin(Stdio::null())
            .output()
            .expect("nsenter runs")
    }
}

impl Drop for PrivateRoot {
    fn drop(&mut self) {
        if let Some(group) = i32::try_from(self.holder.id()).ok().and_then(Pid::from_raw) {
            let _already_gone = kill_process_group(group, Signal::KILL);
        }
        let _reaped = self.holder.wait();
    }
}
