//! When a repair counts as proved, and when nobody knows: answers that are lost, marks that cannot be read, subjects
//! that vanish, clocks that are set back.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::shop::{
    MINUTE, crash, guardian, healthy, last_remediation, only_incident, page_with_asset, reason,
    service, shop, url, view,
};
use crate::world::{Restart, app, http};
use opswarden::domain::duration::HumanDuration;
use opswarden::domain::incident::{RemediationState, Resolution};
use opswarden::domain::process::ProcessStatus;
use opswarden::domain::report::ExitClass;
use opswarden::domain::sight::Blind;

/// The page answers as before, and still nobody can use it.
#[tokio::test]
async fn a_restart_after_which_the_assets_still_fail_has_mended_nothing() {
    let (world, mut agent) = shop();
    agent.services[0].probes[0].assets = true;
    world.answer(&url("shop"), page_with_asset(500));
    world.heals_to(page_with_asset(500));
    let mut exits = Vec::new();
    for _ in 0..3 {
        exits.push(world.run(&agent).await.exit);
        world.pass(MINUTE * 20);
    }
    assert_eq!(world.acts(), ["restart pm2:shop", "restart pm2:shop"], "two attempts, no more");
    assert_eq!(exits, [ExitClass::Findings; 3]);
    let incident = only_incident(&world).await;
    assert!(incident.is_active() && incident.escalated.is_some(), "{incident:?}");
    assert_eq!(last_remediation(&world).await.state, RemediationState::Failed);
}

#[tokio::test]
async fn an_effect_that_cannot_be_read_off_a_dead_process_is_waited_for() {
    let (mut world, agent) = shop();
    world.policy.back_off = HumanDuration::secs(1);
    // A manager that tells neither identity nor start of a dead process.
    world.change(&app("shop"), |row| row.started_at = None);
    crash(&world, "shop");
    world.restarts(Restart::HangsBefore);
    world.run_until_killed(&agent).await;
    world.acts();
    world.restarts(Restart::Heals);
    world.pass(Duration::from_secs(4));
    let soon = world.run(&agent).await;
    assert_eq!(world.acts(), Vec::<String>::new(), "the effect may still come: {:?}", soon.plan);
    let found = last_remediation(&world).await;
    assert_eq!(found.state, RemediationState::Unknown, "{:?}", found.outcome);
    // It comes late, and is seen.
    world.status(&app("shop"), ProcessStatus::Online);
    world.change(&app("shop"), |row| row.identity = Some("77@7".to_owned()));
    world.answer(&url("shop"), http(200, "ok"));
    world.pass(MINUTE);
    world.run(&agent).await;
    assert_eq!(last_remediation(&world).await.state, RemediationState::Verified);
    let ended = only_incident(&world).await.resolved.expect("it is well");
    assert_eq!(ended.resolution, Resolution::AutoFixed);
}

#[tokio::test]
async fn an_effect_that_never_comes_ends_as_failed_and_does_not_claim_one() {
    let (world, agent) = shop();
    world.change(&app("shop"), |row| row.started_at = None);
    crash(&world, "shop");
    world.restarts(Restart::HangsBefore);
    world.run_until_killed(&agent).await;
    world.pass(MINUTE * 2);
    world.run(&agent).await;
    let found = last_remediation(&world).await;
    assert_eq!(found.state, RemediationState::Failed);
    let outcome = found.outcome.expect("it says why");
    assert!(!outcome.contains("took effect and"), "{outcome}");
}

#[tokio::test]
async fn what_cannot_be_seen_after_an_act_proves_nothing() {
    let (world, agent) = shop();
    world.answer(&url("shop"), http(503, "wedged"));
    world.restarts(Restart::Ignored);
    world.manager_goes_blind_after_the_act();
    let report = world.run(&agent).await;
    assert_eq!(world.acts().len(), 1);
    let found = last_remediation(&world).await;
    assert_eq!(found.state, RemediationState::Unknown, "{:?}", found.outcome);
    assert_eq!(report.exit, ExitClass::Findings);
}

