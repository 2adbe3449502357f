//! The decision itself: a function of the schedule, of what was seen, and of the time.
//!
//! Every slot since the last settled one gets exactly one verdict, in order; the newest may also be left waiting, and is
//! then asked for again.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::hold::Hold;
use super::job::{Job, later};
use super::retry;
use super::seen::Seen;
use super::verdict::{MissedWhy, Plan, RunWhy, SkipWhy, Start, Verdict, Waiting};
use crate::domain::timing::{CatchUp, Overlap};

/// A start is on time when it is at most so late.
pub const ON_TIME: Duration = Duration::from_secs(1);

/// What becomes of the newest slot.
enum Fate {
    Decided(Verdict),
    Missed(MissedWhy),
    Waits { hold: Hold, until: Timestamp },
}

/// What is to be done about `job` at `now`.
#[must_use]
pub fn plan(job: &Job, seen: &Seen, now: Timestamp) -> Plan {
    let settled = seen.settled();
    match job.newest_due(now).filter(|slot| *slot > settled) {
        Some(slot) => of_due(job, seen, slot, now),
        None => of_retry(job, seen, now),
    }
}

fn of_due(job: &Job, seen: &Seen, slot: Timestamp, now: Timestamp) -> Plan {
    let fate = fate(job, seen, slot, now);
    let mut verdicts = Vec::new();
    let plan = |waiting, until: Timestamp, verdicts| Plan {
        verdicts,
        waiting,
        wake_at: until.min(job.start_after(slot)),
    };
    match fate {
        Fate::Missed(why) => {
            older(job, seen, slot, why, &mut verdicts);
            plan(None, Timestamp::MAX, verdicts)
        }
        Fate::Decided(verdict) => {
            older(job, seen, before(slot), MissedWhy::NewerDue, &mut verdicts);
            verdicts.push(verdict);
            plan(None, Timestamp::MAX, verdicts)
        }
        Fate::Waits { hold, until } => {
            older(job, seen, before(slot), MissedWhy::NewerDue, &mut verdicts);
            plan(Some(Waiting { slot, hold }), until, verdicts)
        }
    }
}

/// The verdicts on all slots up to `until`: one that was held back was skipped, the others were missed.
fn older(job: &Job, seen: &Seen, until: Timestamp, why: MissedWhy, verdicts: &mut Vec<Verdict>) {
    let mut from = seen.settled();
    if let Some(held) = &seen.waiting
        && (from < held.slot && held.slot <= until)
        && held.hold != Hold::Boot
    {
        verdicts.extend(missed(job, from, before(held.slot), MissedWhy::NewerDue));
        let why = SkipWhy::Held(held.hold.clone());
        verdicts.push(Verdict::Skip { slot: held.slot, why });
        from = held.slot;
    }
    verdicts.extend(missed(job, from, until, why));
}

fn missed(job: &Job, after: Timestamp, until: Timestamp, why: MissedWhy) -> Option<Verdict> {
    let schedule = job.schedule();
    let from = schedule.next_after(after).filter(|slot| *slot <= until)?;
    let to = schedule.latest_at(until)?;
    let count = schedule.count_between(after, until);
    Some(Verdict::Missed { from, to, count, why })
}

fn before(slot: Timestamp) -> Timestamp {
    slot.checked_sub(SignedDuration::from_nanos(1)).unwrap_or(Timestamp::MIN)
}

