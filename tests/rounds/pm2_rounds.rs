//! Random rounds on a real PM2.

use serde_json::json;

use super::lives::{Life, Lives};
use super::pm2_apps::Apps;
use super::proof::{Fault, POLICY, Peer, prove, refute};
use super::world::World;

impl Peer for Apps {
    const WATCHED: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
    const BESIDE: &str = "beside";
    const FAULTS: &[Fault] = &[
        Fault::Nothing,
        Fault::Nothing,
        Fault::Errored,
        Fault::Errored,
        Fault::Stopped,
        Fault::Killed,
        Fault::Deleted,
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
            Fault::Deleted => self.add(name, &json!({})),
            Fault::Stopped => Self::order(self, "start", &[name]),
            Fault::Errored if name == Self::BESIDE => Self::order(self, "restart", &[name]),
            Fault::Nothing | Fault::Errored | Fault::Killed => {}
        }
    }

    /// PM2 does not count the start of what lay still, and would count a second one.
    fn is_started_once(old: &Life, new: &Life) -> bool {
        new.restarts == old.restarts
    }

    fn is_running(life: &Life) -> bool {
        life.status == "online"
    }
}

fn stage() -> Option<(Apps, World)> {
    let apps = Apps::start(&[&Apps::WATCHED[..], &[Apps::BESIDE]].concat())?;
    let world = apps.world("300ms", POLICY, &Apps::WATCHED);
    world.run(0);
    Some((apps, world))
}

#[test]
fn whatever_breaks_only_what_pm2_gave_up_on_is_restarted() {
    let Some((apps, world)) = stage() else { return };
    prove("PM2", &apps, &world);
}

#[test]
fn the_judge_of_the_rounds_on_pm2_sees_a_wrong_restart() {
    let Some((apps, world)) = stage() else { return };
    refute(&apps, &world);
}
