//! What a person must want: asked for, granted or denied, carried out once, and never what was true before.

use std::time::Duration;

use opswarden::adapters::store::verify;
use opswarden::domain::approval::{Approval, ApprovalState, MOST_WAITING, Verdict};
use opswarden::domain::event::{Event, NewEvent};
use opswarden::domain::incident::{ApprovalId, Remediation, RemediationState, control};
use opswarden::domain::plan::Plan;
use opswarden::domain::platform::ContentStatus;
use opswarden::domain::policy::Autonomy;
use opswarden::domain::proposal::ActionDigest;
use opswarden::domain::report::Report;
use opswarden::domain::saved_plan::{Applying, Place, SavedPlan};
use opswarden::domain::subject::AgentName;
use opswarden::engine::Mode;
use opswarden::engine::tape::replay;
use opswarden::ports::clock::Clock as _;
use opswarden::ports::store::{Batch, LedgerView, Scope, Store as _, StoreError};
use opswarden::sandbox::{Dialect, Options, Sizes};

use super::raw::rename;
use super::tidy::{TENANT, Tidy};
use super::world::{NOON, SMALL, Who, World};

const ROOT: &str = "human:root";

/// A small tenant, and an agent that wants a piece of it put away that was never active.
async fn world() -> (World, Tidy) {
    let sizes = Sizes { content: 200, ..SMALL };
    let world = World::at(NOON, Options { seed: 7, sizes, ..Options::default() }).await;
    let engine = world.engine();
    let eyes = engine.sensors.platform.as_ref().expect("there are eyes");
    let list = eyes.content(TENANT).await.expect("the platform answers");
    assert_eq!(eyes.release().await, Vec::new());
    let draft = list.items.iter().find(|row| row.status == ContentStatus::Draft);
    let piece = draft.expect("a draft is planted").id.clone();
    (world, Tidy { piece, ..Tidy::default() })
}

/// One run, which judges itself again to the same bytes.
async fn run(world: &World, tidy: &Tidy) -> Report {
    let report = world.engine().run(tidy).await;
    for tape in world.tapes() {
        let again = replay::<Tidy>(&tape).expect("a tape");
        assert_eq!(again.differences, Vec::<String>::new());
    }
    let checked = verify(&world.store).await.expect("readable");
    assert!(checked.is_clean(), "{:?}", checked.findings);
    report
}

async fn approvals(world: &World) -> Vec<Approval> {
    let all = world.store.approvals(jiff::Timestamp::UNIX_EPOCH, 1_000).await;
    all.expect("the ledger can be read")
}

async fn request(world: &World, number: u64) -> Approval {
    let all = approvals(world).await;
    all.into_iter().find(|one| one.id == ApprovalId(number)).expect("it was asked")
}

async fn said(world: &World, actor: &str, event: Event) -> Result<(), StoreError> {
    let now = world.clock.now();
    let new = NewEvent { at: now, actor: actor.to_owned(), run: None, event };
    let scope = Scope { about: None, agent: None, recent: Duration::ZERO, now };
    let mut decide = |_: &LedgerView| Batch { events: vec![new.clone()], notes: Vec::new() };
    world.store.commit(scope, &mut decide).await.map(drop)
}

async fn answer(world: &World, number: u64, verdict: Verdict) -> Result<(), StoreError> {
    let reason = "it was looked at".to_owned();
    let event = Event::ApprovalDecided { approval: ApprovalId(number), verdict, reason };
    said(world, ROOT, event).await
}

/// Why the one finding was left alone.
fn why(report: &Report) -> String {
    assert_eq!(report.plan.actions, Vec::new());
    assert_eq!(report.plan.deferrals.len(), 1, "{:?}", report.plan);
    report.plan.deferrals[0].ruling.reason()
}

/// What arrived at the platform, beside what a person did by hand.
fn sent(world: &World) -> usize {
    world.sandbox.effects().iter().filter(|effect| effect.act.what != "set name").count()
}

fn untouched(world: &World) {
    assert_eq!(sent(world), 0, "{:?}", world.sandbox.effects());
}

