//! The lifecycle, story by story: a real ledger, a world in memory, a clock that moves only when somebody waits.
//! Every run's tape is judged again, and must come to the same bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::shop::{
    MINUTE, crash, guardian, healthy, last_remediation, only_incident, reason, service,
    set_control, shop, url, view,
};
use crate::world::{Restart, World, app, http};
use opswarden::agents::health_guardian::settings::Service;
use opswarden::domain::duration::HumanDuration;
use opswarden::domain::gate::refusal;
use opswarden::domain::incident::{RemediationState, Resolution, control};
use opswarden::domain::ledger::LedgerView;
use opswarden::domain::policy::Autonomy;
use opswarden::domain::process::{ProcessRef, ProcessStatus, Startable};
use opswarden::domain::report::ExitClass;
use opswarden::domain::run::Ruling;
use opswarden::domain::sight::Blind;
use opswarden::engine::Mode;
use opswarden::ports::probe::ProbeAnswer;
use opswarden::ports::store::StoreError;

#[tokio::test]
async fn a_healthy_world_is_left_alone_and_leaves_no_event() {
    let (world, agent) = shop();
    let report = world.run(&agent).await;
    assert_eq!(report.exit, ExitClass::Clean);
    assert_eq!(world.acts(), Vec::<String>::new());
    let view = view(&world).await;
    assert_eq!((view.next_incident, view.next_remediation), (1, 1));
}

#[tokio::test]
async fn a_crashed_process_is_restarted_proved_and_recorded() {
    let (world, agent) = shop();
    crash(&world, "shop");
    let report = world.run(&agent).await;
    assert_eq!(report.exit, ExitClass::Clean, "{report:?}");
    assert_eq!(world.acts(), ["restart pm2:shop"]);
    let incident = only_incident(&world).await;
    let resolved = incident.resolved.expect("holds in this test");
    assert_eq!(resolved.resolution, Resolution::AutoFixed);
    assert!(resolved.proof.contains("REM-1 verified"));
    let fix = last_remediation(&world).await;
    assert_eq!(fix.state, RemediationState::Verified);
    assert_ne!(
        fix.before.summary(),
        fix.after.expect("holds in this test").summary(),
        "before and after are told apart"
    );
    assert!(
        fix.acted_at.expect("holds in this test") < fix.finished_at.expect("holds in this test")
    );
    assert_eq!(fix.evidence, ["evidence/INC-1/pm2:shop"]);
    let again = world.run(&agent).await;
    assert_eq!(
        (again.exit, world.acts().len()),
        (ExitClass::Clean, 0),
        "a second run does nothing"
    );
}

#[tokio::test]
async fn two_failed_attempts_call_a_person_and_recovery_is_still_seen() {
    let (world, agent) = shop();
    crash(&world, "shop");
    world.restarts(Restart::DiesAgain);
    let first = world.run(&agent).await;
    assert_eq!(first.exit, ExitClass::Findings);
    assert_eq!(world.acts().len(), 1);
    world.pass(MINUTE * 5);
    let early = world.run(&agent).await;
    assert_eq!(world.acts(), Vec::<String>::new(), "the back-off holds");
    assert!(
        reason(&early, "process_down").contains("back-off"),
        "{}",
        reason(&early, "process_down")
    );
    world.pass(MINUTE * 10);
    world.run(&agent).await;
    assert_eq!(world.acts().len(), 1, "the second attempt");
    let incident = only_incident(&world).await;
    assert!(
        incident.escalated.as_ref().expect("holds in this test").reason.contains("2 of 2 attempts")
    );
    assert!(incident.is_active(), "escalated is active");
    world.pass(MINUTE * 60 * 24);
    let later = world.run(&agent).await;
    assert_eq!(world.acts(), Vec::<String>::new(), "and no third");
    assert_eq!(later.exit, ExitClass::Findings);
    assert!(reason(&later, "process_down").contains("a person was called"));
    world.restarts(Restart::Heals);
    world.status(&app("shop"), ProcessStatus::Online);
    world.answer(&url("shop"), http(200, "ok"));
    let well = world.run(&agent).await;
    assert_eq!(well.exit, ExitClass::Clean);
    assert_eq!(
        only_incident(&world).await.resolved.expect("holds in this test").resolution,
        Resolution::Recovered
    );
}

