//! What the agents find and do, held against what is truly wrong.

use std::collections::BTreeSet;
use std::time::Duration;

use opswarden::sandbox::{Dialect, Found, Options, Sizes};

use super::world::{Who, World, found};

/// More rounds than this are not quiet by themselves.
const MOST_ROUNDS: usize = 12;

/// Numbers that look random and are the same for the same number.
fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x51ab);
    mixed ^= mixed >> 29;
    mixed = mixed.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed ^ (mixed >> 32)
}

/// The tenant of that number: its dialect, its sizes, its hour.
fn tenant(number: u64) -> (String, Options) {
    let pick = |of: u64, among: u64| mixed(number * 17 + of) % among;
    let between = |of: u64, low: u64, high: u64| {
        usize::try_from(low + pick(of, high - low + 1)).expect("a small number")
    };
    // Most are small, so that many can be tried; some are as large as a real one.
    let most = [24, 24, 80, 24, 80, 300][usize::try_from(number % 6).expect("small")];
    let displays = between(1, 5, most);
    let sizes = Sizes {
        displays,
        content: between(2, 10, most * 8 / 3),
        playlists: between(3, 4, most / 5 + 4),
        schedules: between(4, 4, most * 2 / 5 + 4),
        tenants: between(5, 1, 3),
    };
    let dialect = if number.is_multiple_of(2) { Dialect::Vizora } else { Dialect::Reference };
    let start = format!(
        "2026-{:02}-{:02}T{:02}:{:02}:30Z",
        1 + pick(6, 12),
        1 + pick(7, 28),
        pick(8, 24),
        pick(9, 60)
    );
    (start, Options { seed: 1000 + number, dialect, sizes, ..Options::default() })
}

/// Whether a single schedule can be read is found out by asking: not every platform has such a route.
fn is_expected(left: &str) -> bool {
    left.starts_with("there is no such route: GET /api/v1/schedules/")
}

/// Tends one tenant until a round sends nothing, and tells everything that is not as it should be.
async fn tended(number: u64) -> Vec<String> {
    let (start, options) = tenant(number);
    let case = format!("tenant {number} ({start}, {:?}, {:?})", options.dialect, options.sizes);
    let world = World::at(&start, options).await;
    let planted = world.sandbox.truth();
    let mut claims: BTreeSet<Found> = BTreeSet::new();
    let mut wrong = Vec::new();
    let mut quiet = false;
    for _ in 0..MOST_ROUNDS {
        let mut acted = 0;
        for who in Who::ALL {
            let report = world.run(who).await;
            claims.extend(found(&report));
            acted += report.counts.get("acted").copied().unwrap_or_default();
            if !report.troubles.is_empty() || !report.unknown.is_empty() {
                wrong.push(format!("{}: {:?} {:?}", who.name(), report.troubles, report.unknown));
            }
        }
        if acted == 0 {
            quiet = true;
            break;
        }
        world.pass(Duration::from_mins(1));
    }
    let claims: Vec<Found> = claims.into_iter().collect();
    let score = world.sandbox.score(&claims);
    for (check, tally) in &score.checks {
        if !tally.missed.is_empty() || !tally.false_alarms.is_empty() {
            wrong.push(format!(
                "{check}: missed {:?}, false {:?}",
                tally.missed, tally.false_alarms
            ));
        }
    }
    for effect in &score.wrong_acts {
        wrong.push(format!("a wrong act: {effect:?}"));
    }
    if !quiet {
        wrong.push(format!("after {MOST_ROUNDS} rounds something was still sent"));
    }
    if world.sandbox.sessions_open() != 0 {
        wrong.push(format!("{} sessions are open", world.sandbox.sessions_open()));
    }
    let effects = world.sandbox.take_effects();
    if let Err(left) = world.sandbox.finish() {
        wrong.extend(left.into_iter().filter(|what| !is_expected(what)));
    }
    if planted.is_empty() || effects.is_empty() {
        wrong.push("nothing was wrong, or nothing was done".to_owned());
    }
    for tape in world.tapes() {
        if String::from_utf8_lossy(&tape).contains("jwtToken") {
            wrong.push("a tape holds a token".to_owned());
        }
    }
    super::tell(&format!(
        "{case}: {} planted, {} acts, {} wrong",
        planted.len(),
        effects.len(),
        wrong.len()
    ));
    world.end().await;
    wrong.into_iter().map(|what| format!("{case}: {what}")).collect()
}

#[tokio::test]
async fn everything_wrong_is_found_and_nothing_else_and_every_act_is_a_right_one() {
    let mut wrong = Vec::new();
    for number in 0..super::size(6) {
        wrong.extend(tended(number).await);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
