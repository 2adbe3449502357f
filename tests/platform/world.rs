//! A whole world for the agents: the engine with its real ledger and client, and a sandbox in the same process.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use opswarden::adapters::platform::{Limits, PlatformClient, PlatformOptions, TenantOptions};
use opswarden::adapters::store::{Access, SqliteStore, StoreOptions};
use opswarden::domain::incident::{Incident, IncidentId, RunId};
use opswarden::domain::platform::Dialect;
use opswarden::domain::policy::{Budgets, Policy};
use opswarden::domain::report::Report;
use opswarden::domain::run::Trigger;
use opswarden::domain::severity::Environment;
use opswarden::domain::sight::Blind;
use opswarden::domain::subject::AgentName;
use opswarden::engine::tape::Recording;
use opswarden::engine::{Engine, Mode, Setting};
use opswarden::ports::Pending;
use opswarden::ports::actuators::{Actuators, EvidenceKeeper};
use opswarden::ports::clock::Clock;
use opswarden::ports::platform::{Platform, PlatformControl};
use opswarden::ports::recorder::Recorder;
use opswarden::ports::sensors::Sensors;
use opswarden::ports::store::Store;
use opswarden::sandbox::{
    Dialect as Wording, Options, PASSWORD, Running, Sandbox, Sizes, Start, Throttle,
};

use crate::agents::{Stanzas, Who};
use crate::time::{PlatformTime, RunTime, Time};

/// Sizes of a tenant of so many displays and pieces of content.
pub(crate) fn sizes(displays: usize, content: usize, tenants: usize) -> Sizes {
    let (playlists, schedules) = ((content / 13).max(3), (displays * 2 / 5).max(4));
    Sizes { displays, content, playlists, schedules, tenants }
}

/// A sandbox without throttles.
pub(crate) fn options(dialect: Wording, seed: u64, sizes: Sizes) -> Options {
    Options {
        dialect,
        seed,
        sizes,
        start: Start::Real,
        throttle: Throttle::Off,
        ..Options::default()
    }
}

/// Everything that only bounds how much is done at once, opened wide.
pub(crate) fn generous() -> (Policy, Budgets) {
    let policy = Policy {
        quiet_per_run: 10_000,
        quiet_percent_per_day: 100,
        fleet_percent: 100,
        min_healthy_percent: 0,
        ..Policy::default()
    };
    (policy, Budgets { actions_per_run: 10_000, actions_per_hour: 10_000 })
}

/// The world.
pub(crate) struct World {
    pub(crate) time: Arc<Time>,
    pub(crate) sandbox: Running,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) policy: Policy,
    pub(crate) budgets: Budgets,
    pub(crate) stanzas: Stanzas,
    /// How long an answer of the platform may take, in real time.
    pub(crate) request_timeout: Duration,
    /// How long a run may take, on the clock of the test.
    pub(crate) timeout: Duration,
    pub(crate) dialect: Dialect,
    tapes: Arc<Tapes>,
    runs: Mutex<u32>,
}

