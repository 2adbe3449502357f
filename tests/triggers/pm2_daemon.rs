//! The scheduler as one app of a real PM2, as the generated ecosystem file describes it.

use std::process::Stdio;

use serde_json::{Value, json};

use super::peers::wait_until;
use super::pm2::{PATIENCE, World};

const APP: &str = "opswarden";
const SCHEDULER: &str = env!("CARGO_BIN_EXE_scheduler");

impl World {
    /// An agent that is due every three seconds, whose look takes so many seconds.
    fn of_daemon(look_takes: &str) -> Option<Self> {
        let world = Self::new(look_takes)?;
        world.fake.instead("*/10 * * * * *", "*/3 * * * * *");
        world.fake.instead(
            "timeout = \"9s\"",
            "timeout = \"9s\"\n[agents.ops-reporter.schedule]\ncron = \"0 0 1 1 *\"",
        );
        Some(world)
    }

    /// What PM2 knows of the app.
    fn app(&self) -> Value {
        let listed = self.pm2.pm2(&["jlist"]);
        let text = String::from_utf8_lossy(&listed.stdout).into_owned();
        // A first call prints a banner before its list.
        let list = text.lines().rev().find(|line| line.starts_with('['));
        let all: Value = serde_json::from_str(list.unwrap_or("[]")).unwrap_or_default();
        let apps = all.as_array().cloned().unwrap_or_default();
        apps.into_iter().find(|app| app["name"] == APP).unwrap_or_default()
    }

    fn is(&self, status: &str) -> bool {
        self.app()["pm2_env"]["status"] == status
    }

    fn goes_on(&self, more: usize) {
        let before = self.ended("ok");
        let ran = wait_until(PATIENCE, || self.ended("ok") >= before + more);
        assert!(ran, "{:#?}\n{}\n{}", self.runs(), self.pm2_says(), self.said());
    }

    fn comes_to_work(&self) {
        let at_work = wait_until(PATIENCE, || self.is_at_work());
        assert!(at_work, "{:#?}\n{}\n{}", self.runs(), self.pm2_says(), self.said());
    }

    /// What the scheduler said.
    fn said(&self) -> String {
        let file = self.app()["pm2_env"]["pm_err_log_path"].as_str().unwrap_or_default().to_owned();
        std::fs::read_to_string(file).unwrap_or_default()
    }
}

#[test]
fn pm2_runs_the_scheduler_and_a_stop_lets_the_run_at_work_end() {
    let Some(world) = World::of_daemon("2") else { return };
    world.start_app(&[], APP, &json!({}));
    world.goes_on(2);
    world.comes_to_work();
    let before = world.ended("ok");
    let stopped = world.pm2.pm2(&["stop", APP]);
    assert!(stopped.status.success());
    assert_eq!(world.ended("ok"), before + 1, "{:#?}\n{}", world.runs(), world.pm2_says());
    assert!(world.said().contains("1 at work may end first"), "{}", world.said());
    world.assert_orderly("scheduler");
    let then = world.runs().len();
    std::thread::sleep(std::time::Duration::from_secs(4));
    assert_eq!(world.runs().len(), then, "nobody starts agents after the stop");
    assert!(world.is("stopped"), "{}", world.pm2_says());
}

#[test]
fn no_slot_is_run_twice_however_often_pm2_restarts_the_scheduler() {
    let Some(world) = World::of_daemon("1") else { return };
    world.start_app(&[], APP, &json!({}));
    for _ in 0..3 {
        world.comes_to_work();
        assert!(world.pm2.pm2(&["restart", APP]).status.success());
    }
    world.goes_on(1);
    assert_eq!(world.ended("interrupted"), 0, "{:#?}", world.runs());
    world.assert_orderly("scheduler");
    // Killed as by the kernel: PM2 starts it again.
    let killed = world.app()["pid"].clone();
    let output = std::process::Command::new("kill").args(["-KILL", &killed.to_string()]).status();
    assert!(output.is_ok_and(|status| status.success()));
    assert!(wait_until(PATIENCE, || world.is("online") && world.app()["pid"] != killed));
    world.goes_on(1);
    world.assert_orderly("scheduler");
}

#[test]
fn a_scheduler_beside_another_one_is_not_started_again_and_again() {
    let Some(world) = World::of_daemon("0.1") else { return };
    let mut first = world
        .fake
        .program(SCHEDULER, &[])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the scheduler starts");
    world.goes_on(1);
    world.start_app(&[], APP, &json!({}));
    // Its status may go on to say "waiting restart", for which there is none to come.
    let has_ended = || world.app()["pm2_env"]["exit_code"] == 75;
    assert!(wait_until(PATIENCE, has_ended), "{}", world.pm2_says());
    std::thread::sleep(std::time::Duration::from_secs(2));
    let (restarts, said) = (world.app()["pm2_env"]["restart_time"].clone(), world.said());
    first.kill().expect("it is ours");
    first.wait().expect("it is ours");
    let named = format!("scheduler is already running (fake, pid {})", first.id());
    // It began once. What it said last is not in every log: PM2 may drop the words of a program that ends right after them.
    assert_eq!(said.matches("policy.back_off").count(), 1, "{said}");
    assert!(said.matches(&named).count() <= 1, "{said}");
    assert_eq!(restarts, 0);
}
