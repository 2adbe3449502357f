//! What licenses a restart, and what does not: whose fault a failing look is, how old a process is, and which of several
//! processes is meant.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::shop::{
    MINUTE, guardian, last_remediation, page_with_asset, reason, service, shop, url, view,
};
use crate::world::{Restart, World, app, http};
use opswarden::agent::Agent as _;
use opswarden::agents::health_guardian::settings::Service;
use opswarden::agents::health_guardian::snapshot::ManagerLook;
use opswarden::agents::health_guardian::{HealthGuardian, Snapshot};
use opswarden::domain::diagnosis::{Coverage, Standing};
use opswarden::domain::incident::RemediationState;
use opswarden::domain::process::{
    ManagerKind, ProcessReading, ProcessRef, ProcessStatus, Startable,
};
use opswarden::domain::report::ExitClass;
use opswarden::domain::run::Recall;
use opswarden::domain::sight::{Blind, Scan};
use opswarden::ports::probe::ProbeAnswer;

#[tokio::test]
async fn what_could_not_be_asked_says_nothing_and_licenses_nothing() {
    let (world, agent) = shop();
    let why = "no connection could be made from here: too many open files".to_owned();
    world.answer(&url("shop"), ProbeAnswer::NotAsked { why });
    let report = world.run(&agent).await;
    assert_eq!(world.acts(), Vec::<String>::new());
    assert_eq!((report.exit, report.changes.len()), (ExitClass::Incomplete, 0));
}

#[tokio::test]
async fn a_certificate_or_the_way_is_told_and_no_process_pays_for_it() {
    let expired = ProbeAnswer::Untrusted { why: "the certificate has expired".into(), ended: None };
    let no_way = ProbeAnswer::NoWay { why: "the name cannot be resolved".into() };
    for (answer, expected) in [(expired, "its certificate"), (no_way, "the way to it")] {
        let (world, agent) = shop();
        world.answer(&url("shop"), answer);
        let report = world.run(&agent).await;
        assert_eq!(world.acts(), Vec::<String>::new());
        let told = reason(&report, "service_down");
        assert!(told.contains("alert only") && told.contains(expected), "{told}");
        assert_eq!(view(&world).await.active.len(), 1);
    }
}

#[tokio::test]
async fn an_expired_certificate_is_one_incident_of_its_own() {
    let (world, mut agent) = shop();
    agent.services[0].probes[0].url = "https://localhost:4443/shop".to_owned();
    let ended = "2026-11-19T00:00:00Z".parse().ok();
    let expired = ProbeAnswer::Untrusted { why: "the certificate has expired".into(), ended };
    world.answer("https://localhost:4443/shop", expired);
    world.run(&agent).await;
    assert_eq!(world.acts(), Vec::<String>::new());
    let active = view(&world).await.active;
    assert_eq!(active.len(), 1, "{active:?}");
    assert_eq!(active[0].key.check.as_str(), "certificate_ending");
    assert!(active[0].message.contains("has ended, on 2026-11-19"), "{}", active[0].message);
}

#[tokio::test]
async fn a_limiter_before_an_asset_is_no_outage() {
    let (world, mut agent) = shop();
    agent.services[0].probes[0].assets = true;
    world.answer(&url("shop"), page_with_asset(429));
    let report = world.run(&agent).await;
    assert_eq!((world.acts().len(), report.changes.len()), (0, 0));
    world.answer(&url("shop"), page_with_asset(500));
    world.run(&agent).await;
    assert_eq!(world.acts(), ["restart pm2:shop"], "a broken asset is one");
}

#[tokio::test]
async fn a_process_that_was_just_started_is_given_its_time() {
    let (world, agent) = shop();
    world.answer(&url("shop"), ProbeAnswer::Refused);
    let now = world.now();
    world.change(&app("shop"), |row| row.started_at = Some(now));
    let young = world.run(&agent).await;
    assert_eq!(world.acts(), Vec::<String>::new());
    assert!(reason(&young, "service_down").contains("less than 1m ago"), "{:?}", young.plan);
    world.change(&app("shop"), |row| row.started_at = None);
    let ageless = world.run(&agent).await;
    assert_eq!(world.acts(), Vec::<String>::new());
    assert!(reason(&ageless, "service_down").contains("does not tell when it was started"));
    world.change(&app("shop"), |row| row.started_at = Some(now));
    world.pass(MINUTE);
    world.run(&agent).await;
    assert_eq!(world.acts(), ["restart pm2:shop"]);
}

fn instance(number: u32) -> ProcessRef {
    ProcessRef { instance: Some(number), ..app("shop") }
}

fn cluster() -> (World, HealthGuardian) {
    let world = World::new();
    for number in [0, 1] {
        world.process(&instance(number));
        world.change(&instance(number), |row| row.can_reload = true);
    }
    world.answer(&url("shop"), http(503, "wedged"));
    (world, guardian(vec![service("shop", Some(&[]))]))
}

#[tokio::test]
async fn a_cluster_that_does_not_answer_is_reloaded_whole() {
    let (world, agent) = cluster();
    let report = world.run(&agent).await;
    assert_eq!(world.acts(), ["reload pm2:shop"]);
    assert_eq!(report.exit, ExitClass::Clean, "{report:#?}");
    assert_eq!(last_remediation(&world).await.state, RemediationState::Verified);
}