async fn only(world: &World) -> Remediation {
    let mut all = world.remediations().await;
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

#[tokio::test]
async fn what_cannot_be_given_back_is_asked_for_granted_carried_out_once_and_proved() {
    let (world, tidy) = world().await;
    let first = run(&world, &tidy).await;
    assert!(
        why(&first).contains("it waits for APR-1: `opsctl approve APR-1 --reason …`"),
        "{}",
        why(&first)
    );
    let line = request(&world, 1).await.line();
    assert_eq!((line.id.as_str(), line.digest.len()), ("APR-1", 12));
    let for_good = line.not_undoable.expect("it cannot be undone");
    assert!(for_good.contains("restores to active only, not to draft"), "{for_good}");
    assert!(
        line.message.contains("is not wanted") && line.operation.starts_with("archive content")
    );
    world.pass(Duration::from_mins(15));
    run(&world, &tidy).await;
    assert_eq!(approvals(&world).await.len(), 1, "nobody is asked twice");
    untouched(&world);
    answer(&world, 1, Verdict::Granted).await.expect("it can be granted");
    untouched(&world);
    let done = run(&world, &tidy).await;
    assert_eq!(done.attempts.len(), 1, "{:?}", done.plan);
    assert_eq!(sent(&world), 1);
    let fix = only(&world).await;
    assert_eq!((fix.state, fix.approval), (RemediationState::Verified, Some(ApprovalId(1))));
    let used = request(&world, 1).await;
    assert_eq!((used.state, used.used_by), (ApprovalState::Used, Some(fix.id)));
    world.pass(Duration::from_mins(15));
    run(&world, &tidy).await;
    assert_eq!(sent(&world), 1, "a second run does nothing");
    world.end().await;
}

#[tokio::test]
async fn only_a_person_grants_and_a_denied_request_is_not_made_again() {
    let (world, tidy) = world().await;
    run(&world, &tidy).await;
    let grants = Event::ApprovalDecided {
        approval: ApprovalId(1),
        verdict: Verdict::Granted,
        reason: "it looks right".to_owned(),
    };
    let own = said(&world, "agent:tidy", grants).await.expect_err("an agent is no person");
    assert!(own.to_string().contains("is no person"), "{own}");
    answer(&world, 1, Verdict::Denied).await.expect("it can be denied");
    // Longer than a request that ended is remembered for.
    for hours in [1, 30, 60] {
        world.pass(Duration::from_hours(hours));
        let again = run(&world, &tidy).await;
        assert!(why(&again).contains("denied by human:root"), "{}", why(&again));
    }
    assert_eq!(approvals(&world).await.len(), 1);
    let late = answer(&world, 1, Verdict::Granted).await.expect_err("it was denied");
    assert!(late.to_string().contains("it is denied"), "{late}");
    untouched(&world);
    world.end().await;
}

#[tokio::test]
async fn a_request_that_nobody_answers_expires_and_is_made_again_a_day_later() {
    let (world, tidy) = world().await;
    run(&world, &tidy).await;
    world.pass(Duration::from_hours(24));
    let late = answer(&world, 1, Verdict::Granted).await.expect_err("it has expired");
    assert!(late.to_string().contains("it expired at"), "{late}");
    let expired = run(&world, &tidy).await;
    assert!(why(&expired).contains("APR-1 expired at"), "{}", why(&expired));
    assert_eq!(request(&world, 1).await.state, ApprovalState::Expired);
    world.pass(Duration::from_hours(23));
    run(&world, &tidy).await;
    assert_eq!(approvals(&world).await.len(), 1, "at most once a day");
    world.pass(Duration::from_hours(1));
    run(&world, &tidy).await;
    assert_eq!(approvals(&world).await.len(), 2);
    answer(&world, 2, Verdict::Granted).await.expect("it can be granted");
    world.pass(Duration::from_hours(24));
    let unused = run(&world, &tidy).await;
    assert!(why(&unused).contains("APR-2 expired"), "a grant ends too: {}", why(&unused));
    untouched(&world);
    world.end().await;
}

#[tokio::test]
async fn a_grant_for_what_is_no_longer_so_does_nothing_and_the_field_is_named() {
    let (world, tidy) = world().await;
    run(&world, &tidy).await;
    answer(&world, 1, Verdict::Granted).await.expect("it can be granted");
    rename(&world, &tidy.piece, "summer").await;
    let changed = run(&world, &tidy).await;
    assert!(why(&changed).contains("it waits for APR-2"), "{}", why(&changed));
    let stale = request(&world, 1).await;
    assert_eq!(stale.state, ApprovalState::Withdrawn);
    let end = stale.ended.expect("it has ended");
    assert!(end.why.contains("name: ") && end.why.contains("→ summer"), "{}", end.why);
    untouched(&world);
    let gone = Tidy { piece: "another".to_owned(), ..tidy };
    run(&world, &gone).await;
    let end = request(&world, 2).await.ended.expect("its finding is gone");
    assert!(end.why.contains("INC-1 has ended"), "{}", end.why);
    world.end().await;
}

#[tokio::test]
async fn what_the_agent_leaves_alone_now_is_asked_no_more() {
    let (world, tidy) = world().await;
    run(&world, &tidy).await;
    run(&world, &Tidy { leaves: true, ..tidy }).await;
    let end = request(&world, 1).await.ended.expect("it is withdrawn");
    assert!(end.why.contains("it may be wanted after all"), "{}", end.why);
    world.end().await;
}

#[tokio::test]
async fn a_grant_opens_one_door_and_no_other() {
    let (world, tidy) = world().await;
    run(&world, &tidy).await;
    answer(&world, 1, Verdict::Granted).await.expect("it can be granted");
    let paused = |on: bool| Event::ControlChanged {
        control: control::PAUSE_ALL.to_owned(),
        on,
        reason: "moving disks".to_owned(),
        expires_at: None,
        facts: std::collections::BTreeMap::new(),
    };
    said(&world, ROOT, paused(true)).await.expect("recorded");
    assert!(why(&run(&world, &tidy).await).contains("door 1"));
    untouched(&world);
    assert_eq!(request(&world, 1).await.state, ApprovalState::Granted, "it was not used");
    said(&world, ROOT, paused(false)).await.expect("recorded");
    answer(&world, 1, Verdict::Denied).await.expect("a grant can be taken back");
    assert!(why(&run(&world, &tidy).await).contains("denied by"));
    untouched(&world);
    world.end().await;
}

#[tokio::test]
async fn what_only_the_row_itself_tells_is_asked_for_before_anything_is_sent() {
    let (world, tidy) = world().await;
    let tidy = Tidy { guards_nothing: true, ..tidy };
    let first = run(&world, &tidy).await;
    assert_eq!(first.not_sent.len(), 1, "{:?}", first.plan);
    assert!(
        first.not_sent[0].why.contains("cannot be undone exactly"),
        "{}",
        first.not_sent[0].why
    );
    untouched(&world);
    let asked = request(&world, 1).await.line();
    assert!(asked.not_undoable.is_some_and(|why| why.contains("not to draft")));
    run(&world, &tidy).await;
    assert_eq!(approvals(&world).await.len(), 1, "nobody is asked twice");
    answer(&world, 1, Verdict::Granted).await.expect("it can be granted");
    run(&world, &tidy).await;
    assert_eq!(only(&world).await.approval, Some(ApprovalId(1)));
    assert_eq!(sent(&world), 1);
    world.end().await;
}

#[tokio::test]
async fn below_act_everything_is_asked_for_and_no_more_at_once_than_a_person_reads() {
    for dialect in [Dialect::Vizora, Dialect::Reference] {
        let sizes = Sizes { content: 400, ..SMALL };
        let options = Options { seed: 5, sizes, dialect, ..Options::default() };
        let mut world = World::at(NOON, options).await;
        world.policy.autonomy = Autonomy::Approve;
        world.run(Who::Content).await;
        untouched(&world);
        let asked = approvals(&world).await;
        assert_eq!(asked.len(), MOST_WAITING, "{dialect:?}");
        world.pass(Duration::from_mins(15));
        world.run(Who::Content).await;
        assert_eq!(approvals(&world).await.len(), MOST_WAITING, "{dialect:?}");
        for one in &asked[..5] {
            answer(&world, one.id.0, Verdict::Granted).await.expect("it can be granted");
        }
        world.pass(Duration::from_mins(15));
        world.run(Who::Content).await;
        let mut done: Vec<_> =
            world.remediations().await.iter().filter_map(|one| one.approval).collect();
        done.sort_unstable();
        let mut granted: Vec<_> = asked[..5].iter().map(|one| one.id).collect();
        granted.sort_unstable();
        assert_eq!(done, granted, "{dialect:?}");
        assert_eq!(sent(&world), 5);
        world.end().await;
    }
}

#[tokio::test]
async fn a_run_that_was_asked_to_observe_asks_nobody() {
    let (mut world, tidy) = world().await;
    world.observe_only = true;
    run(&world, &tidy).await;
    assert_eq!(approvals(&world).await.len(), 0);
    world.observe_only = false;
    world.policy.autonomy = Autonomy::Propose;
    let proposed = run(&world, &tidy).await;
    assert!(why(&proposed).contains("the level is propose"));
    assert_eq!(approvals(&world).await.len(), 0);
    world.end().await;
}

#[tokio::test]
async fn a_request_that_is_applied_by_itself_binds_the_run_to_it() {
    let (world, tidy) = world().await;
    run(&world, &tidy).await;
    answer(&world, 1, Verdict::Granted).await.expect("it can be granted");
    rename(&world, &tidy.piece, "summer").await;
    let mut engine = world.engine();
    engine.setting.applying = Some(Applying::approval(&request(&world, 1).await, ROOT.to_owned()));
    let report = engine.run(&tidy).await;
    assert_eq!(report.code(), 3);
    let refused = &report.not_applied;
    assert_eq!(refused.len(), 1);
    assert!(
        refused[0].why.contains("name: ") && refused[0].why.contains("→ summer"),
        "{refused:?}"
    );
    assert_eq!(approvals(&world).await.len(), 1, "who applies something is asked nothing else");
    untouched(&world);
    world.end().await;
}

/// Who applies a plan gets what is in it and still holds, and nothing else.
#[tokio::test]
async fn of_a_saved_plan_what_went_stale_is_refused_and_the_rest_is_done_and_nothing_more() {
    let sizes = Sizes { content: 200, ..SMALL };
    let world = World::at(NOON, Options { seed: 7, sizes, ..Options::default() }).await;
    let mut engine = world.engine();
    engine.mode = Mode::Plan;
    let dry = world.run_with(&engine, Who::Content).await;
    assert!(dry.plan.actions.len() > 3, "{}", dry.plan.actions.len());
    let part = Plan { actions: dry.plan.actions[..3].to_vec(), ..Plan::default() };
    let agent = AgentName::of("content-lifecycle");
    let place = Place { agent, host: "host-a".to_owned(), ledger: None };
    let settings = ActionDigest::of(b"settings");
    let saved = SavedPlan::new(&part, place.clone(), settings, world.clock.now());
    assert_eq!(saved.fits(&place), Ok(()));
    let first = part.actions[0].operation.clone();
    super::undo::someone(&world, &first).await;
    let mut engine = world.engine();
    engine.setting.applying = Some(Applying::plan(&saved, ROOT.to_owned()));
    let applied = world.run_with(&engine, Who::Content).await;
    assert_eq!((applied.code(), applied.not_applied.len()), (3, 1), "{:?}", applied.not_applied);
    assert_eq!(applied.not_applied[0].operation, first.to_string());
    let mut done: Vec<_> = world.remediations().await.into_iter().map(|one| one.key).collect();
    done.sort();
    let mut wanted: Vec<_> = part.actions[1..].iter().map(|action| action.key.clone()).collect();
    wanted.sort();
    assert_eq!(done, wanted);
    let left = applied.plan.deferrals.iter().map(|one| one.ruling.reason());
    assert!(left.filter(|why| why.contains("it is no part of the plan")).count() > 0);
    assert_eq!(approvals(&world).await, Vec::new(), "what is at act needs no approval");
    world.end().await;
}