#[tokio::test]
async fn a_finding_that_ends_unknown_after_an_act_ends_the_run_with_two() {
    let (world, agent) = shop();
    crash(&world, "shop");
    world.manager_goes_blind_after_the_act();
    let report = world.run(&agent).await;
    assert_eq!(world.acts().len(), 1);
    assert_eq!(report.exit, ExitClass::Incomplete, "{report:#?}");
    assert!(report.unknown.contains_key("process_down"));
}

#[tokio::test]
async fn a_lost_answer_settles_like_any_other() {
    let (world, agent) = shop();
    crash(&world, "shop");
    world.restarts(Restart::HealsWithoutAnswer);
    let before = world.now();
    world.run(&agent).await;
    let found = last_remediation(&world).await;
    assert_eq!(found.state, RemediationState::Verified);
    let waited = found.finished_at.expect("it ended").duration_since(before);
    assert!(waited >= jiff::SignedDuration::from_secs(30), "proved after {waited:?}");
}

#[tokio::test]
async fn a_proof_that_is_waited_for_is_also_looked_for() {
    let (mut world, agent) = shop();
    world.timeout = Duration::from_secs(75);
    crash(&world, "shop");
    let report = world.run(&agent).await;
    let found = last_remediation(&world).await;
    assert_eq!(found.state, RemediationState::Verified, "{:?}", found.outcome);
    assert_eq!(report.exit, ExitClass::Clean, "{report:#?}");
}

#[tokio::test]
async fn a_subject_that_vanishes_before_its_proof_does_not_stay_open() {
    let (world, agent) = shop();
    crash(&world, "shop");
    world.restarts(Restart::HangsBefore);
    world.run_until_killed(&agent).await;
    // The service is taken out of the settings.
    let other = guardian(vec![service("cart", Some(&[]))]);
    world.process(&app("cart")).answer(&url("cart"), http(200, "ok"));
    for _ in 0..3 {
        world.pass(MINUTE * 5);
        world.run(&other).await;
    }
    assert_eq!(view(&world).await.active, Vec::new());
    assert_eq!(last_remediation(&world).await.state, RemediationState::Failed);
    let ended = only_incident(&world).await.resolved.expect("it ended");
    assert_eq!(ended.resolution, Resolution::SubjectGone);
}

#[tokio::test]
async fn a_refusing_manager_shows_in_the_report() {
    let (world, agent) = shop();
    crash(&world, "shop");
    world.restarts(Restart::Refused);
    let report = world.run(&agent).await;
    assert_eq!(report.attempts.len(), 1, "{report:#?}");
    assert_eq!(report.attempts[0].state, "failed");
    assert!(report.attempts[0].observed.contains("not now"));
    assert_eq!(report.counts["failed"], 1);
}

#[tokio::test]
async fn an_act_that_the_guard_refuses_shows_in_the_report() {
    let (world, agent) = shop();
    crash(&world, "shop");
    world.somebody_restarts_after(2);
    let report = world.run(&agent).await;
    assert_eq!(report.not_sent.len(), 1, "{report:#?}");
    assert!(report.not_sent[0].why.contains("door 10"), "{}", report.not_sent[0].why);
}

#[tokio::test]
async fn a_clock_that_is_set_back_neither_freezes_a_finding_nor_a_proof() {
    let (world, agent) = shop();
    // One of two looks that raise it, and then the clock goes back.
    world.memory_used(95);
    world.run(&agent).await;
    world.step_back(MINUTE * 60 * 24);
    world.run(&agent).await;
    world.pass(MINUTE * 5);
    world.run(&agent).await;
    let raised = view(&world).await.active;
    assert!(raised.iter().any(|one| one.key.check.as_str() == "host_memory"), "{raised:?}");

    let (world, agent) = shop();
    crash(&world, "shop");
    world.restarts(Restart::HangsAfter);
    world.run_until_killed(&agent).await;
    world.step_back(MINUTE * 60 * 24);
    world.run(&agent).await;
    assert_eq!(last_remediation(&world).await.state, RemediationState::Verified);
}

