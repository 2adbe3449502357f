//! The slot ledger: who gets a slot, what becomes of the others, and that no slot is anybody's twice.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use opswarden::adapters::store::SqliteStore;
use opswarden::domain::duration::HumanDuration;
use opswarden::domain::event::{Event, NewEvent};
use opswarden::domain::incident::{RunId, control};
use opswarden::domain::planner::{Job, Rules};
use opswarden::domain::run::{AgentRun, RunState, Trigger};
use opswarden::domain::schedule::{Fields, Schedule};
use opswarden::domain::timing::{Overlap, Retries, RetryOn, ScheduleSettings};
use opswarden::ports::slots::{Ask, Claimed, Slots as _};
use opswarden::ports::store::{Batch, Note, RunQuery, Store as _};

use super::support::{AGENT, at, everything, open};

/// A job of every five minutes, unless settings say otherwise.
fn job(settings: &ScheduleSettings) -> Job {
    let cron = if settings.cron.is_empty() { "*/5 * * * *" } else { &settings.cron };
    let schedule = Schedule::with(Fields::FiveOrSix, cron, "UTC", Timestamp::UNIX_EPOCH);
    let schedule = schedule.expect("a schedule");
    Job::new(AGENT, "host-a", schedule.clone(), Rules::of(settings, &schedule))
}

struct Desk {
    store: SqliteStore,
    job: Job,
    asked: Cell<u32>,
    _folder: tempfile::TempDir,
}

impl Desk {
    async fn new(settings: &ScheduleSettings) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = open(folder.path()).await;
        Self { store, job: job(settings), asked: Cell::new(0), _folder: folder }
    }

    async fn ask(&self, now: Timestamp, alone: bool) -> Claimed {
        self.asked.set(self.asked.get() + 1);
        let run = RunId(format!("run-{}", self.asked.get()));
        let ask = Ask {
            job: &self.job,
            run: &run,
            trigger: Trigger::Systemd,
            owner: "host-a, pid 7",
            alone,
            held_by: None,
            waiting: None,
            looking_since: None,
        };
        self.store.claim(&|| now, &ask).await.expect("the ledger answers")
    }

    /// The slot that somebody gets who asks alone, by its time.
    async fn slot(&self, time: &str) -> Option<String> {
        let claimed = self.ask(moment(time), true).await;
        claimed.mine.map(|claim| claim.slot.strftime("%H:%M").to_string())
    }

    /// The run ends.
    async fn end(&self, run: &str, state: RunState) {
        let found = self.rows().await.into_iter().find(|row| row.id.0 == run).expect("it is there");
        let ended_at = Some(found.started_at + Duration::from_secs(1));
        let note = Note::Run(Box::new(AgentRun { state, ended_at, exit: Some(0), ..found }));
        self.write(Batch { events: Vec::new(), notes: vec![note] }).await;
    }

    async fn control(&self, key: &str, on: bool, time: &str) {
        let event = Event::ControlChanged {
            control: key.to_owned(),
            on,
            reason: "the platform moves".to_owned(),
            expires_at: None,
            facts: BTreeMap::new(),
        };
        let actor = "human:root".to_owned();
        let event = NewEvent { at: moment(time), actor, run: None, event };
        self.write(Batch { events: vec![event], notes: Vec::new() }).await;
    }

    async fn write(&self, batch: Batch) {
        let mut decide = |_: &_| Batch { events: batch.events.clone(), notes: batch.notes.clone() };
        self.store.commit(everything(), &mut decide).await.expect("it is written");
    }

    async fn rows(&self) -> Vec<AgentRun> {
        let query = RunQuery { agent: None, limit: 1000 };
        self.store.runs(query).await.expect("they are read")
    }

    /// Every row of a slot, the oldest slot first: its slots, how it ended, and why.
    async fn told(&self) -> Vec<(String, &'static str, String)> {
        let time = |at: Timestamp| at.strftime("%H:%M").to_string();
        let mut rows = self.rows().await;
        rows.sort_by_key(|row| (row.slot, row.attempt));
        let of = |row: &AgentRun| {
            let from = time(row.slot?);
            let slots = row.slot_until.map_or(from.clone(), |to| format!("{from}-{}", time(to)));
            Some((slots, row.state.as_str(), row.why.clone().unwrap_or_default()))
        };
        rows.iter().filter_map(of).collect()
    }
}

