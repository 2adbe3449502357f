//! PM2: eyes and hands, through its socket or its command line.
//!
//! Both ways give the same rows and pass the same contract. The socket costs milliseconds and can never start a
//! daemon; its protocol is PM2's own affair, so the command line stays as the second way.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use super::rows::Listed;
use super::{cli, rows, socket};
use crate::adapters::redact::Redactor;
use crate::adapters::tail;
use crate::domain::process::{ProcessReading, ProcessRef, ProcessStatus};
use crate::domain::sight::{Scan, Sight};
use crate::ports::Pending;
use crate::ports::processes::{ActFailure, ProcessControl, Processes};

/// How long an act may take: PM2 waits for the old process to go and for the new one to be ready.
const ACT: Duration = Duration::from_secs(30);

/// Which way PM2 is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pm2Read {
    /// Through `rpc.sock` in its home.
    Socket,
    /// Through the `pm2` program.
    Cli,
}

/// One PM2 daemon.
#[derive(Clone, Debug)]
pub struct Pm2 {
    home: PathBuf,
    read: Pm2Read,
    cli: Vec<String>,
}

impl Pm2 {
    /// The daemon whose home is `home`; `cli` is the program with its leading arguments, used by
    /// [`Pm2Read::Cli`] alone.
    #[must_use]
    pub const fn new(home: PathBuf, read: Pm2Read, cli: Vec<String>) -> Self {
        Self { home, read, cli }
    }

    /// Its processes, each with the program that it starts.
    ///
    /// # Errors
    ///
    /// PM2 cannot be seen, or its answer is not whole.
    pub async fn programs(&self) -> Sight<Vec<(ProcessReading, PathBuf)>> {
        let listed = self.listed().await?;
        Ok(listed.into_iter().map(|one| (one.reading, one.program)).collect())
    }

    async fn listed(&self) -> Sight<Vec<Listed>> {
        let json = match self.read {
            Pm2Read::Socket => socket::rows(&self.home).await?,
            Pm2Read::Cli => cli::rows(&self.home, &self.cli).await?,
        };
        rows::read(&json)
    }

    /// Finds the process again, or all of a name: PM2's numbers are good for one call only.
    async fn resolve(&self, process: &ProcessRef) -> Result<Vec<Listed>, ActFailure> {
        let listed = self.listed().await.map_err(|blind| {
            ActFailure::Refused(format!("its processes could not be read before acting: {blind}"))
        })?;
        let mut found: Vec<Listed> =
            listed.into_iter().filter(|one| process.overlaps(&one.reading.process)).collect();
        found.sort_by_key(|one| one.reading.process.instance);
        if found.is_empty() {
            return Err(ActFailure::Refused(format!("PM2 does not know {process} any more")));
        }
        Ok(found)
    }

    async fn act(&self, verb: Verb, pm_id: u64) -> Result<(), ActFailure> {
        let acted = match self.read {
            Pm2Read::Cli => cli::act(&self.home, &self.cli, verb.word(), pm_id, ACT).await,
            Pm2Read::Socket => {
                let argument = match verb {
                    Verb::Stop => json!(pm_id),
                    Verb::Restart | Verb::Reload => json!({ "id": pm_id }),
                };
                let called = socket::call(&self.home, verb.method(), &argument, ACT).await;
                called.map(drop).map_err(ActFailure::from)
            }
        };
        acted.map_err(redacted)
    }

    async fn restart_now(&self, process: &ProcessRef) -> Result<String, ActFailure> {
        let found = self.resolve(process).await?;
        for (done, one) in found.iter().enumerate() {
            self.restart_one(one).await.map_err(|failure| after(done, failure))?;
        }
        Ok(format!("PM2 restarted {process}{}", how_many(&found)))
    }

    async fn restart_one(&self, found: &Listed) -> Result<(), ActFailure> {
        if found.holds_dead_pid {
            // PM2 refuses to start what it waits to start. Told to stop, it forgets the dead process first.
            self.act(Verb::Stop, found.pm_id).await?;
            return self.act(Verb::Restart, found.pm_id).await.map_err(|failure| {
                ActFailure::Unknown(format!("stopped, and not started again: {failure}"))
            });
        }
        self.act(Verb::Restart, found.pm_id).await
    }

    async fn reload_now(&self, process: &ProcessRef) -> Result<String, ActFailure> {
        let found = self.resolve(process).await?;
        let can =
            |one: &Listed| one.reading.can_reload && one.reading.status == ProcessStatus::Online;
        // PM2 would turn a reload of anything else into a restart or a start.
        if !found.iter().all(can) {
            let why = format!("{process} is not an online process of a cluster: it cannot reload");
            return Err(ActFailure::Refused(why));
        }
        for (done, one) in found.iter().enumerate() {
            self.act(Verb::Reload, one.pm_id).await.map_err(|failure| after(done, failure))?;
        }
        Ok(format!("PM2 reloaded {process}{}", how_many(&found)))
    }
}

fn how_many(found: &[Listed]) -> String {
    match found.len() {
        1 => String::new(),
        many => format!(", {many} processes one after the other"),
    }
}

/// A failure after others of the same name were acted on is no refusal of the whole.
fn after(done: usize, failure: ActFailure) -> ActFailure {
    match done {
        0 => failure,
        done => ActFailure::Unknown(format!("after {done} of its processes: {failure}")),
    }
}

#[derive(Clone, Copy)]
enum Verb {
    Stop,
    Restart,
    Reload,
}

impl Verb {
    const fn word(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Restart => "restart",
            Self::Reload => "reload",
        }
    }

    const fn method(self) -> &'static str {
        match self {
            Self::Stop => "stopProcessId",
            Self::Restart => "restartProcessId",
            Self::Reload => "reloadProcessId",
        }
    }
}

fn redacted(failure: ActFailure) -> ActFailure {
    let redactor = Redactor::default();
    match failure {
        ActFailure::Refused(why) => ActFailure::Refused(redactor.fragment(&why)),
        ActFailure::NotSent(why) => ActFailure::NotSent(redactor.fragment(&why)),
        ActFailure::Unknown(why) => ActFailure::Unknown(redactor.fragment(&why)),
    }
}

impl Processes for Pm2 {
    fn list(&self) -> Pending<'_, Sight<Scan<ProcessReading>>> {
        Box::pin(async { Ok(rows::readings(self.listed().await?)) })
    }

    fn log_tail<'a>(
        &'a self,
        reading: &'a ProcessReading,
        limit_bytes: usize,
    ) -> Pending<'a, Sight<String>> {
        Box::pin(async move { tail::of_files(&reading.log_paths, limit_bytes) })
    }
}

impl ProcessControl for Pm2 {
    fn restart<'a>(&'a self, process: &'a ProcessRef) -> Pending<'a, Result<String, ActFailure>> {
        Box::pin(self.restart_now(process))
    }

    fn reload<'a>(&'a self, process: &'a ProcessRef) -> Pending<'a, Result<String, ActFailure>> {
        Box::pin(self.reload_now(process))
    }
}
