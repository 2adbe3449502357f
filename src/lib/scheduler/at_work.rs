//! What the scheduler knows while it runs, and one look at everything that is due.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use jiff::Timestamp;

use super::attended::Attended;
use super::news::News;
use super::report::{Due, Pass, Working};
use super::run::{LONGEST_SLEEP, Scheduler};
use super::watch::{Moment, Step, Watch};
use crate::domain::incident::RunId;
use crate::domain::planner::{Hold, Job, Jump, Reading, Seen, Start, Verdict, Waiting};
use crate::domain::run::Trigger;
use crate::domain::subject::AgentName;
use crate::ports::Pending;
use crate::ports::runner::{AGENT_VARIABLE, Ended, Order, SLOT_VARIABLE, Started, WAITED_VARIABLE};
use crate::ports::slots::Ask;
use crate::ports::store::StoreError;

/// An agent ends itself at its deadline; one that cannot is ended so long after it.
pub(super) const OVERTIME: Duration = Duration::from_secs(5);

/// The same at work.
pub(super) struct AtWork {
    pub(super) scheduler: Scheduler,
    pub(super) watches: BTreeMap<AgentName, Watch>,
    pub(super) attended: BTreeMap<RunId, Attended>,
    pub(super) ends: FuturesUnordered<Pending<'static, (RunId, Ended)>>,
    pub(super) looking_since: Timestamp,
    pub(super) read: Reading,
    pub(super) blind: Option<String>,
    /// Whether the ledger has been told of every schedule.
    pub(super) enrolled: bool,
    pub(super) draining: bool,
    pub(super) troubled: bool,
}

impl AtWork {
    pub(super) fn new(scheduler: Scheduler, jobs: Vec<Job>) -> Self {
        let now = scheduler.clock.now();
        let read = Reading { wall: now, since_boot: scheduler.clock.since_boot() };
        let watch = |job: Job| (job.agent().clone(), Watch::new(job, now));
        Self {
            watches: jobs.into_iter().map(watch).collect(),
            attended: BTreeMap::new(),
            ends: FuturesUnordered::new(),
            looking_since: now,
            read,
            blind: None,
            enrolled: false,
            draining: false,
            troubled: false,
            scheduler,
        }
    }

    pub(super) fn tell(&mut self, news: News) {
        self.troubled |= news.is_trouble();
        self.scheduler.reporter.told(&news);
    }

    /// Whether the ledger answered; a change is told.
    pub(super) fn sees<T>(&mut self, answer: Result<T, StoreError>) -> Option<T> {
        match answer {
            Ok(answer) => {
                if self.blind.take().is_some() {
                    self.tell(News::Sees);
                }
                Some(answer)
            }
            Err(error) => {
                let why = error.to_string();
                if self.blind.as_ref() != Some(&why) {
                    self.tell(News::Blind { why: why.clone() });
                }
                self.blind = Some(why);
                None
            }
        }
    }

    /// Looks at everything that is due.
    pub(super) async fn pass(&mut self) {
        let now = self.look_at_clock();
        self.end_overdue(now).await;
        if !self.enrolled && !self.draining {
            let jobs: Vec<Job> = self.watches.values().map(|watch| watch.job.clone()).collect();
            let answer = self.scheduler.slots.enrol(now, &jobs).await;
            self.enrolled = self.sees(answer).is_some();
        }
        let is_due = |watch: &&Watch| !self.draining && watch.look_at <= now;
        let due: Vec<AgentName> =
            self.watches.values().filter(is_due).map(|watch| watch.job.agent().clone()).collect();
        let jobs: Vec<&Job> = due.iter().map(|agent| &self.watches[agent].job).collect();
        let answer = self.scheduler.slots.seen(now, &jobs).await;
        let seen = self.sees(answer);
        for (place, agent) in due.iter().enumerate() {
            let seen = seen.as_ref().and_then(|seen| seen.get(place).cloned());
            self.look(agent, seen, now).await;
        }
        self.scheduler.runner.tidy();
        self.report(now);
    }

    /// The time; where it was set, every schedule is looked at anew.
    fn look_at_clock(&mut self) -> Timestamp {
        let clock = &self.scheduler.clock;
        let read = Reading { wall: clock.now(), since_boot: clock.since_boot() };
        let jump = Jump::between(self.read, read);
        self.read = read;
        if jump != Jump::Steady {
            self.tell(News::Jumped(jump));
            self.enrolled = false;
            self.looking_since = read.wall;
            for watch in self.watches.values_mut() {
                watch.look_at = read.wall;
            }
        }
        read.wall
    }

    async fn look(&mut self, agent: &AgentName, seen: Option<Seen>, now: Timestamp) {
        let own = self.attended.values().filter(|one| one.agent == *agent).map(Attended::running);
        let own = own.max_by_key(|run| run.slot);
        let held_by = self.holder(agent);
        let moment = Moment { own, held_by, looking_since: self.looking_since, now };
        let Some(watch) = self.watches.get_mut(agent) else { return };
        let seen = seen.unwrap_or_else(|| watch.remembered());
        match watch.look(seen, &moment) {
            Step::Start { start, waited } => self.start(agent, start, waited.as_ref(), now),
            Step::Settle { waiting } => self.settle(agent, waiting, moment).await,
            Step::Wait => {}
        }
    }

