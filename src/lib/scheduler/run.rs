//! The loop: look at what is due, start it, wait for ends, for words and for time.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::sync::mpsc::Receiver;

use super::at_work::AtWork;
use super::attended::Stopped;
use super::news::News;
use super::report::Reporter;
use crate::domain::incident::RunId;
use crate::domain::planner::Job;
use crate::ports::clock::Clock;
use crate::ports::runner::Runner;
use crate::ports::slots::Slots;

/// The longest time between two looks: a clock that was set, or a machine that slept, is noticed after so long.
pub(super) const LONGEST_SLEEP: Duration = Duration::from_secs(10);
/// A word from outside.
#[derive(Clone, Debug)]
pub enum Word {
    /// Look now.
    Look,
    /// These jobs are scheduled from now on.
    Reload(Vec<Job>),
    /// End, once what is at work has ended. Said twice: end it.
    Stop,
}

/// The scheduler.
pub struct Scheduler {
    /// The ledger's slots.
    pub slots: Arc<dyn Slots>,
    /// Agents as processes.
    pub runner: Arc<dyn Runner>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Who is told.
    pub reporter: Arc<dyn Reporter>,
    /// Host and pid.
    pub owner: String,
    /// A new run's id.
    pub new_run: fn() -> RunId,
    /// How long what is at work may go on once the scheduler is to end.
    pub drain: Duration,
    /// Whether to end as soon as nothing is due and nothing at work.
    pub once: bool,
}

impl Scheduler {
    /// Runs until a word ends it. Whether nothing that an admin should look at happened.
    pub async fn run(self, jobs: Vec<Job>, mut words: Receiver<Word>) -> bool {
        let once = self.once;
        let mut at_work = AtWork::new(self, jobs);
        at_work.adopt().await;
        loop {
            at_work.pass().await;
            if once && at_work.is_quiet() {
                break;
            }
            let sleep = at_work.until_look();
            tokio::select! {
                biased;
                Some((run, ended)) = at_work.ends.next() => at_work.has_ended(run, ended).await,
                word = words.recv() => match word {
                    Some(Word::Look) => {}
                    Some(Word::Reload(jobs)) => at_work.reload(jobs),
                    Some(Word::Stop) | None => break,
                },
                () = at_work.scheduler.clock.sleep(sleep) => {}
            }
        }
        at_work.drain(words).await;
        !at_work.troubled
    }
}

impl AtWork {
    /// Lets what is at work end, for a time; then ends it.
    async fn drain(&mut self, mut words: Receiver<Word>) {
        self.draining = true;
        self.tell(News::Draining { working: self.attended.len() });
        let until = self.scheduler.clock.elapsed() + self.scheduler.drain;
        while !self.attended.is_empty() {
            self.pass().await;
            let left = until.saturating_sub(self.scheduler.clock.elapsed());
            let ending = self.attended.values().any(|one| one.stop.is_none());
            let sleep = if left.is_zero() { LONGEST_SLEEP } else { left.min(LONGEST_SLEEP) };
            tokio::select! {
                biased;
                Some((run, ended)) = self.ends.next() => self.has_ended(run, ended).await,
                Some(Word::Stop) = words.recv(), if !ending => self.end_all(),
                () = self.scheduler.clock.sleep(sleep) => {
                    if !ending && self.scheduler.clock.elapsed() >= until {
                        self.end_all();
                    }
                }
            }
        }
    }

    fn end_all(&mut self) {
        self.tell(News::Ending { working: self.attended.len() });
        for one in self.attended.values_mut() {
            one.stop(Stopped::Draining);
        }
    }
}
