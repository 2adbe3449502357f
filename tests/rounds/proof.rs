//! Proof: in each round some processes of a real manager are broken at random and the real agent runs once. What was
//! planted is the truth that its acts are held against.
//!
//! The number of rounds is `OPSWARDEN_PROOF_N` (3 unless set), the seed `OPSWARDEN_PROOF_SEED`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::lives::{Dice, Life, Lives};
use super::peers::env;
use super::world::{World, target};

/// Rounds follow each other within seconds, so that nothing may hold back a repair but the fault itself.
pub(crate) const POLICY: &str = "attempts = 1000000\nback_off = \"1ms\"\nrelapse_window = \"1ms\"\n\
    flap_window = \"1ms\"\nrestarts_per_run = 100\n\
    [budgets]\nactions_per_run = 100\nactions_per_hour = 1000000\n";

/// A real manager with processes that break on demand.
pub(crate) trait Peer {
    /// The processes that the settings name.
    const WATCHED: [&str; 6];
    /// The one that they do not name.
    const BESIDE: &str;
    /// What may befall a process.
    const FAULTS: &[Fault];

    /// What the manager says of every process.
    fn lives(&self) -> Lives;
    /// Makes the manager give up on processes that would be well if they were started once more.
    fn break_once(&self, names: &[&str]);
    /// Does what a person would do by the command line.
    fn order(&self, verb: &str, names: &[&str]);
    /// Kills a process that its manager starts again.
    fn kill(&self, name: &str);
    /// Waits until the manager says something of a process.
    fn await_life(&self, name: &str, holds: &dyn Fn(&Life) -> bool);
    /// Undoes a fault that the agent must leave alone.
    fn mend(&self, name: &str, fault: Fault);
    /// Whether the second life is one start after the first, which its manager had given up.
    fn is_started_once(old: &Life, new: &Life) -> bool;
    /// Whether it runs.
    fn is_running(life: &Life) -> bool;
}

/// What is done to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Nothing,
    /// Its manager has given up on it; one more start would help.
    Errored,
    /// Somebody stopped it.
    Stopped,
    /// It was killed, and its manager brings it back by itself.
    Killed,
    /// Somebody took it out of its manager.
    Deleted,
}

type Planted = BTreeMap<&'static str, Fault>;

/// What rounds showed.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) planted: usize,
    pub(crate) repaired: usize,
    pub(crate) wrong: Vec<String>,
}

fn with(planted: &Planted, wanted: Fault) -> Vec<&'static str> {
    let of_it = planted.iter().filter(|(_, fault)| **fault == wanted);
    of_it.map(|(name, _)| *name).collect()
}

fn plant<P: Peer>(peer: &P, dice: &mut Dice) -> (Planted, Lives) {
    let mut planted: Planted =
        P::WATCHED.iter().map(|name| (*name, P::FAULTS[dice.below(P::FAULTS.len())])).collect();
    planted.insert(P::BESIDE, [Fault::Nothing, Fault::Errored][dice.below(2)]);
    peer.break_once(&with(&planted, Fault::Errored));
    peer.order("stop", &with(&planted, Fault::Stopped));
    peer.order("delete", &with(&planted, Fault::Deleted));
    let before = peer.lives();
    // Last, so that the agent comes while their manager brings them back.
    for name in with(&planted, Fault::Killed) {
        peer.kill(name);
    }
    (planted, before)
}

/// Everything that is not as the planted truth wants it.
fn wrong<P: Peer>(planted: &Planted, before: &Lives, after: &Lives, acts: &[Value]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, fault) in planted {
        let (old, new) = (before.get(*name), after.get(*name));
        let ours = acts.iter().filter(|act| target(act) == *name).collect::<Vec<_>>();
        let mine = *fault == Fault::Errored && *name != P::BESIDE;
        let good = match (fault, old, new) {
            (Fault::Deleted, None, None) => true,
            (Fault::Killed, Some(old), Some(new)) => {
                P::is_running(new) && new.restarts == old.restarts + 1
            }
            (Fault::Errored, Some(old), Some(new)) if mine => {
                P::is_running(new) && P::is_started_once(old, new)
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
fn round<P: Peer>(
    peer: &P,
    world: &World,
    dice: &mut Dice,
    mut meddle: impl FnMut(&P, &Planted),
) -> Seen {
    let (planted, before) = plant(peer, dice);
    let known = world.remediations().len();
    let (_, report) = world.run_anyhow();
    meddle(peer, &planted);
    for name in with(&planted, Fault::Killed) {
        let old = before[name].restarts;
        peer.await_life(name, &|life| P::is_running(life) && life.restarts > old);
    }
    let after = peer.lives();
    let acts = world.remediations().split_off(known);
    let mut wrong = wrong::<P>(&planted, &before, &after, &acts);
    if !wrong.is_empty() {
        wrong.push(report);
    }
    for (name, fault) in &planted {
        peer.mend(name, *fault);
    }
    let repaired = acts.iter().filter(|act| act["state"] == "verified").count();
    let planted = planted.values().filter(|fault| **fault != Fault::Nothing).count();
    Seen { planted, repaired, wrong }
}

fn number(name: &str, otherwise: u64) -> u64 {
    env(name).and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// Every round must be as the planted truth wants it.
#[expect(clippy::print_stderr, reason = "the figure is what the proof is for")]
pub(crate) fn prove<P: Peer>(what: &str, peer: &P, world: &World) {
    let (rounds, seed) = (number("OPSWARDEN_PROOF_N", 3), number("OPSWARDEN_PROOF_SEED", 1));
    let mut dice = Dice::new(seed);
    let (mut planted, mut repaired) = (0, 0);
    for number in 1..=rounds {
        let shown = round(peer, world, &mut dice, |_, _| {});
        assert!(shown.wrong.is_empty(), "seed {seed}, round {number}: {}", shown.wrong.join("\n"));
        planted += shown.planted;
        repaired += shown.repaired;
    }
    assert_eq!(world.asked(&["ledger", "verify"])["clean"], true);
    eprintln!(
        "rounds on real {what}: {rounds} rounds, {planted} faults planted, {repaired} repaired, \
         0 wrong restarts"
    );
}

/// A healthy process that somebody else restarts in between must be seen, and nothing else.
pub(crate) fn refute<P: Peer>(peer: &P, world: &World) {
    let mut dice = Dice::new(7);
    for _ in 0..10 {
        let mut meddled = false;
        let seen = round(peer, world, &mut dice, |peer, planted| {
            if let Some(healthy) = with(planted, Fault::Nothing).first() {
                peer.order("restart", &[*healthy]);
                meddled = true;
            }
        });
        if meddled {
            let caught = matches!(&seen.wrong[..], [only, _report] if only.contains("(Nothing)"));
            assert!(caught, "{:#?}", seen.wrong);
            return;
        }
    }
    panic!("ten rounds left nothing alone");
}