    /// Another agent at work that has a mutex in common with this one.
    fn holder(&self, agent: &AgentName) -> Option<AgentName> {
        let rules = self.watches.get(agent)?.job.rules();
        let excludes = |other: &&Attended| {
            let watch = self.watches.get(&other.agent).filter(|_| other.agent != *agent);
            watch.is_some_and(|watch| watch.job.rules().exclude(rules))
        };
        self.attended.values().find(excludes).map(|other| other.agent.clone())
    }

    fn start(&mut self, agent: &AgentName, start: Start, waited: Option<&Hold>, now: Timestamp) {
        let run = (self.scheduler.new_run)();
        let order = order(agent, &run, &start, waited);
        match self.scheduler.runner.start(&order) {
            Ok(started) => {
                let pid = started.pid;
                self.attend(run, agent, Some(start.slot), (now, start.deadline), started);
                self.tell(News::Started { agent: agent.clone(), start, pid });
            }
            Err(why) => {
                self.tell(News::CouldNotStart { agent: agent.clone(), why });
                if let Some(watch) = self.watches.get_mut(agent) {
                    watch.has_ended(now);
                }
            }
        }
    }

    pub(super) fn attend(
        &mut self,
        run: RunId,
        agent: &AgentName,
        slot: Option<Timestamp>,
        (since, deadline): (Timestamp, Timestamp),
        started: Started,
    ) {
        let began = self.scheduler.clock.elapsed();
        let attended = Attended {
            agent: agent.clone(),
            pid: started.pid,
            slot,
            since,
            began,
            look_at: began + passed(since, deadline) + OVERTIME,
            stopped: None,
            stop: Some(started.stop),
        };
        self.attended.insert(run.clone(), attended);
        let ended = started.ended;
        self.ends.push(Box::pin(async move { (run, ended.await) }));
    }

    /// Writes down what came of slots that are not run.
    async fn settle(&mut self, agent: &AgentName, waiting: Option<Waiting>, moment: Moment) {
        let Some(watch) = self.watches.get(agent) else { return };
        let (run, clock) = ((self.scheduler.new_run)(), Arc::clone(&self.scheduler.clock));
        let ask = Ask {
            job: &watch.job,
            run: &run,
            trigger: Trigger::Scheduler,
            owner: &self.scheduler.owner,
            alone: false,
            held_by: moment.held_by,
            waiting,
            looking_since: Some(moment.looking_since),
        };
        let answer = self.scheduler.slots.claim(&|| clock.now(), &ask).await;
        let Some(claimed) = self.sees(answer) else { return };
        let settled = |verdict: &Verdict| verdict.start().is_none();
        let verdicts: Vec<Verdict> = claimed.plan.verdicts.into_iter().filter(settled).collect();
        if !verdicts.is_empty() {
            self.tell(News::Settled { agent: agent.clone(), verdicts });
        }
    }

    /// Whether nothing is at work and nothing that is due waits.
    pub(super) fn is_quiet(&self) -> bool {
        self.attended.is_empty() && !self.watches.values().any(Watch::waits)
    }

    pub(super) fn until_look(&self) -> Duration {
        let (now, elapsed) = (self.scheduler.clock.now(), self.scheduler.clock.elapsed());
        let looks = self.watches.values().map(|watch| passed(now, watch.look_at));
        let at_work = self.attended.values().filter(|one| one.stop.is_some());
        let deadlines = at_work.map(|one| one.look_at.saturating_sub(elapsed));
        looks.chain(deadlines).fold(LONGEST_SLEEP, Duration::min)
    }

    fn report(&self, now: Timestamp) {
        let mut due: Vec<Due> = self
            .watches
            .values()
            .map(|watch| Due { agent: watch.job.agent().clone(), at: watch.look_at })
            .collect();
        due.sort_by_key(|one| one.at);
        let working = self.attended.iter().map(|(run, one)| Working {
            agent: one.agent.clone(),
            run: run.clone(),
            pid: one.pid,
            slot: one.slot,
            since: one.since,
        });
        self.scheduler.reporter.passed(&Pass {
            at: now,
            blind: self.blind.clone(),
            draining: self.draining,
            due,
            working: working.collect(),
        });
    }
}

/// How long after `from` it is `to`; nothing if it is before.
pub(super) fn passed(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

/// What an agent is told about its run.
fn order(agent: &AgentName, run: &RunId, start: &Start, waited: Option<&Hold>) -> Order {
    let mut variables = BTreeMap::from([
        (AGENT_VARIABLE.to_owned(), agent.to_string()),
        (SLOT_VARIABLE.to_owned(), start.slot.to_string()),
        ("OPS_ATTEMPT".to_owned(), start.attempt.to_string()),
        ("OPS_DEADLINE".to_owned(), start.deadline.to_string()),
        ("OPS_TRIGGER".to_owned(), Trigger::Scheduler.as_str().to_owned()),
    ]);
    if let Some(hold) = waited {
        variables.insert(WAITED_VARIABLE.to_owned(), hold.code());
    }
    Order { agent: agent.clone(), run: run.clone(), variables }
}
