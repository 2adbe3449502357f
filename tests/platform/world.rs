//! A platform, a ledger in a folder of its own, and a time that moves on when somebody waits.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use opswarden::adapters::platform::{Limits, PlatformClient, PlatformOptions, TenantOptions};
use opswarden::adapters::store::{Access, SqliteStore, StoreOptions};
use opswarden::adapters::system_clock::SystemClock;
use opswarden::agents::content_lifecycle::ContentLifecycle;
use opswarden::agents::fleet_manager::FleetManager;
use opswarden::agents::schedule_doctor::ScheduleDoctor;
use opswarden::domain::incident::{Incident, IncidentId, Remediation, RunId};
use opswarden::domain::platform::Dialect;
use opswarden::domain::policy::{Budgets, Policy};
use opswarden::domain::report::Report;
use opswarden::domain::run::{AgentRun, Trigger};
use opswarden::domain::severity::Environment;
use opswarden::domain::sight::Blind;
use opswarden::domain::subject::AgentName;
use opswarden::engine::tape::Recording;
use opswarden::engine::{Engine, Mode, Setting};
use opswarden::ports::Pending;
use opswarden::ports::actuators::{Actuators, EvidenceKeeper};
use opswarden::ports::clock::Clock;
use opswarden::ports::data_store::StoreSensors;
use opswarden::ports::platform::{Platform, PlatformControl};
use opswarden::ports::recorder::Recorder;
use opswarden::ports::sensors::Sensors;
use opswarden::ports::store::{RunQuery, Store};
use opswarden::sandbox::{self, Found, Options, PASSWORD, Running, Sandbox, Sizes, Throttle};

/// Time: the pace of the machine, and everything that anybody waited.
struct Time {
    machine: SystemClock,
    start: Timestamp,
    waited_ms: AtomicU64,
}

impl Time {
    fn gone(&self) -> Duration {
        self.machine.elapsed() + Duration::from_millis(self.waited_ms.load(Ordering::Relaxed))
    }

    fn pass(&self, duration: Duration) {
        let whole = u64::try_from(duration.as_millis()).expect("a wait is short");
        self.waited_ms.fetch_add(whole + 1, Ordering::Relaxed);
    }
}

/// A clock over that time, from a moment of its own. Where `leaps`, waiting is a leap; else it is real.
#[derive(Clone)]
pub(crate) struct TestClock {
    time: Arc<Time>,
    began: Duration,
    leaps: bool,
}

impl TestClock {
    fn start(start: Timestamp) -> Self {
        let time = Time { machine: SystemClock::new(), start, waited_ms: AtomicU64::new(0) };
        Self { time: Arc::new(time), began: Duration::ZERO, leaps: true }
    }

    /// The same time, counted from now.
    fn afresh(&self) -> Self {
        Self { began: self.time.gone(), ..self.clone() }
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        let gone = u64::try_from(self.time.gone().as_millis()).expect("a test is short");
        self.time.start.checked_add(Duration::from_millis(gone)).expect("a test is short")
    }

    fn elapsed(&self) -> Duration {
        self.time.gone().saturating_sub(self.began)
    }

    fn sleep(&self, duration: Duration) -> Pending<'_, ()> {
        Box::pin(async move {
            if self.leaps {
                self.time.pass(duration);
                tokio::task::yield_now().await;
            } else {
                self.time.machine.sleep(duration).await;
            }
        })
    }
}

/// What a run leaves in memory.
#[derive(Default)]
struct Kept {
    tapes: Mutex<Vec<Vec<u8>>>,
}

impl Recorder for Kept {
    fn record<'a>(
        &'a self,
        _: &'a AgentName,
        run: &'a RunId,
        _: bool,
        tape: &'a [u8],
    ) -> Pending<'a, Result<String, String>> {
        Box::pin(async move {
            self.tapes.lock().expect("nobody panics while it is held").push(tape.to_vec());
            Ok(format!("snapshots/{run}"))
        })
    }
}

impl EvidenceKeeper for Kept {
    fn keep<'a>(
        &'a self,
        incident: IncidentId,
        name: &'a str,
        _: &'a str,
    ) -> Pending<'a, Result<String, String>> {
        Box::pin(async move { Ok(format!("evidence/{incident}/{name}")) })
    }
}

/// The three agents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    Content,
    Fleet,
    Schedules,
}

impl Who {
    pub(crate) const ALL: [Self; 3] = [Self::Content, Self::Fleet, Self::Schedules];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Content => "content-lifecycle",
            Self::Fleet => "fleet-manager",
            Self::Schedules => "schedule-doctor",
        }
    }
}

