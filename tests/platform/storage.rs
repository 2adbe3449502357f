//! A full tenant: put away is what helps, as long as it is seen to help.

use std::collections::BTreeSet;
use std::time::Duration;

use opswarden::domain::incident::RemediationState;
use opswarden::domain::severity::Severity;
use opswarden::sandbox::{Dialect, Options, Sizes};

use super::world::{NOON, SMALL, Who, World, found};

const QUARTER: Duration = Duration::from_mins(15);

/// A tenant whose inactive content is more than is named at once, and less than it stores too much.
async fn full(dialect: Dialect) -> World {
    let sizes = Sizes { content: 900, ..SMALL };
    let storage_percent = Some(99);
    World::at(NOON, Options { seed: 5, sizes, dialect, storage_percent, ..Options::default() })
        .await
}

/// The subjects that runs named for space, run by run, until one names none.
async fn relieved(world: &World) -> Vec<BTreeSet<String>> {
    let mut named = Vec::new();
    for _ in 0..20 {
        let claims = found(&world.run(Who::Content).await);
        let idle = claims.into_iter().filter(|claim| claim.check == "content_idle");
        let idle: BTreeSet<String> = idle.map(|claim| claim.subject).collect();
        let over = idle.is_empty();
        named.push(idle);
        if over {
            break;
        }
        world.pass(QUARTER);
    }
    named
}

#[tokio::test]
async fn a_full_tenant_is_relieved_one_piece_first_and_then_as_far_as_it_helps() {
    let world = full(Dialect::Reference).await;
    let spare: BTreeSet<String> = world
        .sandbox
        .truth()
        .into_iter()
        .filter(|entry| entry.check == "content_idle")
        .map(|entry| entry.subject)
        .collect();
    let named = relieved(&world).await;
    let many: Vec<usize> = named.iter().map(BTreeSet::len).collect();
    assert_eq!(many, [1, 10, spare.len() - 11, 0], "one to measure, then ten at once");
    let all: BTreeSet<String> = named.iter().flatten().cloned().collect();
    assert_eq!(all, spare);
    let tried = world.remediations().await;
    let for_space: Vec<_> =
        tried.iter().filter(|one| one.key.check.as_str() == "content_idle").collect();
    assert_eq!(for_space.len(), spare.len());
    assert!(for_space.iter().all(|one| one.state == RemediationState::Verified));
    let incidents = world.incidents().await;
    let open: Vec<&str> = incidents
        .iter()
        .filter(|one| one.resolved.is_none() && one.key.check.as_str() == "content_idle")
        .map(|one| one.message.as_str())
        .collect();
    assert_eq!(open, Vec::<&str>::new());
    let high = incidents.iter().find(|one| one.key.check.as_str() == "storage_high").unwrap();
    assert_eq!(high.severity, Severity::Critical, "the rest is a person's to choose");
    assert_eq!(high.attempts, 0, "no attempt at the tenant itself was made");
    world.end().await;
}

#[tokio::test]
async fn on_the_live_platform_nothing_is_put_away_for_space() {
    let world = full(Dialect::Vizora).await;
    assert_eq!(relieved(&world).await, [BTreeSet::new()]);
    let report = world.run(Who::Content).await;
    let high = report.plan.deferrals.iter().find(|one| one.key.check.as_str() == "storage_high");
    let ruling = format!("{:?}", high.unwrap().ruling);
    assert!(ruling.contains("archiving frees no space on this platform"), "{ruling}");
    world.end().await;
}