#[tokio::test]
async fn a_run_killed_before_the_effect_is_settled_by_looking_and_never_repeated_blindly() {
    let (world, agent) = shop();
    crash(&world, "shop");
    world.restarts(Restart::HangsBefore);
    world.run_until_killed(&agent).await;
    assert_eq!(world.acts().len(), 1);
    assert_eq!(last_remediation(&world).await.state, RemediationState::Intended);
    world.restarts(Restart::Heals);
    world.pass(Duration::from_secs(10));
    let soon = world.run(&agent).await;
    assert_eq!(world.acts(), Vec::<String>::new(), "an effect may still be on its way");
    assert!(reason(&soon, "process_down").contains("REM-1"), "{:?}", soon.plan);
    assert_eq!(last_remediation(&world).await.state, RemediationState::Unknown);
    world.pass(MINUTE * 5);
    world.run(&agent).await;
    let settled = last_remediation(&world).await;
    assert_eq!(settled.state, RemediationState::Failed);
    assert!(settled.outcome.expect("holds in this test").contains("no effect"));
    world.pass(MINUTE * 12);
    assert_eq!(world.run(&agent).await.exit, ExitClass::Clean);
    assert_eq!(world.acts().len(), 1, "the second attempt of the episode");
    assert_eq!(last_remediation(&world).await.attempt, 2);
}

#[tokio::test]
async fn a_run_killed_after_the_effect_is_settled_as_verified_without_a_second_execution() {
    let (world, agent) = shop();
    crash(&world, "shop");
    world.restarts(Restart::HangsAfter);
    world.run_until_killed(&agent).await;
    world.pass(Duration::from_secs(5));
    world.restarts(Restart::Heals);
    let next = world.run(&agent).await;
    assert_eq!(next.exit, ExitClass::Clean, "{next:?}");
    assert_eq!(world.acts().len(), 1, "only the first run acted");
    assert_eq!(last_remediation(&world).await.state, RemediationState::Verified);
    assert_eq!(
        only_incident(&world).await.resolved.expect("holds in this test").resolution,
        Resolution::AutoFixed
    );
}

#[tokio::test]
async fn a_proof_that_does_not_fit_the_run_is_finished_by_the_next() {
    let (mut world, agent) = shop();
    world.timeout = Duration::from_secs(30);
    crash(&world, "shop");
    let first = world.run(&agent).await;
    assert_eq!(first.exit, ExitClass::Findings, "not proven is not well");
    assert_eq!(last_remediation(&world).await.state, RemediationState::Verifying);
    assert!(only_incident(&world).await.is_active());
    world.pass(MINUTE);
    let second = world.run(&agent).await;
    assert_eq!(second.exit, ExitClass::Clean, "{second:?}");
    assert_eq!(world.acts().len(), 1);
    assert_eq!(last_remediation(&world).await.state, RemediationState::Verified);
}

#[tokio::test]
async fn a_restart_without_a_mark_is_not_taken_for_a_fix() {
    let (world, agent) = shop();
    crash(&world, "shop");
    world.restarts(Restart::Ignored);
    world.run(&agent).await;
    assert_eq!(last_remediation(&world).await.state, RemediationState::Unknown);
    world.pass(MINUTE * 3);
    // Somebody else repairs it, without a new start that could be ours.
    world.status(&app("shop"), ProcessStatus::Online);
    world.answer(&url("shop"), http(200, "ok"));
    world.run(&agent).await;
    let settled = last_remediation(&world).await;
    assert_eq!(settled.state, RemediationState::Failed);
    assert!(settled.outcome.expect("holds in this test").contains("not by this"));
    assert_eq!(
        only_incident(&world).await.resolved.expect("holds in this test").resolution,
        Resolution::Recovered
    );
}

