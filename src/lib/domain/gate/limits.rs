//! Doors 5 and 8: how much at once, and how much in all.

use std::time::Duration;

use super::ask::held;
use super::door::Answer;
use super::input::GateInput;
use crate::domain::diagnosis::Census;
use crate::domain::operation::{Operation, OperationClass, Target};

/// The window of the shared budget, and of what a fleet may be told.
const HOUR: Duration = Duration::from_hours(1);
/// The window of quiet changes.
const DAY: Duration = Duration::from_hours(24);
/// However small a tenant is, so many quiet changes a day are allowed.
const LEAST_QUIET: u64 = 5;

pub(super) fn blast_radius(input: &GateInput<'_>) -> Answer {
    if held(input).is_some() {
        return Answer::NotApplicable("a person holds it, which the next door tells".to_owned());
    }
    let target = input.operation.target();
    // Upkeep of one object is of several kinds, which follow each other; everything else waits for what it did.
    let upkeep = input.operation.class() == OperationClass::Upkeep;
    let done_already = |done: &Operation| {
        if upkeep { done == input.operation } else { done.target().overlaps(&target) }
    };
    if input.run_so_far.iter().any(done_already) {
        return Answer::Refused(format!("{target} was acted on in this run already"));
    }
    match (input.operation.class(), input.census) {
        (OperationClass::ServiceRestart, _) => restarts(input),
        (OperationClass::Upkeep, _) => {
            Answer::Passed("upkeep is done one at a time, within the time of the run".to_owned())
        }
        (OperationClass::Fleet | OperationClass::Quiet, None) => {
            Answer::Refused("the size of the population is not known".to_owned())
        }
        (OperationClass::Fleet, Some(census)) => fleet(input, census),
        (OperationClass::Quiet, Some(census)) => quiet(input, census),
    }
}

/// A count of so many out of a limit.
fn of_limit(done: usize, limit: u64, what: &str) -> Answer {
    let text = format!("{done} of {limit} {what} are used");
    if (done as u64) < limit { Answer::Passed(text) } else { Answer::Refused(text) }
}

fn restarts(input: &GateInput<'_>) -> Answer {
    let alike = |done: &Operation| done.class() == OperationClass::ServiceRestart;
    let done = input.alike(alike).count();
    of_limit(done, input.policy.restarts_per_run.into(), "restarts of this host in this run")
}

/// The same class, or the same verb for quiet changes, on the same tenant.
fn alike<'a>(input: &'a GateInput<'_>) -> impl Fn(&Operation) -> bool + 'a {
    let operation = input.operation;
    move |other| {
        let same_kind = match operation.class() {
            OperationClass::Quiet => other.verb() == operation.verb(),
            class => other.class() == class,
        };
        let same_tenant = match (other.target(), operation.target()) {
            (Target::Row(one), Target::Row(another)) => one.tenant == another.tenant,
            (Target::Process(_) | Target::Row(_) | Target::Data(_), _) => false,
        };
        same_kind && same_tenant
    }
}

const fn share(of: u64, percent: u32) -> u64 {
    of.saturating_mul(percent as u64) / 100
}

fn fleet(input: &GateInput<'_>, census: Census) -> Answer {
    let least = input.policy.min_healthy_percent;
    // A fleet of which most is ill has a cause that telling each player something does not mend.
    if census.well * 100 < census.seen.saturating_mul(u64::from(least)) {
        return Answer::Refused(format!(
            "{} of {} are well, less than {least} %: so many at once have one cause",
            census.well, census.seen
        ));
    }
    let limit = share(census.seen, input.policy.fleet_percent).max(1);
    let in_run = of_limit(input.alike(alike(input)).count(), limit, "fleet commands in this run");
    if matches!(in_run, Answer::Refused(_)) {
        return in_run;
    }
    of_limit(
        input.within(HOUR, alike(input)),
        limit,
        "fleet commands of this tenant in the last hour",
    )
}

fn quiet(input: &GateInput<'_>, census: Census) -> Answer {
    let verb = input.operation.verb();
    let per_run = u64::from(input.policy.quiet_per_run);
    let what = format!("{verb} in this run");
    let in_run = of_limit(input.alike(alike(input)).count(), per_run, &what);
    if matches!(in_run, Answer::Refused(_)) {
        return in_run;
    }
    // What is put away is counted no more, and was there when the day began.
    let gone = if input.operation.leaves_census() { input.standing(DAY, alike(input)) } else { 0 };
    let began = census.seen.saturating_add(gone as u64);
    let limit = share(began, input.policy.quiet_percent_per_day).max(LEAST_QUIET);
    let what = format!("{verb} of this tenant in the last day");
    match of_limit(input.within(DAY, alike(input)), limit, &what) {
        Answer::Refused(text) => {
            Answer::Refused(format!("{text}; more of them a person must want"))
        }
        passed => passed,
    }
}

pub(super) fn budget(input: &GateInput<'_>) -> Answer {
    if !input.operation.class().is_disruptive() {
        return Answer::NotApplicable(format!(
            "no {} interrupts anything; its own limits are those of the blast radius",
            input.operation.class().as_str()
        ));
    }
    let disruptive = |done: &Operation| done.class().is_disruptive();
    let (run, per_run) = (input.alike(disruptive).count(), input.budgets.actions_per_run);
    if run >= per_run as usize {
        return Answer::Refused(format!("{run} of {per_run} actions of this run are used"));
    }
    let per_hour = input.budgets.actions_per_hour.into();
    of_limit(input.within(HOUR, disruptive), per_hour, "actions of all agents in the last hour")
}
