//! A world in memory: processes, addresses and a clock that moves only when somebody waits. It is as strict as the
//! real one: an unknown process is refused, a restart gives a new identity, a dead process has none.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use jiff::Timestamp;
use opswarden::adapters::store::{Access, SqliteStore, StoreOptions};
use opswarden::agents::health_guardian::HealthGuardian;
use opswarden::domain::incident::{IncidentId, RunId};
use opswarden::domain::policy::{Budgets, Policy};
use opswarden::domain::process::{
    ManagerKind, ProcessReading, ProcessRef, ProcessStatus, Startable,
};
use opswarden::domain::report::Report;
use opswarden::domain::run::Trigger;
use opswarden::domain::severity::Environment;
use opswarden::domain::sight::{Blind, Scan, Sight};
use opswarden::domain::subject::AgentName;
use opswarden::engine::tape::{Recording, replay};
use opswarden::engine::{Engine, Mode, Setting};
use opswarden::ports::Pending;
use opswarden::ports::actuators::{Actuators, EvidenceKeeper, Manager};
use opswarden::ports::clock::Clock;
use opswarden::ports::data_store::StoreSensors;
use opswarden::ports::host::{DiskReading, HostReader, HostReading};
use opswarden::ports::probe::{NamedAssets, ProbeAnswer, ProbeReading, ProbeRequest, Prober};
use opswarden::ports::processes::{ActFailure, ProcessControl, Processes};
use opswarden::ports::recorder::Recorder;
use opswarden::ports::sensors::Sensors;
use opswarden::ports::store::{Store, StoreError};

/// What a restart does in this world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Restart {
    /// The process runs again, and its service is well.
    Heals,
    /// The process is started and dies at once.
    DiesAgain,
    /// The manager says no.
    Refused,
    /// Nothing happens, though the manager says yes.
    Ignored,
    /// Nothing happens, and the answer never comes.
    HangsBefore,
    /// It heals, and the answer never comes.
    HangsAfter,
    /// It heals, and the answer is lost at once.
    HealsWithoutAnswer,
    /// Of several processes only the first is started anew, and the service is well all the same.
    HealsHalf,
}

struct State {
    now: Timestamp,
    elapsed: Duration,
    manager: Sight<()>,
    rows: BTreeMap<ProcessRef, ProcessReading>,
    answers: BTreeMap<String, ProbeAnswer>,
    restart: Restart,
    starts: u32,
    acts: Vec<String>,
    tapes: Vec<Vec<u8>>,
    swap_after_reads: Option<u32>,
    healed: ProbeAnswer,
    turns: BTreeMap<String, VecDeque<ProbeAnswer>>,
    blind_after_act: bool,
    memory_percent: u64,
    counts_restarts: bool,
}

/// The world; clones share it.
#[derive(Clone)]
pub(crate) struct World {
    state: Arc<Mutex<State>>,
    folder: Arc<tempfile::TempDir>,
    pub(crate) policy: Policy,
    pub(crate) observe_only: bool,
    pub(crate) mode: Mode,
    pub(crate) timeout: Duration,
}

pub(crate) fn http(status: u16, state: &str) -> ProbeAnswer {
    ProbeAnswer::Http {
        status,
        values: BTreeMap::from([("/status".to_owned(), state.to_owned())]),
        json: true,
        size_bytes: 20,
        truncated: false,
        assets: Vec::new(),
        named: NamedAssets::None,
        certificate_ends: None,
    }
}

pub(crate) fn app(name: &str) -> ProcessRef {
    ProcessRef { manager: ManagerKind::Pm2, name: name.to_owned(), instance: None }
}