fn moment(time: &str) -> Timestamp {
    at(&format!("2026-11-20T{time}Z"))
}

#[tokio::test]
async fn a_slot_is_somebodys_once() {
    let desk = Desk::new(&ScheduleSettings::default()).await;
    assert_eq!(desk.slot("12:05:00.020").await, Some("12:05".to_owned()));
    assert_eq!(desk.slot("12:05:00.030").await, None, "another trigger in the same second");
    assert_eq!(desk.slot("12:09:59").await, None);
    assert_eq!(desk.slot("12:10:00").await, Some("12:10".to_owned()));
    let rows = desk.rows().await;
    let tokens: BTreeSet<Option<u64>> = rows.iter().map(|row| row.token).collect();
    assert_eq!(tokens, BTreeSet::from([Some(1), Some(2)]));
    assert_eq!((rows[0].trigger, rows[0].late_ms), (Trigger::Systemd, Some(0)));
}

#[tokio::test]
async fn what_nobody_looked_at_was_missed_and_says_so() {
    let desk = Desk::new(&ScheduleSettings::default()).await;
    desk.slot("12:05:00").await;
    desk.end("run-1", RunState::Ok).await;
    assert_eq!(desk.slot("12:32:00").await, Some("12:30".to_owned()), "the newest is caught up");
    let told = desk.told().await;
    assert_eq!((told[1].0.as_str(), told[1].1, told[2].1), ("12:10-12:25", "missed", "running"));
    assert_eq!(told[2].2, "it was due while nothing could start it");
    let missed = desk.rows().await.into_iter().find(|row| row.state == RunState::Missed);
    assert_eq!(missed.and_then(|row| row.slots), Some(4));
}

#[tokio::test]
async fn a_slot_that_meets_a_run_is_skipped_with_its_reason() {
    let desk = Desk::new(&ScheduleSettings::default()).await;
    desk.slot("12:05:00").await;
    assert_eq!(desk.ask(moment("12:10:00"), false).await.mine, None);
    let told = desk.told().await;
    assert_eq!((told[1].0.as_str(), told[1].1), ("12:10", "skipped"));
    assert!(told[1].2.starts_with("the run of 2026-11-20 12:05:00"), "{told:?}");
    desk.end("run-1", RunState::Ok).await;
    let without = desk.ask(moment("12:15:00"), false).await;
    assert_eq!(without.mine, None, "who does not hold the lock gets nothing, whatever is written");
    assert_eq!(desk.slot("12:15:00.500").await, Some("12:15".to_owned()));
}

#[tokio::test]
async fn the_slot_of_a_run_that_was_lost_is_tried_again_only_where_that_is_asked() {
    let on = BTreeSet::from([RetryOn::Lost]);
    let retries = Retries { max: 2, on, back_off: HumanDuration::secs(1) };
    for (retries, again) in [(Retries::default(), None), (retries, Some("12:05".to_owned()))] {
        let desk = Desk::new(&ScheduleSettings { retries, ..ScheduleSettings::default() }).await;
        desk.slot("12:05:00").await;
        desk.end("run-1", RunState::Lost).await;
        assert_eq!(desk.slot("12:05:40").await, again);
        let mut attempts: Vec<u32> = desk.rows().await.iter().map(|row| row.attempt).collect();
        attempts.sort_unstable();
        assert_eq!(attempts, if again.is_some() { vec![1, 2] } else { vec![1] });
    }
}

