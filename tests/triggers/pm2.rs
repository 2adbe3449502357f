//! The ecosystem file under a real PM2: its ticks, stops and restarts do no harm to a run at work.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::fake::{Fake, GUARDIAN, OPSCTL};
use super::peers::wait_until;
use super::peers_pm2::PrivatePm2;

const APP: &str = "opswarden-health-guardian";
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// A schedule of so few slots that a test meets one or two.
const EVERY_TEN: &str = "*/10 * * * * *";
/// PM2 ticks in the middle of a run.
const EVERY_TWO: &str = "*/2 * * * * *";
/// PM2 does not tick while a test runs: its tick would be a second stop beside the one that is tried.
const IN_A_LEAP_YEAR: &str = "0 0 29 2 *";

pub(super) struct World {
    pub(super) fake: Fake,
    pub(super) pm2: PrivatePm2,
}

impl World {
    /// An agent that is due every ten seconds, whose look at the service takes so many seconds.
    pub(super) fn new(look_takes: &str) -> Option<Self> {
        let pm2 = PrivatePm2::start()?;
        let fake = Fake::new();
        let schedule = format!(
            "[agents.health-guardian.schedule]\nseconds = true\ncron = \"{EVERY_TEN}\"\ntimeout = \"9s\"\n\
             [agents.health-guardian.policy]"
        );
        fake.instead("[agents.health-guardian.policy]", &schedule);
        let service = fake.path().join("service").display().to_string();
        let look = format!(
            "sleep {look_takes}\nread state number < {service} || exit 4\n[ $state = up ] || exit 1\necho start-$number\n"
        );
        fake.script_is("status", &look);
        Some(Self { fake, pm2 })
    }

    /// Starts the agent's app of the generated file, in which some fields are replaced.
    fn start(&self, instead: &Value) {
        self.start_app(&["--per-agent"], APP, instead);
    }

    /// Starts an app of the file that is generated with these options, in which some fields are replaced.
    pub(super) fn start_app(&self, options: &[&str], name: &str, instead: &Value) {
        let programs = Path::new(GUARDIAN).parent().expect("a folder").display().to_string();
        let words = ["generate", "pm2", "--programs", &programs];
        let made = self.fake.asked(&[&words[..], options].concat());
        let text = made["files"][0]["text"].as_str().expect("a text");
        let json = text.split_once("module.exports = ").expect("it exports").1;
        let mut all: Value =
            serde_json::from_str(json.trim_end().trim_end_matches(';')).expect("it is JSON");
        let apps = all["apps"].as_array_mut().expect("a list");
        apps.retain(|app| app["name"] == name);
        for (field, value) in instead.as_object().into_iter().flatten() {
            apps[0][field] = value.clone();
        }
        let file = self.fake.path().join("opswarden.config.js");
        std::fs::write(&file, format!("module.exports = {all};\n")).expect("it is written");
        let started = self.pm2.pm2(&["start", &file.display().to_string()]);
        assert!(started.status.success(), "{}", String::from_utf8_lossy(&started.stdout));
    }

    pub(super) fn runs(&self) -> Vec<Value> {
        if !self.fake.path().join("state/ops.db").exists() {
            return Vec::new();
        }
        self.fake.asked(&["runs", "-n", "1000"]).as_array().expect("a list").clone()
    }

    pub(super) fn ended(&self, state: &str) -> usize {
        self.runs().iter().filter(|run| run["state"] == state).count()
    }

    pub(super) fn is_at_work(&self) -> bool {
        self.ended("running") == 1
    }

    /// Every slot has one row at most, no run was lost, and all were started by this trigger.
    pub(super) fn assert_orderly(&self, trigger: &str) {
        let runs = self.runs();
        let mut slots: Vec<&Value> = runs.iter().map(|run| &run["slot"]).collect();
        let all = slots.len();
        slots.sort_by_key(ToString::to_string);
        slots.dedup();
        assert_eq!(slots.len(), all, "a slot was run twice: {runs:#?}");
        let bad =
            |run: &&Value| ["lost", "crashed", "killed"].iter().any(|state| run["state"] == *state);
        assert_eq!(runs.iter().find(bad), None);
        assert!(runs.iter().all(|run| run["trigger"] == trigger), "{runs:#?}");
    }

    pub(super) fn pm2_says(&self) -> String {
        std::fs::read_to_string(self.pm2.home().join("pm2.log")).unwrap_or_default()
    }
}