impl World {
    pub(crate) async fn of(options: Options, start: Timestamp) -> Self {
        let time = Time::from(start);
        let dialect = match options.dialect {
            Wording::Vizora => Dialect::Vizora,
            Wording::Reference => Dialect::Reference,
        };
        let sandbox = Sandbox::start(options, PlatformTime::of(&time)).unwrap();
        let _worked_out_now = sandbox.truth();
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder, &time).await;
        let mut stanzas = Stanzas::default();
        for account in sandbox.accounts() {
            stanzas.doctor.fallback_playlists.insert(account.tenant, account.fallback_playlist);
        }
        Self {
            time,
            sandbox,
            folder,
            store,
            policy: Policy::default(),
            budgets: Budgets::default(),
            stanzas,
            request_timeout: Duration::from_secs(20),
            timeout: Duration::from_mins(8),
            dialect,
            tapes: Arc::default(),
            runs: Mutex::new(0),
        }
    }

    /// Lets time pass; what comes to be true meanwhile counts as true.
    pub(crate) fn pass(&self, by: Duration) {
        self.note_truth();
        self.time.pass(by);
        self.note_truth();
    }

    pub(crate) fn note_truth(&self) {
        let _noted = self.sandbox.score(&[]);
    }

    pub(crate) fn time_now(&self) -> Timestamp {
        self.time.now()
    }

    /// Before everything.
    pub(crate) fn long_ago(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    /// The ledger is opened anew, as by another process.
    pub(crate) async fn reopen(&mut self) {
        self.store = open(&self.folder, &self.time).await;
    }

    fn tenants(&self) -> Vec<TenantOptions> {
        let accounts = self.sandbox.accounts();
        let fit = accounts.into_iter().filter(|account| account.role == "manager");
        let of = |account: opswarden::sandbox::Account| TenantOptions {
            name: account.tenant,
            email: account.email,
            password: PASSWORD.to_owned(),
        };
        fit.map(of).collect()
    }

    pub(crate) fn client(&self, run: &str, clock: Arc<dyn Clock>) -> Arc<PlatformClient> {
        Arc::new(PlatformClient::new(PlatformOptions {
            dialect: self.dialect,
            url: self.sandbox.base_url(),
            realtime: self.sandbox.socket_url(),
            thumbnails: String::new(),
            tenants: self.tenants(),
            limits: Limits::NONE,
            cache: self.folder.path().join("platform.db"),
            evidence_age: Duration::from_hours(24),
            run: run.to_owned(),
            clock,
            deadline: self.timeout / 2,
            request_timeout: self.request_timeout,
            interval: Duration::from_mins(15),
        }))
    }

    pub(crate) fn engine(&self) -> Engine {
        let number = {
            let mut runs = self.runs.lock().unwrap();
            *runs += 1;
            *runs
        };
        let run = RunId(format!("run-{number:07}"));
        let clock = RunTime::starts(&self.time);
        let client = self.client(&run.0, Arc::<RunTime>::clone(&clock));
        let blind = |what: &str| Blind::because(format!("no {what} in this test"));
        Engine {
            store: Ok(Arc::clone(&self.store) as Arc<dyn Store>),
            recorder: Arc::<Tapes>::clone(&self.tapes),
            sensors: Sensors {
                prober: Err(blind("addresses")),
                host: Err(blind("machine")),
                managers: BTreeMap::new(),
                platform: Ok(Arc::clone(&client) as Arc<dyn Platform>),
                host_name: "host-a".to_owned(),
                clock: Arc::<RunTime>::clone(&clock),
                deadline: self.timeout / 2,
            },
            hands: Actuators {
                managers: BTreeMap::new(),
                platform: Ok(client as Arc<dyn PlatformControl>),
                evidence: Arc::new(NoEvidence),
            },
            setting: Setting {
                policy: self.policy.clone(),
                budgets: self.budgets,
                environment: Environment::Production,
                host: "host-a".to_owned(),
                seed: 3,
                only_looks: None,
                dialect: Some(self.dialect),
            },
            run,
            trigger: Trigger::Manual,
            owner: "test".to_owned(),
            mode: Mode::Act,
            deadline: self.timeout,
            discreet: Arc::new(serde_json::Value::clone),
            usage: BTreeMap::new,
            recording: Recording::default(),
            clock,
        }
    }

    /// One run of an agent, to its end.
    pub(crate) async fn run(&self, who: Who) -> Report {
        who.run(&self.engine(), &self.stanzas).await
    }

    /// Every tape since the last call judges itself again to the same.
    pub(crate) fn replay_tapes(&self) -> usize {
        let tapes = std::mem::take(&mut *self.tapes.kept.lock().unwrap());
        for (agent, tape) in &tapes {
            let who = Who::ALL.into_iter().find(|who| who.spec().name == *agent).unwrap();
            assert_eq!(who.replay(tape).differences, Vec::<String>::new(), "{agent}");
        }
        tapes.len()
    }

    /// What is left over. Whether there is a route for one schedule the client finds out by asking.
    pub(crate) fn leftovers(&self) -> Vec<String> {
        let left = self.sandbox.finish().err().unwrap_or_default();
        let asked = "there is no such route: GET /api/v1/schedules/";
        left.into_iter().filter(|one| !one.starts_with(asked)).collect()
    }

    /// The active incidents of an agent.
    pub(crate) async fn active(&self, who: Who) -> Vec<Incident> {
        let all = self.store.incidents(self.time.now(), 0).await.unwrap();
        let own = |incident: &Incident| incident.key.agent == who.spec().name;
        all.into_iter().filter(Incident::is_active).filter(own).collect()
    }
}

async fn open(folder: &tempfile::TempDir, time: &Arc<Time>) -> Arc<SqliteStore> {
    let options = StoreOptions {
        state_dir: folder.path().to_owned(),
        environment: Environment::Production,
        host: "host-a".to_owned(),
        roster: Vec::new(),
        access: Access::ReadWrite,
        clock: Arc::<Time>::clone(time),
    };
    Arc::new(SqliteStore::open(options).await.unwrap())
}

/// Keeps the newest tapes in memory.
#[derive(Default)]
struct Tapes {
    kept: Mutex<Vec<(AgentName, Vec<u8>)>>,
}

/// More tapes than this nobody judges again.
const TAPES: usize = 64;

impl Recorder for Tapes {
    fn record<'a>(
        &'a self,
        agent: &'a AgentName,
        run: &'a RunId,
        _: bool,
        tape: &'a [u8],
    ) -> Pending<'a, Result<String, String>> {
        Box::pin(async move {
            let mut kept = self.kept.lock().unwrap();
            if kept.len() < TAPES {
                kept.push((agent.clone(), tape.to_vec()));
            }
            Ok(format!("snapshots/{run}"))
        })
    }
}

struct NoEvidence;

impl EvidenceKeeper for NoEvidence {
    fn keep<'a>(
        &'a self,
        incident: IncidentId,
        name: &'a str,
        _: &'a str,
    ) -> Pending<'a, Result<String, String>> {
        Box::pin(async move { Ok(format!("evidence/{incident}/{name}")) })
    }
}

/// How much a programme does: `OPSWARDEN_PROOF_N`, or the slice that fits a build.
#[expect(clippy::disallowed_methods, reason = "the size of a test comes from outside")]
pub(crate) fn size(slice: u64) -> u64 {
    std::env::var("OPSWARDEN_PROOF_N").ok().and_then(|text| text.parse().ok()).unwrap_or(slice)
}

/// The number of a programme's first case: `OPSWARDEN_PROOF_FROM`, or 0.
#[expect(clippy::disallowed_methods, reason = "which part of a test runs comes from outside")]
pub(crate) fn first() -> u64 {
    std::env::var("OPSWARDEN_PROOF_FROM").ok().and_then(|text| text.parse().ok()).unwrap_or(0)
}