#[tokio::test]
async fn a_manager_that_refuses_is_a_failed_attempt() {
    let (world, agent) = shop();
    crash(&world, "shop");
    world.restarts(Restart::Refused);
    let report = world.run(&agent).await;
    assert_eq!(report.exit, ExitClass::Findings);
    assert_eq!(last_remediation(&world).await.state, RemediationState::Failed);
    assert_eq!(only_incident(&world).await.attempts, 1);
}

#[tokio::test]
async fn a_process_that_somebody_stopped_is_left_alone_and_told() {
    let (world, agent) = shop();
    world.status(&app("shop"), ProcessStatus::Stopped);
    world.answer(&url("shop"), ProbeAnswer::Refused);
    let report = world.run(&agent).await;
    assert_eq!(world.acts(), Vec::<String>::new());
    assert!(reason(&report, "process_down").contains("somebody stopped it"));
    assert!(reason(&report, "service_down").contains("its process is stopped"));
    assert_eq!(report.exit, ExitClass::Findings);
}

#[tokio::test]
async fn a_missing_process_is_found_and_left_alone() {
    let (world, _) = shop();
    let agent = guardian(vec![service("shop", Some(&[])), service("cart", Some(&[]))]);
    let report = world.run(&agent).await;
    assert_eq!(world.acts(), Vec::<String>::new());
    assert!(reason(&report, "process_down").contains("does not know it"));
}

#[tokio::test]
async fn an_unready_service_is_restarted_only_where_nothing_else_can_be_to_blame() {
    // No dependency declared, an empty list, a healthy one, a blind one, a broken one.
    let cases: [(Option<&[&str]>, ProbeAnswer, bool, &str); 5] = [
        (None, http(200, "ok"), false, "dependencies are not declared"),
        (Some(&[]), http(200, "ok"), true, ""),
        (Some(&["db"]), http(200, "ok"), true, ""),
        (Some(&["db"]), http(429, ""), false, "db is unknown"),
        (Some(&["db"]), http(503, "down"), false, "explained by service_down of service:db"),
    ];
    for (dependencies, database, restarted, why) in cases {
        let world = healthy(&["shop"]);
        world.answer(&url("shop"), http(503, "unready")).answer(&url("db"), database);
        let db = Service { process: String::new(), ..service("db", None) };
        let agent = guardian(vec![service("shop", dependencies), db]);
        let report = world.run(&agent).await;
        assert_eq!(!world.acts().is_empty(), restarted, "{dependencies:?} {:?}", report.plan);
        let of_shop =
            report.plan.deferrals.iter().find(|one| {
                one.key.subject.id() == "shop" && one.key.check.as_str() == "service_down"
            });
        let told = of_shop.map(|one| one.ruling.reason()).unwrap_or_default();
        assert!(told.contains(why), "{told}");
    }
}

#[tokio::test]
async fn a_root_cause_is_one_incident() {
    let world = healthy(&["shop", "cart"]);
    crash(&world, "shop");
    world.answer(&url("cart"), http(503, "no shop"));
    world.restarts(Restart::DiesAgain);
    let agent = guardian(vec![service("shop", Some(&[])), service("cart", Some(&["shop"]))]);
    let report = world.run(&agent).await;
    assert_eq!(only_incident(&world).await.key.check.as_str(), "process_down");
    assert!(reason(&report, "service_down").contains("explained by"));
    assert_eq!(world.acts(), ["restart pm2:shop"]);
}

