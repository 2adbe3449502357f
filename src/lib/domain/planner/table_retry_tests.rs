//! The table of what becomes of slots: further attempts.

use std::time::Duration;

use jiff::Timestamp;

use super::table_tests::{at, five, five_with, run, seen};
use super::*;
use crate::domain::duration::HumanDuration;
use crate::domain::run::RunState;
use crate::domain::subject::AgentName;
use crate::domain::timing::{Retries, RetryOn, ScheduleSettings};

/// The slot of 10:05, whose first attempt ended a second later with this state and exit code.
fn ended(state: RunState, exit: Option<i32>) -> Seen {
    let attempt = Attempt {
        slot: at("10:05:00"),
        number: 1,
        state,
        exit,
        ended_at: at("10:05:01"),
        deadline: at("10:09:00"),
        plan_only: false,
    };
    Seen { last_slot: Some(at("10:05:00")), last_attempt: Some(attempt), ..seen() }
}

fn retrying(max: u32, on: &[RetryOn]) -> Job {
    let on = on.iter().copied().collect();
    let retries = Retries { max, back_off: HumanDuration::secs(30), on };
    five_with(ScheduleSettings { retries, ..ScheduleSettings::default() })
}

#[test]
fn nothing_is_tried_again_unless_settings_say_so_and_then_only_the_named_ends() {
    use RetryOn::{Busy, Incomplete, Interrupted, Lost};
    let again = |job: &Job, state, exit| {
        !plan(job, &ended(state, exit), at("10:08:59")).verdicts.is_empty()
    };
    assert!(!again(&five(), RunState::Failed, Some(75)));
    let rows = [
        (Busy, RunState::Failed, Some(75)),
        (Busy, RunState::Skipped, Some(75)),
        (Incomplete, RunState::Failed, Some(2)),
        (Lost, RunState::Lost, None),
        (Interrupted, RunState::Interrupted, Some(143)),
    ];
    for (named, state, exit) in rows {
        for class in [Busy, Incomplete, Lost, Interrupted] {
            let expected = class == named;
            assert_eq!(again(&retrying(1, &[class]), state, exit), expected, "{class:?} {state:?}");
        }
    }
    let all = retrying(9, &[Busy, Incomplete, Lost, Interrupted]);
    let never = [
        (RunState::TimedOut, Some(124)),
        (RunState::TimedOut, Some(2)),
        (RunState::Killed, Some(137)),
        (RunState::Crashed, Some(101)),
        (RunState::Failed, Some(77)),
        (RunState::Ok, Some(0)),
        (RunState::Findings, Some(1)),
        (RunState::Missed, None),
    ];
    for (state, exit) in never {
        assert!(!again(&all, state, exit), "{state:?} {exit:?}");
    }
}

#[test]
fn a_further_attempt_waits_keeps_the_deadline_and_has_an_end() {
    let job = retrying(2, &[RetryOn::Busy]);
    let failed = ended(RunState::Failed, Some(75));
    let first = plan(&job, &failed, at("10:05:01"));
    assert!(first.wake_at > at("10:05:01") && first.wake_at < at("10:05:31"), "{first:?}");
    assert_eq!(plan(&job, &failed, at("10:05:01")), first, "drawn once");
    let again = plan(&job, &failed, first.wake_at);
    let start = run(&again);
    assert_eq!((start.slot, start.attempt), (at("10:05:00"), 2));
    assert_eq!(start.deadline, at("10:09:00"), "that of the first attempt");
    assert_eq!(start.why, RunWhy::Again { after: RunState::Failed });
    let number = |number: u32, ended_at: &str| {
        let last = failed.last_attempt.unwrap();
        let last_attempt = Some(Attempt { number, ended_at: at(ended_at), ..last });
        Seen { last_attempt, ..failed.clone() }
    };
    assert_eq!(plan(&job, &number(3, "10:06:00"), at("10:08:00")).verdicts, [], "spent");
    assert_eq!(plan(&job, &number(1, "10:08:59.999"), at("10:09:00")).verdicts, [], "too late");
    assert_eq!(plan(&job, &number(1, "10:06:00"), at("10:09:00")).verdicts, [], "its deadline");
    let next = plan(&job, &failed, at("10:10:00"));
    assert_eq!((run(&next).slot, run(&next).attempt), (at("10:10:00"), 1), "the next one cancels");
    let busy = Running { slot: None, started_at: at("10:06:00") };
    let busy = Seen { running: Some(busy), ..failed.clone() };
    assert_eq!(plan(&job, &busy, at("10:08:00")).verdicts, []);
    let suspension = Suspension { since: at("10:05:30"), until: None, why: String::new() };
    let off = Seen { suspended: Some(suspension), ..failed.clone() };
    assert_eq!(plan(&job, &off, at("10:08:00")).verdicts, []);
    let set_back = number(1, "09:30:00");
    assert_eq!(plan(&job, &set_back, at("10:04:59")).verdicts, [], "never before its slot");
    let held = Seen { held_by: Some(AgentName::of("x")), ..failed };
    let waits = plan(&job, &held, at("10:08:00"));
    assert_eq!((waits.verdicts.len(), waits.wake_at), (0, at("10:09:00")));
}

#[test]
fn waits_between_attempts_double_and_are_spread_from_nothing_up() {
    let job = retrying(9, &[RetryOn::Busy]);
    for made in 1..6 {
        let limit = Duration::from_secs(30 << (made - 1));
        let slots = (0..300).map(|n| Timestamp::from_second(n * 300).unwrap());
        let waits: Vec<Duration> = slots.map(|slot| job.retry_delay(slot, made)).collect();
        assert!(waits.iter().all(|wait| *wait < limit));
        assert!(waits.iter().any(|wait| *wait < limit / 10), "{made}");
        assert!(waits.iter().any(|wait| *wait > limit * 9 / 10), "{made}");
    }
}
