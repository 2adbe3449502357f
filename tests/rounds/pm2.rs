//! Scripted cases on a real PM2. In each of them one more app, which the settings do not name, stands beside.

use std::os::unix::net::UnixStream;
use std::time::Duration;

use serde_json::json;

use super::lives::{names, touched};
use super::pm2_apps::Apps;
use super::world::target;

const SETTLE: &str = "300ms";
/// Long enough for an app that keeps dying to be given up on again.
const LONG: &str = "3s";

fn crashed_app_is_repaired(read: &str) {
    let Some(apps) = Apps::start(&["web", "api", "beside"]) else { return };
    let world = apps.world_by(read, SETTLE, "", &["web", "api"]);
    world.run(0);
    apps.break_once(&["web"]);
    let before = apps.lives();
    let report = world.run(0);
    let after = apps.lives();
    assert_eq!(touched(&before, &after), names(["web"]), "{report}");
    assert_eq!(after["web"].status, "online");
    // Measured: PM2 does not count the start of an app that lay still, and would count a second one.
    assert_eq!(after["web"].restarts, before["web"].restarts, "restarted once");
    let done = world.remediations();
    assert_eq!(done.len(), 1, "{done:#?}");
    assert_eq!((target(&done[0]).as_str(), &done[0]["state"]), ("web", &json!("verified")));
    assert_eq!(world.incident("process_down", "pm2:web")["resolved"]["resolution"], "auto_fixed");
    world.run(0);
    assert_eq!(touched(&after, &apps.lives()), names([]), "a second run does nothing");
}

#[test]
fn an_app_that_pm2_gave_up_on_is_restarted_and_proved() {
    crashed_app_is_repaired("socket");
}

#[test]
fn an_app_that_pm2_gave_up_on_is_restarted_and_proved_through_the_command_line() {
    crashed_app_is_repaired("cli");
}

#[test]
fn an_app_that_no_restart_helps_is_tried_twice_and_escalated() {
    let Some(apps) = Apps::start(&["web", "api", "beside"]) else { return };
    let world = apps.world(LONG, "back_off = \"1s\"\n", &["web", "api"]);
    world.run(0);
    apps.tell("web", "bad");
    apps.give_up(&["web"]);
    for attempt in 1..=2 {
        let before = apps.lives();
        let report = world.run(1);
        assert_eq!(touched(&before, &apps.lives()), names(["web"]), "{report}");
        assert_eq!(world.remediations().len(), attempt, "{report}");
        std::thread::sleep(Duration::from_millis(1_500));
    }
    for _ in 0..2 {
        let before = apps.lives();
        world.run(1);
        assert_eq!(touched(&before, &apps.lives()), names([]), "no third attempt");
    }
    let done = world.remediations();
    assert!(done.len() == 2 && done.iter().all(|of| of["state"] == "failed"), "{done:#?}");
    let incident = world.incident("process_down", "pm2:web");
    assert!(!incident["escalated"].is_null() && incident["resolved"].is_null(), "{incident:#}");
}

/// What its manager tried before it gave up is the history of the same fault, and a restart that helped ended it.
#[test]
fn an_app_that_died_often_before_pm2_gave_up_is_one_incident() {
    let Some(apps) = Apps::start(&["api", "beside"]) else { return };
    apps.add("web", &json!({ "max_restarts": 8 }));
    let world = apps.world(SETTLE, "", &["web", "api"]);
    world.run(0);
    apps.break_once(&["web"]);
    world.run(0);
    let all = world.incidents();
    assert_eq!(all.as_array().map(Vec::len), Some(1), "{all:#}");
}

/// Measured: PM2 gives up only within the first seconds of an app. One that has been well for longer and then keeps
/// dying is started again for ever.
#[test]
fn an_app_that_pm2_starts_again_for_ever_is_a_storm_and_left_alone() {
    let Some(apps) = Apps::start(&["web", "api", "beside"]) else { return };
    let world = apps.world(SETTLE, "", &["web", "api"]);
    world.run(0);
    let before = apps.lives();
    apps.await_age("web", Duration::from_secs(3));
    apps.tell("web", "bad");
    apps.kill("web");
    apps.await_life("web", |life| life.restarts > before["web"].restarts + 6);
    let (_, report) = world.run_anyhow();
    let incident = world.incident("restart_storm", "pm2:web");
    assert!(incident["resolved"].is_null(), "{report}{incident:#}");
    assert_eq!(world.remediations().len(), 0, "{report}");
    assert_eq!(touched(&before, &apps.lives()), names(["web"]));
    apps.untell("web", "bad");
    apps.await_well("web");
    world.run_anyhow();
    world.run(0);
    assert!(!world.incident("restart_storm", "pm2:web")["resolved"].is_null());
}

