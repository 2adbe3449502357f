//! Programs that are not simply run to their end: one whose output is taken as it comes, and one that serves until it is ended.

use std::fs::File;
use std::io;
use std::pin::pin;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Signal, kill_process};
use tokio::io::AsyncReadExt as _;
use tokio::process::Child;
use tokio::time::timeout;

use super::{Captured, DRAIN, Group, Outcome, Program, REAP, ended, fill};

/// So much of what a program prints is handed on at once.
const PART: usize = 256 * 1024;

/// What is given everything that a program prints, part by part. A program waits while it is not done with a part.
pub(crate) trait Taker: Send {
    /// Takes a part; a failure ends the program.
    fn take(&mut self, part: &[u8]) -> impl Future<Output = io::Result<()>> + Send;
}

impl<F: FnMut(&[u8]) -> io::Result<()> + Send> Taker for F {
    fn take(&mut self, part: &[u8]) -> impl Future<Output = io::Result<()>> + Send {
        std::future::ready(self(part))
    }
}

/// A program that serves until it is ended.
pub(crate) struct Held {
    child: Child,
    group: Group,
}

impl Program {
    /// Runs it while `taker` is given everything that it prints. It is killed as soon as that fails.
    ///
    /// # Errors
    ///
    /// What `taker` failed with.
    pub(crate) async fn feed(self, taker: &mut impl Taker) -> io::Result<Outcome> {
        self.feed_from(Stdio::null(), taker).await
    }

    /// The same, reading from `input`.
    pub(crate) async fn feed_from(
        self,
        input: Stdio,
        taker: &mut impl Taker,
    ) -> io::Result<Outcome> {
        let (mut child, group) = match self.start_with(input) {
            Ok(started) => started,
            Err(why) => return Ok(Outcome::CouldNotStart { why }),
        };
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let mut stderr = Captured::default();
        let taking = async {
            let (Some(mut out), mut part) = (out, vec![0; PART]) else { return io::Result::Ok(()) };
            loop {
                match out.read(&mut part).await? {
                    0 => return Ok(()),
                    many => taker.take(&part[..many]).await?,
                }
            }
        };
        let taken_and_ended = async {
            taking.await?;
            child.wait().await
        };
        let all = with_complaints(taken_and_ended, fill(&mut stderr, err, self.limit_bytes));
        match timeout(self.deadline, all).await {
            Ok(Ok(status)) => {
                group.is_over();
                Ok(ended(status, Captured::default(), stderr))
            }
            Ok(Err(error)) => Err(error),
            Err(_) => Ok(Outcome::TimedOut { after: self.deadline }),
        }
    }

    /// Runs it while `filter` reads what it prints, and `taker` is given what that makes of it. How either ended.
    ///
    /// # Errors
    ///
    /// What `taker` failed with.
    pub(crate) async fn feed_through(
        self,
        filter: Self,
        taker: &mut impl Taker,
    ) -> io::Result<(Outcome, Outcome)> {
        let (mut child, group) = match self.start() {
            Ok(started) => started,
            Err(why) => {
                return Ok((
                    Outcome::CouldNotStart { why: why.clone() },
                    Outcome::CouldNotStart { why },
                ));
            }
        };
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let Some(out) = out else { return Err(io::Error::other("it has no output")) };
        let out = Stdio::from(out.into_owned_fd()?);
        let mut stderr = Captured::default();
        let first = async {
            let ended = with_complaints(child.wait(), fill(&mut stderr, err, self.limit_bytes));
            let status = ended.await;
            group.is_over();
            status
        };
        let both = async { tokio::join!(first, filter.feed_from(out, taker)) };
        if let Ok((status, filtered)) = timeout(self.deadline, both).await {
            return Ok((ended(status?, Captured::default(), stderr), filtered?));
        }
        let late = || Outcome::TimedOut { after: self.deadline };
        Ok((late(), late()))
    }

    /// Starts it; what it prints goes into a file.
    ///
    /// # Errors
    ///
    /// A fragment that says why it cannot be started.
    pub(crate) fn hold(self, log: File) -> Result<Held, String> {
        let Some((program, arguments)) = self.argv.split_first() else {
            return Err("no program is named".to_owned());
        };
        let child = self
            .command(program, arguments)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(|error| format!("`{program}` cannot be started: {error}"))?;
        let (child, group) = Group::with(child);
        Ok(Held { child, group })
    }
}

/// Waits for a program while its complaints are read, then reads them a little longer: a child that it left behind may hold them
/// for ever.
async fn with_complaints<T>(program: impl Future<Output = T>, complaints: impl Future) -> T {
    let (mut program, mut complaints) = (pin!(program), pin!(complaints));
    tokio::select! {
        biased;
        _ = &mut complaints => program.await,
        ended = &mut program => {
            let _held_open = timeout(DRAIN, complaints).await;
            ended
        }
    }
}

impl Held {
    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Asks it to end, by this signal, and kills it with everything that it started when it does not.
    pub(crate) async fn end(mut self, signal: Signal, patience: Duration) {
        if let Some(pid) = self.group.pid {
            let _already_gone = kill_process(pid, signal);
        }
        if timeout(patience, self.child.wait()).await.is_err() {
            self.group.kill();
            let _gone = timeout(REAP.max(DRAIN), self.child.wait()).await;
        }
        self.group.is_over();
    }
}
