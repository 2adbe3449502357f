//! A real systemd of its own: PID 1 of new namespaces, over a copy-on-write view of this machine's root. It needs
//! root and a cgroup v2 hierarchy. A test file that uses it declares `peers` too.

#![expect(clippy::disallowed_methods, reason = "tests start the peer that they speak to")]

use std::fmt::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

use super::peers::{skip, test_name, wait_until};

/// Runs in the new namespaces: builds the root and becomes systemd. `$1` is a folder with `units/`.
const INNER: &str = r#"set -e
R=$1/root; mkdir -p "$R"
mount -t tmpfs -o mode=755 tmpfs "$R"
mkdir "$R/up" "$R/work" "$R/m"
mount -t overlay overlay -o "lowerdir=/,upperdir=$R/up,workdir=$R/work" "$R/m"
M=$R/m
mount -t proc proc "$M/proc"
mount -t sysfs -o ro sysfs "$M/sys"
mount -t cgroup2 cgroup2 "$M/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$M/dev"
mkdir -p "$M/dev/pts" "$M/dev/shm"
for n in null zero full random urandom tty; do
  touch "$M/dev/$n"; mount --bind "/dev/$n" "$M/dev/$n"
done
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$M/dev/pts"
ln -s pts/ptmx "$M/dev/ptmx"; ln -s /proc/self/fd "$M/dev/fd"
mount -t tmpfs -o mode=755 tmpfs "$M/run"
mount -t tmpfs tmpfs "$M/tmp"
# What the distribution starts by itself would touch the kernel that the machine shares.
for t in sysinit local-fs sockets timers multi-user; do rm -rf "$M/usr/lib/systemd/system/$t.target.wants"; done
rm -rf "$M/etc/systemd/system"; mkdir -p "$M/etc/systemd/system"
cp -r "$1/units/." "$M/etc/systemd/system/"
# With an id it is no first boot, at which everything that the distribution ships would be enabled.
tr -d - < /proc/sys/kernel/random/uuid > "$M/etc/machine-id"
hostname opswarden-test
cd "$M"; pivot_root . mnt || { mount --bind "$M" "$M"; cd "$M"; pivot_root . mnt; }
umount -l /mnt; mount --make-rshared /
ln -s /dev/null /etc/systemd/system/systemd-firstboot.service
exec env -i PATH="$PATH" container=opswarden-test TERM=dumb /lib/systemd/systemd --system \
  --unit=opswarden-test.target --show-status=no --log-target=console --log-level=warning
"#;
/// Keeps the distribution's own units out, so that nothing of the machine is touched.
const TARGET: &str = "[Unit]\nDescription=Test\nDefaultDependencies=no\n\
    Wants=systemd-journald.service systemd-journald.socket\nAfter=systemd-journald.socket\n";
const BOOT: Duration = Duration::from_secs(30);

/// One systemd, ended when this is dropped.
pub(crate) struct PrivateSystemd {
    dir: TempDir,
    cgroup: PathBuf,
    outer: Child,
    pid: u32,
}

impl PrivateSystemd {
    /// Boots a systemd that knows these units (name, text) besides the machine's static ones, or `None` with a
    /// loud skip where that is not possible.
    pub(crate) fn boot(units: &[(&str, &str)]) -> Option<Self> {
        let Some(cgroups) = possible() else {
            skip(&test_name(), "systemd");
            return None;
        };
        let dir = tempfile::tempdir().expect("a temporary folder");
        let folder = dir.path().join("units");
        std::fs::create_dir(&folder).expect("a folder");
        std::fs::write(folder.join("opswarden-test.target"), TARGET).expect("it is written");
        for (name, text) in units {
            std::fs::write(folder.join(name), text).expect("it is written");
        }
        let name = dir.path().file_name().expect("a name").to_string_lossy().into_owned();
        let cgroup = cgroups.join(format!("opswarden-test{name}"));
        std::fs::create_dir(&cgroup).expect("a control group");
        let outer = spawn(dir.path(), &cgroup);
        let mut systemd = Self { dir, cgroup, outer, pid: 0 };
        systemd.wait_for_boot();
        Some(systemd)
    }

    /// The leading arguments that enter its namespaces, to be followed by a program.
    pub(crate) fn enter(&self) -> Vec<String> {
        let pid = self.pid.to_string();
        ["nsenter", "-t", &pid, "-a"].into_iter().map(str::to_owned).collect()
    }

