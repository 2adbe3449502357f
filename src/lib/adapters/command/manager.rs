//! Declared commands: one tells the status of a process, one restarts it.
//!
//! The status command's exit code follows the convention of init scripts: 0 runs, 1 and 2 is dead and left a pid or
//! lock file behind, 3 is stopped. Every other code, a command that does not end and one that cannot be started
//! blind that one process; the listing then says that it is cut short, and whom it lacks.
//!
//! The first line that the command prints is the process's identity. A bare pid is made unmistakable by the
//! kernel's start time, because pids are used again.

use std::time::Duration;

use tokio::task::JoinSet;

use super::kernel;
use super::kernel::Seen;
use crate::adapters::child::{self, Captured, Outcome, Program};
use crate::adapters::redact::Redactor;
use crate::adapters::tail;
use crate::agent::DeclaredProcess;
use crate::domain::process::{ManagerKind, ProcessReading, ProcessRef, ProcessStatus, Startable};
use crate::domain::sight::{Blind, Scan, Sight};
use crate::ports::Pending;
use crate::ports::processes::{ActFailure, ProcessControl, Processes};

/// How long a status command may take.
const QUESTION: Duration = Duration::from_secs(10);
/// How long a restart command may take.
const ACT: Duration = Duration::from_secs(30);
/// How many status commands run at the same time.
const AT_ONCE: usize = 4;
/// An identity is a short text.
const LONGEST_IDENTITY: usize = 200;

/// The processes that settings declare with commands.
#[derive(Clone, Debug)]
pub struct Commands {
    declared: Vec<DeclaredProcess>,
}

impl Commands {
    /// These processes.
    #[must_use]
    pub const fn new(declared: Vec<DeclaredProcess>) -> Self {
        Self { declared }
    }

    async fn scan(&self) -> Sight<Scan<ProcessReading>> {
        let mut items = Vec::new();
        let mut blind = Vec::new();
        for part in self.declared.chunks(AT_ONCE) {
            // Dropped with this future, the set ends its commands too.
            let mut looking = JoinSet::new();
            for declared in part.iter().cloned() {
                looking.spawn(async move { (look(&declared).await, declared.name) });
            }
            while let Some(looked) = looking.join_next().await {
                match looked {
                    Ok((Ok(reading), _)) => items.push(reading),
                    Ok((Err(why), name)) => blind.push(format!("`{name}`: {why}")),
                    Err(_) => blind.push("a look was broken off".to_owned()),
                }
            }
        }
        items.sort_by(|a, b| a.process.cmp(&b.process));
        blind.sort_unstable();
        if items.is_empty() && !blind.is_empty() {
            return Err(Blind::because(blind.join("; ")));
        }
        let cut_short = (!blind.is_empty()).then(|| blind.join("; "));
        Ok(Scan { items, cut_short })
    }

    fn find(&self, process: &ProcessRef) -> Option<&DeclaredProcess> {
        let named = |declared: &&DeclaredProcess| declared.name == process.name;
        self.declared.iter().find(named).filter(|_| process.instance.is_none())
    }

    async fn restart_now(&self, process: &ProcessRef) -> Result<String, ActFailure> {
        let declared = self
            .find(process)
            .ok_or_else(|| ActFailure::Refused(format!("{process} is not declared")))?;
        if declared.restart.is_empty() {
            return Err(ActFailure::Refused(format!("{process} has no restart command")));
        }
        let said = |line: Option<String>| Redactor::default().fragment(&line.unwrap_or_default());
        match Program::new(declared.restart.iter().cloned()).deadline(ACT).run().await {
            Outcome::Exited { code: 0, stdout, .. } => Ok(match said(stdout.last_line()) {
                line if line.is_empty() => "its restart command ended well".to_owned(),
                line => format!("its restart command ended well: {line}"),
            }),
            Outcome::Exited { code, stderr, .. } => Err(ActFailure::Refused(format!(
                "its restart command exited with {code}: {}",
                said(stderr.last_line())
            ))),
            Outcome::CouldNotStart { why } => Err(ActFailure::Refused(why)),
            Outcome::Signalled { signal } => Err(ActFailure::Unknown(format!(
                "its restart command was ended by signal {signal}"
            ))),
            Outcome::TimedOut { after } => Err(ActFailure::Unknown(format!(
                "its restart command did not end within {} s",
                after.as_secs()
            ))),
        }
    }
}

