//! A tape has a limit: what is larger than that is left out, and a replay says so instead of judging by less.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use opswarden::agents::health_guardian::HealthGuardian;
use opswarden::agents::health_guardian::settings::Service;
use opswarden::domain::incident::{IncidentId, RunId};
use opswarden::domain::policy::{Budgets, Policy};
use opswarden::domain::process::{
    ManagerKind, ProcessReading, ProcessRef, ProcessStatus, Startable,
};
use opswarden::domain::run::Trigger;
use opswarden::domain::severity::Environment;
use opswarden::domain::sight::{Blind, Scan, Sight};
use opswarden::domain::subject::AgentName;
use opswarden::engine::tape::{Recording, ReplayError, SNAPSHOT_LIMIT_BYTES, Tape, replay};
use opswarden::engine::{Engine, Mode, Setting};
use opswarden::ports::Pending;
use opswarden::ports::actuators::{Actuators, EvidenceKeeper};
use opswarden::ports::clock::Clock;
use opswarden::ports::data_store::StoreSensors;
use opswarden::ports::processes::Processes;
use opswarden::ports::recorder::Recorder;
use opswarden::ports::sensors::Sensors;
use opswarden::ports::store::StoreError;

/// A manager with one process whose manager has so much to tell, and a recorder that keeps the tape.
#[derive(Clone)]
struct World {
    told_bytes: usize,
    tape: Arc<Mutex<Vec<u8>>>,
}

impl Clock for World {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_790_000_000).expect("a moment")
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }

    fn sleep(&self, _: Duration) -> Pending<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

impl Processes for World {
    fn list(&self) -> Pending<'_, Sight<Scan<ProcessReading>>> {
        let name = "app0".to_owned();
        let reading = ProcessReading {
            process: ProcessRef { manager: ManagerKind::Pm2, name, instance: None },
            status: ProcessStatus::Online,
            identity: Some("1@1".to_owned()),
            started_at: None,
            restarts: Some(0),
            last_exit: Some("x".repeat(self.told_bytes)),
            memory_bytes: None,
            memory_limit_bytes: None,
            can_reload: false,
            startable: Startable::Unprovable { why: "a test".to_owned() },
            log_paths: Vec::new(),
        };
        Box::pin(std::future::ready(Ok(Scan::whole(vec![reading]))))
    }

    fn log_tail<'a>(&'a self, _: &'a ProcessReading, _: usize) -> Pending<'a, Sight<String>> {
        Box::pin(std::future::ready(Err(Blind::because("it keeps no log"))))
    }
}

impl EvidenceKeeper for World {
    fn keep<'a>(
        &'a self,
        _: IncidentId,
        _: &'a str,
        _: &'a str,
    ) -> Pending<'a, Result<String, String>> {
        Box::pin(std::future::ready(Err("nothing is kept".to_owned())))
    }
}

impl Recorder for World {
    fn record<'a>(
        &'a self,
        _: &'a AgentName,
        _: &'a RunId,
        _: bool,
        tape: &'a [u8],
    ) -> Pending<'a, Result<String, String>> {
        tape.clone_into(&mut self.tape.lock().expect("one holder at a time"));
        Box::pin(std::future::ready(Ok("kept".to_owned())))
    }
}

/// The tape of one run without a ledger.
async fn recorded(told_bytes: usize) -> Vec<u8> {
    let world = World { told_bytes, tape: Arc::default() };
    let eyes: Sight<Arc<dyn Processes>> = Ok(Arc::new(world.clone()));
    let blind = || Blind::because("nothing to see here");
    let engine = Engine {
        store: Err(StoreError::Open("there is none".to_owned())),
        clock: Arc::new(world.clone()),
        recorder: Arc::new(world.clone()),
        telling: None,
        sensors: Sensors {
            prober: Err(blind()),
            host: Err(blind()),
            managers: BTreeMap::from([(ManagerKind::Pm2, eyes)]),
            platform: Err(Blind::because("no platform in this test")),
            stores: StoreSensors::none(),
            host_name: "host-a".to_owned(),
            clock: Arc::new(world.clone()),
            deadline: Duration::from_mins(1),
        },
        hands: Actuators {
            platform: Err(Blind::because("no platform in this test")),
            managers: BTreeMap::new(),
            stores: BTreeMap::new(),
            evidence: Arc::new(world.clone()),
        },
        setting: Setting {
            policy: Policy::default(),
            budgets: Budgets::default(),
            environment: Environment::Production,
            host: "host-a".to_owned(),
            seed: 3,
            only_looks: None,
            dialect: None,
            applying: None,
        },
        run: RunId("run-1".to_owned()),
        trigger: Trigger::Manual,
        claim: None,
        owner: "test".to_owned(),
        mode: Mode::Act,
        deadline: Duration::from_mins(1),
        discreet: Arc::new(Clone::clone),
        usage: BTreeMap::new,
        recording: Recording::default(),
    };
    let service = Service {
        name: "svc0".to_owned(),
        manager: ManagerKind::Pm2,
        process: "app0".to_owned(),
        dependencies: None,
        command: None,
        probes: Vec::new(),
    };
    engine.run(&HealthGuardian { services: vec![service], ..HealthGuardian::default() }).await;
    std::mem::take(&mut *world.tape.lock().expect("one holder at a time"))
}

fn snapshots(tape: &[u8]) -> Vec<bool> {
    let tape: Tape = serde_json::from_slice(tape).expect("a tape");
    tape.passes.iter().map(|pass| pass.snapshot.is_some()).collect()
}

#[tokio::test]
async fn a_snapshot_that_is_too_large_is_left_out_and_a_replay_says_so() {
    let small = recorded(1024).await;
    assert_eq!(snapshots(&small), [true]);
    let again = replay::<HealthGuardian>(&small).expect("it can be judged again");
    assert_eq!(again.differences, Vec::<String>::new());
    let large = recorded(SNAPSHOT_LIMIT_BYTES + 1).await;
    assert_eq!(snapshots(&large), [false]);
    assert!(large.len() < SNAPSHOT_LIMIT_BYTES / 4, "the tape is small: {}", large.len());
    let refused = replay::<HealthGuardian>(&large).expect_err("it cannot be judged again");
    assert!(matches!(refused, ReplayError::LeftOut), "{refused}");
    assert!(refused.to_string().contains("larger than 16 MiB"), "{refused}");
}

#[tokio::test]
async fn a_tape_whose_snapshot_is_missing_in_any_pass_is_refused() {
    let mut tape: serde_json::Value = serde_json::from_slice(&recorded(1).await).expect("a tape");
    let mut second = tape["passes"][0].clone();
    second["snapshot"] = serde_json::Value::Null;
    tape["passes"].as_array_mut().expect("a list").push(second);
    let refused = replay::<HealthGuardian>(&serde_json::to_vec(&tape).expect("text"));
    assert!(matches!(refused, Err(ReplayError::LeftOut)), "{refused:?}");
}
