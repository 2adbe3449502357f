//! The table of what becomes of slots, row by row.

use std::time::Duration;

use jiff::Timestamp;

use super::*;
use crate::domain::duration::HumanDuration;
use crate::domain::run::RunState;
use crate::domain::schedule::{Count, Schedule};
use crate::domain::subject::AgentName;
use crate::domain::timing::{CatchUp, Overlap, ScheduleSettings};

pub(super) fn at(text: &str) -> Timestamp {
    format!("2026-11-20T{text}Z").parse().unwrap()
}

fn agent() -> AgentName {
    AgentName::of("fleet-manager")
}

fn job(cron: &str, settings: &ScheduleSettings) -> Job {
    let schedule: Schedule = cron.parse().unwrap();
    let rules = Rules::of(settings, &schedule);
    Job::new(agent(), "host-a", schedule, rules)
}

/// Every five minutes.
pub(super) fn five() -> Job {
    job("*/5 * * * *", &ScheduleSettings::default())
}

pub(super) fn five_with(settings: ScheduleSettings) -> Job {
    job("*/5 * * * *", &settings)
}

/// An agent that has been well until the slot at 10:00.
pub(super) fn seen() -> Seen {
    Seen {
        last_slot: Some(at("10:00:00")),
        last_began: Some(at("10:00:00")),
        ..Seen::nothing(at("00:00:00"))
    }
}

pub(super) fn run(plan: &Plan) -> &Start {
    match plan.verdicts.last() {
        Some(Verdict::Run(start)) => start,
        other => panic!("{other:?}"),
    }
}

fn skipped(slot: &str, why: SkipWhy) -> Vec<Verdict> {
    vec![Verdict::Skip { slot: at(slot), why }]
}

fn missed(from: &str, to: &str, count: u64, why: MissedWhy) -> Verdict {
    Verdict::Missed { from: at(from), to: at(to), count: Count::Exactly(count), why }
}

const MINUTE: Duration = Duration::from_mins(1);

#[test]
fn due_is_the_newest_slot_that_has_no_row() {
    let plan_at = |time: &str| plan(&five(), &seen(), at(time));
    let before = plan_at("10:04:59.999");
    assert_eq!((before.verdicts.len(), before.wake_at), (0, at("10:05:00")));
    let due = plan_at("10:05:00");
    assert_eq!(due.wake_at, at("10:10:00"));
    let expected = Start {
        slot: at("10:05:00"),
        attempt: 1,
        deadline: at("10:09:00"),
        late_by: Duration::ZERO,
        plan_only: false,
        why: RunWhy::Due,
    };
    assert_eq!(due.verdicts, [Verdict::Run(expected)]);
    let claimed = Seen { last_slot: Some(at("10:05:00")), ..seen() };
    assert_eq!(plan(&five(), &claimed, at("10:05:00")).verdicts, []);
}

#[test]
fn nobody_catches_up_across_a_change_of_the_schedule_or_the_first_installation() {
    let new = Seen::nothing(at("10:07:00"));
    assert_eq!(plan(&five(), &new, at("10:07:00")).verdicts, []);
    assert_eq!(run(&plan(&five(), &new, at("10:10:00"))).slot, at("10:10:00"));
    let changed = Seen { in_effect_since: at("11:00:00"), ..seen() };
    assert_eq!(plan(&five(), &changed, at("11:04:00")).verdicts, []);
}

#[test]
fn up_to_a_second_is_on_time_later_is_caught_up_with_and_too_late_is_missed() {
    let why = |time: &str| run(&plan(&five(), &seen(), at(time))).why.clone();
    assert_eq!(why("10:05:01"), RunWhy::Due);
    assert_eq!(why("10:05:01.001"), RunWhy::CaughtUp);
    let patience = ScheduleSettings {
        catch_up_within: Some(HumanDuration::mins(2)),
        ..ScheduleSettings::default()
    };
    let job = five_with(patience.clone());
    assert_eq!(run(&plan(&job, &seen(), at("10:07:00"))).late_by, 2 * MINUTE);
    let late = plan(&job, &seen(), at("10:07:00.001"));
    let too_old = MissedWhy::TooOld { within: 2 * MINUTE };
    assert_eq!(late.verdicts, [missed("10:05:00", "10:05:00", 1, too_old)]);
    let outage = plan(&job, &seen(), at("11:03:00"));
    assert_eq!(outage.verdicts, [missed("10:05:00", "11:00:00", 12, too_old)], "one range");
    let none = five_with(ScheduleSettings { catch_up: CatchUp::None, ..patience });
    let late = plan(&none, &seen(), at("10:05:01.001"));
    assert_eq!(late.verdicts, [missed("10:05:00", "10:05:00", 1, MissedWhy::NoCatchUp)]);
    assert_eq!(run(&plan(&none, &seen(), at("10:05:00.9"))).why, RunWhy::Due);
}

