//! Runs that are attended to until their ends: those of an earlier scheduler, those that go on for too long, and what an end
//! leads to. And schedules that end.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use super::at_work::{AtWork, OVERTIME, passed};
use super::attended::{Attended, Stopped};
use super::news::News;
use super::watch::Watch;
use crate::domain::incident::RunId;
use crate::domain::planner::Job;
use crate::domain::run::{AgentRun, Trigger};
use crate::domain::subject::AgentName;
use crate::ports::runner::{Ended, How};

impl AtWork {
    /// Ends what went on after its deadline. The deadline is the ledger's: a run may have waited before it had its slot.
    pub(super) async fn end_overdue(&mut self, now: Timestamp) {
        let elapsed = self.scheduler.clock.elapsed();
        let is_late = |one: &Attended| one.stop.is_some() && one.look_at <= elapsed;
        if !self.attended.values().any(is_late) {
            return;
        }
        let answer = self.scheduler.slots.running().await;
        let rows = self.sees(answer).unwrap_or_default();
        let late: Vec<RunId> = self
            .attended
            .iter()
            .filter(|(_, one)| is_late(one))
            .map(|(run, _)| run.clone())
            .collect();
        for run in late {
            let more = self.time_left(&run, &rows, now);
            let Some(one) = self.attended.get_mut(&run) else { continue };
            if more.is_zero() {
                one.stop(Stopped::Overdue);
                let agent = one.agent.clone();
                self.tell(News::Overdue { agent });
            } else {
                one.look_at = elapsed + more;
            }
        }
    }

    fn time_left(&self, run: &RunId, rows: &[AgentRun], now: Timestamp) -> Duration {
        let Some(one) = self.attended.get(run) else { return Duration::ZERO };
        if let Some(row) = rows.iter().find(|row| row.id == *run) {
            let deadline = row.lease_until.unwrap_or(now);
            let late = passed(deadline, now);
            return (passed(now, deadline) + OVERTIME).saturating_sub(late);
        }
        // Without a row it still waits for who has a mutex in common, as long as a slot may be late.
        let Some(watch) = self.watches.get(&one.agent) else { return Duration::ZERO };
        let rules = watch.job.rules();
        if rules.mutex.is_empty() {
            return Duration::ZERO;
        }
        let longest = rules.catch_up_within + rules.timeout + OVERTIME;
        (one.began + longest).saturating_sub(self.scheduler.clock.elapsed())
    }

    pub(super) async fn has_ended(&mut self, run: RunId, ended: Ended) {
        let Some(one) = self.attended.remove(&run) else { return };
        let now = self.scheduler.clock.now();
        let took = self.scheduler.clock.elapsed().saturating_sub(one.began);
        // One that ended by itself wrote down how, unless it could not: then nobody can.
        if ended.stopped || !matches!(ended.how, How::Exited(0..=100)) {
            let (state, exit) = one.end(&ended);
            let answer = self.scheduler.slots.conclude(&run, state, exit, now).await;
            self.sees(answer);
        }
        self.tell(News::Ended { agent: one.agent.clone(), ended, took });
        if let Some(watch) = self.watches.get_mut(&one.agent) {
            watch.has_ended(now);
        }
        for watch in self.watches.values_mut().filter(|watch| watch.waits()) {
            watch.look_at = now;
        }
    }

    /// Attends to runs that an earlier scheduler started and that are still at work.
    pub(super) async fn adopt(&mut self) {
        let answer = self.scheduler.slots.running().await;
        let now = self.scheduler.clock.now();
        // Before the first run there is no ledger.
        for row in answer.unwrap_or_default() {
            let pid = row.pid().filter(|_| row.trigger == Trigger::Scheduler);
            let Some(started) = pid.and_then(|pid| self.scheduler.runner.adopt(&row.id, pid))
            else {
                continue;
            };
            let (agent, pid) = (row.agent.clone(), started.pid);
            let deadline = row.lease_until.unwrap_or(now);
            self.attend(row.id, &agent, row.slot, (now, deadline), started);
            self.tell(News::Adopted { agent, pid });
        }
    }

    pub(super) fn reload(&mut self, jobs: Vec<Job>) {
        let now = self.scheduler.clock.now();
        let names: BTreeSet<AgentName> = jobs.iter().map(|job| job.agent().clone()).collect();
        let removed: Vec<AgentName> =
            self.watches.keys().filter(|agent| !names.contains(*agent)).cloned().collect();
        self.watches.retain(|agent, _| names.contains(agent));
        let mut changed = Vec::new();
        for job in jobs {
            let agent = job.agent().clone();
            if self.watches.get(&agent).is_some_and(|watch| watch.job.is_same_as(&job)) {
                continue;
            }
            changed.push(agent.clone());
            self.watches.insert(agent, Watch::new(job, now));
        }
        self.enrolled = false;
        self.tell(News::Reloaded { changed, removed });
    }
}
