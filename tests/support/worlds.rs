//! Random worlds for the laws: services, what was seen of them, and what the ledger holds.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use opswarden::agent::Agent;
use opswarden::agents::health_guardian::settings::{Probe, Service};
use opswarden::agents::health_guardian::snapshot::{MachineLook, ManagerLook};
use opswarden::agents::health_guardian::{HealthGuardian, Snapshot};
use opswarden::domain::duration::HumanDuration;
use opswarden::domain::incident::{Escalated, Incident, IncidentId, Resolution, Resolved};
use opswarden::domain::ledger::LedgerView;
use opswarden::domain::policy::{Budgets, Policy};
use opswarden::domain::process::{
    ManagerKind, ProcessReading, ProcessRef, ProcessStatus, Startable,
};
use opswarden::domain::run::Recall;
use opswarden::domain::severity::{Environment, Severity};
use opswarden::domain::sight::{Blind, Scan, Sight};
use opswarden::domain::subject::{Key, Subject, SubjectKind};
use opswarden::engine::Setting;
use opswarden::ports::host::{DiskReading, HostReading};
use opswarden::ports::probe::{NamedAssets, ProbeAnswer, ProbeReading};
use proptest::prelude::*;

/// The instant that every world is judged at.
pub(crate) fn now() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().expect("holds in this test")
}

/// So many seconds before [`now`].
pub(crate) fn ago(seconds: i64) -> Timestamp {
    now() - jiff::SignedDuration::from_secs(seconds)
}

pub(crate) const HOST: &str = "host-a";

pub(crate) fn setting() -> Setting {
    Setting {
        policy: Policy::default(),
        budgets: Budgets::default(),
        environment: Environment::Production,
        host: HOST.to_owned(),
        seed: 7,
        only_looks: None,
    }
}

/// Settings with `count` services, each with a probe, a process and maybe dependencies.
pub(crate) fn guardian(count: usize) -> impl Strategy<Value = HealthGuardian> {
    prop::collection::vec((0_u8..4, prop::bool::ANY, prop::bool::ANY), count).prop_map(|specs| {
        let names: Vec<String> = (0..specs.len()).map(|n| format!("svc{n}")).collect();
        let services = specs
            .into_iter()
            .enumerate()
            .map(|(place, (dependencies, process, edge))| Service {
                name: names[place].clone(),
                manager: ManagerKind::Pm2,
                process: if process { format!("app{place}") } else { String::new() },
                dependencies: match dependencies {
                    0 => None,
                    1 => Some(Vec::new()),
                    _ => Some(vec![names[(place + 1) % names.len()].clone()]),
                },
                command: None,
                probes: vec![probe(place, edge)],
            })
            .collect();
        HealthGuardian { services, ..HealthGuardian::default() }
    })
}

fn probe(place: usize, edge: bool) -> Probe {
    let host = if edge { "www.example.test" } else { "127.0.0.1" };
    Probe {
        name: String::new(),
        url: format!("http://{host}:{}/ready", 4000 + place),
        status: BTreeSet::from([200]),
        body: BTreeMap::new(),
        degraded: BTreeMap::from([("/s".to_owned(), BTreeSet::from(["degraded".to_owned()]))]),
        assets: false,
        deadline: HumanDuration::secs(10),
    }
}

/// One to three readings of a probe, or blindness.
fn readings() -> impl Strategy<Value = Sight<Vec<ProbeReading>>> {
    let answer = prop_oneof![
        3 => Just(http(200, None)),
        1 => Just(http(200, Some("degraded"))),
        3 => Just(http(503, None)),
        1 => Just(http(429, None)),
        2 => Just(ProbeAnswer::Refused),
        1 => Just(ProbeAnswer::TimedOut),
    ];
    let rows = (answer.clone(), prop::collection::vec(answer, 0..3), prop::bool::ANY);
    let seen = rows.prop_map(|(first, mut others, same)| {
        if same {
            others.resize(2, first.clone());
            others.fill(first.clone());
        }
        let answers = std::iter::once(first).chain(others).enumerate();
        Ok(answers
            .map(|(n, answer)| ProbeReading {
                at: ago(60 - 5 * i64::try_from(n).expect("a handful")),
                took_ms: 3,
                answer,
            })
            .collect())
    });
    prop_oneof![9 => seen, 1 => Just(Err(Blind::because("the prober is blind")))]
}

fn http(status: u16, state: Option<&str>) -> ProbeAnswer {
    ProbeAnswer::Http {
        status,
        values: state.map(|s| ("/s".to_owned(), s.to_owned())).into_iter().collect(),
        json: true,
        size_bytes: 20,
        truncated: false,
        assets: Vec::new(),
        named: NamedAssets::None,
        certificate_ends: None,
    }
}

fn row(place: usize, status: ProcessStatus, memory: u64, identity: u32) -> ProcessReading {
    ProcessReading {
        process: ProcessRef {
            manager: ManagerKind::Pm2,
            name: format!("app{place}"),
            instance: None,
        },
        status,
        identity: Some(format!("{identity}@1")),
        started_at: None,
        restarts: Some(u64::from(identity)),
        last_exit: None,
        memory_bytes: Some(memory),
        memory_limit_bytes: Some(1000),
        can_reload: false,
        startable: Startable::Plausible { checked: "script".to_owned() },
        log_paths: Vec::new(),
    }
}

