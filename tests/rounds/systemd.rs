//! Scripted cases on a real systemd. In each of them one more unit, which the settings do not name, stands beside.

use std::time::Duration;

use serde_json::json;

use super::lives::{names, touched};
use super::systemd_units::{Units, again, once};
use super::world::target;

const SETTLE: &str = "300ms";
const WEB: &str = "web.service";
const API: &str = "api.service";
const BESIDE: &str = "beside.service";

fn boot(web: String) -> Option<Units> {
    Units::boot(&[(WEB, web), (API, once()), (BESIDE, once())])
}

fn broken_unit_is_repaired(text: String, result: &str) {
    let Some(units) = boot(text) else { return };
    let world = units.world(SETTLE, "", &[WEB, API]);
    world.run(0);
    units.break_once(&[WEB]);
    let before = units.lives();
    assert!(before[WEB].status.ends_with(result), "{before:?}");
    let report = world.run(0);
    let after = units.lives();
    assert_eq!(touched(&before, &after), names([WEB]), "{report}");
    assert_eq!(after[WEB].status, "active/running/success");
    let done = world.remediations();
    assert_eq!(done.len(), 1, "{done:#?}");
    assert_eq!((target(&done[0]).as_str(), &done[0]["state"]), (WEB, &json!("verified")));
    let incident = world.incident("process_down", "systemd:web.service");
    assert_eq!(incident["resolved"]["resolution"], "auto_fixed");
    world.run(0);
    assert_eq!(touched(&after, &units.lives()), names([]), "a second run does nothing");
}

#[test]
fn a_failed_unit_is_restarted_and_proved() {
    broken_unit_is_repaired(once(), "failed/signal");
}

#[test]
fn a_unit_whose_start_limit_is_hit_is_restarted_and_proved() {
    broken_unit_is_repaired(again(600), "failed/exit-code");
}

#[test]
fn a_unit_that_no_restart_helps_is_tried_twice_and_escalated() {
    let Some(units) = boot(once()) else { return };
    let world = units.world(SETTLE, "back_off = \"1s\"\n", &[WEB, API]);
    world.run(0);
    units.tell_bad(WEB);
    units.kill(WEB);
    units.await_life(WEB, |life| life.status.starts_with("failed/"));
    for attempt in 1..=2 {
        let before = units.lives();
        let report = world.run(1);
        assert_eq!(touched(&before, &units.lives()), names([WEB]), "{report}");
        assert_eq!(world.remediations().len(), attempt, "{report}");
        std::thread::sleep(Duration::from_millis(1_500));
    }
    for _ in 0..2 {
        let before = units.lives();
        world.run(1);
        assert_eq!(touched(&before, &units.lives()), names([]), "no third attempt");
    }
    let done = world.remediations();
    assert!(done.len() == 2 && done.iter().all(|of| of["state"] == "failed"), "{done:#?}");
    let incident = world.incident("process_down", "systemd:web.service");
    assert!(!incident["escalated"].is_null() && incident["resolved"].is_null(), "{incident:#}");
}

#[test]
fn a_unit_that_somebody_stopped_is_left_alone() {
    let Some(units) = boot(again(600)) else { return };
    let world = units.world(SETTLE, "", &[WEB, API]);
    world.run(0);
    units.order("stop", &[WEB]);
    let before = units.lives();
    for _ in 0..3 {
        world.run(1);
        assert_eq!(touched(&before, &units.lives()), names([]));
    }
    let incident = world.incident("process_down", "systemd:web.service");
    assert_eq!(incident["severity"], "warning", "{incident:#}");
    assert_eq!(world.remediations().len(), 0);
    units.order("start", &[WEB]);
    world.run(0);
    assert!(!world.incident("process_down", "systemd:web.service")["resolved"].is_null());
}

#[test]
fn a_masked_and_a_missing_unit_are_incidents_and_left_alone() {
    let masked = ("masked.service", String::new());
    let Some(units) = Units::boot(&[(API, once()), (BESIDE, once()), masked]) else { return };
    let world = units.world(SETTLE, "", &["masked.service", "gone.service", API]);
    units.break_once(&[BESIDE]);
    let before = units.lives();
    for _ in 0..3 {
        world.run(1);
        assert_eq!(touched(&before, &units.lives()), names([]));
        for id in ["systemd:masked.service", "systemd:gone.service"] {
            assert!(world.incident("process_down", id)["resolved"].is_null());
        }
    }
    let all = world.incidents();
    assert_eq!(all.as_array().map(Vec::len), Some(2), "{all:#}");
    assert_eq!(world.remediations().len(), 0);
}

#[test]
fn without_systemctl_everything_is_unknown() {
    let Some(units) = boot(once()) else { return };
    let world = units.world(SETTLE, "", &[WEB, API]);
    units.order("stop", &[WEB]);
    world.run(1);
    let before = units.lives();
    let file = world.path().join("agents.toml");
    let text = std::fs::read_to_string(&file).expect("it is read");
    let cut = text.replace("\"nsenter\"", "\"/nowhere/nsenter\"");
    assert_ne!(text, cut);
    std::fs::write(&file, cut).expect("it is written");
    for _ in 0..3 {
        let report = world.run(2);
        assert!(
            world.incident("process_down", "systemd:web.service")["resolved"].is_null(),
            "{report}"
        );
    }
    assert_eq!(touched(&before, &units.lives()), names([]));
    assert_eq!(world.remediations().len(), 0);
}
