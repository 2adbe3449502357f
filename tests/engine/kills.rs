//! Proof: a run may die at any moment around an act, and nothing is done twice.
//!
//! A run is killed at every moment at which it waits for anything (the ledger, a manager, a probe), in worlds in
//! which a restart heals, does not, is refused, or is ignored. Later runs must settle what it left by looking. The
//! number of kills is `OPSWARDEN_PROOF_N` (60 unless set); docs/PROOF.md has the whole programme.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::world::{Restart, World, app};
use opswarden::agents::health_guardian::HealthGuardian;
use opswarden::agents::health_guardian::settings::Service;
use opswarden::domain::incident::{Remediation, RemediationState};
use opswarden::domain::ledger::LedgerView;
use opswarden::domain::process::{ManagerKind, ProcessStatus};
use opswarden::ports::store::{Scope, Store};

const MINUTE: Duration = Duration::from_mins(1);

/// One of the worlds in which runs are killed.
#[derive(Clone, Copy, Debug)]
struct Case {
    /// What a restart does.
    restart: Restart,
    /// Whether the manager tells when a dead process was started.
    tells_start: bool,
    /// Whether a second process needs a restart too.
    two: bool,
    /// How long a run may take: a short one leaves the proof to the next.
    timeout: Duration,
    /// How long after the kill the next run starts.
    pause: Duration,
}

fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    for pause in [2, 61, 600] {
        for timeout in [240, 30] {
            for two in [false, true] {
                for tells_start in [true, false] {
                    for restart in
                        [Restart::Heals, Restart::DiesAgain, Restart::Refused, Restart::Ignored]
                    {
                        let (timeout, pause) =
                            (Duration::from_secs(timeout), Duration::from_secs(pause));
                        all.push(Case { restart, tells_start, two, timeout, pause });
                    }
                }
            }
        }
    }
    all
}

fn names(case: Case) -> &'static [&'static str] {
    if case.two { &["cart", "shop"] } else { &["shop"] }
}

fn guardian(names: &[&str]) -> HealthGuardian {
    let service = |name: &&str| Service {
        name: (*name).to_owned(),
        manager: ManagerKind::Pm2,
        process: (*name).to_owned(),
        dependencies: Some(Vec::new()),
        command: None,
        probes: Vec::new(),
    };
    HealthGuardian { services: names.iter().map(service).collect(), ..HealthGuardian::default() }
}

async fn view(world: &World) -> LedgerView {
    let store = world.store().await;
    let scope = Scope { about: None, agent: None, recent: MINUTE * 60 * 24, now: world.now() };
    let view = store.view(scope).await.expect("holds in this test");
    store.close().await.expect("holds in this test");
    view
}

async fn intact(world: &World) {
    let store = world.store().await;
    let report = opswarden::adapters::store::verify(&store).await.expect("holds in this test");
    assert!(report.is_clean(), "{:?}", report.findings);
    store.close().await.expect("holds in this test");
}

/// What a world's ledger and its managers say of each other.
struct Account {
    acts: usize,
    remediations: Vec<Remediation>,
    active: usize,
}

async fn account(world: &World, acts: usize) -> Account {
    let view = view(world).await;
    Account { acts, active: view.active.len(), remediations: view.remediations }
}

fn sent(account: &Account) -> usize {
    let not_withdrawn = |found: &&Remediation| found.state != RemediationState::Withdrawn;
    account.remediations.iter().filter(not_withdrawn).count()
}

/// A world in which everything has just crashed.
async fn crashed(case: Case) -> (World, HealthGuardian) {
    let (mut world, agent) = (World::new(), guardian(names(case)));
    for name in names(case) {
        world.process(&app(name));
    }
    world.run(&agent).await;
    for name in names(case) {
        world.status(&app(name), ProcessStatus::Errored);
        if !case.tells_start {
            world.change(&app(name), |row| row.started_at = None);
        }
    }
    world.restarts(case.restart);
    world.timeout = case.timeout;
    (world, agent)
}

/// How often a run of this case waits for something, if nobody kills it.
async fn wakes(case: Case) -> u32 {
    let (world, agent) = crashed(case).await;
    let (report, woken) = world.run_until_wake(&agent, u32::MAX).await;
    report.expect("nobody killed it");
    woken
}

