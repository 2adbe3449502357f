//! One agent's schedule on one host: which instant each slot is started at.

use std::time::Duration;

use jiff::Timestamp;

use super::draw;
use super::jump::Jump;
use super::rules::Rules;
use crate::domain::schedule::{Cadence, Schedule};
use crate::domain::subject::AgentName;

/// An agent as the planner sees it.
#[derive(Clone, Debug)]
pub struct Job {
    agent: AgentName,
    host: String,
    schedule: Schedule,
    rules: Rules,
    delay: Duration,
}

/// Late slots are spread over so much time after a start of the host.
const BOOT_SPREAD: Duration = Duration::from_secs(30);

impl Job {
    /// The job of `agent` on `host`.
    #[must_use]
    pub fn new(agent: AgentName, host: &str, schedule: Schedule, rules: Rules) -> Self {
        // Most jobs have no jitter, and to look for the room that it has costs more than all the rest.
        let room = || schedule.shortest_gap(Timestamp::UNIX_EPOCH) / 2;
        let room = if rules.jitter.is_zero() { Duration::ZERO } else { room() };
        let limit = rules.jitter.min(room).min(rules.catch_up_within);
        let delay = rules.offset + draw::below(limit, &[agent.as_str(), host, "jitter"]);
        Self { agent, host: host.to_owned(), schedule, rules, delay }
    }

    /// Whether both mean the same slots, and treat them in the same way.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        let of =
            |job: &Self| (job.schedule.expression().to_owned(), job.schedule.zone().to_owned());
        (&self.agent, &self.host, of(self)) == (&other.agent, &other.host, of(other))
            && self.rules == other.rules
    }

    /// The agent.
    #[must_use]
    pub const fn agent(&self) -> &AgentName {
        &self.agent
    }

    /// Its schedule.
    #[must_use]
    pub const fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// How its slots are treated.
    #[must_use]
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// How long after every slot it is started: the offset, and its share of the jitter.
    #[must_use]
    pub const fn delay(&self) -> Duration {
        self.delay
    }

    /// When `slot` is started.
    #[must_use]
    pub fn start_of(&self, slot: Timestamp) -> Timestamp {
        later(slot, self.delay)
    }

    /// The newest slot that may be started at `now`.
    #[must_use]
    pub fn newest_due(&self, now: Timestamp) -> Option<Timestamp> {
        self.schedule.latest_at(now.checked_sub(self.delay).ok()?)
    }

    /// When the first slot after `slot` is started.
    pub(super) fn start_after(&self, slot: Timestamp) -> Timestamp {
        self.schedule.next_after(slot).map_or(Timestamp::MAX, |next| self.start_of(next))
    }

    /// Its place in the spread of late slots after a start of the host.
    pub(super) fn boot_delay(&self) -> Duration {
        draw::below(BOOT_SPREAD, &[self.agent.as_str(), &self.host, "boot"])
    }

    /// The wait before the attempt after `made` attempts at `slot`: anywhere below the back-off, doubled for each.
    pub(super) fn retry_delay(&self, slot: Timestamp, made: u32) -> Duration {
        let factor = 1_u32.checked_shl(made.saturating_sub(1)).unwrap_or(u32::MAX);
        let limit = self.rules.retries.back_off.get().saturating_mul(factor);
        let number = [slot.to_string(), made.to_string()];
        draw::below(limit, &[self.agent.as_str(), &self.host, "retry", &number[0], &number[1]])
    }

    /// Whether its slots are counted anew after `jump`: the clock went back by more than an interval, and slots that
    /// were taken must not keep a look from happening until it has caught up. What happens at a time of day has happened.
    #[must_use]
    pub fn begins_epoch(&self, jump: Jump) -> bool {
        let back = match jump {
            Jump::Backward(length) => length,
            Jump::Steady | Jump::Forward(_) => return false,
        };
        self.schedule.cadence() == Cadence::Interval && back > self.rules.interval
    }
}

/// The moment so long after `at`.
pub(super) fn later(at: Timestamp, length: Duration) -> Timestamp {
    at.checked_add(length).unwrap_or(Timestamp::MAX)
}