#[tokio::test]
async fn what_was_seen_from_outside_licenses_no_restart() {
    let (world, mut agent) = shop();
    agent.services[0].probes[0].url = "http://www.example.test/shop".to_owned();
    world.answer("http://www.example.test/shop", http(502, ""));
    let report = world.run(&agent).await;
    assert_eq!(world.acts(), Vec::<String>::new());
    assert!(reason(&report, "service_down").contains("door 4"), "{:?}", report.plan);
}

#[tokio::test]
async fn a_rate_limit_is_not_an_outage_and_not_health() {
    let (world, agent) = shop();
    world.answer(&url("shop"), http(429, ""));
    let report = world.run(&agent).await;
    assert_eq!(report.exit, ExitClass::Incomplete, "unknown is not well");
    assert_eq!((world.acts().len(), report.changes.len()), (0, 0));
}

#[tokio::test]
async fn one_failed_probe_of_three_raises_nothing() {
    let (world, agent) = shop();
    world.answer(&url("shop"), http(200, "degraded"));
    let report = world.run(&agent).await;
    assert!(report.changes.iter().any(|(_, change)| change.sentence().contains("degraded")));
    assert!(
        reason(&report, "service_degraded").contains("still works"),
        "and degraded never restarts"
    );
    assert_eq!(world.acts(), Vec::<String>::new());
}

#[tokio::test]
async fn a_blind_manager_resolves_nothing_and_ends_with_two() {
    let (world, agent) = shop();
    crash(&world, "shop");
    world.restarts(Restart::DiesAgain);
    world.run(&agent).await;
    world.acts();
    world.manager_is(Err(Blind::because("the socket is gone")));
    world.answer(&url("shop"), http(200, "ok"));
    world.pass(MINUTE * 30);
    let report = world.run(&agent).await;
    assert_eq!(report.exit, ExitClass::Incomplete);
    assert_eq!(world.acts(), Vec::<String>::new());
    let view = view(&world).await;
    assert!(view.active.iter().any(|one| one.key.check.as_str() == "process_down"));
    assert!(view.active.iter().any(|one| one.key.check.as_str() == "manager_unreadable"));
}

#[tokio::test]
async fn a_pause_stops_acting_only_and_ends_by_itself() {
    let (world, agent) = shop();
    crash(&world, "shop");
    set_control(&world, control::PAUSE_ALL, true, Some(20)).await;
    let paused = world.run(&agent).await;
    assert_eq!(world.acts(), Vec::<String>::new());
    assert!(reason(&paused, "process_down").contains("door 1"));
    assert!(only_incident(&world).await.is_active(), "it is found and recorded all the same");
    world.pass(MINUTE * 21);
    assert_eq!(world.run(&agent).await.exit, ExitClass::Clean);
    assert_eq!(world.acts().len(), 1);
}

#[tokio::test]
async fn a_lost_ledger_only_proposes_until_a_person_resumes() {
    let (world, agent) = shop();
    crash(&world, "shop");
    set_control(&world, control::PROPOSE_ONLY, true, None).await;
    world.pass(MINUTE * 60 * 24 * 30);
    let report = world.run(&agent).await;
    assert!(reason(&report, "process_down").contains("door 2"), "it does not expire");
    set_control(&world, control::PROPOSE_ONLY, false, None).await;
    world.run(&agent).await;
    assert_eq!(world.acts().len(), 1);
}

#[tokio::test]
async fn a_level_below_act_proposes_and_says_so() {
    for level in [Autonomy::Observe, Autonomy::Propose, Autonomy::Approve] {
        let (mut world, agent) = shop();
        world.policy.autonomy = level;
        crash(&world, "shop");
        let report = world.run(&agent).await;
        assert_eq!(world.acts(), Vec::<String>::new());
        assert!(reason(&report, "process_down").contains(level.as_str()));
    }
    let (mut world, agent) = shop();
    world.observe_only = true;
    crash(&world, "shop");
    world.run(&agent).await;
    assert_eq!(world.acts(), Vec::<String>::new());
}