/// One kill and its aftermath: how the first attempt ended; `None` where the run ended before the kill, since not every
/// run waits equally often.
async fn kill(case: Case, wake: u32) -> Option<RemediationState> {
    let place = format!("wake {wake}, {case:?}");
    let (mut world, agent) = crashed(case).await;
    if world.run_until_wake(&agent, wake).await.0.is_some() {
        return None;
    }
    let killed = account(&world, world.acts().len()).await;
    assert!(killed.acts <= sent(&killed), "{place}: nothing is sent without a committed intent");
    world.pass(case.pause);
    world.run(&agent).await;
    let soon = account(&world, killed.acts + world.acts().len()).await;
    let unanswered = killed.remediations.iter().filter(|found| found.state.is_open()).count();
    if !case.two && unanswered > 0 {
        assert_eq!(soon.acts, killed.acts, "the next run does not repeat what may have been done");
    }
    assert!(soon.acts <= sent(&soon), "{place}: each act has an intent of its own");
    // From now on restarts help; whatever is still open must come to its end.
    world.restarts(Restart::Heals);
    world.timeout = MINUTE * 4;
    let mut acts = soon.acts;
    for _ in 0..4 {
        world.pass(MINUTE * 15);
        world.run(&agent).await;
        acts += world.acts().len();
    }
    let end = account(&world, acts).await;
    assert!(end.acts <= sent(&end), "{place}: each act has an intent of its own");
    intact(&world).await;
    assert_eq!(end.active, 0, "{place}: {:?}", end.remediations);
    assert!(
        end.remediations.iter().all(|found| !found.state.is_open()),
        "{place}: every attempt has an answer"
    );
    let first = killed.remediations.iter().map(|found| found.id).min();
    let of_first = |found: &&Remediation| Some(found.id) == first;
    let state = end.remediations.iter().find(of_first).map(|one| one.state);
    Some(state.unwrap_or(RemediationState::Withdrawn))
}

#[expect(clippy::disallowed_methods, reason = "the programme's size is asked of the environment")]
fn number() -> usize {
    std::env::var("OPSWARDEN_PROOF_N").ok().and_then(|text| text.parse().ok()).unwrap_or(60)
}

#[tokio::test]
#[expect(clippy::print_stderr, reason = "the figure is what the programme is for")]
async fn a_kill_around_an_act_never_makes_it_happen_twice() {
    let mut moments = Vec::new();
    for case in spread(&cases(), number().min(cases().len())) {
        moments.extend((1..=wakes(case).await).map(|wake| (case, wake)));
    }
    let (mut kills, mut ends) = (0_u32, BTreeMap::new());
    for (case, wake) in spread(&moments, number()) {
        let Some(end) = kill(case, wake).await else { continue };
        kills += 1;
        *ends.entry(format!("{:?} {}", case.restart, end.as_str())).or_insert(0_u32) += 1;
    }
    eprintln!(
        "acts under kills: {kills} kills at {} different moments, 0 second executions; ends of the first attempt: \
         {ends:?}",
        moments.len().min(number())
    );
    let proved = ends.keys().any(|end| end.contains("verified"));
    assert!(proved, "some kill must have hit a run after its effect: {ends:?}");
}

/// `wanted` of `all`, spread evenly; all of them several times over where more are wanted than there are.
fn spread<T: Clone>(all: &[T], wanted: usize) -> Vec<T> {
    if wanted >= all.len() {
        return all.iter().cycle().take(wanted).cloned().collect();
    }
    (0..wanted).map(|place| all[place * all.len() / wanted].clone()).collect()
}

/// The oracle must see a second execution where there is one.
#[tokio::test]
#[should_panic(expected = "does not repeat")]
async fn the_proof_fails_where_the_ledger_forgets() {
    let (world, agent) = (World::new(), guardian(&["shop"]));
    world.process(&app("shop"));
    world.status(&app("shop"), ProcessStatus::Errored);
    world.restarts(Restart::HangsBefore);
    world.run_until_killed(&agent).await;
    let killed = account(&world, world.acts().len()).await;
    std::fs::remove_file(world.folder().join("ops.db")).expect("holds in this test");
    let _ = std::fs::remove_file(world.folder().join("ops-state.json"));
    world.restarts(Restart::Heals);
    world.run(&agent).await;
    let soon = killed.acts + world.acts().len();
    assert_eq!(soon, killed.acts, "the next run does not repeat what may have been done");
}