#[test]
fn after_an_outage_the_newest_is_run_and_the_others_are_counted() {
    let back = plan(&five(), &seen(), at("11:01:00"));
    assert_eq!(back.verdicts.len(), 2);
    assert_eq!(back.verdicts[0], missed("10:05:00", "10:55:00", 11, MissedWhy::NewerDue));
    let start = run(&back);
    assert_eq!((start.slot, start.why.clone()), (at("11:00:00"), RunWhy::CaughtUp));
    assert_eq!((start.late_by, start.deadline), (MINUTE, at("11:05:00")));
    assert!(!start.plan_only);
}

#[test]
fn after_a_long_gap_a_late_slot_only_plans() {
    let since = |text: &str| Seen { last_began: Some(text.parse().unwrap()), ..seen() };
    let gap = |began: &str| run(&plan(&five(), &since(began), at("10:06:00"))).plan_only;
    assert!(!gap("2026-11-19T10:06:00Z"));
    assert!(gap("2026-11-19T10:05:59Z"));
    let never = Seen { last_began: None, ..Seen::nothing("2026-11-01T00:00:00Z".parse().unwrap()) };
    assert!(run(&plan(&five(), &never, at("10:06:00"))).plan_only, "nobody knows the gap");
    let on_time = since("2026-11-01T00:00:00Z");
    assert!(!run(&plan(&five(), &on_time, at("10:05:00"))).plan_only);
}

#[test]
fn overlap_skip_records_the_slot_as_skipped() {
    let running = Running { slot: Some(at("10:00:00")), started_at: at("10:00:00") };
    let busy = Seen { running: Some(running), ..seen() };
    let own = Hold::OwnRun { since: at("10:00:00") };
    let skip = plan(&five(), &busy, at("10:05:00"));
    assert_eq!(skip.verdicts, skipped("10:05:00", SkipWhy::Held(own)));
    let manual = Running { slot: None, started_at: at("10:03:00") };
    let busy = Seen { running: Some(manual), ..seen() };
    let own = Hold::OwnRun { since: at("10:03:00") };
    let skip = plan(&five(), &busy, at("10:05:00"));
    assert_eq!(skip.verdicts, skipped("10:05:00", SkipWhy::Held(own)));
}

#[test]
fn overlap_queue_keeps_one_and_the_newest_wins() {
    let job = five_with(ScheduleSettings {
        overlap: Overlap::Queue,
        catch_up_within: Some(HumanDuration::mins(20)),
        ..ScheduleSettings::default()
    });
    let running = Running { slot: Some(at("10:00:00")), started_at: at("10:00:00") };
    let busy = Seen { running: Some(running), ..seen() };
    let first = plan(&job, &busy, at("10:05:00"));
    let own = Hold::OwnRun { since: at("10:00:00") };
    let waiting = Waiting { slot: at("10:05:00"), hold: own.clone() };
    assert_eq!((first.verdicts.len(), first.waiting.as_ref()), (0, Some(&waiting)));
    assert_eq!(first.wake_at, at("10:10:00"));
    let busy = Seen { waiting: first.waiting, ..busy };
    let second = plan(&job, &busy, at("10:10:00"));
    assert_eq!(second.verdicts, skipped("10:05:00", SkipWhy::Held(own.clone())));
    let waiting = second.waiting.unwrap();
    assert_eq!(waiting.slot, at("10:10:00"));
    let free = Seen {
        running: None,
        waiting: Some(waiting.clone()),
        last_slot: Some(at("10:05:00")),
        ..seen()
    };
    let start = plan(&job, &free, at("10:12:00"));
    assert_eq!(run(&start).slot, at("10:10:00"));
    assert_eq!(run(&start).why, RunWhy::Waited(own.clone()));
    let none = ScheduleSettings {
        overlap: Overlap::Queue,
        catch_up: CatchUp::None,
        ..ScheduleSettings::default()
    };
    let start = plan(&five_with(none), &free, at("10:12:00"));
    assert_eq!(run(&start).why, RunWhy::Waited(own), "to wait is not to catch up");
}

