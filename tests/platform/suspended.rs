//! A platform that shows a tenant everything and takes no change of it: that is no fault of the remedies.

use std::time::Duration;

use opswarden::domain::incident::{Incident, Remediation, RemediationState};
use opswarden::domain::operation::Target;
use opswarden::ports::store::Store as _;
use opswarden::sandbox::{Fault, FaultKind, Options, Sizes};

use super::world::{NOON, SMALL, Who, World};

const WORD: &str = "Your subscription is inactive";

fn is_of(tenant: &str) -> impl Fn(&Remediation) -> bool {
    move |one| matches!(one.operation.target(), Target::Row(row) if row.tenant == tenant)
}

async fn unfit(world: &World) -> Vec<Incident> {
    let all = world.incidents().await.into_iter();
    all.filter(|one| one.key.check.as_str() == "account_unfit").collect()
}

#[tokio::test]
async fn a_suspended_tenant_is_tried_once_a_run_and_costs_the_others_nothing() {
    let sizes = Sizes { tenants: 2, ..SMALL };
    let mut world = World::at(NOON, Options { seed: 31, sizes, ..Options::default() }).await;
    let tenant = world.sandbox.accounts().last().expect("there are accounts").tenant.clone();
    world.sandbox.set_subscription(&tenant, "suspended");
    for _ in 0..3 {
        world.run(Who::Content).await;
        world.pass(Duration::from_mins(15));
    }
    let all = world.remediations().await;
    let (own, others): (Vec<_>, Vec<_>) = all.into_iter().partition(is_of(&tenant));
    assert_eq!(own.len(), 3, "one in each run");
    assert!(own.iter().all(|one| one.state == RemediationState::Withdrawn), "{own:?}");
    assert!(own.iter().all(|one| one.attempt == 1), "{own:?}");
    assert!(!others.is_empty() && others.iter().all(|one| one.state == RemediationState::Verified));
    let found = unfit(&world).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].is_active() && found[0].key.subject.scope() == tenant, "{found:?}");
    assert!(found[0].message.contains(WORD), "{}", found[0].message);
    let mut told = 0;
    for incident in world.incidents().await {
        let rulings = world.store.decisions(&incident.key, 5).await.expect("the ledger works");
        told += usize::from(format!("{rulings:?}").contains(WORD));
    }
    assert!(told > 3, "{told}: nothing says why the rest was left alone");
    // A run that changes nothing does not know better.
    world.observe_only = true;
    world.run(Who::Fleet).await;
    assert!(unfit(&world).await[0].is_active());
    world.observe_only = false;
    world.sandbox.set_subscription(&tenant, "active");
    world.run(Who::Content).await;
    let mut paid = world.remediations().await;
    paid.retain(|one| is_of(&tenant)(one) && one.state != RemediationState::Withdrawn);
    assert!(paid.len() > 3, "{paid:?}");
    assert!(paid.iter().all(|one| one.attempt == 1 && one.state == RemediationState::Verified));
    assert!(!unfit(&world).await[0].is_active());
    world.end().await;
}

#[tokio::test]
async fn a_change_that_was_turned_away_unread_says_nothing_against_the_remedy() {
    let world = World::small(31).await;
    let fault = Fault::always("POST /content/:id/archive", FaultKind::Status(429));
    world.sandbox.set_faults(vec![fault]);
    world.run(Who::Content).await;
    let tried = world.remediations().await;
    assert!(tried.len() >= 5, "{tried:?}");
    assert!(tried.iter().all(|one| one.state == RemediationState::Withdrawn), "{tried:?}");
    world.sandbox.set_faults(Vec::new());
    world.pass(Duration::from_mins(15));
    world.run(Who::Content).await;
    let mut later = world.remediations().await;
    later.retain(|one| one.state != RemediationState::Withdrawn);
    assert_eq!(later.len(), tried.len());
    assert!(later.iter().all(|one| one.state == RemediationState::Verified && one.attempt == 1));
    world.end().await;
}