impl World {
    /// An empty, healthy world at noon.
    pub(crate) fn new() -> Self {
        let state = State {
            now: "2026-11-20T12:00:00Z".parse().expect("holds in this test"),
            elapsed: Duration::ZERO,
            manager: Ok(()),
            rows: BTreeMap::new(),
            answers: BTreeMap::new(),
            restart: Restart::Heals,
            starts: 0,
            acts: Vec::new(),
            tapes: Vec::new(),
            swap_after_reads: None,
            healed: http(200, "ok"),
            turns: BTreeMap::new(),
            blind_after_act: false,
            memory_percent: 50,
            counts_restarts: true,
        };
        Self {
            state: Arc::new(Mutex::new(state)),
            folder: Arc::new(tempfile::tempdir().expect("holds in this test")),
            policy: Policy::default(),
            observe_only: false,
            mode: Mode::Act,
            timeout: Duration::from_mins(4),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("holds in this test")
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.state().now
    }

    /// Lets time pass between runs.
    pub(crate) fn pass(&self, duration: Duration) {
        let mut state = self.state();
        state.now = state.now.checked_add(duration).expect("holds in this test");
    }

    /// Sets the wall clock back, as a bad time source does.
    pub(crate) fn step_back(&self, duration: Duration) {
        let mut state = self.state();
        state.now = state.now.checked_sub(duration).expect("holds in this test");
    }

    /// The state folder of this world's ledger.
    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Adds a running process.
    pub(crate) fn process(&self, process: &ProcessRef) -> &Self {
        let mut state = self.state();
        state.starts += 1;
        let identity = format!("{}@1", state.starts);
        let started_at =
            state.now.checked_sub(Duration::from_hours(1)).expect("holds in this test");
        state.rows.insert(
            process.clone(),
            ProcessReading {
                process: process.clone(),
                status: ProcessStatus::Online,
                identity: Some(identity),
                started_at: Some(started_at),
                restarts: Some(0),
                last_exit: None,
                memory_bytes: Some(100),
                memory_limit_bytes: None,
                can_reload: false,
                startable: Startable::Plausible { checked: "its script is there".to_owned() },
                log_paths: Vec::new(),
            },
        );
        drop(state);
        self
    }

    /// Changes a process.
    pub(crate) fn change(&self, process: &ProcessRef, change: impl FnOnce(&mut ProcessReading)) {
        change(self.state().rows.get_mut(process).expect("the process exists"));
    }

    /// What a manager says of it. A dead process has no pid, and so no identity.
    pub(crate) fn status(&self, process: &ProcessRef, status: ProcessStatus) {
        let mut state = self.state();
        let lives = status == ProcessStatus::Online;
        let identity = format!("{}@1", state.starts);
        let row = state.rows.get_mut(process).expect("the process exists");
        row.status = status;
        row.identity = match row.identity.take() {
            _ if !lives => None,
            None => Some(identity),
            known => known,
        };
    }

    /// How a repaired service answers.
    pub(crate) fn heals_to(&self, answer: ProbeAnswer) {
        self.state().healed = answer;
    }

    /// The next answers of an address, one for each probe.
    pub(crate) fn answers_in_turn(&self, url: &str, answers: &[ProbeAnswer]) {
        self.state().turns.insert(url.to_owned(), answers.iter().cloned().collect());
    }

    /// The manager cannot be read any more once it was told to do something.
    pub(crate) fn manager_goes_blind_after_the_act(&self) {
        self.state().blind_after_act = true;
    }

    /// From now on a start does not raise the count of restarts, as with PM2 that starts a dead process.
    pub(crate) fn restarts_uncounted(&self) {
        self.state().counts_restarts = false;
    }

    /// Memory in use, in percent.
    pub(crate) fn memory_used(&self, percent: u64) {
        self.state().memory_percent = percent;
    }

    pub(crate) fn answer(&self, url: &str, answer: ProbeAnswer) -> &Self {
        self.state().answers.insert(url.to_owned(), answer);
        self
    }

    pub(crate) fn restarts(&self, restart: Restart) {
        self.state().restart = restart;
    }

    pub(crate) fn manager_is(&self, sight: Sight<()>) {
        self.state().manager = sight;
    }

    /// After so many more reads of the manager, somebody else starts every process anew.
    pub(crate) fn somebody_restarts_after(&self, reads: u32) {
        self.state().swap_after_reads = Some(reads);
    }

    /// What was sent since the last call.
    pub(crate) fn acts(&self) -> Vec<String> {
        std::mem::take(&mut self.state().acts)
    }

    pub(crate) async fn store(&self) -> Arc<SqliteStore> {
        let options = StoreOptions {
            state_dir: self.folder.path().to_owned(),
            environment: Environment::Production,
            host: "host-a".to_owned(),
            roster: Vec::new(),
            notices: None,
            access: Access::ReadWrite,
            clock: Arc::new(self.clone()),
        };
        Arc::new(SqliteStore::open(options).await.expect("holds in this test"))
    }

    /// One run of `agent`, as its binary does it.
    pub(crate) async fn run(&self, agent: &HealthGuardian) -> Report {
        let store = self.store().await;
        let report = self.run_with(agent, Ok(Arc::clone(&store) as Arc<dyn Store>)).await;
        store.close().await.expect("holds in this test");
        self.replays(&report.run.to_string());
        report
    }

    pub(crate) async fn run_with(
        &self,
        agent: &HealthGuardian,
        store: Result<Arc<dyn Store>, StoreError>,
    ) -> Report {
        self.state().elapsed = Duration::ZERO;
        self.engine(store).run(agent).await
    }

    /// A run that is killed when the manager's answer does not come.
    pub(crate) async fn run_until_killed(&self, agent: &HealthGuardian) {
        let store = self.store().await;
        self.state().elapsed = Duration::ZERO;
        let engine = self.engine(Ok(Arc::clone(&store) as Arc<dyn Store>));
        tokio::select! {
            report = engine.run(agent) => panic!("the run came to its end: {report:?}"),
            () = self.hanging() => {}
        }
        store.close().await.expect("holds in this test");
    }

    /// A run that is killed when it has been woken so often; the report, if it ended before, and how often it was woken.
    pub(crate) async fn run_until_wake(
        &self,
        agent: &HealthGuardian,
        wake: u32,
    ) -> (Option<Report>, u32) {
        let store = self.store().await;
        self.state().elapsed = Duration::ZERO;
        let engine = self.engine(Ok(Arc::clone(&store) as Arc<dyn Store>));
        let mut run = Box::pin(engine.run(agent));
        let mut woken = 0;
        let ended = std::future::poll_fn(|context| {
            if woken == wake {
                return std::task::Poll::Ready(None);
            }
            woken += 1;
            run.as_mut().poll(context).map(Some)
        })
        .await;
        drop(run);
        store.close().await.expect("holds in this test");
        (ended, woken)
    }

    async fn hanging(&self) {
        while !self.state().acts.iter().any(|act| act.ends_with("(hangs)")) {
            tokio::task::yield_now().await;
        }
    }

    /// Every tape judges itself again to the same bytes.
    fn replays(&self, run: &str) {
        for tape in self.state().tapes.drain(..) {
            let again = replay::<HealthGuardian>(&tape).expect("holds in this test");
            assert_eq!(again.differences, Vec::<String>::new(), "run {run}");
        }
    }

    fn engine(&self, store: Result<Arc<dyn Store>, StoreError>) -> Engine {
        let eyes: Arc<dyn Processes> = Arc::new(self.clone());
        let hands: Arc<dyn ProcessControl> = Arc::new(self.clone());
        let manager = Manager { eyes: Arc::clone(&eyes), hands };
        Engine {
            store,
            clock: Arc::new(self.clone()),
            recorder: Arc::new(self.clone()),
            telling: None,
            sensors: Sensors {
                prober: Ok(Arc::new(self.clone())),
                host: Ok(Arc::new(self.clone())),
                managers: BTreeMap::from([(ManagerKind::Pm2, Ok(eyes))]),
                platform: Err(Blind::because("no platform in this test")),
                stores: StoreSensors::none(),
                host_name: "host-a".to_owned(),
                clock: Arc::new(self.clone()),
                deadline: self.timeout / 2,
            },
            hands: Actuators {
                platform: Err(Blind::because("no platform in this test")),
                managers: BTreeMap::from([(ManagerKind::Pm2, Ok(manager))]),
                stores: BTreeMap::new(),
                evidence: Arc::new(self.clone()),
            },
            setting: Setting {
                policy: self.policy.clone(),
                budgets: Budgets::default(),
                environment: Environment::Production,
                host: "host-a".to_owned(),
                seed: 3,
                only_looks: self
                    .observe_only
                    .then(|| "this run was asked to observe only".to_owned()),
                dialect: None,
                applying: None,
            },
            run: RunId(format!("run-{}", self.now().as_millisecond())),
            trigger: Trigger::Manual,
            claim: None,
            owner: "test".to_owned(),
            mode: self.mode,
            deadline: self.timeout,
            discreet: Arc::new(serde_json::Value::clone),
            usage: BTreeMap::new,
            recording: Recording::default(),
        }
    }

    /// The manager's own doing: to one process, or to all of a name.
    fn carry_out(&self, verb: &str, process: &ProcessRef) -> Result<Restart, ActFailure> {
        let mut state = self.state();
        let restart = state.restart;
        let hangs = matches!(restart, Restart::HangsBefore | Restart::HangsAfter);
        state.acts.push(format!("{verb} {process}{}", if hangs { " (hangs)" } else { "" }));
        if state.blind_after_act {
            state.manager = Err(Blind::because("the socket is gone"));
        }
        let targets: Vec<ProcessRef> =
            state.rows.keys().filter(|known| process.overlaps(known)).cloned().collect();
        if targets.is_empty() {
            return Err(ActFailure::Refused(format!("{process} is not known")));
        }
        match restart {
            Restart::Refused => return Err(ActFailure::Refused("not now".to_owned())),
            Restart::Ignored | Restart::HangsBefore => return Ok(restart),
            Restart::Heals
            | Restart::HangsAfter
            | Restart::HealsWithoutAnswer
            | Restart::HealsHalf
            | Restart::DiesAgain => {}
        }
        let half = if restart == Restart::HealsHalf { 1 } else { targets.len() };
        for target in targets.iter().take(half) {
            state.start_anew(target, restart != Restart::DiesAgain);
        }
        Ok(restart)
    }
}

impl State {
    fn start_anew(&mut self, process: &ProcessRef, lives: bool) {
        self.starts += 1;
        let identity = format!("{}@1", self.starts);
        let (now, counted) = (self.now, self.counts_restarts);
        let Some(row) = self.rows.get_mut(process) else { return };
        row.status = if lives { ProcessStatus::Online } else { ProcessStatus::Errored };
        row.identity = lives.then_some(identity);
        row.started_at = row.started_at.map(|_| now);
        row.restarts = row.restarts.map(|count| count + u64::from(counted));
        if lives {
            row.memory_bytes = Some(100);
            let of_it = |url: &&String| url.contains(&process.name);
            if let Some(url) = self.answers.keys().find(of_it).cloned() {
                self.answers.insert(url, self.healed.clone());
            }
        }
    }
}

impl Clock for World {
    fn now(&self) -> Timestamp {
        self.state().now
    }