    /// A path inside, as this machine reaches it.
    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{inside}", self.pid))
    }

    /// Runs a program inside to its end.
    pub(crate) fn run(&self, words: &[&str]) -> Output {
        let enter = self.enter();
        let mut command = Command::new(&enter[0]);
        command.args(&enter[1..]).args(words).stdin(Stdio::null()).output().expect("nsenter runs")
    }

    /// Its `systemctl`, as an argument vector.
    pub(crate) fn systemctl_prefix(&self) -> Vec<String> {
        [self.enter(), vec!["systemctl".to_owned()]].concat()
    }

    /// Its `journalctl`, as an argument vector.
    pub(crate) fn journalctl_prefix(&self) -> Vec<String> {
        [self.enter(), vec!["journalctl".to_owned()]].concat()
    }

    /// Runs its `systemctl` to the end.
    pub(crate) fn systemctl(&self, args: &[&str]) -> Output {
        let prefix = self.systemctl_prefix();
        Command::new(&prefix[0])
            .args(&prefix[1..])
            .args(args)
            .stdin(Stdio::null())
            .output()
            .expect("systemctl runs")
    }

    fn wait_for_boot(&mut self) {
        let outer = self.outer.id();
        let found = wait_until(BOOT, || {
            self.pid = child_of(outer).unwrap_or_default();
            self.pid != 0 && comm(self.pid) == "systemd" && {
                let state = self.systemctl(&["is-system-running"]);
                ["running", "degraded"].contains(&String::from_utf8_lossy(&state.stdout).trim())
            }
        });
        assert!(found, "systemd does not boot: {}", self.log());
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }
}

impl Drop for PrivateSystemd {
    fn drop(&mut self) {
        // `--kill-child` takes systemd along, and its namespace everything in it.
        if let Some(group) = i32::try_from(self.outer.id()).ok().and_then(Pid::from_raw) {
            let _already_gone = kill_process_group(group, Signal::KILL);
        }
        let _reaped = self.outer.wait();
        wait_until(Duration::from_secs(10), || remove_cgroup(&self.cgroup));
    }
}

/// Where control groups can be made, if this machine can do it at all.
fn possible() -> Option<PathBuf> {
    let root = rustix::process::getuid().is_root();
    let programs = ["unshare", "nsenter", "findmnt", "systemctl"];
    let there = programs.iter().all(|program| {
        ["/usr/bin", "/bin", "/usr/sbin", "/sbin"]
            .iter()
            .any(|folder| Path::new(folder).join(program).exists())
    });
    if !root || !there || !Path::new("/lib/systemd/systemd").exists() || !may_unshare() {
        return None;
    }
    let found =
        Command::new("findmnt").args(["-n", "-o", "TARGET", "-t", "cgroup2"]).output().ok()?;
    let text = String::from_utf8_lossy(&found.stdout).into_owned();
    text.lines().next().map(|line| PathBuf::from(line.trim()))
}

/// Whether namespaces can be made: a container, or a root folder that is no mount, may not let it.
fn may_unshare() -> bool {
    let all = ["--mount", "--uts", "--ipc", "--cgroup", "--net", "--propagation", "private"];
    let tried = Command::new("unshare").args(["--pid", "--fork"]).args(all).arg("true").output();
    tried.is_ok_and(|output| output.status.success())
}

fn spawn(dir: &Path, cgroup: &Path) -> Child {
    let log = std::fs::File::create(dir.join("log")).expect("a log");
    let mut outer = String::new();
    // The shell joins the control group before it unshares, so that systemd sees it as its root.
    let _infallible = write!(outer, "echo $$ > \"$2/cgroup.procs\" && exec unshare --pid --fork ");
    outer.push_str("--kill-child --mount --uts --ipc --cgroup --net --propagation private ");
    outer.push_str("bash -c \"$3\" inner \"$1\"");
    Command::new("bash")
        .args(["-c", &outer, "outer"])
        .args([dir.as_os_str(), cgroup.as_os_str()])
        .arg(INNER)
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a second handle"))
        .stderr(log)
        .process_group(0)
        .spawn()
        .expect("bash runs")
}

fn child_of(pid: u32) -> Option<u32> {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
    children.split_whitespace().next()?.parse().ok()
}

fn comm(pid: u32) -> String {
    let comm = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    comm.trim().to_owned()
}

/// Removes a control group depth first; returns whether it is gone.
fn remove_cgroup(path: &Path) -> bool {
    for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_cgroup(&entry.path());
        }
    }
    let _retried = std::fs::remove_dir(path);
    !path.exists()
}

// Counts every helper as used, whichever of them a test file needs.
const _: () = {
    let _ = PrivateSystemd::boot;
    let _ = PrivateSystemd::systemctl_prefix;
    let _ = PrivateSystemd::journalctl_prefix;
    let _ = PrivateSystemd::systemctl;
    let _ = PrivateSystemd::path;
    let _ = PrivateSystemd::run;
};