async fn look(declared: &DeclaredProcess) -> Result<ProcessReading, String> {
    let program = Program::new(declared.status.iter().cloned()).deadline(QUESTION);
    let (code, stdout) = match program.run().await {
        Outcome::Exited { code, stdout, .. } => (code, stdout),
        Outcome::Signalled { signal } => {
            return Err(format!("its status command was ended by signal {signal}"));
        }
        Outcome::TimedOut { after } => {
            return Err(format!("its status command did not end within {} s", after.as_secs()));
        }
        Outcome::CouldNotStart { why } => return Err(why),
    };
    let status = match code {
        0 => ProcessStatus::Online,
        1 | 2 => ProcessStatus::Crashed,
        3 => ProcessStatus::Stopped,
        code => return Err(format!("its status command exited with {code}, which tells nothing")),
    };
    let mut reading = ProcessReading {
        process: ProcessRef {
            manager: ManagerKind::Command,
            name: declared.name.clone(),
            instance: None,
        },
        status,
        identity: identity(&stdout),
        started_at: None,
        restarts: None,
        last_exit: None,
        memory_bytes: None,
        memory_limit_bytes: None,
        can_reload: false,
        startable: startable(&declared.restart),
        log_paths: declared.log.iter().cloned().collect(),
    };
    enrich(&mut reading)?;
    Ok(reading)
}

/// The first line, if it says anything.
fn identity(stdout: &Captured) -> Option<String> {
    let text = stdout.text();
    let line: String = text.lines().next()?.trim().chars().take(LONGEST_IDENTITY).collect();
    // An identity has no blanks, so that those of several processes can stand side by side.
    let line = Redactor::default().redact(&line).split_whitespace().collect::<Vec<_>>().join("_");
    (!line.is_empty()).then_some(line)
}

/// Asks the kernel about a bare pid. Where the two disagree whether it lives nobody is believed: the command may only
/// have looked at a pid file, and the kernel shows nothing of another container's processes.
fn enrich(reading: &mut ProcessReading) -> Result<(), String> {
    let Some(pid) = reading.identity.as_deref().and_then(|text| text.parse::<u32>().ok()) else {
        return Ok(());
    };
    let runs = reading.status == ProcessStatus::Online;
    match kernel::look(pid) {
        // A pid that a dead process left behind may be another's by now.
        _ if !runs => {}
        Seen::Alive { identity, started_at, memory_bytes } => {
            reading.identity = Some(identity);
            reading.started_at = started_at;
            reading.memory_bytes = memory_bytes;
        }
        Seen::Zombie => reading.status = ProcessStatus::Crashed,
        Seen::Gone => {
            return Err(format!("its status command says that it runs as {pid}, and nothing does"));
        }
        Seen::Hidden => {}
    }
    Ok(())
}

fn startable(restart: &[String]) -> Startable {
    let Some(program) = restart.first() else {
        return Startable::Blocked { why: "no restart command is declared".to_owned() };
    };
    match child::find(program) {
        Some(path) => {
            let checked = format!("{} is there and can be executed", path.display());
            Startable::Plausible { checked }
        }
        None => Startable::Blocked { why: format!("`{program}` is missing or not executable") },
    }
}

impl Processes for Commands {
    fn list(&self) -> Pending<'_, Sight<Scan<ProcessReading>>> {
        Box::pin(self.scan())
    }

    fn log_tail<'a>(
        &'a self,
        reading: &'a ProcessReading,
        limit_bytes: usize,
    ) -> Pending<'a, Sight<String>> {
        Box::pin(async move { tail::of_files(&reading.log_paths, limit_bytes) })
    }
}

impl ProcessControl for Commands {
    fn restart<'a>(&'a self, process: &'a ProcessRef) -> Pending<'a, Result<String, ActFailure>> {
        Box::pin(self.restart_now(process))
    }

    fn reload<'a>(&'a self, process: &'a ProcessRef) -> Pending<'a, Result<String, ActFailure>> {
        let why = format!("{process} has only commands, which cannot reload it");
        Box::pin(async { Err(ActFailure::Refused(why)) })
    }
}
