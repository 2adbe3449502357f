//! Asks for slots as fast as it can, second after second of a made-up day that passes twenty times as fast as time does, and
//! prints those that it got: one of the processes of a proof. Arguments: the state folder, how many slots, and when the day
//! begins, in milliseconds since 1970.

use std::path::Path;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use opswarden::adapters::store::{Access, SqliteStore, StoreOptions};
use opswarden::adapters::system_clock::SystemClock;
use opswarden::domain::incident::RunId;
use opswarden::domain::planner::{Job, Rules};
use opswarden::domain::run::{AgentRun, RunState, Trigger};
use opswarden::domain::schedule::{Fields, Schedule};
use opswarden::domain::severity::Environment;
use opswarden::domain::subject::AgentName;
use opswarden::domain::timing::ScheduleSettings;
use opswarden::ports::clock::Clock as _;
use opswarden::ports::slots::{Ask, Slots as _};
use opswarden::ports::store::{Batch, Note, RunQuery, Scope, Store as _, StoreError};

/// So many times as fast passes its day.
const SPEED: i32 = 20;
const AGENT: AgentName = AgentName::of("health-guardian");

#[expect(clippy::print_stdout, reason = "what it got is what it is asked for")]
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().collect();
    let [_, state, slots, begins] = words.as_slice() else {
        return Err("state folder, count, begin".into());
    };
    let options = StoreOptions {
        state_dir: Path::new(state).to_owned(),
        environment: Environment::Production,
        host: "host-a".to_owned(),
        roster: Vec::new(),
        notices: None,
        access: Access::ReadWrite,
        clock: Arc::new(SystemClock::new()),
    };
    let store = SqliteStore::open(options).await?;
    let epoch = Timestamp::UNIX_EPOCH;
    let schedule = Schedule::with(Fields::FiveOrSix, "* * * * * *", "UTC", epoch)?;
    let rules = Rules::of(&ScheduleSettings::default(), &schedule);
    let job = Job::new(AGENT, "host-a", schedule, rules);
    let begin: Timestamp = "2026-11-20T00:00:00Z".parse()?;
    let (begins, clock) = (Timestamp::from_millisecond(begins.parse()?)?, SystemClock::new());
    let end_of_day = begin.checked_add(SignedDuration::from_secs(slots.parse()?))?;
    let passed = || clock.now().duration_since(begins) * SPEED;
    let made_up = || begin.checked_add(passed()).unwrap_or(end_of_day);
    for turn in 0_u64.. {
        clock.sleep(std::time::Duration::from_millis(5)).await;
        if made_up() >= end_of_day {
            break;
        }
        if made_up() < begin {
            continue;
        }
        let run = RunId(format!("{}-{turn}", std::process::id()));
        let ask = Ask {
            job: &job,
            run: &run,
            trigger: Trigger::Timer,
            owner: "a racer",
            alone: true,
            held_by: None,
            waiting: None,
            looking_since: None,
        };
        if let Some(claim) = patient(|| store.claim(&made_up, &ask)).await?.mine {
            println!("{}", claim.slot);
            end(&store, &run, made_up()).await?;
        }
    }
    store.close().await?;
    Ok(())
}

/// Asks again while others write: eight of them leave little room.
async fn patient<'a, T>(
    mut ask: impl FnMut() -> opswarden::ports::Pending<'a, Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let mut tries = 0;
    loop {
        match ask().await {
            Err(StoreError::Write(why)) if tries < 50 && why.contains("locked") => tries += 1,
            answer => return answer,
        }
    }
}

async fn end(store: &SqliteStore, run: &RunId, now: Timestamp) -> Result<(), StoreError> {
    let rows = store.runs(RunQuery { agent: None, limit: 200 }).await?;
    let Some(row) = rows.into_iter().find(|row| row.id == *run) else { return Ok(()) };
    let ended = AgentRun { state: RunState::Ok, ended_at: Some(now), exit: Some(0), ..row };
    let scope = Scope { about: None, agent: None, recent: std::time::Duration::ZERO, now };
    let mut decide =
        |_: &_| Batch { events: Vec::new(), notes: vec![Note::Run(Box::new(ended.clone()))] };
    store.commit(scope, &mut decide).await.map(drop)
}
