//! How often a process is tried, whatever complains about it, and when a person is called.

use opswarden::agents::health_guardian::HealthGuardian;
use opswarden::domain::event::Event;
use opswarden::domain::incident::Resolution;
use opswarden::ports::probe::ProbeAnswer;

use crate::shop::{MINUTE, commit, crash, guardian, healthy, reason, service, shop, url, view};
use crate::world::{Restart, World, http};

fn two_services_of_one_process() -> (World, HealthGuardian) {
    let world = healthy(&["shop"]);
    let mut agent = guardian(vec![service("shop", Some(&[]))]);
    let mut second = agent.services[0].clone();
    "shop-api".clone_into(&mut second.name);
    second.probes[0].url = url("api");
    agent.services.push(second);
    (world, agent)
}

#[tokio::test]
async fn one_process_is_tried_twice_whatever_complains_about_it() {
    let (world, agent) = two_services_of_one_process();
    world.answer(&url("shop"), http(503, "x")).answer(&url("api"), ProbeAnswer::Refused);
    world.restarts(Restart::Ignored);
    let mut acts = 0;
    for _ in 0..12 {
        world.run(&agent).await;
        acts += world.acts().len();
        world.pass(MINUTE * 5);
    }
    assert_eq!(acts, 2, "two attempts, and then a person");
}

#[tokio::test]
async fn a_second_finding_about_a_tried_process_still_counts_its_attempts_a_day_later() {
    let (world, agent) = two_services_of_one_process();
    world.answer(&url("shop"), http(503, "x")).answer(&url("api"), http(200, "ok"));
    world.restarts(Restart::Ignored);
    for _ in 0..12 {
        world.run(&agent).await;
        world.pass(MINUTE * 5);
    }
    assert_eq!(world.acts().len(), 2);
    world.pass(MINUTE * 60 * 24);
    world.answer(&url("api"), ProbeAnswer::Refused);
    let report = world.run(&agent).await;
    assert_eq!(world.acts(), Vec::<String>::new(), "{:?}", report.plan);
}

/// One attempt for the service, which helped, and one for its process, which did not.
async fn spent_by_two_findings() -> (World, HealthGuardian) {
    let (world, agent) = shop();
    world.answer(&url("shop"), http(503, "x"));
    world.run(&agent).await;
    world.pass(MINUTE * 20);
    crash(&world, "shop");
    world.restarts(Restart::DiesAgain);
    world.run(&agent).await;
    assert_eq!(world.acts(), ["restart pm2:shop", "restart pm2:shop"]);
    (world, agent)
}

#[tokio::test]
async fn a_person_is_called_where_other_findings_spent_the_attempts() {
    let (world, agent) = spent_by_two_findings().await;
    world.pass(MINUTE * 10);
    world.run(&agent).await;
    assert_eq!(world.acts(), Vec::<String>::new());
    let active = view(&world).await.active;
    let escalated = active[0].escalated.as_ref().expect("a person is called");
    assert!(escalated.reason.contains("2 of 2 attempts (1 of them for other"), "{escalated:?}");
}

#[tokio::test]
async fn a_person_who_ends_an_incident_gives_the_process_a_fresh_start() {
    let (world, agent) = spent_by_two_findings().await;
    let incident = view(&world).await.active[0].id;
    let proof = "by human:test: repaired".to_owned();
    let resolution = Resolution::Manual;
    commit(&world, Event::IncidentResolved { incident, resolution, proof, remediation: None })
        .await;
    for _ in 0..2 {
        world.run(&agent).await;
        world.pass(MINUTE * 12);
    }
    assert_eq!(world.acts().len(), 2, "two attempts, as for a new finding");
}

#[tokio::test]
async fn of_two_pauses_the_longer_one_is_told() {
    let (world, agent) = shop();
    crash(&world, "shop");
    crate::shop::set_control(&world, "pause:all", true, Some(1)).await;
    crate::shop::set_control(&world, "pause:health-guardian", true, Some(120)).await;
    let report = world.run(&agent).await;
    let told = reason(&report, "process_down");
    assert!(told.contains("14:00") && told.contains("opsctl resume health-guardian"), "{told}");
}