#[test]
fn a_run_that_is_still_at_work_at_its_own_tick_comes_to_its_end() {
    let Some(world) = World::new("2") else { return };
    world.start(&json!({ "cron_restart": EVERY_TWO }));
    let ended = wait_until(PATIENCE, || world.ended("ok") >= 2);
    assert!(ended, "{:#?}\n{}", world.runs(), world.pm2_says());
    world.assert_orderly("pm2");
    let interrupted = world.pm2_says().contains("failed to kill - retrying");
    assert!(interrupted, "no tick met a run at work: {}", world.pm2_says());
}

#[test]
fn without_the_fields_that_make_it_safe_no_run_would_come_to_its_end() {
    let Some(world) = World::new("3") else { return };
    world.start(&json!({ "cron_restart": EVERY_TWO, "kill_timeout": 300 }));
    let killed = wait_until(PATIENCE, || world.pm2_says().contains("sending SIGKILL"));
    assert!(killed, "{}", world.pm2_says());
    assert!(wait_until(PATIENCE, || world.ended("lost") >= 1), "{:#?}", world.runs());
}

#[test]
fn a_stop_lets_an_act_and_its_proof_come_to_their_end() {
    let Some(world) = World::new("0.2") else { return };
    let path = world.fake.path().display().to_string();
    world.fake.script_is(
        "restart",
        &format!(
            "echo began >> {path}/began\nsleep 3\necho restarted >> {path}/restarts\n\
             echo up 1 > {path}/service.new\nmv {path}/service.new {path}/service\n"
        ),
    );
    world.fake.run(&["--observe"]);
    world.fake.crash();
    world.start(&json!({ "cron_restart": IN_A_LEAP_YEAR }));
    let began = || Path::new(&path).join("began").exists();
    assert!(wait_until(PATIENCE, began), "{:#?}\n{}", world.runs(), world.pm2_says());
    let stopped = world.pm2.pm2(&["stop", APP]);
    assert!(stopped.status.success());
    assert_eq!(world.fake.restarts(), 1, "{}", world.pm2_says());
    let done = world.fake.asked(&["remediations"]);
    assert_eq!(done[0]["state"], "verified", "{done:#}");
    assert_eq!(done.as_array().map(Vec::len), Some(1), "{done:#}");
}

#[test]
fn a_second_stop_ends_a_run_in_an_orderly_way() {
    let Some(world) = World::new("2") else { return };
    world.start(&json!({ "cron_restart": IN_A_LEAP_YEAR }));
    let at_work = wait_until(PATIENCE, || world.is_at_work());
    assert!(at_work, "{:#?}\n{}", world.runs(), world.pm2_says());
    std::thread::scope(|scope| {
        let first = scope.spawn(|| world.pm2.pm2(&["stop", APP]));
        let waits = wait_until(PATIENCE, || world.pm2_says().contains("failed to kill - retrying"));
        assert!(waits, "the first stop waits for the run: {}", world.pm2_says());
        world.pm2.pm2(&["stop", APP]);
        assert!(first.join().expect("it ends").status.success());
    });
    assert!(wait_until(PATIENCE, || world.ended("interrupted") == 1), "{:#?}", world.runs());
    world.assert_orderly("pm2");
}

#[test]
fn a_storm_of_restarts_runs_no_slot_twice_and_kills_no_run() {
    let Some(world) = World::new("2") else { return };
    world.start(&json!({}));
    let at_work = wait_until(PATIENCE, || world.is_at_work());
    assert!(at_work, "{:#?}\n{}", world.runs(), world.pm2_says());
    std::thread::scope(|scope| {
        let storm: Vec<_> =
            (0..10).map(|_| scope.spawn(|| world.pm2.pm2(&["restart", APP]))).collect();
        for restart in storm {
            restart.join().expect("it ends");
        }
    });
    assert!(wait_until(PATIENCE, || world.ended("ok") >= 1), "{:#?}", world.runs());
    assert_eq!(world.ended("interrupted"), 0, "{:#?}", world.runs());
    let home = format!("[managers.pm2]\nhome = {:?}\n[agents.health-guardian]", world.pm2.home());
    world.fake.instead("[agents.health-guardian]\n", &(home + "\n"));
    let rows = world.fake.asked(&["doctor"]);
    let seen = format!("started by the app {APP} of PM2");
    assert!(rows.to_string().contains(&seen), "{rows:#}");
    world.assert_orderly("pm2");
    let verified = world.fake.program(OPSCTL, &["ledger", "verify"]).output();
    assert!(verified.is_ok_and(|output| output.status.success()));
}
