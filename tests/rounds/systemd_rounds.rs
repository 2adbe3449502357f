//! Random rounds on a real systemd.

use super::lives::{Life, Lives};
use super::proof::{Fault, POLICY, Peer, prove, refute};
use super::systemd_units::{Units, again};
use super::world::World;

impl Peer for Units {
    const WATCHED: [&str; 6] =
        ["a.service", "b.service", "c.service", "d.service", "e.service", "f.service"];
    const BESIDE: &str = "beside.service";
    /// A unit whose file is gone is a case of its own.
    const FAULTS: &[Fault] = &[
        Fault::Nothing,
        Fault::Nothing,
        Fault::Errored,
        Fault::Errored,
        Fault::Stopped,
        Fault::Killed,
    ];

    fn lives(&self) -> Lives {
        Self::lives(self)
    }

    fn break_once(&self, names: &[&str]) {
        Self::break_once(self, names);
    }

    fn order(&self, verb: &str, names: &[&str]) {
        Self::order(self, verb, names);
    }

    fn kill(&self, name: &str) {
        Self::kill(self, name);
    }

    fn await_life(&self, name: &str, holds: &dyn Fn(&Life) -> bool) {
        Self::await_life(self, name, holds);
    }

    fn mend(&self, name: &str, fault: Fault) {
        match fault {
            Fault::Stopped => Self::order(self, "start", &[name]),
            Fault::Errored if name == Self::BESIDE => {
                Self::order(self, "reset-failed", &[name]);
                Self::order(self, "start", &[name]);
            }
            Fault::Nothing | Fault::Errored | Fault::Killed | Fault::Deleted => {}
        }
    }

    /// systemd counts its own restarts since somebody started the unit.
    fn is_started_once(old: &Life, new: &Life) -> bool {
        new.identity != old.identity && new.restarts == 0
    }

    fn is_running(life: &Life) -> bool {
        life.status.starts_with("active/running/")
    }
}

fn stage() -> Option<(Units, World)> {
    let names = [&Units::WATCHED[..], &[Units::BESIDE]].concat();
    let texts: Vec<_> = names.into_iter().map(|name| (name, again(3))).collect();
    let units = Units::boot(&texts)?;
    let world = units.world("300ms", POLICY, &Units::WATCHED);
    world.run(0);
    Some((units, world))
}

#[test]
fn whatever_breaks_only_what_systemd_gave_up_on_is_restarted() {
    let Some((units, world)) = stage() else { return };
    prove("systemd", &units, &world);
}

#[test]
fn the_judge_of_the_rounds_on_systemd_sees_a_wrong_restart() {
    let Some((units, world)) = stage() else { return };
    refute(&units, &world);
}
