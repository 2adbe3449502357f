//! What people do between two runs.

use std::time::Duration;

use opswarden::domain::incident::{Incident, Resolution};
use opswarden::domain::subject::SubjectKind;

use super::raw::disable;
use super::world::{Who, World};

async fn one(world: &World, of: &Incident) -> Incident {
    world.incidents().await.into_iter().find(|one| one.id == of.id).expect("it is in the ledger")
}

/// A display that a person switches off is not well for it: nobody says that it recovered, or that we mended it.
#[tokio::test]
async fn a_display_that_is_switched_off_is_no_longer_asked_about_and_never_called_well() {
    for (who, check) in [(Who::Fleet, "display_offline"), (Who::Schedules, "coverage_gap")] {
        let mut world = World::small(7).await;
        world.observe_only = true;
        world.run(who).await;
        let all = world.incidents().await;
        let of_display = |one: &&Incident| {
            one.key.check.as_str() == check && one.key.subject.kind() == SubjectKind::Display
        };
        let incident = all.iter().find(of_display).expect("one is planted");
        disable(&world, incident.key.subject.id()).await;
        let mut ends = Vec::new();
        for _ in 0..3 {
            world.pass(Duration::from_mins(15));
            world.run(who).await;
            ends.push(one(&world, incident).await.resolved);
        }
        // Once may be a slip of the platform.
        assert_eq!(ends[0], None, "{check}");
        let end = ends[1].as_ref().expect("it has ended");
        assert_eq!(end.resolution, Resolution::SubjectGone, "{}", end.proof);
        assert!(end.proof.contains("it is disabled"), "{}", end.proof);
        world.end().await;
    }
}
