//! Random worlds for the laws: services, and what was seen of them. What the ledger holds is in `worlds_ledger`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use opswarden::agent::Agent;
use opswarden::agents::health_guardian::settings::{Probe, Service};
use opswarden::agents::health_guardian::snapshot::{MachineLook, ManagerLook, UplinkLook};
use opswarden::agents::health_guardian::{HealthGuardian, Snapshot};
use opswarden::domain::duration::HumanDuration;
use opswarden::domain::process::{
    ManagerKind, ProcessReading, ProcessRef, ProcessStatus, Startable,
};
use opswarden::domain::sight::{Blind, Scan, Sight};
use opswarden::domain::subject::{Key, Subject, SubjectKind};
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
/// The managers of a world; a process of either may bear the same name.
pub(crate) const MANAGERS: [ManagerKind; 2] = [ManagerKind::Pm2, ManagerKind::Systemd];
/// A service that no settings name any more: an incident on it is older than they are.
pub(crate) const FORGOTTEN: usize = 9;

/// Settings with `count` services, each with a probe, maybe a process and maybe dependencies, and maybe an uplink.
pub(crate) fn guardian(count: usize) -> impl Strategy<Value = HealthGuardian> {
    let dependencies = prop_oneof![
        1 => Just(None),
        3 => prop::collection::vec(prop::bool::weighted(0.3), count).prop_map(Some),
    ];
    let service = (
        prop::bool::weighted(0.3),
        prop::bool::weighted(0.7),
        prop::bool::weighted(0.3),
        dependencies,
    );
    let services = prop::collection::vec(service, count).prop_map(|specs| {
        let place = |(place, spec)| service_at(place, spec);
        specs.into_iter().enumerate().map(place).collect::<Vec<_>>()
    });
    (services, prop::bool::ANY).prop_map(|(services, uplink)| {
        let uplink =
            if uplink { vec!["https://outside.example.test".to_owned()] } else { Vec::new() };
        HealthGuardian { services, uplink, ..HealthGuardian::default() }
    })
}

type Spec = (bool, bool, bool, Option<Vec<bool>>);

fn service_at(place: usize, (systemd, process, edge, dependencies): Spec) -> Service {
    let others = |mask: Vec<bool>| {
        let named =
            mask.into_iter().enumerate().filter(|(other, needed)| *needed && *other != place);
        named.map(|(other, _)| format!("svc{other}")).collect()
    };
    let host = if edge { "www.example.test" } else { "127.0.0.1" };
    let url = format!("http://{host}:{}/ready", 4000 + place);
    let process = if process { format!("app{place}") } else { String::new() };
    let service = service(place, MANAGERS[usize::from(systemd)], &process, &url);
    Service { dependencies: dependencies.map(others), ..service }
}

/// A service without dependencies.
pub(crate) fn service(place: usize, manager: ManagerKind, process: &str, url: &str) -> Service {
    let probe = Probe {
        name: String::new(),
        url: url.to_owned(),
        status: BTreeSet::from([200]),
        body: BTreeMap::new(),
        degraded: BTreeMap::from([("/s".to_owned(), BTreeSet::from(["degraded".to_owned()]))]),
        assets: false,
        deadline: HumanDuration::secs(10),
    };
    Service {
        name: format!("svc{place}"),
        manager,
        process: process.to_owned(),
        dependencies: Some(Vec::new()),
        command: None,
        probes: vec![probe],
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
        Ok(answers.map(|(n, answer)| reading(n, answer)).collect())
    });
    prop_oneof![9 => seen, 1 => Just(Err(Blind::because("the prober is blind")))]
}

/// The `n`th answer of a pass.
pub(crate) fn reading(n: usize, answer: ProbeAnswer) -> ProbeReading {
    ProbeReading { at: ago(60 - 5 * i64::try_from(n).expect("a handful")), took_ms: 3, answer }
}