#[tokio::test]
async fn a_cluster_of_which_one_process_was_left_as_it_was_is_not_proved() {
    let (world, agent) = cluster();
    world.restarts(Restart::HealsHalf);
    world.run(&agent).await;
    assert_eq!(world.acts(), ["reload pm2:shop"]);
    let found = last_remediation(&world).await;
    assert_eq!(found.state, RemediationState::Unknown, "{:?}", found.outcome);
}

#[tokio::test]
async fn a_cluster_of_one_is_reloaded_at_its_memory_limit() {
    let (world, agent) = shop();
    world.change(&app("shop"), |row| {
        row.can_reload = true;
        row.memory_bytes = Some(900);
        row.memory_limit_bytes = Some(1000);
    });
    world.run(&agent).await;
    assert_eq!(world.acts(), ["reload pm2:shop"]);
}

#[tokio::test]
async fn several_probes_of_one_service_are_one_incident_and_one_restart() {
    let (world, mut agent) = shop();
    let first = agent.services[0].probes[0].clone();
    for (name, address) in
        [("live", url("live")), ("public", "http://www.example.test/shop".into())]
    {
        let mut probe = first.clone();
        probe.name = name.to_owned();
        probe.url = address;
        agent.services[0].probes.push(probe);
    }
    // The public one stands first in the file, and is explained by a nearer one all the same.
    agent.services[0].probes.rotate_right(1);
    world.answer(&url("shop"), http(503, "x"));
    world.restarts(Restart::Ignored);
    world.run(&agent).await;
    assert_eq!(world.acts().len(), 1);
    let active = view(&world).await.active;
    assert_eq!(active.len(), 1, "{active:?}");
    assert_eq!(active[0].key.subject.id(), "shop");
}

#[tokio::test]
async fn a_restart_storm_explains_its_service_and_no_restart_is_added() {
    let (world, agent) = shop();
    world.run(&agent).await;
    world.change(&app("shop"), |row| row.restarts = Some(40));
    world.answer(&url("shop"), ProbeAnswer::Refused);
    world.run(&agent).await;
    assert_eq!(world.acts(), Vec::<String>::new());
    let active = view(&world).await.active;
    assert_eq!(active.len(), 1, "{active:?}");
    assert_eq!(active[0].key.check.as_str(), "restart_storm");
}

#[tokio::test]
async fn restarts_of_days_are_no_storm() {
    let (world, agent) = shop();
    world.run(&agent).await;
    world.change(&app("shop"), |row| row.restarts = Some(40));
    world.pass(Duration::from_hours(48));
    let report = world.run(&agent).await;
    assert_eq!(report.exit, ExitClass::Clean, "{report:#?}");
}

#[tokio::test]
async fn a_start_of_a_dead_process_is_not_taken_off_a_storm() {
    let (world, agent) = shop();
    world.run(&agent).await;
    crate::shop::crash(&world, "shop");
    world.restarts_uncounted();
    world.run(&agent).await;
    assert_eq!(world.acts().len(), 1);
    world.change(&app("shop"), |row| row.restarts = row.restarts.map(|count| count + 3));
    let report = world.run(&agent).await;
    assert_eq!(report.exit, ExitClass::Findings, "three restarts are three: {report:#?}");
}

/// PM2 is gone, and a unit of systemd has crashed.
#[test]
fn one_manager_that_cannot_be_read_takes_nothing_from_the_others() {
    let unit = ProcessRef {
        manager: ManagerKind::Systemd,
        name: "cart.service".to_owned(),
        instance: None,
    };
    let cart = Service {
        manager: ManagerKind::Systemd,
        process: unit.name.clone(),
        probes: Vec::new(),
        ..service("cart", Some(&[]))
    };
    let shop = Service { probes: Vec::new(), ..service("shop", Some(&[])) };
    let agent = guardian(vec![shop, cart]);
    let at = "2026-11-20T12:00:00Z".parse().expect("a time");
    let crashed = ProcessReading {
        process: unit.clone(),
        status: ProcessStatus::Crashed,
        identity: None,
        started_at: None,
        restarts: None,
        last_exit: None,
        memory_bytes: None,
        memory_limit_bytes: None,
        can_reload: false,
        startable: Startable::Plausible { checked: "x".to_owned() },
        log_paths: Vec::new(),
    };
    let look = |seen| vec![ManagerLook { at, seen }];
    let snapshot = Snapshot {
        host: "host-a".to_owned(),
        partial: None,
        asked: BTreeSet::new(),
        probes: BTreeMap::new(),
        managers: BTreeMap::from([
            (ManagerKind::Pm2, look(Err(Blind::because("the socket is gone")))),
            (ManagerKind::Systemd, look(Ok(Scan::whole(vec![crashed])))),
        ]),
        machine: None,
        uplink: None,
    };
    let diagnosis = agent.detect(&snapshot, &Recall::default(), at);
    let check = opswarden::domain::subject::CheckId::of("process_down");
    let of_check = &diagnosis.checks[&check];
    assert_eq!(of_check.coverage, Coverage::Whole);
    let standing = |process: &ProcessRef| diagnosis.standing(&check, &process.subject("host-a"));
    assert!(matches!(standing(&unit), Standing::Faulty(..)));
    assert!(matches!(standing(&app("shop")), Standing::Unknown { .. }));
}
