//! A control group for each run, where this process may make one: the one way to end a tree of processes of which nothing can
//! hide.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::adapters::proc_stat::ProcStat;

/// What such a group is called, with the pid of the process that made it.
const PREFIX: &str = "opswarden-runs-";

/// The group below which this process makes groups for runs.
#[derive(Clone, Debug)]
pub(super) struct Cgroups {
    folder: PathBuf,
}

/// One run's group; removed when it is dropped, if it is empty by then.
#[derive(Debug)]
pub(super) struct Cgroup {
    folder: PathBuf,
}

impl Cgroups {
    /// This process's own group, if groups can be made below it: under systemd with `Delegate=yes`, or for root.
    pub(super) fn find() -> Option<Self> {
        let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
        let own = fs::read_to_string("/proc/self/cgroup").ok()?;
        let place = place(&mounts, &own)?;
        sweep(&place);
        let folder = place.join(format!("{PREFIX}{}", std::process::id()));
        match fs::create_dir(&folder) {
            Ok(()) => Some(Self { folder }),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Some(Self { folder }),
            Err(error) => {
                tracing::debug!("runs have no control group of their own: {error}");
                None
            }
        }
    }

    /// A new group, empty until a process joins it.
    pub(super) fn create(&self, run: &str) -> Option<Cgroup> {
        let folder = self.folder.join(run);
        match fs::create_dir(&folder) {
            Ok(()) => Some(Cgroup { folder }),
            Err(error) => {
                tracing::warn!("failed to make the control group {}: {error}", folder.display());
                None
            }
        }
    }
}

impl Drop for Cgroups {
    fn drop(&mut self) {
        // A run that goes on without us keeps its group.
        let _still_used = fs::remove_dir(&self.folder);
    }
}

impl Cgroup {
    /// Where a process writes itself to join.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Every process in it and in groups below it.
    pub(super) fn members(&self) -> Vec<u32> {
        members_of(&self.folder)
    }

    /// Kills all of them at once, including what they start meanwhile.
    pub(super) fn kill(&self) -> io::Result<()> {
        fs::write(self.folder.join("cgroup.kill"), "1")
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        let _still_used = remove(&self.folder);
    }
}

fn members_of(folder: &Path) -> Vec<u32> {
    let text = fs::read_to_string(folder.join("cgroup.procs")).unwrap_or_default();
    let own = text.lines().filter_map(|line| line.parse().ok());
    own.chain(below(folder).iter().flat_map(|folder| members_of(folder))).collect()
}

fn below(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}

/// Removes what processes that are gone left behind; a group in which something is alive stays.
fn sweep(place: &Path) {
    for folder in below(place) {
        let name = folder.file_name().and_then(|name| name.to_str());
        let pid = name.and_then(|name| name.strip_prefix(PREFIX)?.parse().ok());
        if pid.is_some_and(|pid: u32| ProcStat::of(pid).is_none()) {
            let _still_used = remove(&folder);
        }
    }
}

fn remove(folder: &Path) -> io::Result<()> {
    for inner in below(folder) {
        remove(&inner)?;
    }
    fs::remove_dir(folder)
}

/// The folder of the group that `own` (`/proc/self/cgroup`) names in the unified hierarchy.
fn place(mounts: &str, own: &str) -> Option<PathBuf> {
    let group = own.lines().find_map(|line| line.strip_prefix("0::"))?;
    let unified = mounts.lines().find_map(|line| {
        let (place, system) = line.split_once(" - ")?;
        let mut place = place.split(' ').skip(3);
        let (root, point) = (place.next()?, place.next()?);
        (system.split(' ').next() == Some("cgroup2")).then_some((root, point))
    })?;
    let inside = group.strip_prefix(unified.0.trim_end_matches('/')).unwrap_or(group);
    Some(Path::new(unified.1).join(inside.trim_start_matches('/')))
}

/// Moves this process into the group at `folder`: done by an agent itself, before it starts anything.
///
/// # Errors
///
/// The group is gone, or not ours.
pub fn join_cgroup(folder: &Path) -> io::Result<()> {
    fs::write(folder.join("cgroup.procs"), "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_process_that_is_gone_left_behind_is_swept_away() {
        let place = tempfile::tempdir().unwrap();
        let group = |pid: u32| place.path().join(format!("{PREFIX}{pid}"));
        let (gone, alive) = (group(u32::MAX), group(std::process::id()));
        let other = place.path().join("user.slice");
        for folder in [&gone.join("run-1"), &alive, &other] {
            fs::create_dir_all(folder).unwrap();
        }
        sweep(place.path());
        assert!(!gone.exists() && alive.exists() && other.exists());
    }

    #[test]
    fn the_group_is_found_where_the_unified_hierarchy_is_mounted() {
        let mounts = "30 25 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
                      42 32 0:27 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";
        let own = "5:memory:/x\n0::/system.slice/opswarden.service\n";
        let folder = "/sys/fs/cgroup/unified/system.slice/opswarden.service";
        assert_eq!(place(mounts, own), Some(PathBuf::from(folder)));
        let inner = "42 32 0:27 /system.slice /sys/fs/cgroup rw - cgroup2 cgroup2 rw";
        assert_eq!(place(inner, own), Some(PathBuf::from("/sys/fs/cgroup/opswarden.service")));
        assert_eq!(place(mounts, "5:memory:/x\n"), None);
        assert_eq!(place("30 25 0:27 / /x rw - cgroup cgroup rw", own), None);
    }
}
