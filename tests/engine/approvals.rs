//! A process at the level `approve`: nothing is restarted without a person, and then exactly what was approved.

use opswarden::domain::approval::{Approval, ApprovalState, Verdict};
use opswarden::domain::event::Event;
use opswarden::domain::incident::{ApprovalId, RemediationState};
use opswarden::domain::policy::Autonomy;
use opswarden::domain::process::ProcessStatus;
use opswarden::domain::report::ExitClass;
use opswarden::engine::Mode;

use crate::shop::{MINUTE, commit, crash, last_remediation, reason, shop, view};
use crate::world::{World, app};

async fn grant(world: &World, number: u64) {
    let approval = ApprovalId(number);
    let reason = "it was looked at".to_owned();
    commit(world, Event::ApprovalDecided { approval, verdict: Verdict::Granted, reason }).await;
}

async fn approvals(world: &World) -> Vec<Approval> {
    view(world).await.approvals
}

#[tokio::test]
async fn a_crashed_process_waits_for_a_person_and_is_then_restarted_and_proved() {
    let (mut world, agent) = shop();
    world.policy.autonomy = Autonomy::Approve;
    crash(&world, "shop");
    let asked = world.run(&agent).await;
    assert_eq!((asked.exit, world.acts().len()), (ExitClass::Findings, 0));
    assert!(reason(&asked, "process_down").contains("waits for APR-1"), "{:?}", asked.plan);
    let line = approvals(&world).await[0].line();
    assert!(line.not_undoable.is_some_and(|why| why.contains("cannot be brought back")));
    grant(&world, 1).await;
    world.pass(MINUTE);
    let done = world.run(&agent).await;
    assert_eq!((done.exit, world.acts().len()), (ExitClass::Clean, 1), "{done:?}");
    let fix = last_remediation(&world).await;
    assert_eq!((fix.state, fix.approval), (RemediationState::Verified, Some(ApprovalId(1))));
}

#[tokio::test]
async fn a_dry_run_asks_nobody_and_says_that_a_person_is_needed() {
    let (mut world, agent) = shop();
    world.policy.autonomy = Autonomy::Approve;
    crash(&world, "shop");
    world.mode = Mode::Plan;
    let dry = world.run(&agent).await;
    assert!(reason(&dry, "process_down").contains("no person has approved it yet"));
    assert_eq!(dry.plan.asks.len(), 1, "and what a person would be asked for is in the plan");
    assert_eq!(approvals(&world).await, Vec::new());
}

#[tokio::test]
async fn a_request_ends_when_its_process_is_well_by_itself() {
    let (mut world, agent) = shop();
    world.policy.autonomy = Autonomy::Approve;
    crash(&world, "shop");
    world.run(&agent).await;
    grant(&world, 1).await;
    world.status(&app("shop"), ProcessStatus::Online);
    world.answer(&crate::shop::url("shop"), crate::world::http(200, "ok"));
    world.pass(MINUTE);
    world.run(&agent).await;
    assert_eq!(world.acts(), Vec::<String>::new());
    let ended = &approvals(&world).await[0];
    assert_eq!(ended.state, ApprovalState::Withdrawn);
    let why = &ended.ended.as_ref().expect("it has ended").why;
    assert!(why.contains("INC-1 has ended"), "{why}");
}

#[tokio::test]
async fn a_grant_comes_back_where_the_guard_refused_at_the_last_moment() {
    for reads in 0..12 {
        let (mut world, agent) = shop();
        world.policy.autonomy = Autonomy::Approve;
        crash(&world, "shop");
        world.run(&agent).await;
        grant(&world, 1).await;
        world.pass(MINUTE);
        // Somebody starts it at each possible moment.
        world.somebody_restarts_after(reads);
        world.run(&agent).await;
        let found = &approvals(&world).await[0];
        let acted = world.acts().len();
        match found.state {
            ApprovalState::Used => assert_eq!(acted, 1, "reads: {reads}"),
            ApprovalState::Granted | ApprovalState::Withdrawn => {
                assert_eq!(acted, 0, "reads: {reads}");
            }
            other => panic!("{other:?} after {reads} reads"),
        }
    }
}