    fn elapsed(&self) -> Duration {
        self.state().elapsed
    }

    fn sleep(&self, duration: Duration) -> Pending<'_, ()> {
        Box::pin(async move {
            let mut state = self.state();
            state.now = state.now.checked_add(duration).expect("holds in this test");
            state.elapsed += duration;
        })
    }
}

impl Processes for World {
    fn list(&self) -> Pending<'_, Sight<Scan<ProcessReading>>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            let mut state = self.state();
            state.now =
                state.now.checked_add(Duration::from_millis(3)).expect("holds in this test");
            state.manager.clone()?;
            if let Some(left) = state.swap_after_reads {
                state.swap_after_reads = left.checked_sub(1);
                if left == 0 {
                    for row in state.rows.values_mut() {
                        row.identity = Some("999@9".to_owned());
                        row.status = ProcessStatus::Online;
                    }
                }
            }
            Ok(Scan::whole(state.rows.values().cloned().collect()))
        })
    }

    fn log_tail<'a>(&'a self, _: &'a ProcessReading, _: usize) -> Pending<'a, Sight<String>> {
        Box::pin(async { Err(Blind::because("this world keeps no logs")) })
    }
}

impl ProcessControl for World {
    fn restart<'a>(&'a self, process: &'a ProcessRef) -> Pending<'a, Result<String, ActFailure>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            let done = self.carry_out("restart", process)?;
            tokio::task::yield_now().await;
            match done {
                Restart::HangsBefore | Restart::HangsAfter => std::future::pending().await,
                Restart::HealsWithoutAnswer => {
                    Err(ActFailure::Unknown("it was cut off".to_owned()))
                }
                Restart::Heals
                | Restart::HealsHalf
                | Restart::DiesAgain
                | Restart::Refused
                | Restart::Ignored => Ok("done".to_owned()),
            }
        })
    }

    fn reload<'a>(&'a self, process: &'a ProcessRef) -> Pending<'a, Result<String, ActFailure>> {
        Box::pin(async move {
            self.carry_out("reload", process)?;
            Ok("done".to_owned())
        })
    }
}

