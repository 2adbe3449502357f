//! Starting agents and attending to their ends.

#![expect(
    clippy::disallowed_methods,
    reason = "the third and last place that starts programs: our own, for their slots"
)]

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::set_child_subreaper;
use tokio::process::{Child, Command};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::cgroup::Cgroups;
use super::output::Output;
use super::tree::{Live, RUN_VARIABLE, Tree, is_run};
use crate::adapters::proc_stat::ProcStat;
use crate::domain::incident::RunId;
use crate::ports::Pending;
use crate::ports::clock::Clock;
use crate::ports::runner::{Ended, How, Order, Runner, Started};

/// The variable that names the control group which an agent joins before it starts anything.
pub const CGROUP_VARIABLE: &str = "OPS_CGROUP";
/// What an agent is called with.
const ARGUMENTS: [&str; 3] = ["--if-due", "--trigger", "scheduler"];
/// What the service manager tells its own child, and no grandchild.
const NOT_INHERITED: [&str; 7] = [
    "NOTIFY_SOCKET",
    "WATCHDOG_USEC",
    "WATCHDOG_PID",
    "LISTEN_FDS",
    "LISTEN_PID",
    "LISTEN_FDNAMES",
    CGROUP_VARIABLE,
];
/// How long the pipes are read on after an agent ended: a process that it left behind may hold them for ever.
const DRAIN: Duration = Duration::from_secs(2);
/// So often it is looked whether a process of another parent has ended.
const LOOK_AGAIN: Duration = Duration::from_millis(200);
/// A process that was killed may take so long to be gone; one in an uninterruptible wait never is.
const STUCK: Duration = Duration::from_secs(5);

/// Agents as child processes.
pub struct AgentProcesses {
    programs: PathBuf,
    grace: Duration,
    given: BTreeMap<String, String>,
    clock: Arc<dyn Clock>,
    cgroups: Option<Cgroups>,
    live: Live,
}

impl AgentProcesses {
    /// Agents whose programs lie in `programs`, each told `given` beside its order. One that is asked to stop has `grace`
    /// until it is killed. From now on orphans of this process's descendants become its children.
    #[must_use]
    pub fn new(
        programs: &Path,
        grace: Duration,
        given: BTreeMap<String, String>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        if let Err(error) = set_child_subreaper(Some(rustix::process::getpid())) {
            tracing::warn!("processes that leave their run may be lost sight of: {error}");
        }
        Self {
            programs: programs.to_owned(),
            grace,
            given,
            clock,
            cgroups: Cgroups::find(),
            live: Live::default(),
        }
    }

    fn attend(&self, child: Attended, mut tree: Tree) -> Started {
        let (stop, stopping) = oneshot::channel::<()>();
        let (clock, grace, live) = (Arc::clone(&self.clock), self.grace, self.live.clone());
        let pid = child.pid();
        live.begins(pid);
        let ended = async move {
            let mut output = Output::default();
            let (how, stopped, left) = {
                let mut ending = pin!(child.ending(&mut output));
                let asked = tokio::select! {
                    biased;
                    how = &mut ending => Err(how),
                    Ok(()) = stopping => Ok(()),
                };
                if let Err(how) = asked {
                    (how, false, Vec::new())
                } else {
                    let gone =
                        async { timeout(grace + STUCK, &mut ending).await.unwrap_or(How::Unseen) };
                    let (left, how) = tokio::join!(tree.end(grace, &*clock), gone);
                    (how, true, left)
                }
            };
            live.ends(pid);
            live.bury();
            Ended { how, stopped, printed: output.text(), left }
        };
        let stop = Box::new(move || {
            let _has_ended = stop.send(());
        });
        Started { pid, stop, ended: Box::pin(ended) }
    }
}

impl Runner for AgentProcesses {
    fn start(&self, order: &Order) -> Result<Started, String> {
        let program = self.programs.join(order.agent.as_str());
        let cgroup = self.cgroups.as_ref().and_then(|groups| groups.create(&order.run.0));
        let mut command = Command::new(&program);
        command.args(ARGUMENTS);
        for name in NOT_INHERITED {
            command.env_remove(name);
        }
        command.envs(&self.given).envs(&order.variables).env(RUN_VARIABLE, &order.run.0);
        if let Some(cgroup) = &cgroup {
            command.env(CGROUP_VARIABLE, cgroup.folder());
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.process_group(0).spawn();
        let child =
            child.map_err(|error| format!("{} cannot be started: {error}", program.display()))?;
        let pid = child.id().ok_or("it was gone before it could be attended to")?;
        let tree = Tree::of(pid, Some(order.run.0.clone()), cgroup, self.live.clone());
        Ok(self.attend(Attended::Child(pid, child), tree))
    }

    fn adopt(&self, run: &RunId, pid: u32) -> Option<Started> {
        let start = ProcStat::of(pid)?.start;
        // Asked once the start is known: a later process with this number has another one.
        is_run(pid, &run.0).then_some(())?;
        let tree = Tree::of(pid, Some(run.0.clone()), None, self.live.clone());
        Some(self.attend(Attended::Other(pid, start, Arc::clone(&self.clock)), tree))
    }

    fn tidy(&self) {
        self.live.bury();
    }
}

/// A process that is waited for.
enum Attended {
    Child(u32, Child),
    /// Of another parent: known by its number and its start.
    Other(u32, u64, Arc<dyn Clock>),
}

impl Attended {
    const fn pid(&self) -> u32 {
        match self {
            Self::Child(pid, _) | Self::Other(pid, ..) => *pid,
        }
    }

    fn ending(self, output: &mut Output) -> Pending<'_, How> {
        match self {
            Self::Child(_, child) => Box::pin(end_of(child, output)),
            Self::Other(pid, start, clock) => Box::pin(async move {
                let lives =
                    || ProcStat::of(pid).is_some_and(|at| at.start == start && !at.is_gone());
                while lives() {
                    clock.sleep(LOOK_AGAIN).await;
                }
                How::Unseen
            }),
        }
    }
}

/// Waits for the process itself while its pipes are read, and reads them a little longer.
async fn end_of(mut child: Child, output: &mut Output) -> How {
    let reading = output.fill(child.stdout.take(), child.stderr.take());
    let mut reading = pin!(reading);
    let mut waiting = pin!(child.wait());
    let (status, read_to_end) = tokio::select! {
        biased;
        () = &mut reading => ((&mut waiting).await, true),
        status = &mut waiting => (status, false),
    };
    if !read_to_end {
        let _held_open = timeout(DRAIN, reading).await;
    }
    status.map_or(How::Unseen, how)
}

fn how(status: ExitStatus) -> How {
    match (status.code(), status.signal()) {
        (Some(code), _) => How::Exited(code),
        (None, Some(signal)) => How::Signalled(signal),
        (None, None) => How::Unseen,
    }
}