/// A platform and those who tend it.
pub(crate) struct World {
    pub(crate) sandbox: Running,
    pub(crate) clock: TestClock,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) policy: Policy,
    pub(crate) observe_only: bool,
    /// How long the client waits for an answer, really.
    pub(crate) patience: Duration,
    /// Where the client looks for the platform, if not at the sandbox.
    pub(crate) url: Option<String>,
    /// How fast the client may ask.
    pub(crate) limits: Limits,
    /// How long a run may take, on the run's clock.
    pub(crate) timeout: Duration,
    dialect: sandbox::Dialect,
    fallbacks: BTreeMap<String, String>,
    runs: AtomicU64,
    kept: Arc<Kept>,
}

/// A small tenant.
pub(crate) const SMALL: Sizes =
    Sizes { displays: 24, content: 40, playlists: 12, schedules: 16, tenants: 1 };

/// Noon, at which nothing special happens.
pub(crate) const NOON: &str = "2026-11-20T12:00:00Z";

/// A policy under which one round does what days would do.
fn unbounded() -> Policy {
    Policy {
        quiet_per_run: 10_000,
        quiet_percent_per_day: 100,
        fleet_percent: 100,
        min_healthy_percent: 0,
        ..Policy::default()
    }
}

async fn opened(folder: &Path, clock: &TestClock) -> Arc<SqliteStore> {
    let options = StoreOptions {
        state_dir: folder.to_owned(),
        environment: Environment::Production,
        host: "host-a".to_owned(),
        roster: Vec::new(),
        notices: None,
        access: Access::ReadWrite,
        clock: Arc::new(clock.clone()),
    };
    Arc::new(SqliteStore::open(options).await.expect("a ledger opens in an empty folder"))
}

impl World {
    /// A small tenant at noon.
    pub(crate) async fn small(seed: u64) -> Self {
        Self::at(NOON, Options { seed, sizes: SMALL, ..Options::default() }).await
    }

    pub(crate) async fn at(start: &str, options: Options) -> Self {
        let clock = TestClock::start(start.parse().expect("a moment"));
        let dialect = options.dialect;
        let options = Options { throttle: Throttle::Off, ..options };
        let waits = TestClock { leaps: false, ..clock.clone() };
        let sandbox = Sandbox::start(options, Arc::new(waits)).expect("a port is free");
        let accounts = sandbox.accounts();
        let fallbacks =
            accounts.iter().map(|one| (one.tenant.clone(), one.fallback_playlist.clone()));
        let fallbacks = fallbacks.collect();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = opened(folder.path(), &clock).await;
        Self {
            sandbox,
            store,
            folder,
            policy: unbounded(),
            observe_only: false,
            patience: Duration::from_secs(20),
            limits: Limits::NONE,
            url: None,
            timeout: Duration::from_mins(30),
            dialect,
            fallbacks,
            runs: AtomicU64::new(0),
            kept: Arc::new(Kept::default()),
            clock,
        }
    }

    /// Time goes by, for the platform too.
    pub(crate) fn pass(&self, duration: Duration) {
        self.clock.time.pass(duration);
    }

    /// Really waits.
    pub(crate) async fn linger(&self, duration: Duration) {
        self.clock.time.machine.sleep(duration).await;
    }

    fn options(&self, clock: &TestClock, run: &str, account: &str) -> PlatformOptions {
        let mut accounts = self.sandbox.accounts();
        accounts.retain(|one| one.email.starts_with(account));
        let tenants = accounts.into_iter().map(|one| TenantOptions {
            name: one.tenant,
            email: one.email,
            password: PASSWORD.to_owned(),
            missing: None,
        });
        PlatformOptions {
            dialect: match self.dialect {
                sandbox::Dialect::Vizora => Dialect::Vizora,
                sandbox::Dialect::Reference => Dialect::Reference,
            },
            url: self.url.clone().unwrap_or_else(|| self.sandbox.base_url()),
            realtime: match self.dialect {
                sandbox::Dialect::Vizora => String::new(),
                sandbox::Dialect::Reference => self.sandbox.socket_url(),
            },
            thumbnails: String::new(),
            thumbnail_origins: Vec::new(),
            tenants: tenants.collect(),
            limits: self.limits,
            cache: self.folder.path().join("platform.db"),
            evidence_age: Duration::from_hours(24),
            run: run.to_owned(),
            deadline: self.timeout / 2,
            clock: Arc::new(clock.clone()),
            request_timeout: self.patience,
            interval: Duration::from_mins(15),
        }
    }

    /// An engine of a new run, with a client of its own.
    pub(crate) fn engine(&self) -> Engine {
        self.engine_as("ops@")
    }

