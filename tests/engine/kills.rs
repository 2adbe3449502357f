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

fn guardian() -> HealthGuardian {
    let service = Service {
        name: "shop".to_owned(),
        manager: ManagerKind::Pm2,
        process: "shop".to_owned(),
        dependencies: Some(Vec::new()),
        command: None,
        probes: Vec::new(),
    };
    HealthGuardian { services: vec![service], ..HealthGuardian::default() }
}

async fn view(world: &World) -> LedgerView {
    let store = world.store().await;
    let scope = Scope { agent: None, recent: MINUTE * 60 * 24, now: world.now() };
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

/// One kill and its aftermath: `None` where the run ended before the kill.
async fn kill(restart: Restart, wake: u32) -> Option<RemediationState> {
    let (world, agent) = (World::new(), guardian());
    world.process(&app("shop"));
    world.run(&agent).await;
    world.status(&app("shop"), ProcessStatus::Errored);
    world.restarts(restart);
    if world.run_until_wake(&agent, wake).await.is_some() {
        return None;
    }
    let killed = account(&world, world.acts().len()).await;
    assert!(killed.acts <= sent(&killed), "nothing is sent without a committed intent");
    world.pass(Duration::from_secs(2));
    world.run(&agent).await;
    let soon = account(&world, killed.acts + world.acts().len()).await;
    if !killed.remediations.is_empty() {
        assert_eq!(soon.acts, killed.acts, "the next run does not repeat what may have been done");
    }
    // From now on restarts help; whatever is still open must come to its end.
    world.restarts(Restart::Heals);
    let mut acts = soon.acts;
    for _ in 0..3 {
        world.pass(MINUTE * 15);
        world.run(&agent).await;
        acts += world.acts().len();
    }
    let end = account(&world, acts).await;
    assert!(end.acts <= sent(&end), "each act has an intent of its own");
    intact(&world).await;
    assert_eq!(end.active, 0, "wake {wake}, {restart:?}: {:?}", end.remediations);
    assert!(
        end.remediations.iter().all(|found| !found.state.is_open()),
        "every attempt has an answer"
    );
    let first = killed.remediations.first().map(|found| found.id);
    let of_first = |found: &&Remediation| Some(found.id) == first;
    Some(
        end.remediations.iter().find(of_first).map_or(RemediationState::Withdrawn, |one| one.state),
    )
}

#[expect(clippy::disallowed_methods, reason = "the programme's size is asked of the environment")]
fn number() -> u32 {
    std::env::var("OPSWARDEN_PROOF_N").ok().and_then(|text| text.parse().ok()).unwrap_or(60)
}

#[tokio::test]
#[expect(clippy::print_stderr, reason = "the figure is what the programme is for")]
async fn a_kill_around_an_act_never_makes_it_happen_twice() {
    let worlds = [Restart::Heals, Restart::DiesAgain, Restart::Refused, Restart::Ignored];
    let (mut kills, mut ends) = (0, BTreeMap::new());
    'all: loop {
        for restart in worlds {
            let mut wake = 1;
            while let Some(end) = kill(restart, wake).await {
                kills += 1;
                *ends.entry(format!("{restart:?} {}", end.as_str())).or_insert(0_u32) += 1;
                wake += 1;
                if kills >= number() {
                    break 'all;
                }
            }
        }
    }
    eprintln!(
        "acts under kills: {kills} kills, 0 second executions; ends of the first attempt: {ends:?}"
    );
    let proved = ends.keys().any(|end| end.contains("verified"));
    assert!(proved, "some kill must have hit a run after its effect: {ends:?}");
}

/// The oracle must see a second execution where there is one.
#[tokio::test]
#[should_panic(expected = "does not repeat")]
async fn the_proof_fails_where_the_ledger_forgets() {
    let (world, agent) = (World::new(), guardian());
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