#[tokio::test]
async fn without_a_ledger_nothing_is_done_and_that_is_told() {
    let (world, agent) = shop();
    crash(&world, "shop");
    let none = StoreError::Open("the disk is full".to_owned());
    let report = world.run_with(&agent, Err(none)).await;
    assert_eq!(report.exit, ExitClass::Incomplete);
    assert_eq!(world.acts(), Vec::<String>::new());
    assert!(report.troubles[0].contains("the disk is full"));
    assert!(!report.plan.deferrals.is_empty(), "it looked all the same");
}

#[tokio::test]
async fn three_of_four_crashed_processes_are_restarted_in_one_run() {
    let names = ["a", "b", "c", "d"];
    let world = healthy(&names);
    let agent = guardian(names.iter().map(|name| service(name, Some(&[]))).collect());
    for name in names {
        crash(&world, name);
    }
    let report = world.run(&agent).await;
    assert_eq!(world.acts().len(), 3);
    let waits = report.plan.deferrals.iter().find(|one| one.key.check.as_str() == "process_down");
    assert!(waits.expect("holds in this test").ruling.reason().contains("door 5"));
    world.run(&agent).await;
    assert_eq!(world.acts(), ["restart pm2:d"], "the next run goes on");
}

#[tokio::test]
async fn a_process_that_somebody_restarts_meanwhile_is_not_restarted_again() {
    // Reads: two looks, the guard's first, the guard's second.
    for (reads, state) in [(2, None), (3, Some(RemediationState::Withdrawn))] {
        let (world, agent) = shop();
        crash(&world, "shop");
        world.somebody_restarts_after(reads);
        let report = world.run(&agent).await;
        assert_eq!(world.acts(), Vec::<String>::new());
        assert_eq!(report.counts["refused"], 1);
        let view = view(&world).await;
        assert_eq!(view.remediations.first().map(|found| found.state), state);
        let attempts = view.active.first().map(|incident| incident.attempts);
        assert_eq!(attempts, Some(0), "the attempt is given back");
    }
}

#[tokio::test]
async fn memory_near_its_own_limit_reloads_a_cluster_and_restarts_a_single_process() {
    let instance = |n| ProcessRef { instance: Some(n), ..app("shop") };
    let world = World::new();
    world.process(&instance(0)).process(&instance(1)).answer(&url("shop"), http(200, "ok"));
    for n in [0, 1] {
        world.change(&instance(n), |row| {
            row.can_reload = true;
            row.memory_limit_bytes = Some(1000);
        });
    }
    world.change(&instance(1), |row| row.memory_bytes = Some(900));
    let agent = guardian(vec![service("shop", Some(&[]))]);
    assert_eq!(world.run(&agent).await.exit, ExitClass::Clean);
    assert_eq!(world.acts(), ["reload pm2:shop#1"], "only the one that is ill");

    let (world, agent) = shop();
    world.change(&app("shop"), |row| row.memory_bytes = Some(1_000_000));
    world.run(&agent).await;
    assert_eq!(world.acts(), Vec::<String>::new(), "an unknown limit never acts");
    world.change(&app("shop"), |row| row.memory_limit_bytes = Some(1_100_000));
    world.run(&agent).await;
    assert_eq!(world.acts(), ["restart pm2:shop"]);
}

#[tokio::test]
async fn one_bad_instance_of_a_cluster_is_restarted_alone() {
    let instance = |n| ProcessRef { instance: Some(n), ..app("shop") };
    let world = World::new();
    for n in 0..3 {
        world.process(&instance(n));
    }
    world.answer(&url("shop"), http(200, "ok"));
    world.status(&instance(1), ProcessStatus::Errored);
    world.run(&guardian(vec![service("shop", Some(&[]))])).await;
    assert_eq!(world.acts(), ["restart pm2:shop#1"]);
}

