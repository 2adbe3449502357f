//! Everything that is wrong with a tenant is found, nothing else is, and every act is a right one.

use std::collections::BTreeSet;
use std::time::Duration;

use opswarden::domain::report::Report;
use opswarden::domain::subject::Key;
use opswarden::sandbox::{Dialect, Found, Scenario, Score};

use crate::agents::Who;
use crate::world::{World, generous, options, sizes};

/// What one tenant came to.
#[derive(Debug, Default)]
struct Sum {
    tenants: usize,
    planted: usize,
    found: usize,
    acts: usize,
    verified: usize,
    failed: usize,
    runs: usize,
}

/// What a report says of a finding.
pub(crate) fn claim(key: &Key) -> Found {
    Found {
        agent: key.agent.to_string(),
        check: key.check.to_string(),
        subject: key.subject.to_string(),
    }
}

/// Everything that a report says is wrong.
pub(crate) fn claims(report: &Report) -> Vec<Found> {
    let acted = report.plan.actions.iter().map(|action| &action.key);
    let left = report.plan.deferrals.iter().map(|deferral| &deferral.key);
    acted.chain(left).map(claim).collect()
}

/// The agents in turn, until none of them does anything.
async fn until_quiet(world: &World, sum: &mut Sum) -> BTreeSet<Found> {
    const ROUNDS: usize = 12;
    let mut found = BTreeSet::new();
    for round in 0..ROUNDS {
        let before = sum.acts;
        for who in Who::ALL {
            let report = world.run(who).await;
            sum.runs += 1;
            assert_eq!(report.troubles, Vec::<String>::new(), "{who:?} in round {round}");
            assert_eq!(report.unknown.len(), 0, "{who:?} sees everything: {:?}", report.unknown);
            for attempt in &report.attempts {
                sum.acts += 1;
                match attempt.state.as_str() {
                    "verified" => sum.verified += 1,
                    "failed" => sum.failed += 1,
                    other => panic!("{who:?}: {} ended {other}", attempt.operation),
                }
                assert!(!attempt.observed.is_empty(), "an end has its reason: {attempt:?}");
            }
            found.extend(claims(&report));
            assert_eq!(world.sandbox.sessions_open(), 0, "{who:?} leaves no session");
        }
        if sum.acts == before {
            return found;
        }
        world.pass(Duration::from_mins(11));
    }
    panic!("after {ROUNDS} rounds there is still something to do");
}

/// What is not perfect, a line each.
pub(crate) fn told(score: &Score) -> String {
    let mut lines = Vec::new();
    for (check, tally) in &score.checks {
        for missed in &tally.missed {
            lines.push(format!("missed {check} {missed}"));
        }
        for claim in &tally.false_alarms {
            lines.push(format!("false {check} {claim}"));
        }
    }
    lines.extend(score.wrong_acts.iter().map(|effect| format!("wrong {effect:?}")));
    lines.join("\n")
}

async fn scored(case: u64, sum: &mut Sum) {
    const SHAPES: [(usize, usize, usize); 8] = [
        (5, 10, 1),
        (12, 30, 1),
        (6, 20, 3),
        (25, 60, 1),
        (40, 120, 2),
        (80, 250, 1),
        (150, 400, 1),
        (300, 800, 1),
    ];
    // The largest tenants are rare.
    let place = usize::try_from(case.trailing_ones()).unwrap() + usize::try_from(case % 3).unwrap();
    let (displays, content, tenants) = SHAPES[place.min(SHAPES.len() - 1)];
    let dialect = if (case / 2).is_multiple_of(2) { Dialect::Vizora } else { Dialect::Reference };
    let hours = i64::try_from(case * 37 % 8_760).unwrap();
    let start: jiff::Timestamp = "2026-01-07T09:41:17Z".parse().unwrap();
    let start = start.checked_add(jiff::SignedDuration::from_hours(hours)).unwrap();
    let mut world =
        World::of(options(dialect, 1_000 + case, sizes(displays, content, tenants)), start).await;
    if !case.is_multiple_of(5) {
        (world.policy, world.budgets) = generous();
    }
    let found: Vec<Found> = until_quiet(&world, sum).await.into_iter().collect();
    let score = world.sandbox.score(&found);
    assert!(score.is_perfect(), "case {case} ({dialect:?}, {displays}):\n{}", told(&score));
    sum.tenants += tenants;
    sum.planted += score.checks.values().map(|tally| tally.planted).sum::<usize>();
    sum.found += score.checks.values().map(|tally| tally.found).sum::<usize>();
    let effects = world.sandbox.take_effects();
    world.pass(Duration::from_mins(1));
    until_quiet(&world, sum).await;
    assert_eq!(world.sandbox.effects().len(), effects.len(), "quiet stays quiet");
    assert_eq!(world.leftovers(), Vec::<String>::new(), "case {case}");
    if displays <= 25 {
        assert!(world.replay_tapes() > 0);
    }
    world.sandbox.stop().await;
}

#[tokio::test]
async fn everything_that_is_wrong_is_found_and_nothing_else_and_every_act_is_right() {
    let cases = crate::world::size(6);
    let mut sum = Sum::default();
    let first = crate::world::first();
    for case in first..first + cases {
        scored(case, &mut sum).await;
    }
    println!("{cases} cases: {sum:?}");
    assert_eq!(sum.planted, sum.found);
    assert!(sum.planted > 0 && sum.acts > 0 && sum.verified > 0, "{sum:?}");
}

#[tokio::test]
async fn in_a_healthy_tenant_nothing_is_found_and_nothing_is_done() {
    for (seed, dialect) in [(1, Dialect::Vizora), (2, Dialect::Reference), (3, Dialect::Vizora)] {
        let scenario = if seed == 3 { Scenario::Empty } else { Scenario::Healthy };
        let options =
            opswarden::sandbox::Options { scenario, ..options(dialect, seed, sizes(20, 50, 1)) };
        let world = World::of(options, "2026-11-20T12:00:00Z".parse().unwrap()).await;
        let mut sum = Sum::default();
        let found = until_quiet(&world, &mut sum).await;
        assert_eq!(found, BTreeSet::new(), "{dialect:?}");
        assert_eq!((sum.acts, world.sandbox.effects().len()), (0, 0), "{dialect:?}");
        assert_eq!(world.leftovers(), Vec::<String>::new());
    }
}