#[test]
fn overlap_replace_ends_the_run_that_is_in_the_way() {
    let job =
        five_with(ScheduleSettings { overlap: Overlap::Replace, ..ScheduleSettings::default() });
    let running = Running { slot: Some(at("10:00:00")), started_at: at("10:00:01") };
    let busy = Seen { running: Some(running), ..seen() };
    let replaced = plan(&job, &busy, at("10:05:00")).verdicts;
    let [Verdict::Replace { running_since, start }] = replaced.as_slice() else {
        panic!("{replaced:?}")
    };
    assert_eq!((*running_since, start.slot), (at("10:00:01"), at("10:05:00")));
    let other = AgentName::of("schedule-doctor");
    let held = Seen { held_by: Some(other), ..busy };
    let waits = plan(&job, &held, at("10:05:00"));
    assert!(waits.verdicts.is_empty() && waits.waiting.is_some(), "nothing is ended in vain");
}

#[test]
fn a_mutex_is_waited_for_as_long_as_a_slot_may_be_late_and_then_the_slot_is_skipped() {
    let job = five_with(ScheduleSettings {
        catch_up_within: Some(HumanDuration::mins(2)),
        ..ScheduleSettings::default()
    });
    let other = AgentName::of("schedule-doctor");
    let by_other = Hold::Mutex { agent: other.clone() };
    let held = Seen { held_by: Some(other), ..seen() };
    let first = plan(&job, &held, at("10:05:00"));
    assert_eq!((first.verdicts.len(), first.wake_at), (0, at("10:07:00")));
    let held = Seen { waiting: first.waiting.clone(), ..held };
    let still = plan(&job, &held, at("10:06:59.9"));
    assert_eq!((still.verdicts.len(), &still.waiting), (0, &first.waiting));
    let over = plan(&job, &held, at("10:07:00"));
    assert_eq!(over.verdicts, skipped("10:05:00", SkipWhy::Held(by_other.clone())));
    assert_eq!(over.waiting, None);
    let free = Seen { held_by: None, ..held };
    assert_eq!(run(&plan(&job, &free, at("10:06:00"))).why, RunWhy::Waited(by_other.clone()));
    let late = plan(&job, &free, at("10:07:00.1"));
    assert_eq!(late.verdicts, skipped("10:05:00", SkipWhy::Held(by_other)));
}

#[test]
fn jitter_is_fixed_for_agent_and_host_and_capped() {
    let delay = |host: &str, jitter: u64, cron: &str| {
        let schedule: Schedule = cron.parse().unwrap();
        let jitter = HumanDuration::mins(jitter);
        let settings = ScheduleSettings { jitter, ..ScheduleSettings::default() };
        let rules = Rules::of(&settings, &schedule);
        Job::new(agent(), host, schedule, rules).delay()
    };
    assert_eq!(delay("a", 1, "*/5 * * * *"), delay("a", 1, "*/5 * * * *"));
    assert_ne!(delay("a", 1, "*/5 * * * *"), delay("b", 1, "*/5 * * * *"));
    let hosts: Vec<String> = (0..200).map(|n| format!("host-{n}")).collect();
    let longest = hosts.iter().map(|host| delay(host, 600, "*/5 * * * *")).max().unwrap();
    assert!(longest < 150 * MINUTE / 60 && longest > 2 * MINUTE, "{longest:?}");
    let weekly = hosts.iter().map(|host| delay(host, 9999, "0 0 * * 0")).max().unwrap();
    assert!(weekly < 360 * MINUTE && weekly > 300 * MINUTE, "{weekly:?}");
    let uneven = hosts.iter().map(|host| delay(host, 600, "0 9,10 * * *")).max().unwrap();
    assert!(uneven < 30 * MINUTE, "half of the shortest interval: {uneven:?}");
}

#[test]
fn the_offset_moves_the_start_and_leaves_the_slot_its_name() {
    let offset = HumanDuration::mins(3);
    let job = five_with(ScheduleSettings { offset, ..ScheduleSettings::default() });
    let before = plan(&job, &seen(), at("10:07:59.9"));
    assert_eq!((before.verdicts.len(), before.wake_at), (0, at("10:08:00")));
    let due = plan(&job, &seen(), at("10:08:00"));
    let start = run(&due);
    assert_eq!((start.slot, start.late_by), (at("10:05:00"), Duration::ZERO));
    assert_eq!((start.deadline, due.wake_at), (at("10:12:00"), at("10:13:00")));
}