    /// The same with another account of each tenant.
    pub(crate) fn engine_as(&self, account: &str) -> Engine {
        let clock = self.clock.afresh();
        let number = self.runs.fetch_add(1, Ordering::Relaxed);
        let run = RunId(format!("run-{number:05}"));
        let client = Arc::new(PlatformClient::new(self.options(&clock, &run.0, account)));
        let eyes: Arc<dyn Platform> = Arc::<PlatformClient>::clone(&client);
        self.engine_with(run, clock, eyes, client)
    }

    fn engine_with(
        &self,
        run: RunId,
        clock: TestClock,
        eyes: Arc<dyn Platform>,
        hands: Arc<dyn PlatformControl>,
    ) -> Engine {
        let dialect = eyes.dialect();
        Engine {
            store: Ok(Arc::clone(&self.store) as Arc<dyn Store>),
            recorder: Arc::clone(&self.kept) as Arc<dyn Recorder>,
            telling: None,
            sensors: Sensors {
                prober: Err(Blind::because("no address is declared")),
                host: Err(Blind::because("the agent does not look at the machine")),
                managers: BTreeMap::new(),
                platform: Ok(eyes),
                stores: StoreSensors::none(),
                host_name: "host-a".to_owned(),
                clock: Arc::new(clock.clone()),
                deadline: self.timeout / 2,
            },
            hands: Actuators {
                managers: BTreeMap::new(),
                platform: Ok(hands),
                stores: BTreeMap::new(),
                evidence: Arc::clone(&self.kept) as Arc<dyn EvidenceKeeper>,
            },
            setting: Setting {
                policy: self.policy.clone(),
                budgets: Budgets { actions_per_run: 10_000, actions_per_hour: 100_000 },
                environment: Environment::Production,
                host: "host-a".to_owned(),
                seed: 3,
                only_looks: self
                    .observe_only
                    .then(|| "this run was asked to observe only".to_owned()),
                dialect: Some(dialect),
                applying: None,
            },
            run,
            trigger: Trigger::Manual,
            claim: None,
            owner: "test".to_owned(),
            mode: Mode::Act,
            deadline: self.timeout,
            discreet: Arc::new(serde_json::Value::clone),
            usage: BTreeMap::new,
            recording: Recording::default(),
            clock: Arc::new(clock),
        }
    }

    /// One run of one agent.
    pub(crate) async fn run(&self, who: Who) -> Report {
        self.run_with(&self.engine(), who).await
    }

    pub(crate) async fn run_with(&self, engine: &Engine, who: Who) -> Report {
        match who {
            Who::Content => engine.run(&ContentLifecycle::default()).await,
            Who::Fleet => engine.run(&FleetManager::default()).await,
            Who::Schedules => engine.run(&self.schedule_doctor()).await,
        }
    }

    fn schedule_doctor(&self) -> ScheduleDoctor {
        ScheduleDoctor { fallback_playlists: self.fallbacks.clone(), ..ScheduleDoctor::default() }
    }

    /// The tapes that were recorded since the last call.
    pub(crate) fn tapes(&self) -> Vec<Vec<u8>> {
        std::mem::take(&mut *self.kept.tapes.lock().expect("nobody panics while it is held"))
    }

    /// Every incident, newest first.
    pub(crate) async fn incidents(&self) -> Vec<Incident> {
        let all = self.store.incidents(Timestamp::UNIX_EPOCH, 1_000_000).await;
        all.expect("the ledger can be read")
    }

    /// Every remediation, newest first.
    pub(crate) async fn remediations(&self) -> Vec<Remediation> {
        let all = self.store.remediations(None, 1_000_000).await;
        let mut all = all.expect("the ledger can be read");
        all.sort_by_key(|one| std::cmp::Reverse(one.id));
        all
    }

    /// Every run, newest first.
    pub(crate) async fn ledger_runs(&self) -> Vec<AgentRun> {
        let query = RunQuery { agent: None, limit: 1_000_000 };
        self.store.runs(query).await.expect("the ledger can be read")
    }

    /// Closes everything.
    pub(crate) async fn end(self) {
        self.store.close().await.expect("the ledger closes");
        self.sandbox.stop().await;
    }
}

/// What a report says is wrong, in the words of the sandbox.
pub(crate) fn found(report: &Report) -> BTreeSet<Found> {
    let acted = report.plan.actions.iter().map(|action| &action.key);
    let left = report.plan.deferrals.iter().map(|deferral| &deferral.key);
    let found = acted.chain(left).map(|key| Found {
        agent: key.agent.to_string(),
        check: key.check.to_string(),
        subject: key.subject.to_string(),
    });
    found.collect()
}