#[tokio::test]
async fn another_schedule_begins_now() {
    let mut desk = Desk::new(&ScheduleSettings::default()).await;
    desk.slot("12:05:00").await;
    desk.end("run-1", RunState::Ok).await;
    let cron = "*/2 * * * *".to_owned();
    desk.job = job(&ScheduleSettings { cron, ..ScheduleSettings::default() });
    assert_eq!(desk.slot("12:31:00").await, None, "nothing is caught up over a change");
    assert_eq!(desk.told().await.len(), 1, "and nothing was missed");
    assert_eq!(desk.slot("12:32:00").await, Some("12:32".to_owned()));
}

#[tokio::test]
async fn a_suspended_agent_skips_its_slots_with_the_reason_that_was_given() {
    for key in [control::suspension_of(&AGENT), control::SUSPEND_ALL.to_owned()] {
        let desk = Desk::new(&ScheduleSettings::default()).await;
        desk.slot("12:05:00").await;
        desk.end("run-1", RunState::Ok).await;
        desk.control(&key, true, "12:06:00").await;
        assert_eq!(desk.slot("12:10:00").await, None);
        let told = desk.told().await;
        assert_eq!((told[1].1, told[1].2.as_str()), ("skipped", "suspended: the platform moves"));
        desk.control(&key, false, "12:11:00").await;
        assert_eq!(desk.slot("12:15:00").await, Some("12:15".to_owned()));
    }
}

#[tokio::test]
async fn a_clock_that_is_set_back_stops_no_interval_and_repeats_no_time_of_day() {
    let desk = Desk::new(&ScheduleSettings::default()).await;
    desk.slot("14:05:00").await;
    desk.end("run-1", RunState::Ok).await;
    assert_eq!(desk.slot("14:03:00").await, None, "less than an interval: it is waited for");
    assert_eq!(desk.slot("12:05:01").await, None, "a new epoch begins now");
    assert_eq!(desk.slot("12:10:00").await, Some("12:10".to_owned()));
    let cron = "0 3 * * *".to_owned();
    let daily = Desk::new(&ScheduleSettings { cron, ..ScheduleSettings::default() }).await;
    daily.slot("03:00:00").await;
    daily.end("run-1", RunState::Ok).await;
    let again = daily.ask(at("2026-11-18T03:00:00Z"), true).await;
    assert_eq!(again.mine, None, "what happened at its time of day has happened");
}

#[tokio::test]
async fn a_slot_that_waits_is_nobodys_until_it_may_run() {
    let settings = ScheduleSettings { overlap: Overlap::Queue, ..ScheduleSettings::default() };
    let desk = Desk::new(&settings).await;
    desk.slot("12:05:00").await;
    let waits = desk.ask(moment("12:10:00"), false).await;
    assert!(waits.mine.is_none() && waits.plan.waiting.is_some(), "{waits:?}");
    desk.end("run-1", RunState::Ok).await;
    assert_eq!(desk.slot("12:11:00").await, Some("12:10".to_owned()));
    assert_eq!(desk.told().await.len(), 2, "it was neither skipped nor missed");
}

#[tokio::test]
async fn a_further_attempt_at_a_slot_that_only_plans_only_plans_too() {
    let on = BTreeSet::from([RetryOn::Lost]);
    let retries = Retries { max: 2, on, back_off: HumanDuration::secs(1) };
    let plan_only_after = Some(HumanDuration::mins(10));
    let settings = ScheduleSettings { retries, plan_only_after, ..ScheduleSettings::default() };
    let desk = Desk::new(&settings).await;
    desk.slot("12:05:00").await;
    desk.end("run-1", RunState::Ok).await;
    let late = desk.ask(moment("12:32:00"), true).await.mine.expect("it is caught up");
    assert!(late.plan_only && late.why.is_some(), "{late:?}");
    desk.end("run-2", RunState::Lost).await;
    let again = desk.ask(moment("12:32:40"), true).await.mine.expect("it is tried again");
    assert_eq!((again.attempt, again.plan_only), (2, true));
}