#[tokio::test]
async fn a_check_that_never_gave_an_answer_is_told_after_a_day() {
    let (world, agent) = shop();
    world.manager_is(Err(Blind::because("the socket is gone")));
    world.run(&agent).await;
    world.pass(MINUTE * 60 * 25);
    world.run(&agent).await;
    let open = view(&world).await.active;
    assert!(open.iter().any(|one| one.key.check.as_str() == "long_unknown"), "{open:?}");
}

#[tokio::test]
async fn one_bad_look_at_an_open_incident_licenses_no_act() {
    let (world, agent) = shop();
    world.answer(&url("shop"), http(503, "unready"));
    world.restarts(Restart::Ignored);
    world.run(&agent).await;
    world.acts();
    // The next run settles what became of that attempt.
    world.pass(MINUTE * 20);
    world.run(&agent).await;
    world.pass(MINUTE * 20);
    // The service wavers: bad, good, bad.
    world.answers_in_turn(&url("shop"), &[http(503, "x"), http(200, "ok"), http(503, "x")]);
    let report = world.run(&agent).await;
    assert_eq!(world.acts(), Vec::<String>::new());
    assert!(reason(&report, "service_down").contains("1 of 3"), "{:?}", report.plan);
}

#[tokio::test]
async fn a_repair_proves_nothing_about_another_process() {
    let world = healthy(&["shop", "queue"]);
    let agent = guardian(vec![service("shop", Some(&[])), service("queue", Some(&[]))]);
    world.run(&agent).await;
    world.change(&app("queue"), |row| row.restarts = Some(40));
    crash(&world, "shop");
    world.run(&agent).await;
    assert_eq!(world.acts(), ["restart pm2:shop"]);
    let active = view(&world).await.active;
    let storm = active.iter().any(|one| one.key.check.as_str() == "restart_storm");
    assert!(storm, "the storm of queue was not over: {active:?}");
}

#[tokio::test]
async fn a_process_that_dies_of_its_repair_at_the_memory_limit_is_a_failed_proof() {
    let (world, agent) = shop();
    world.change(&app("shop"), |row| {
        row.memory_bytes = Some(900);
        row.memory_limit_bytes = Some(1000);
    });
    world.restarts(Restart::DiesAgain);
    world.run(&agent).await;
    assert_eq!(world.acts(), ["restart pm2:shop"]);
    let found = last_remediation(&world).await;
    assert_eq!(found.state, RemediationState::Failed, "{:?}", found.outcome);
    let active = view(&world).await.active;
    let memory = active.iter().find(|one| one.key.check.as_str() == "process_memory");
    assert!(memory.is_some_and(|one| one.message.ends_with("is errored")), "{active:?}");
}

#[tokio::test]
async fn a_check_that_was_switched_off_is_not_waited_for() {
    let (mut world, agent) = shop();
    world.run(&agent).await;
    world.policy.disabled_checks = BTreeSet::from(["service_down".to_owned()]);
    world.pass(MINUTE * 60 * 25);
    let report = world.run(&agent).await;
    assert_eq!(view(&world).await.active, Vec::new(), "{report:#?}");
}

#[tokio::test]
async fn what_the_manager_refused_is_no_restart_of_ours() {
    let (world, agent) = shop();
    world.run(&agent).await;
    world.answer(&url("shop"), http(503, "x"));
    world.restarts(Restart::Refused);
    world.run(&agent).await;
    assert_eq!(world.acts().len(), 1);
    let storm = u64::from(agent.restart_storm);
    world.change(&app("shop"), |row| row.restarts = Some(storm));
    let report = world.run(&agent).await;
    let found = view(&world).await.active;
    assert!(found.iter().any(|one| one.key.check.as_str() == "restart_storm"), "{report:#?}");
}
