//! What is left to do where the platform may be asked only little.

use std::time::Duration;

use opswarden::adapters::platform::Limits;

use super::world::{Who, World};

/// A sweep over everything, and acts on what it finds, look at single pieces of content by the same route.
#[tokio::test]
async fn a_sweep_that_takes_hours_leaves_enough_for_what_it_finds() {
    let mut world = World::small(11).await;
    world.limits = Limits { per_hour: 24, ..Limits::NONE };
    let (mut acted, mut not_sent) = (0, Vec::new());
    for _ in 0..4 {
        let report = world.run(Who::Content).await;
        acted += report.attempts.len();
        not_sent.extend(report.not_sent.into_iter().map(|one| format!("{}: {}", one.key, one.why)));
        world.pass(Duration::from_hours(1));
    }
    assert!(acted > 0, "nothing was found that could be mended");
    assert_eq!(not_sent, Vec::<String>::new());
    world.end().await;
}
