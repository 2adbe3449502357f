//! Every process that a run started, and their end.
//!
//! A process can leave its parent, its group and its session; it can clear its environment and ignore a request to stop. So
//! the tree is looked for in every way that there is: by descent, by group, by the run's id in the environment, by control
//! group, by having been seen in the tree before; and, of the processes that were handed to us when their parents went away,
//! by there being no other run that could have started them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, pidfd_open, pidfd_send_signal, waitpid,
};

use super::cgroup::Cgroup;
use crate::adapters::proc_stat::{self, ProcStat};
use crate::ports::clock::Clock;

/// The variable with the run's id, which everything that a run starts inherits unless it is taken away.
pub const RUN_VARIABLE: &str = "OPS_RUN_ID";

/// So often it is looked whether a tree is empty.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// So often what is left is killed again: a tree that grows while it is killed is killed on.
const KILLS: u32 = 60;

/// The processes of runs that this process attends to.
#[derive(Clone, Debug, Default)]
pub(super) struct Live(Arc<Mutex<BTreeSet<u32>>>);

impl Live {
    fn with<T>(&self, of: impl FnOnce(&mut BTreeSet<u32>) -> T) -> T {
        of(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn begins(&self, pid: u32) {
        self.with(|pids| pids.insert(pid));
    }

    pub(super) fn ends(&self, pid: u32) {
        self.with(|pids| pids.remove(&pid));
    }

    fn is_alone(&self, pid: u32) -> bool {
        self.with(|pids| pids.iter().all(|other| *other == pid))
    }

    fn has(&self, pid: u32) -> bool {
        self.with(|pids| pids.contains(&pid))
    }

    /// Buries the dead that were handed to us and belong to no run that is attended to.
    pub(super) fn bury(&self) {
        for pid in own_children().into_iter().filter(|pid| !self.has(*pid)) {
            if ProcStat::of(pid).is_some_and(|stat| stat.is_gone()) {
                bury(pid);
            }
        }
    }
}

/// The tree below one process.
#[derive(Debug)]
pub(super) struct Tree {
    root: u32,
    /// When the root started, in clock ticks since boot.
    since: u64,
    run: Option<String>,
    cgroup: Option<Cgroup>,
    known: BTreeMap<u32, u64>,
    live: Live,
}

impl Tree {
    /// The tree below `root`, which is alive.
    pub(super) fn of(root: u32, run: Option<String>, cgroup: Option<Cgroup>, live: Live) -> Self {
        let since = ProcStat::of(root).map_or(0, |stat| stat.start);
        Self { root, since, run, cgroup, known: BTreeMap::from([(root, since)]), live }
    }

    /// Asks every process to stop, and kills what is left after `grace`. Returns what nothing could end.
    pub(super) async fn end(&mut self, grace: Duration, clock: &dyn Clock) -> Vec<u32> {
        self.signal(Signal::TERM);
        let until = clock.elapsed() + grace;
        while !self.look().is_empty() && clock.elapsed() < until {
            clock.sleep(LOOK_AGAIN).await;
        }
        for _ in 0..KILLS {
            if self.look().is_empty() {
                break;
            }
            if let Some(Err(error)) = self.cgroup.as_ref().map(Cgroup::kill) {
                tracing::debug!("the control group cannot be killed as a whole: {error}");
            }
            self.signal(Signal::KILL);
            clock.sleep(LOOK_AGAIN).await;
        }
        self.live.bury();
        self.look()
    }

    fn signal(&mut self, signal: Signal) {
        for pid in self.look() {
            if let Some(start) = self.known.get(&pid) {
                send(pid, *start, signal);
            }
        }
    }

    /// Who is in the tree and alive.
    fn look(&mut self) -> Vec<u32> {
        let all: BTreeMap<u32, ProcStat> = proc_stat::all().into_iter().collect();
        let own = std::process::id();
        self.known.retain(|pid, start| all.get(pid).is_some_and(|stat| stat.start == *start));
        let in_group = self.cgroup.as_ref().map(Cgroup::members).unwrap_or_default();
        let alone = self.live.is_alone(self.root);
        for (pid, stat) in &all {
            let is_orphan = alone && stat.parent == own && !self.live.has(*pid);
            let belongs = stat.group == self.root
                || in_group.contains(pid)
                || is_orphan
                || self.run.as_ref().is_some_and(|run| names_run(*pid, run));
            if belongs && *pid != own && stat.start >= self.since {
                self.known.insert(*pid, stat.start);
            }
        }
        loop {
            let child = |(pid, stat): (&u32, &ProcStat)| {
                let is_new = self.known.contains_key(&stat.parent) && !self.known.contains_key(pid);
                is_new.then_some((*pid, stat.start))
            };
            let found: Vec<(u32, u64)> = all.iter().filter_map(child).collect();
            if found.is_empty() {
                break;
            }
            self.known.extend(found);
        }
        let alive = |pid: &&u32| all.get(pid).is_some_and(|stat| !stat.is_gone());
        self.known.keys().filter(alive).copied().collect()
    }
}

fn as_pid(pid: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(pid).ok()?)
}

/// Signals the process that had this start, and no other one that has its number since.
fn send(pid: u32, start: u64, signal: Signal) {
    let Some(Ok(handle)) = as_pid(pid).map(|pid| pidfd_open(pid, PidfdFlags::empty())) else {
        return;
    };
    if ProcStat::of(pid).is_some_and(|stat| stat.start == start) {
        let _already_gone = pidfd_send_signal(handle, signal);
    }
}

fn bury(pid: u32) {
    if let Some(pid) = as_pid(pid) {
        let _not_ours = waitpid(Some(pid), WaitOptions::NOHANG);
    }
}

/// The children of this process, those that were handed to it included.
fn own_children() -> Vec<u32> {
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else { return Vec::new() };
    let of = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("children")).ok();
    let text: String = tasks.flatten().filter_map(of).collect::<Vec<_>>().join(" ");
    text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

fn names_run(pid: u32, run: &str) -> bool {
    run_of(pid).is_some_and(|named| named == run)
}

/// The run that a process belongs to, by its environment.
fn run_of(pid: u32) -> Option<String> {
    let environ = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
    let prefix = format!("{RUN_VARIABLE}=");
    let named =
        environ.split(|byte| *byte == 0).find_map(|one| one.strip_prefix(prefix.as_bytes()));
    named.and_then(|run| String::from_utf8(run.to_vec()).ok())
}

/// Whether `pid` is alive and belongs to this run.
#[must_use]
pub fn is_run(pid: u32, run: &str) -> bool {
    ProcStat::of(pid).is_some_and(|stat| !stat.is_gone()) && names_run(pid, run)
}

/// Ends the process `pid`, which holds a lock and is therefore alive, with everything that it started. Returns what nothing
/// could end.
pub async fn end_holder(pid: u32, grace: Duration, clock: &dyn Clock) -> Vec<u32> {
    let live = Live::default();
    live.begins(pid);
    // Whoever calls is no orphan of that run.
    live.begins(std::process::id());
    Tree::of(pid, run_of(pid), None, live).end(grace, clock).await
}