impl Prober for World {
    fn probe<'a>(&'a self, request: &'a ProbeRequest) -> Pending<'a, ProbeReading> {
        Box::pin(async move {
            let mut state = self.state();
            state.now =
                state.now.checked_add(Duration::from_millis(2)).expect("holds in this test");
            let turn = state.turns.get_mut(&request.url).and_then(VecDeque::pop_front);
            let standing = || state.answers.get(&request.url).cloned();
            let answer = turn.or_else(standing).unwrap_or(ProbeAnswer::Refused);
            ProbeReading { at: state.now, took_ms: 2, answer }
        })
    }
}

impl HostReader for World {
    fn read(&self) -> Pending<'_, Sight<HostReading>> {
        Box::pin(async {
            Ok(HostReading {
                cpu_percent: Some(10.0),
                cpus: 2,
                memory_total_bytes: 100,
                memory_available_bytes: 100 - self.state().memory_percent,
                swap_total_bytes: 0,
                swap_used_bytes: 0,
                load_five: 0.1,
                disks: Scan::whole(vec![DiskReading {
                    mount: "/".to_owned(),
                    total_bytes: 100,
                    available_bytes: 60,
                }]),
            })
        })
    }
}

impl EvidenceKeeper for World {
    fn keep<'a>(
        &'a self,
        incident: IncidentId,
        name: &'a str,
        _: &'a str,
    ) -> Pending<'a, Result<String, String>> {
        Box::pin(async move { Ok(format!("evidence/{incident}/{name}")) })
    }
}

impl Recorder for World {
    fn record<'a>(
        &'a self,
        _: &'a AgentName,
        run: &'a RunId,
        _: bool,
        tape: &'a [u8],
    ) -> Pending<'a, Result<String, String>> {
        Box::pin(async move {
            self.state().tapes.push(tape.to_vec());
            Ok(format!("snapshots/{run}"))
        })
    }
}