fn process(place: usize) -> impl Strategy<Value = Option<ProcessReading>> {
    let status = prop_oneof![
        6 => Just(ProcessStatus::Online),
        1 => Just(ProcessStatus::Starting),
        1 => Just(ProcessStatus::Stopped),
        2 => Just(ProcessStatus::Crashed),
        2 => Just(ProcessStatus::Errored),
        1 => Just(ProcessStatus::WaitingRestart),
    ];
    let some = (status, 0_u64..1200, 1_u32..4)
        .prop_map(move |(status, memory, identity)| Some(row(place, status, memory, identity)));
    prop_oneof![9 => some, 1 => Just(None)]
}

/// What was seen of `count` services.
pub(crate) fn snapshot(count: usize) -> impl Strategy<Value = Snapshot> {
    let probes = prop::collection::vec(readings(), count);
    let rows: Vec<_> = (0..count).map(process).collect();
    (probes, rows, prop::bool::weighted(0.9), 0_u64..100).prop_map(
        move |(probes, rows, readable, disk)| {
            let items: Vec<_> = rows.into_iter().flatten().collect();
            let seen = if readable {
                Ok(Scan::whole(items))
            } else {
                Err(Blind::because("the socket is gone"))
            };
            let looks = vec![
                ManagerLook { at: ago(60), seen: seen.clone() },
                ManagerLook { at: ago(58), seen },
            ];
            let probes = probes.into_iter().enumerate();
            Snapshot {
                host: HOST.to_owned(),
                partial: None,
                probes: probes.map(|(n, seen)| (format!("svc{n}"), seen)).collect(),
                managers: BTreeMap::from([(ManagerKind::Pm2, looks)]),
                machine: Some(MachineLook { at: ago(60), seen: Ok(machine(disk)) }),
                uplink: None,
            }
        },
    )
}

fn machine(disk_used: u64) -> HostReading {
    HostReading {
        cpu_percent: Some(10.0),
        cpus: 2,
        memory_total_bytes: 100,
        memory_available_bytes: 50,
        swap_total_bytes: 0,
        swap_used_bytes: 0,
        load_five: 0.5,
        disks: Scan::whole(vec![DiskReading {
            mount: "/".to_owned(),
            total_bytes: 100,
            available_bytes: 100 - disk_used,
        }]),
    }
}

/// Every key that health-guardian could have an incident on in a world of `count` services.
pub(crate) fn keys(count: usize) -> Vec<Key> {
    let spec = HealthGuardian::SPEC;
    let mut keys = Vec::new();
    for check in spec.checks {
        for place in 0..count {
            let subject = match check.id.as_str() {
                "service_down" | "service_degraded" | "certificate_ending" => {
                    Subject::new(SubjectKind::Service, HOST, &format!("svc{place}"))
                }
                "process_down" | "process_memory" | "restart_storm" => {
                    Subject::new(SubjectKind::Process, HOST, &format!("pm2:app{place}"))
                }
                "manager_unreadable" => Subject::new(SubjectKind::Manager, HOST, "pm2"),
                "host_disk" => Subject::new(SubjectKind::Disk, HOST, "/"),
                "uplink_down" => Subject::new(SubjectKind::Uplink, HOST, "network"),
                _ => Subject::new(SubjectKind::Host, HOST, "machine"),
            };
            let key = Key::new(spec.name.clone(), check.id.clone(), subject);
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
    }
    keys
}

/// An incident on `key` in any state that it can be in.
pub(crate) fn incident(id: u64, key: Key, flavour: (u8, u32, i64)) -> Incident {
    let (kind, attempts, age) = flavour;
    let severity = [Severity::Info, Severity::Warning, Severity::Critical][usize::from(kind % 3)];
    Incident {
        id: IncidentId(id),
        key,
        severity,
        message: "something is wrong".to_owned(),
        facts: BTreeMap::new(),
        opened_at: ago(age + 1),
        relapse_of: None,
        attempts,
        last_attempt_at: (attempts > 0).then(|| ago(age)),
        last_operation: None,
        escalated: (kind >= 3)
            .then(|| Escalated { at: ago(age), reason: "attempts are spent".to_owned() }),
        resolved: None,
    }
}

/// A ledger with some active and some resolved incidents.
pub(crate) fn ledger(count: usize) -> impl Strategy<Value = LedgerView> {
    let flavour = || (0_u8..6, 0_u32..4, 1_i64..40_000);
    let keys = keys(count);
    let size = keys.len();
    let active = prop::collection::vec(prop::option::weighted(0.5, flavour()), size);
    let resolved = prop::collection::vec(prop::option::weighted(0.3, flavour()), size);
    (active, resolved).prop_map(move |(active, resolved)| {
        let mut view =
            LedgerView { next_incident: 1000, next_remediation: 1, ..Default::default() };
        for (place, flavour) in active.into_iter().enumerate() {
            if let Some(flavour) = flavour {
                let id = place as u64 + 1;
                view.active.push(incident(id, keys[place].clone(), flavour));
            }
        }
        for (place, flavour) in resolved.into_iter().enumerate() {
            if let Some(flavour) = flavour {
                let mut ended = incident(500 + place as u64, keys[place].clone(), flavour);
                let at = ago(flavour.2 / 2);
                ended.resolved =
                    Some(Resolved { at, resolution: Resolution::Recovered, proof: "seen".into() });
                view.resolved.push(ended);
            }
        }
        view
    })
}

/// What the agent is told of a ledger.
pub(crate) fn recall(view: &LedgerView) -> Recall {
    Recall { incidents: view.active.clone(), ..Recall::default() }
}