fn fate(job: &Job, seen: &Seen, slot: Timestamp, now: Timestamp) -> Fate {
    let rules = job.rules();
    let planned = job.start_of(slot);
    let late_by = passed(planned, now);
    let waited = seen.waiting.as_ref().filter(|waiting| waiting.slot == slot);
    let suspended = seen.suspended.as_ref();
    if let Some(one) = suspended.filter(|one| one.covers(planned) || one.covers(now)) {
        return skip(slot, SkipWhy::Suspended { why: one.why.clone() });
    }
    // What was held back was looked at in time; everything else that is late was not.
    let held = waited.filter(|waited| waited.hold != Hold::Boot);
    let is_late = late_by > ON_TIME && held.is_none();
    let end = later(planned, rules.catch_up_within);
    if is_late && rules.catch_up == CatchUp::None {
        return Fate::Missed(MissedWhy::NoCatchUp);
    }
    if is_late && late_by > rules.catch_up_within {
        return Fate::Missed(MissedWhy::TooOld { within: rules.catch_up_within });
    }
    if let Some(held) = held.filter(|_| now > end) {
        return skip(slot, SkipWhy::Held(held.hold.clone()));
    }
    let wait = |hold: Hold| {
        if now < end { Fate::Waits { hold, until: end } } else { skip(slot, SkipWhy::Held(hold)) }
    };
    if let Some(until) = spread(job, seen, planned, now).filter(|_| is_late) {
        return Fate::Waits { hold: Hold::Boot, until };
    }
    let own = seen.running.map(|run| Hold::OwnRun { since: run.started_at });
    match (own, rules.overlap) {
        (Some(own), Overlap::Skip) => return skip(slot, SkipWhy::Held(own)),
        (Some(own), Overlap::Queue) => return wait(own),
        (Some(_), Overlap::Replace) | (None, _) => {}
    }
    if let Some(agent) = &seen.held_by {
        return wait(Hold::Mutex { agent: agent.clone() });
    }
    let why = match waited {
        Some(waited) if !is_late => RunWhy::Waited(waited.hold.clone()),
        _ if is_late => RunWhy::CaughtUp,
        _ => RunWhy::Due,
    };
    let start = Start {
        slot,
        attempt: 1,
        deadline: later(now, rules.timeout),
        late_by,
        // Also of one that was held back: while it waited nobody looked at the world either.
        plan_only: late_by > ON_TIME && gap(seen, now) > rules.plan_only_after,
        why,
    };
    Fate::Decided(match seen.running {
        Some(running) => Verdict::Replace { running_since: running.started_at, start },
        None => Verdict::Run(start),
    })
}

fn skip(slot: Timestamp, why: SkipWhy) -> Fate {
    Fate::Decided(Verdict::Skip { slot, why })
}

/// How long ago the last run began; without one, how long ago one could have begun.
fn gap(seen: &Seen, now: Timestamp) -> Duration {
    passed(seen.last_began.unwrap_or(seen.in_effect_since), now)
}

fn passed(since: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(since)).unwrap_or_default()
}

/// Until when a slot that was late already when its looker started is held back, so that a host that comes up does not
/// start all its agents at once. None where it would come too late by that.
fn spread(job: &Job, seen: &Seen, planned: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let since = seen.looking_since.filter(|since| planned < *since)?;
    let until = later(since, job.boot_delay());
    let latest = later(planned, job.rules().catch_up_within);
    (now < until && later(until, ON_TIME) < latest).then_some(until)
}

/// No slot is due: perhaps the newest is to be tried again.
fn of_retry(job: &Job, seen: &Seen, now: Timestamp) -> Plan {
    let next = job.start_after(seen.settled());
    let mut plan = Plan { verdicts: Vec::new(), waiting: None, wake_at: next };
    let is_off = seen.suspended.as_ref().is_some_and(|one| one.covers(now));
    let Some((last, at)) = retry::pending(job, seen) else { return plan };
    if is_off || seen.running.is_some() || now >= last.deadline {
        return plan;
    }
    if now < at {
        plan.wake_at = at.min(next);
    } else if let Some(agent) = &seen.held_by {
        let hold = Hold::Mutex { agent: agent.clone() };
        plan.waiting = Some(Waiting { slot: last.slot, hold });
        plan.wake_at = last.deadline.min(next);
    } else {
        plan.verdicts.push(Verdict::Run(Start {
            slot: last.slot,
            attempt: last.number + 1,
            deadline: last.deadline,
            late_by: passed(job.start_of(last.slot), now),
            plan_only: last.plan_only,
            why: RunWhy::Again { after: last.state },
        }));
    }
    plan
}