pub(crate) fn http(status: u16, state: Option<&str>) -> ProbeAnswer {
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

pub(crate) fn process_ref(manager: ManagerKind, place: usize, instance: Option<u32>) -> ProcessRef {
    ProcessRef { manager, name: format!("app{place}"), instance }
}

/// One row of a listing.
pub(crate) fn row(
    process: ProcessRef,
    status: ProcessStatus,
    memory: u64,
    identity: u32,
) -> ProcessReading {
    ProcessReading {
        status,
        identity: Some(format!("{identity}@1")),
        started_at: Some(ago(3600)),
        restarts: Some(u64::from(identity)),
        last_exit: None,
        memory_bytes: Some(memory),
        memory_limit_bytes: Some(1000),
        can_reload: process.instance.is_some(),
        startable: Startable::Plausible { checked: "script".to_owned() },
        log_paths: Vec::new(),
        process,
    }
}

/// The rows of one name: none, one, or two instances of a cluster.
fn rows(manager: ManagerKind, place: usize) -> impl Strategy<Value = Vec<ProcessReading>> {
    let status = prop_oneof![
        6 => Just(ProcessStatus::Online),
        1 => Just(ProcessStatus::Starting),
        1 => Just(ProcessStatus::Stopped),
        2 => Just(ProcessStatus::Crashed),
        2 => Just(ProcessStatus::Errored),
        1 => Just(ProcessStatus::WaitingRestart),
    ];
    let one = (status, 0_u64..1200, 1_u32..6);
    let cluster = manager == ManagerKind::Pm2;
    (prop::collection::vec(one, 2), 0_u8..10).prop_map(move |(drawn, kind)| {
        let instances: Vec<Option<u32>> = match kind {
            0 => Vec::new(),
            1 | 2 if cluster => vec![Some(0), Some(1)],
            _ => vec![None],
        };
        let of = |(instance, (status, memory, identity))| {
            row(process_ref(manager, place, instance), status, memory, identity)
        };
        instances.into_iter().zip(drawn).map(of).collect()
    })
}

/// One or two looks at a manager. The first may have seen one row in another state; each may be blind or cut short.
fn looks(manager: ManagerKind, count: usize) -> impl Strategy<Value = Vec<ManagerLook>> {
    let rows: Vec<_> = (0..count).map(|place| rows(manager, place)).collect();
    let manner =
        (0_u8..10, 0_u8..10, prop::bool::weighted(0.1), prop::option::weighted(0.1, 0..count));
    (rows, manner).prop_map(|(rows, (sight, looks, cut, changed))| {
        let items: Vec<_> = rows.into_iter().flatten().collect();
        let cut_short = cut.then(|| "the answer ended early".to_owned());
        let mut earlier = items.clone();
        if let Some(row) = changed.and_then(|place| earlier.get_mut(place)) {
            row.status = ProcessStatus::Starting;
        }
        let blind = || Err(Blind::because("the socket is gone"));
        let (first, second) = match sight {
            0 => (blind(), blind()),
            1 => (blind(), Ok(Scan { items, cut_short })),
            _ => (Ok(Scan { items: earlier, cut_short: None }), Ok(Scan { items, cut_short })),
        };
        let second = ManagerLook { at: ago(58), seen: second };
        if looks == 0 {
            vec![second]
        } else {
            vec![ManagerLook { at: ago(60), seen: first }, second]
        }
    })
}

/// What was seen of `count` services.
pub(crate) fn snapshot(count: usize) -> impl Strategy<Value = Snapshot> {
    let probes = prop::collection::vec(readings(), count);
    let managers = (looks(MANAGERS[0], count), looks(MANAGERS[1], count));
    (probes, managers, machine(), uplink()).prop_map(|(probes, managers, machine, uplink)| {
        let probes = probes.into_iter().enumerate();
        Snapshot {
            host: HOST.to_owned(),
            partial: None,
            asked: BTreeSet::new(),
            probes: probes.map(|(n, seen)| (format!("svc{n}"), seen)).collect(),
            managers: BTreeMap::from([(MANAGERS[0], managers.0), (MANAGERS[1], managers.1)]),
            machine: Some(MachineLook { at: ago(60), seen: machine }),
            uplink: uplink.map(|up| UplinkLook { at: ago(60), up }),
        }
    })
}

fn uplink() -> impl Strategy<Value = Option<Sight<bool>>> {
    prop_oneof![
        2 => Just(None),
        4 => Just(Some(Ok(true))),
        1 => Just(Some(Ok(false))),
        1 => Just(Some(Err(Blind::because("the prober is blind")))),
    ]
}

fn machine() -> impl Strategy<Value = Sight<HostReading>> {
    let seen = (
        0_u64..=100,
        prop::bool::weighted(0.1),
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.2),
    );
    let seen = seen.prop_map(|(disk, cut, busy, other)| {
        let disk_of = |mount: &str, used| DiskReading {
            mount: mount.to_owned(),
            total_bytes: 100,
            available_bytes: 100 - used,
        };
        let mut items = vec![disk_of("/", disk)];
        items.extend(other.then(|| disk_of("/srv", 100 - disk)));
        Ok(HostReading {
            cpu_percent: Some(if busy { 99.0 } else { 10.0 }),
            cpus: 2,
            memory_total_bytes: 100,
            memory_available_bytes: 50,
            swap_total_bytes: 0,
            swap_used_bytes: 0,
            load_five: 0.5,
            disks: Scan { items, cut_short: cut.then(|| "the list ended early".to_owned()) },
        })
    });
    prop_oneof![9 => seen, 1 => Just(Err(Blind::because("the machine cannot be read")))]
}

/// Every key that health-guardian could have an incident on in a world of `count` services: those of a service that
/// was there once, and one of a check that was, included.
pub(crate) fn keys(count: usize) -> Vec<Key> {
    let spec = HealthGuardian::SPEC;
    let service = |place: usize| Subject::new(SubjectKind::Service, HOST, &format!("svc{place}"));
    let places: Vec<usize> = (0..count).chain([FORGOTTEN]).collect();
    let cluster = (0..2).map(|instance| process_ref(MANAGERS[0], 0, Some(instance)));
    let processes: Vec<ProcessRef> = (places.iter())
        .flat_map(|place| MANAGERS.map(|manager| process_ref(manager, *place, None)))
        .chain(cluster)
        .collect();
    let mut keys = vec![Key::new(
        spec.name.clone(),
        "check_of_old".to_owned().try_into().expect("an id"),
        service(0),
    )];
    for check in spec.checks {
        let one = |kind, id| vec![Subject::new(kind, HOST, id)];
        let subjects: Vec<Subject> = match check.id.as_str() {
            "service_down" | "service_degraded" | "certificate_ending" => {
                places.iter().copied().map(service).collect()
            }
            "process_down" | "process_memory" | "restart_storm" => {
                processes.iter().map(|process| process.subject(HOST)).collect()
            }
            "manager_unreadable" => {
                MANAGERS.iter().flat_map(|kind| one(SubjectKind::Manager, kind.as_str())).collect()
            }
            "host_disk" => one(SubjectKind::Disk, "/"),
            "uplink_down" => one(SubjectKind::Uplink, "network"),
            _ => one(SubjectKind::Host, "machine"),
        };
        let of_check = |subject| Key::new(spec.name.clone(), check.id.clone(), subject);
        keys.extend(subjects.into_iter().map(of_check));
    }
    keys
}
