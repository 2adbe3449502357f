//! What explains what: one root cause is one incident, and no outage is explained away.

use std::collections::BTreeSet;

use crate::shop::{MINUTE, crash, guardian, healthy, service, url, view};
use crate::world::{Restart, http};
use opswarden::agents::health_guardian::settings::Service;
use opswarden::domain::report::ExitClass;
use opswarden::ports::probe::ProbeAnswer;

/// A service that is only looked at.
fn watched(name: &str, dependencies: &[&str]) -> Service {
    Service { process: String::new(), ..service(name, Some(dependencies)) }
}

#[tokio::test]
async fn services_that_depend_on_each_other_do_not_explain_each_other_away() {
    let world = healthy(&[]);
    let agent = guardian(vec![watched("a", &["b"]), watched("b", &["a"])]);
    let report = world.run(&agent).await;
    assert_eq!(report.exit, ExitClass::Findings);
    assert_eq!(view(&world).await.active.len(), 2, "both are down and both are told");
}

#[tokio::test]
async fn a_check_that_is_switched_off_explains_nothing() {
    let mut world = healthy(&["shop"]);
    let agent = guardian(vec![service("shop", Some(&[]))]);
    crash(&world, "shop");
    world.policy.disabled_checks = BTreeSet::from(["process_down".to_owned()]);
    let report = world.run(&agent).await;
    assert_eq!(report.exit, ExitClass::Findings);
    let active = view(&world).await.active;
    assert_eq!(active.len(), 1, "{active:?}");
    assert_eq!(active[0].key.check.as_str(), "service_down");
}

#[tokio::test]
async fn a_check_that_is_switched_off_counts_nothing_after_a_repair_either() {
    let mut world = healthy(&["shop"]);
    let agent = guardian(vec![service("shop", Some(&[]))]);
    world.policy.disabled_checks = BTreeSet::from(["service_degraded".to_owned()]);
    world.answer(&url("shop"), ProbeAnswer::Refused);
    world.heals_to(http(200, "degraded"));
    let report = world.run(&agent).await;
    assert_eq!(world.acts(), ["restart pm2:shop"]);
    assert_eq!(report.exit, ExitClass::Clean, "{report:#?}");
}

#[tokio::test]
async fn news_about_an_open_incident_are_recorded_once() {
    let world = healthy(&[]);
    let agent = guardian(vec![watched("a", &[])]);
    world.answer(&url("a"), http(503, "down"));
    world.run(&agent).await;
    world.answer(&url("a"), ProbeAnswer::Refused);
    world.pass(MINUTE * 5);
    let changed = world.run(&agent).await;
    assert_eq!(changed.changes.len(), 1, "{:?}", changed.changes);
    assert!(changed.changes[0].1.sentence().contains("has changed: a is down: nobody listens"));
    assert!(view(&world).await.active[0].message.contains("nobody listens"));
    world.pass(MINUTE * 5);
    assert_eq!(world.run(&agent).await.changes, Vec::new());
}

#[tokio::test]
async fn a_process_that_dies_again_is_one_incident_whatever_its_service_says() {
    let world = healthy(&["shop"]);
    let agent = guardian(vec![service("shop", Some(&[]))]);
    crash(&world, "shop");
    world.restarts(Restart::DiesAgain);
    world.run(&agent).await;
    assert_eq!(view(&world).await.active.len(), 1);
}

#[tokio::test]
async fn what_still_fails_after_a_repair_is_explained_by_what_it_needs() {
    let world = healthy(&["db", "shop"]);
    let agent = guardian(vec![watched("db", &[]), service("shop", Some(&["db"]))]);
    world.answer(&url("db"), ProbeAnswer::Refused);
    crash(&world, "shop");
    world.heals_to(http(503, "the database is away"));
    world.run(&agent).await;
    assert_eq!(world.acts(), ["restart pm2:shop"], "the process was dead, whatever it needs");
    let active = view(&world).await.active;
    let found: Vec<&str> = active.iter().map(|one| one.key.subject.id()).collect();
    assert_eq!(found, ["db"], "{active:?}");
}

#[tokio::test]
async fn a_way_that_fails_from_outside_explains_no_outage_seen_from_here() {
    let world = healthy(&[]);
    let mut agent = guardian(vec![watched("db", &[]), watched("shop", &["db"])]);
    agent.services[0].probes[0].url = "http://www.example.test/db".to_owned();
    let why = "the name cannot be resolved".to_owned();
    world.answer("http://www.example.test/db", ProbeAnswer::NoWay { why });
    let report = world.run(&agent).await;
    assert_eq!(report.exit, ExitClass::Findings);
    assert_eq!(view(&world).await.active.len(), 2, "the local outage is told");
}