#[test]
fn an_app_that_somebody_stopped_is_left_alone() {
    let Some(apps) = Apps::start(&["web", "api", "beside"]) else { return };
    let world = apps.world(SETTLE, "", &["web", "api"]);
    world.run(0);
    apps.pm2.pm2(&["stop", "web"]);
    let before = apps.lives();
    for _ in 0..3 {
        world.run(1);
        assert_eq!(touched(&before, &apps.lives()), names([]));
    }
    let incident = world.incident("process_down", "pm2:web");
    assert_eq!(incident["severity"], "warning", "{incident:#}");
    assert_eq!(world.remediations().len(), 0);
    apps.pm2.pm2(&["start", "web"]);
    world.run(0);
    assert!(!world.incident("process_down", "pm2:web")["resolved"].is_null());
}

#[test]
fn an_app_that_is_gone_is_an_incident_until_it_is_back() {
    let Some(apps) = Apps::start(&["web", "api", "beside"]) else { return };
    let world = apps.world(SETTLE, "", &["web", "api"]);
    world.run(0);
    apps.pm2.pm2(&["delete", "web"]);
    let before = apps.lives();
    for _ in 0..3 {
        world.run(1);
        assert_eq!(touched(&before, &apps.lives()), names([]));
        assert!(world.incident("process_down", "pm2:web")["resolved"].is_null());
    }
    apps.add("web", &json!({}));
    let before = apps.lives();
    world.run(0);
    assert_eq!(touched(&before, &apps.lives()), names([]));
    assert!(!world.incident("process_down", "pm2:web")["resolved"].is_null());
    assert_eq!(world.remediations().len(), 0);
}

#[test]
fn of_a_cluster_only_the_bad_instance_is_restarted() {
    let Some(apps) = Apps::start(&["api", "beside"]) else { return };
    apps.add("web", &json!({ "instances": 3, "exec_mode": "cluster" }));
    let world = apps.world(SETTLE, "", &["web", "api"]);
    world.run(0);
    apps.tell("web", "bad1");
    apps.give_up(&["web#1"]);
    apps.untell("web", "bad1");
    assert_eq!(apps.lives()["web#1"].status, "errored");
    let before = apps.lives();
    let report = world.run(0);
    assert_eq!(touched(&before, &apps.lives()), names(["web#1"]), "{report}");
    let done = world.remediations();
    assert_eq!(done.len(), 1, "{done:#?}");
    assert_eq!((target(&done[0]).as_str(), &done[0]["state"]), ("web#1", &json!("verified")));
}

/// PM2 itself fires above the whole limit only, and looks every half a minute.
fn greedy_app_is_relieved(options: &serde_json::Value, label: &str, operation: &str) {
    let Some(apps) = Apps::start(&["api", "beside"]) else { return };
    apps.add("web", options);
    let world = apps.world(SETTLE, "", &["web", "api"]);
    world.run(0);
    apps.tell("web", "greedy0");
    apps.await_memory(label, 178 << 20);
    apps.untell("web", "greedy0");
    let before = apps.lives();
    let report = world.run(0);
    assert_eq!(touched(&before, &apps.lives()), names([label]), "{report}");
    let done = world.remediations();
    assert_eq!(done.len(), 1, "{done:#?}");
    assert_eq!((target(&done[0]).as_str(), &done[0]["state"]), (label, &json!("verified")));
    assert!(!done[0]["operation"][operation].is_null(), "{done:#?}");
    let incident = world.incident("process_memory", &format!("pm2:{label}"));
    assert_eq!(incident["resolved"]["resolution"], "auto_fixed", "{incident:#}");
}

#[test]
fn an_app_near_its_own_limit_is_restarted_once() {
    greedy_app_is_relieved(&json!({ "max_memory_restart": "200M" }), "web", "restart_process");
}

#[test]
fn an_instance_near_its_own_limit_is_reloaded_once() {
    let cluster = json!({ "max_memory_restart": "200M", "instances": 2, "exec_mode": "cluster" });
    greedy_app_is_relieved(&cluster, "web#0", "reload_process");
}

#[test]
fn without_its_daemon_everything_is_unknown_and_no_daemon_is_started() {
    for read in ["socket", "cli"] {
        let Some(apps) = Apps::start(&["web", "api", "beside"]) else { return };
        let world = apps.world_by(read, SETTLE, "", &["web", "api"]);
        apps.pm2.pm2(&["stop", "web"]);
        world.run(1);
        apps.pm2.kill_daemon();
        for _ in 0..3 {
            let report = world.run(2);
            let there = UnixStream::connect(apps.pm2.home().join("rpc.sock"));
            assert!(there.is_err(), "{read}: a daemon was started: {report}");
            assert!(world.incident("process_down", "pm2:web")["resolved"].is_null(), "{report}");
        }
        assert_eq!(world.remediations().len(), 0);
        let runs = world.asked(&["runs", "-n", "1"]);
        assert!(runs[0]["unknown"].to_string().contains("process_down"), "{runs:#}");
    }
}

#[test]
fn an_app_that_the_settings_do_not_name_is_never_touched() {
    let Some(apps) = Apps::start(&["web", "api", "beside"]) else { return };
    let world = apps.world(SETTLE, "", &["web", "api"]);
    world.run(0);
    apps.break_once(&["beside"]);
    let before = apps.lives();
    for _ in 0..2 {
        world.run(0);
        assert_eq!(touched(&before, &apps.lives()), names([]));
    }
    assert_eq!(world.incidents(), json!([]));
}