#[test]
fn a_suspension_skips_with_its_reason_until_it_is_over() {
    let suspended = |until: Option<Timestamp>| {
        let why = "moving house".to_owned();
        Seen { suspended: Some(Suspension { since: at("10:03:00"), until, why }), ..seen() }
    };
    let why = SkipWhy::Suspended { why: "moving house".to_owned() };
    let skip = plan(&five(), &suspended(None), at("10:05:00"));
    assert_eq!(skip.verdicts, skipped("10:05:00", why.clone()));
    let over = suspended(Some(at("10:06:00")));
    let late = plan(&five(), &over, at("10:07:00"));
    assert_eq!(late.verdicts, skipped("10:05:00", why), "its moment was within");
    let next = Seen { last_slot: Some(at("10:05:00")), ..over };
    assert_eq!(run(&plan(&five(), &next, at("10:10:00"))).slot, at("10:10:00"));
    let ended = suspended(Some(at("10:05:00")));
    assert_eq!(run(&plan(&five(), &ended, at("10:05:00"))).slot, at("10:05:00"));
}

#[test]
fn a_host_that_comes_up_spreads_its_late_slots_over_half_a_minute() {
    let up = Seen { looking_since: Some(at("10:06:00")), ..seen() };
    let first = plan(&five(), &up, at("10:06:00"));
    let boot = Waiting { slot: at("10:05:00"), hold: Hold::Boot };
    assert_eq!((first.verdicts.len(), first.waiting.as_ref()), (0, Some(&boot)));
    let until = first.wake_at;
    assert!(until > at("10:06:00") && until < at("10:06:30"), "{until}");
    let up = Seen { waiting: first.waiting, ..up };
    assert_eq!(plan(&five(), &up, until.checked_sub(MINUTE / 600).unwrap()).verdicts, []);
    let start = plan(&five(), &up, until);
    assert_eq!((run(&start).slot, &run(&start).why), (at("10:05:00"), &RunWhy::CaughtUp));
    let seconds = |host: &str| {
        Job::new(agent(), host, five().schedule().clone(), five().rules().clone()).boot_delay()
    };
    assert_ne!(seconds("a"), seconds("b"));
    let late = Seen { looking_since: Some(at("10:09:55")), ..seen() };
    assert_eq!(run(&plan(&five(), &late, at("10:09:55"))).slot, at("10:05:00"), "or never");
    let later = plan(&five(), &up, at("10:10:00"));
    assert_eq!(later.verdicts[0], missed("10:05:00", "10:05:00", 1, MissedWhy::NewerDue));
    assert_eq!(run(&later).why, RunWhy::Due, "what becomes due while it looks is not spread");
    let once = Seen { looking_since: None, ..seen() };
    assert_eq!(run(&plan(&five(), &once, at("10:06:00"))).slot, at("10:05:00"));
}

#[test]
fn a_clock_set_back_claims_nothing_twice_and_a_new_epoch_goes_on_at_once() {
    let ahead = Seen { last_slot: Some(at("11:00:00")), ..seen() };
    let back = plan(&five(), &ahead, at("10:02:00"));
    assert_eq!((back.verdicts.len(), back.wake_at), (0, at("11:05:00")));
    let epoch = Seen { last_slot: None, in_effect_since: at("10:02:00"), ..seen() };
    let back = plan(&five(), &epoch, at("10:02:00"));
    assert_eq!((back.verdicts.len(), back.wake_at), (0, at("10:05:00")));
    assert_eq!(run(&plan(&five(), &epoch, at("10:05:00"))).why, RunWhy::Due);
}

#[test]
fn every_reason_is_a_sentence_that_a_person_can_read() {
    let own = Hold::OwnRun { since: at("10:00:00") };
    let texts = [
        SkipWhy::Held(own).to_string(),
        SkipWhy::Held(Hold::Mutex { agent: agent() }).to_string(),
        MissedWhy::TooOld { within: 5 * MINUTE }.to_string(),
        RunWhy::Again { after: RunState::Lost }.to_string(),
    ];
    assert_eq!(
        texts,
        [
            "the run of 2026-11-20 10:00:00 UTC goes on",
            "fleet-manager runs, and both have a mutex in common",
            "nothing looked in time, and a slot is run at most 5m late",
            "the attempt before ended as lost",
        ]
    );
}
