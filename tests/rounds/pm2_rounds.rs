//! Proof: in each round some apps of a real PM2 are broken at random and the real agent runs once. What was planted
//! is the truth that its acts are held against.
//!
//! The number of rounds is `OPSWARDEN_PROOF_N` (3 unless set), the seed `OPSWARDEN_PROOF_SEED`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::lives::{Dice, Lives};
use super::peers::env;
use super::pm2_apps::Apps;
use super::world::{World, target};

const WATCHED: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
const BESIDE: &str = "beside";
/// Rounds follow each other within seconds, so that nothing may hold back a repair but the fault itself.
const POLICY: &str = "attempts = 1000000\nback_off = \"1ms\"\nrelapse_window = \"1ms\"\n\
    flap_window = \"1ms\"\nrestarts_per_run = 100\n\
    [budgets]\nactions_per_run = 100\nactions_per_hour = 1000000\n";

/// What is done to an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Nothing,
    /// PM2 has given up on it; one more start would help.
    Errored,
    /// Somebody stopped it.
    Stopped,
    /// It was killed, and PM2 brings it back by itself.
    Killed,
    /// Somebody took it out of PM2.
    Deleted,
}

const FAULTS: [Fault; 7] = [
    Fault::Nothing,
    Fault::Nothing,
    Fault::Errored,
    Fault::Errored,
    Fault::Stopped,
    Fault::Killed,
    Fault::Deleted,
];

type Planted = BTreeMap<&'static str, Fault>;

/// What one round showed.
#[derive(Default)]
struct Seen {
    planted: usize,
    repaired: usize,
    wrong: Vec<String>,
}

fn plant(apps: &Apps, dice: &mut Dice) -> (Planted, Lives) {
    let mut planted: Planted =
        WATCHED.iter().map(|name| (*name, FAULTS[dice.below(FAULTS.len())])).collect();
    planted.insert(BESIDE, [Fault::Nothing, Fault::Errored][dice.below(2)]);
    let with = |wanted: Fault| -> Vec<&str> {
        let of_it = planted.iter().filter(|(_, fault)| **fault == wanted);
        of_it.map(|(name, _)| *name).collect()
    };
    apps.break_once(&with(Fault::Errored));
    apps.order("stop", &with(Fault::Stopped));
    apps.order("delete", &with(Fault::Deleted));
    let before = apps.lives();
    // Last, so that the agent comes while PM2 brings them back.
    for name in with(Fault::Killed) {
        apps.kill(name);
    }
    (planted, before)
}

/// Undoes what the agent must leave alone.
fn mend(apps: &Apps, planted: &Planted) {
    for (name, fault) in planted {
        match fault {
            Fault::Deleted => apps.add(name, &json!({})),
            Fault::Stopped => drop(apps.pm2.pm2(&["start", name])),
            Fault::Errored if *name == BESIDE => drop(apps.pm2.pm2(&["restart", name])),
            Fault::Nothing | Fault::Errored | Fault::Killed => {}
        }
    }
}

/// Everything that is not as the planted truth wants it.
fn wrong(
    planted: &Planted,
    before: &Lives,
    after: &Lives,
    acts: &[serde_json::Value],
) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, fault) in planted {
        let (old, new) = (before.get(*name), after.get(*name));
        let ours = acts.iter().filter(|act| target(act) == *name).collect::<Vec<_>>();
        let mine = *fault == Fault::Errored && *name != BESIDE;
        let good = match (fault, old, new) {
            (Fault::Deleted, None, None) => true,
            (Fault::Killed, Some(old), Some(new)) => {
                new.status == "online" && new.restarts == old.restarts + 1
            }
            // PM2 does not count the start of what lay still, and would count a second one.
            (Fault::Errored, Some(old), Some(new)) if mine => {
                new.status == "online" && new.restarts == old.restarts
            }
            (_, old, new) => old.is_some() && old == new,
        };
        if !good {
            wrong.push(format!("{name} ({fault:?}): {old:?} became {new:?}"));
        }
        let verified = ours.iter().filter(|act| act["state"] == "verified").count();
        if (ours.len(), verified) != (usize::from(mine), usize::from(mine)) {
            wrong.push(format!("{name} ({fault:?}): we did {ours:#?}"));
        }
    }
    let known: BTreeSet<String> = planted.keys().map(|name| (*name).to_owned()).collect();
    let odd = acts.iter().map(target).filter(|name| !known.contains(name));
    wrong.extend(odd.map(|name| format!("{name}: nobody knows it")));
    wrong
}

/// One round; `meddle` comes between the two readings, as the agent does.
fn round(apps: &Apps, world: &World, dice: &mut Dice, meddle: impl Fn(&Apps, &Planted)) -> Seen {
    let (planted, before) = plant(apps, dice);
    let known = world.remediations().len();
    let (_, report) = world.run_anyhow();
    meddle(apps, &planted);
    for (name, _) in planted.iter().filter(|(_, fault)| **fault == Fault::Killed) {
        let old = before[*name].restarts;
        apps.await_life(name, |life| life.status == "online" && life.restarts > old);
    }
    let after = apps.lives();
    let acts = world.remediations().split_off(known);
    let mut wrong = wrong(&planted, &before, &after, &acts);
    if !wrong.is_empty() {
        wrong.push(report);
    }
    mend(apps, &planted);
    let repaired = acts.iter().filter(|act| act["state"] == "verified").count();
    let planted = planted.values().filter(|fault| **fault != Fault::Nothing).count();
    Seen { planted, repaired, wrong }
}

fn number(name: &str, otherwise: u64) -> u64 {
    env(name).and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

fn stage() -> Option<(Apps, World)> {
    let apps = Apps::start(&[&WATCHED[..], &[BESIDE]].concat())?;
    let world = apps.world("300ms", POLICY, &WATCHED);
    world.run(0);
    Some((apps, world))
}

#[test]
#[expect(clippy::print_stderr, reason = "the figure is what the proof is for")]
fn whatever_breaks_only_what_pm2_gave_up_on_is_restarted() {
    let (rounds, seed) = (number("OPSWARDEN_PROOF_N", 3), number("OPSWARDEN_PROOF_SEED", 1));
    let Some((apps, world)) = stage() else { return };
    let mut dice = Dice::new(seed);
    let (mut planted, mut repaired) = (0, 0);
    for number in 1..=rounds {
        let seen = round(&apps, &world, &mut dice, |_, _| {});
        assert!(seen.wrong.is_empty(), "seed {seed}, round {number}: {}", seen.wrong.join("\n"));
        planted += seen.planted;
        repaired += seen.repaired;
    }
    assert_eq!(world.asked(&["ledger", "verify"])["clean"], true);
    eprintln!(
        "rounds on real PM2: {rounds} rounds, {planted} faults planted, {repaired} repaired, \
         0 wrong restarts"
    );
}

#[test]
fn the_judge_of_the_rounds_sees_a_wrong_restart() {
    let Some((apps, world)) = stage() else { return };
    let mut dice = Dice::new(7);
    let seen = round(&apps, &world, &mut dice, |apps, planted| {
        let healthy = planted.iter().find(|(_, fault)| **fault == Fault::Nothing);
        let (name, _) = healthy.expect("the seed leaves one alone");
        assert!(apps.pm2.pm2(&["restart", name]).status.success());
    });
    assert!(
        matches!(&seen.wrong[..], [only, _report] if only.contains("(Nothing)")),
        "{:#?}",
        seen.wrong
    );
}
