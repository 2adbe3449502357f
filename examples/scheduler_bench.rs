//! What the scheduler itself costs with many jobs: how long the first look at all of them takes, with a new ledger and with one that
//! knows them, and how late it looks at those that are due. Prints; asserts nothing.
//!
//! `scheduler_bench JOBS`

#![expect(clippy::print_stdout, reason = "the figures are what it is run for")]
#![expect(clippy::disallowed_methods, reason = "it reads the clock to measure")]

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use opswarden::adapters::store::{Access, SqliteStore, StoreOptions};
use opswarden::adapters::system_clock::SystemClock;
use opswarden::domain::incident::RunId;
use opswarden::domain::planner::{Job, Rules};
use opswarden::domain::severity::Environment;
use opswarden::domain::subject::AgentName;
use opswarden::domain::timing::ScheduleSettings;
use opswarden::ports::clock::Clock;
use opswarden::ports::runner::{Order, Runner, Started};
use opswarden::scheduler::{News, Pass, Reporter, Scheduler, Word};

/// Starts nothing.
struct Nobody;

impl Runner for Nobody {
    fn start(&self, _: &Order) -> Result<Started, String> {
        Err("this is a measurement".to_owned())
    }

    fn adopt(&self, _: &RunId, _: u32) -> Option<Started> {
        None
    }

    fn tidy(&self) {}
}

/// Notes when the first look was over.
struct Watchman(Mutex<Option<Instant>>, tokio::sync::mpsc::Sender<Word>);

impl Reporter for Watchman {
    fn told(&self, news: &News) {
        if let News::Blind { why } = news {
            println!("the ledger cannot be used: {why}");
        }
    }

    fn passed(&self, _: &Pass) {
        let mut first = self.0.lock().expect("nobody panics");
        if first.is_none() {
            *first = Some(Instant::now());
            let _full = self.1.try_send(Word::Stop);
        }
    }
}

fn jobs(count: usize) -> Vec<Job> {
    let job = |number: usize| {
        let cron = format!("{} {} * * *", number % 60, number / 60 % 24);
        let schedule: opswarden::domain::schedule::Schedule = cron.parse().expect("an expression");
        let rules = Rules::of(&ScheduleSettings::default(), &schedule);
        let agent = AgentName::try_from(format!("agent-{number}")).expect("a name");
        Job::new(agent, "bench", schedule, rules)
    };
    (0..count).map(job).collect()
}

async fn store(folder: &Path) -> SqliteStore {
    let options = StoreOptions {
        state_dir: folder.to_owned(),
        environment: Environment::Production,
        host: "bench".to_owned(),
        roster: Vec::new(),
        notices: None,
        access: Access::ReadWrite,
        clock: Arc::new(SystemClock::new()),
    };
    SqliteStore::open(options).await.expect("the ledger opens")
}

/// From the jobs to the end of the first look.
async fn first_look(folder: &Path, count: usize) -> Duration {
    let began = Instant::now();
    let jobs = jobs(count);
    println!("  the jobs themselves: {} ms", began.elapsed().as_millis());
    let (say, words) = tokio::sync::mpsc::channel(2);
    let reporter = Arc::new(Watchman(Mutex::new(None), say));
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let scheduler = Scheduler {
        slots: Arc::new(store(folder).await),
        runner: Arc::new(Nobody),
        clock,
        reporter: Arc::<Watchman>::clone(&reporter),
        owner: "bench, pid 1".to_owned(),
        new_run: || RunId("bench".to_owned()),
        drain: Duration::ZERO,
        once: false,
    };
    scheduler.run(jobs, words).await;
    let end = reporter.0.lock().expect("nobody panics").expect("it looked");
    end.duration_since(began)
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let count = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(10_000);
    let folder = tempfile::tempdir().expect("a folder");
    let new = first_look(folder.path(), count).await;
    let known = first_look(folder.path(), count).await;
    println!(
        "{count} jobs: the first look took {} ms with a new ledger, {} ms with one that knows them",
        new.as_millis(),
        known.as_millis()
    );
}