#[tokio::test]
async fn a_process_that_could_not_start_again_is_never_restarted() {
    let (world, agent) = shop();
    crash(&world, "shop");
    world.change(&app("shop"), |row| {
        row.startable = Startable::Blocked { why: "its script is gone".to_owned() };
    });
    let report = world.run(&agent).await;
    assert_eq!(world.acts(), Vec::<String>::new());
    assert!(reason(&report, "process_down").contains("its script is gone"));
}

#[tokio::test]
async fn a_restart_storm_is_seen_against_the_last_run_and_our_own_restart_is_not_one() {
    let (world, agent) = shop();
    world.run(&agent).await;
    crash(&world, "shop");
    world.run(&agent).await;
    assert_eq!(world.acts().len(), 1);
    let calm = world.run(&agent).await;
    assert_eq!(calm.exit, ExitClass::Clean, "our own restart is no storm");
    world.change(&app("shop"), |row| row.restarts = row.restarts.map(|count| count + 7));
    let storm = world.run(&agent).await;
    assert_eq!(storm.exit, ExitClass::Findings);
    assert!(reason(&storm, "restart_storm").contains("cannot help"));
    assert_eq!(world.acts(), Vec::<String>::new());
    assert_eq!(world.run(&agent).await.exit, ExitClass::Clean, "and it ends when the count rests");
}

#[tokio::test]
async fn a_disabled_check_closes_its_incident_and_denies_recovery() {
    let (mut world, agent) = shop();
    crash(&world, "shop");
    world.restarts(Restart::DiesAgain);
    world.run(&agent).await;
    world.acts();
    world.policy.disabled_checks = BTreeSet::from(["process_down".to_owned()]);
    world.pass(MINUTE * 30);
    world.run(&agent).await;
    assert_eq!(world.acts(), Vec::<String>::new());
    let view = view(&world).await;
    let closed = view
        .resolved
        .iter()
        .find(|one| one.key.check.as_str() == "process_down")
        .expect("holds in this test");
    let resolved = closed.resolved.as_ref().expect("holds in this test");
    assert_eq!(resolved.resolution, Resolution::CheckDisabled);
    assert!(resolved.proof.contains("nothing is said about health"));
    world.answer(&url("shop"), http(200, "ok"));
    assert_eq!(
        world.run(&agent).await.exit,
        ExitClass::Clean,
        "a switched-off check counts nothing"
    );
}

#[tokio::test]
async fn a_dry_run_plans_the_same_and_leaves_no_trace() {
    let (mut world, agent) = shop();
    world.run(&agent).await;
    crash(&world, "shop");
    let files = |world: &World| {
        let mut found = BTreeMap::new();
        for entry in std::fs::read_dir(world.folder()).expect("holds in this test") {
            let path = entry.expect("holds in this test").path();
            if path.is_file() {
                found.insert(path.clone(), std::fs::read(&path).expect("holds in this test"));
            }
        }
        found
    };
    world.mode = Mode::Plan;
    let store = world.store().await;
    let before = files(&world);
    let dry = world.run_with(&agent, Ok(store.clone())).await;
    assert_eq!(files(&world), before);
    store.close().await.expect("holds in this test");
    assert_eq!(world.acts(), Vec::<String>::new());
    assert_eq!(dry.exit, ExitClass::Findings);
    world.mode = Mode::Act;
    let wet = world.run(&agent).await;
    assert_eq!(dry.plan, wet.plan, "what was shown is what ran");
    assert_eq!(world.acts().len(), 1);
}

#[tokio::test]
async fn a_flapping_service_is_left_to_a_person() {
    let (world, agent) = shop();
    for episode in 1..=3 {
        crash(&world, "shop");
        let report = world.run(&agent).await;
        let acted = world.acts().len();
        assert_eq!(acted, usize::from(episode < 3), "episode {episode}: {:?}", report.plan);
        world.status(&app("shop"), ProcessStatus::Online);
        world.answer(&url("shop"), http(200, "ok"));
        world.pass(MINUTE * 60);
        world.run(&agent).await;
    }
}

