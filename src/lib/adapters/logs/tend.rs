//! The hands on a set of logs: as many files as there is time for, and every failure is told.

use std::os::fd::OwnedFd;
use std::time::Duration;

use super::LogFolder;
use super::look::put_off_name;
use super::pack::Unpacked;
use crate::domain::operation::{DataKind, DataRef, DataState, Upkeep};
use crate::domain::sight::{Blind, Sight};
use crate::domain::upkeep::{LogsLook, Tier};
use crate::ports::Pending;
use crate::ports::data_store::{DataStoreControl, no_such_verb};
use crate::ports::processes::ActFailure;

/// So many files are tended by one act.
const MOST_FILES: usize = 2000;
/// After so many failures the rest would fail too: the disk is full, or nothing may be written.
const MOST_FAILURES: usize = 3;
/// No file is begun after this share of the time, so that the run can still prove what was done.
const BEGINS_WITHIN: f64 = 0.6;
/// And none is worked on for longer than this share.
const ENDS_WITHIN: f64 = 0.8;
/// What was not done in so much of the time will not be in a later run: it does not wait for one, it has failed.
const ENOUGH: f64 = 0.4;

impl DataStoreControl for LogFolder {
    fn read<'a>(&'a self, data: &'a DataRef) -> Pending<'a, Sight<Option<DataState>>> {
        let (own, data) = (self.clone(), data.clone());
        Box::pin(async move {
            let read = move || match data.kind {
                DataKind::Logs => own.whole(&data),
                DataKind::Log => own.log(&data),
                _ => Err(Blind::because("it is not read this way")),
            };
            let read = tokio::task::spawn_blocking(read).await;
            read.unwrap_or_else(|_| Err(Blind::because("the look was broken off")))
        })
    }

    fn carry_out<'a>(
        &'a self,
        verb: Upkeep,
        data: &'a DataRef,
        time: Duration,
    ) -> Pending<'a, Result<String, ActFailure>> {
        let (own, path) = (self.clone(), data.object.clone());
        Box::pin(async move {
            let act = move || match verb {
                Upkeep::TrimLog => own.trim(&path),
                Upkeep::ArchiveLogs | Upkeep::PackArchives | Upkeep::PruneArchives => {
                    own.many(verb, time)
                }
                other => Err(no_such_verb(other, "a set of logs")),
            };
            let acted = tokio::task::spawn_blocking(act).await;
            acted.unwrap_or_else(|_| Err(ActFailure::Unknown("it was broken off".to_owned())))
        })
    }
}

/// One file of an act.
struct Task<'t> {
    name: &'t str,
    /// Under which name it is put off.
    key: String,
    work: Box<Work<'t>>,
}

/// What is done to it, while there is time: its size before and after.
type Work<'t> = dyn Fn(&OwnedFd, &dyn Fn() -> bool) -> Result<(u64, u64), Unpacked> + 't;

impl LogFolder {
    fn many(&self, verb: Upkeep, time: Duration) -> Result<String, ActFailure> {
        let root = self.opened().map_err(|error| {
            ActFailure::Refused(format!("failed to open {}: {error}", self.root.display()))
        })?;
        let look = self.seen().map_err(|blind| ActFailure::NotSent(blind.why))?;
        let began = self.clock.elapsed();
        let within = |share: f64| self.clock.elapsed().saturating_sub(began) < time.mul_f64(share);
        let may_go_on = || within(ENDS_WITHIN);
        let mut tally = Tally::default();
        for (place, task) in self.tasks(verb, &look).into_iter().enumerate() {
            let goes_on = tally.failed.len() < MOST_FAILURES;
            if !goes_on || place >= MOST_FILES || (place > 0 && !within(BEGINS_WITHIN)) {
                tally.left += 1;
                self.put_off(task.key);
                continue;
            }
            let from = self.clock.elapsed();
            match (task.work)(&root, &may_go_on) {
                Ok(sizes) => tally.done(sizes),
                Err(Unpacked::Changed) => tally.changed += 1,
                Err(Unpacked::OutOfTime(_))
                    if place > 0
                        && self.clock.elapsed().saturating_sub(from) < time.mul_f64(ENOUGH) =>
                {
                    tally.left += 1;
                    self.put_off(task.key);
                }
                Err(why) => tally.failed.push(format!("{}: {why}", task.name)),
            }
        }
        tally.told(match verb {
            Upkeep::ArchiveLogs => "archived",
            Upkeep::PackArchives => "packed tighter",
            _ => "taken away",
        })
    }

    fn tasks<'t>(&'t self, verb: Upkeep, look: &'t LogsLook) -> Vec<Task<'t>> {
        let now = self.clock.now();
        match verb {
            Upkeep::ArchiveLogs => {
                let old = self.rules.old(look, now).into_iter().map(|file| Task {
                    name: &file.name,
                    key: file.name.clone(),
                    work: Box::new(|root, may_go_on| Self::archive(root, file, may_go_on)),
                });
                old.collect()
            }
            Upkeep::PackArchives => {
                let warm = self.rules.warm(look, now).into_iter().map(|archive| Task {
                    name: &archive.name,
                    key: put_off_name(Tier::Warm, &archive.name),
                    work: Box::new(|root, may_go_on| Self::pack_tighter(root, archive, may_go_on)),
                });
                warm.collect()
            }
            _ => {
                let expired = self.rules.expired(look, now).into_iter().map(|archive| Task {
                    name: &archive.name,
                    key: put_off_name(archive.tier, &archive.name),
                    work: Box::new(|root, _| Self::prune(root, archive)),
                });
                expired.collect()
            }
        }
    }
}

/// What became of the files of one act.
#[derive(Debug, Default)]
struct Tally {
    done: usize,
    before_bytes: u64,
    after_bytes: u64,
    changed: usize,
    left: usize,
    failed: Vec<String>,
}

impl Tally {
    const fn done(&mut self, (before, after): (u64, u64)) {
        self.done += 1;
        self.before_bytes += before;
        self.after_bytes += after;
    }

    fn told(self, done: &str) -> Result<String, ActFailure> {
        let Self { before_bytes: before, after_bytes: after, .. } = self;
        let mut parts =
            vec![format!("{} {done}, {before} bytes before and {after} after", self.done)];
        if self.changed > 0 {
            parts.push(format!("{} changed meanwhile and stay", self.changed));
        }
        if self.left > 0 {
            parts.push(format!("{} wait for the next run", self.left));
        }
        if !self.failed.is_empty() {
            parts.push(self.failed.join("; "));
            return Err(ActFailure::Refused(parts.join("; ")));
        }
        if self.done == 0 {
            return Err(ActFailure::NotSent(parts.join("; ")));
        }
        Ok(parts.join("; "))
    }
}