#[tokio::test]
async fn a_clock_that_steps_back_frees_nobody_from_the_back_off() {
    let (world, agent) = shop();
    crash(&world, "shop");
    world.restarts(Restart::DiesAgain);
    world.run(&agent).await;
    assert_eq!(world.acts().len(), 1);
    let (back, agent_again) = (world.clone(), agent);
    back.step_back(MINUTE * 60);
    let report = back.run(&agent_again).await;
    assert_eq!(back.acts(), Vec::<String>::new());
    let refused = report.plan.deferrals.iter().any(|one| match &one.ruling {
        Ruling::Refused { doors } => {
            refusal(doors).is_some_and(|(_, why)| why.contains("back-off"))
        }
        _ => false,
    });
    assert!(refused, "{:?}", report.plan);
}

#[tokio::test]
async fn opswarden_finds_its_own_troubles_and_clears_them() {
    let (world, agent) = shop();
    world.run(&agent).await;
    set_control(&world, control::PROPOSE_ONLY, true, None).await;
    world.run(&agent).await;
    let rescued = only_incident(&world).await;
    assert_eq!(rescued.key.to_string(), "opswarden/store_rescued/ledger:host-a/ops.db");
    set_control(&world, control::PROPOSE_ONLY, false, None).await;
    world.pass(MINUTE);
    world.run(&agent).await;
    assert!(!only_incident(&world).await.is_active());
    world.step_back(MINUTE * 60);
    world.run(&agent).await;
    let open = view(&world).await.active;
    assert_eq!(open.len(), 1, "{open:?}");
    assert_eq!(open[0].key.check.as_str(), "clock_jumped");
    world.pass(MINUTE * 120);
    world.run(&agent).await;
    assert_eq!(view(&world).await.active, Vec::new());
}

#[tokio::test]
async fn a_check_without_an_answer_for_a_day_is_a_finding_of_its_own() {
    let (world, agent) = shop();
    world.run(&agent).await;
    world.manager_is(Err(Blind::because("the socket is gone")));
    world.pass(MINUTE * 60 * 12);
    world.run(&agent).await;
    let long = |view: &LedgerView| {
        view.active.iter().filter(|one| one.key.check.as_str() == "long_unknown").count()
    };
    assert_eq!(long(&view(&world).await), 0);
    world.pass(MINUTE * 60 * 13);
    world.run(&agent).await;
    assert_eq!(long(&view(&world).await), 1, "process_down has given no answer");
    world.manager_is(Ok(()));
    world.run(&agent).await;
    world.pass(MINUTE);
    world.run(&agent).await;
    assert_eq!(long(&view(&world).await), 0);
}

#[tokio::test]
async fn an_operation_that_never_helps_is_switched_off_and_told() {
    let (mut world, agent) = shop();
    world.policy.attempts = 100;
    world.policy.back_off = HumanDuration::secs(1);
    world.policy.back_off_cap = HumanDuration::secs(1);
    crash(&world, "shop");
    world.restarts(Restart::DiesAgain);
    for _ in 0..5 {
        world.run(&agent).await;
        world.pass(MINUTE * 2);
    }
    assert_eq!(world.acts().len(), 5);
    let report = world.run(&agent).await;
    assert_eq!(world.acts(), Vec::<String>::new());
    assert!(reason(&report, "process_down").contains("door 9"), "{:?}", report.plan);
    let open = view(&world).await.active;
    assert!(open.iter().any(|one| one.key.check.as_str() == "remedy_ineffective"));
    // A person repairs the cause and lets it try again: one success switches it on for good.
    world.restarts(Restart::Heals);
    set_control(&world, &control::retry_of("restart_process"), true, Some(60)).await;
    assert_eq!(world.run(&agent).await.exit, ExitClass::Clean);
    assert_eq!(world.acts().len(), 1);
    assert_eq!(view(&world).await.active, Vec::new());
}
