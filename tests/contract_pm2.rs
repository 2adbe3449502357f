//! What the PM2 adapter promises, proved on a real PM2: the same assertions through its socket and through its
//! command line.

use std::time::Duration;

use opswarden::adapters::pm2::{Pm2, Pm2Read};
use opswarden::domain::process::{
    ManagerKind, ProcessReading, ProcessRef, ProcessStatus, Startable,
};
use opswarden::ports::processes::{ActFailure, ProcessControl as _, Processes as _};
use peers_pm2::PrivatePm2;
use serde_json::{Value, json};

#[path = "support/peers.rs"]
mod peers;
#[path = "support/peers_pm2.rs"]
mod peers_pm2;

const BOTH: [Pm2Read; 2] = [Pm2Read::Socket, Pm2Read::Cli];
const IDLE: &str = "console.log('ready'); setInterval(() => {}, 1000);";
const DIES: &str = "console.error('no luck'); setTimeout(() => process.exit(3), 150);";

fn adapter(pm2: &PrivatePm2, read: Pm2Read) -> Pm2 {
    Pm2::new(pm2.home(), read, pm2.cli())
}

fn app(name: &str, instance: Option<u32>) -> ProcessRef {
    ProcessRef { manager: ManagerKind::Pm2, name: name.to_owned(), instance }
}

fn find(readings: &[ProcessReading], process: &ProcessRef) -> ProcessReading {
    let found = readings.iter().find(|reading| reading.process == *process);
    found.unwrap_or_else(|| panic!("{process} is not in {readings:#?}")).clone()
}

async fn list(pm2: &Pm2) -> Vec<ProcessReading> {
    let scan = pm2.list().await.expect("PM2 is seen");
    assert_eq!(scan.cut_short, None);
    scan.items
}

async fn read(pm2: &Pm2, process: &ProcessRef) -> ProcessReading {
    find(&list(pm2).await, process)
}

async fn until_status(pm2: &Pm2, process: &ProcessRef, status: ProcessStatus) -> ProcessReading {
    for _ in 0..400 {
        let scan = pm2.list().await.expect("PM2 is seen");
        let found = scan.items.into_iter().find(|reading| reading.process == *process);
        if let Some(reading) = found.filter(|reading| reading.status == status) {
            return reading;
        }
        pause().await;
    }
    panic!("{process} never became {}", status.as_str());
}

#[expect(clippy::disallowed_methods, reason = "a real peer takes its time")]
async fn pause() {
    tokio::time::sleep(Duration::from_millis(25)).await;
}

#[tokio::test]
async fn both_ways_see_the_same_and_only_the_named_process_is_restarted() {
    let Some(pm2) = PrivatePm2::start() else { return };
    pm2.start_app("web", IDLE, &json!({ "max_memory_restart": "640M" }));
    pm2.start_app("api", IDLE, &json!({ "env": { "PASSWORD": "hunter2-hunter2" } }));
    let (web, api) = (app("web", None), app("api", None));
    let seen: Vec<_> = {
        let mut seen = Vec::new();
        for way in BOTH {
            let mut readings = list(&adapter(&pm2, way)).await;
            for reading in &mut readings {
                reading.memory_bytes = None;
            }
            seen.push(readings);
        }
        seen
    };
    assert_eq!(seen[0], seen[1]);
    assert!(!format!("{seen:?}").contains("hunter2"));
    for way in BOTH {
        let manager = adapter(&pm2, way);
        let (before, beside) = (read(&manager, &web).await, read(&manager, &api).await);
        assert_eq!(before.status, ProcessStatus::Online);
        assert!(before.memory_bytes.is_some_and(|bytes| bytes > 1_000_000));
        assert_eq!(before.memory_limit_bytes, Some(640 * 1024 * 1024));
        assert!(matches!(before.startable, Startable::Plausible { .. }), "{:?}", before.startable);
        manager.restart(&web).await.expect("it restarts");
        let after = until_status(&manager, &web, ProcessStatus::Online).await;
        assert_ne!(after.identity, before.identity, "{way:?}");
        assert_eq!(after.restarts, before.restarts.map(|count| count + 1));
        assert_eq!(read(&manager, &api).await.identity, beside.identity, "{way:?}");
        let log = manager.log_tail(&after, 1_000).await.expect("its log is read");
        assert!(log.contains("ready") && log.len() <= 1_000, "{log}");
    }
}

#[tokio::test]
async fn a_process_that_nobody_will_start_again_is_started() {
    let Some(pm2) = PrivatePm2::start() else { return };
    let cases: [(&str, Value, ProcessStatus); 5] = [
        ("once", json!({ "autorestart": false }), ProcessStatus::Crashed),
        ("gave-up", json!({ "max_restarts": 2 }), ProcessStatus::Errored),
        ("waits", json!({ "exp_backoff_restart_delay": 600_000 }), ProcessStatus::WaitingRestart),
        ("gave-up-late", json!({ "restart_delay": 50, "max_restarts": 2 }), ProcessStatus::Errored),
        ("once-late", json!({ "restart_delay": 50, "autorestart": false }), ProcessStatus::Crashed),
    ];
    for (name, options, _) in &cases {
        pm2.start_app(name, DIES, options);
    }
    for (name, _, status) in &cases {
        let process = app(name, None);
        for way in BOTH {
            let manager = adapter(&pm2, way);
            let before = until_status(&manager, &process, *status).await;
            assert_eq!(before.last_exit.as_deref(), Some("exit code 3"));
            // It is well from now on, so that the new life lasts long enough to be seen.
            std::fs::write(pm2.apps().join(format!("{name}.js")), IDLE).expect("it is written");
            manager.restart(&process).await.unwrap_or_else(|why| panic!("{name} {way:?}: {why}"));
            let after = until_status(&manager, &process, ProcessStatus::Online).await;
            assert_ne!(after.identity, before.identity, "{name} {way:?}");
            let log = manager.log_tail(&after, 10_000).await.expect("its log is read");
            assert!(log.contains("no luck"), "{log}");
            if way == Pm2Read::Socket {
                // Back into the same state for the other way.
                pm2.pm2(&["delete", name]);
                let (_, options, _) = cases.iter().find(|case| case.0 == *name).expect("listed");
                pm2.start_app(name, DIES, options);
            }
        }
    }
}

#[tokio::test]
async fn a_process_that_somebody_stopped_is_stopped_and_not_crashed() {
    let Some(pm2) = PrivatePm2::start() else { return };
    pm2.start_app("web", IDLE, &json!({}));
    pm2.pm2(&["stop", "web"]);
    for way in BOTH {
        let reading = read(&adapter(&pm2, way), &app("web", None)).await;
        assert_eq!(reading.status, ProcessStatus::Stopped, "{way:?}");
        assert_eq!(reading.identity, None);
    }
}

#[tokio::test]
async fn a_process_that_answers_a_stop_with_an_error_was_stopped_all_the_same() {
    const STUBBORN: &str =
        "process.on('SIGINT', () => process.exit(1)); setInterval(() => {}, 1000);";
    let Some(pm2) = PrivatePm2::start() else { return };
    pm2.start_app("once", STUBBORN, &json!({ "autorestart": false }));
    pm2.pm2(&["stop", "once"]);
    for way in BOTH {
        let reading = read(&adapter(&pm2, way), &app("once", None)).await;
        assert_eq!(reading.last_exit.as_deref(), Some("exit code 1"), "{way:?}");
        assert_eq!(reading.status, ProcessStatus::Stopped, "{way:?}");
    }
}

#[tokio::test]
async fn a_whole_cluster_is_reloaded_and_no_other_app() {
    let Some(pm2) = PrivatePm2::start() else { return };
    pm2.start_app("api", IDLE, &json!({ "instances": 2, "exec_mode": "cluster" }));
    pm2.start_app("web", IDLE, &json!({}));
    for way in BOTH {
        let manager = adapter(&pm2, way);
        let before = list(&manager).await;
        let whole = ProcessReading::of(&app("api", None), &before).expect("both together");
        assert!(whole.can_reload && whole.status == ProcessStatus::Online);
        let said = manager.reload(&app("api", None)).await.expect("it reloads");
        assert!(said.contains("2 processes"), "{said}");
        for instance in [app("api", Some(0)), app("api", Some(1))] {
            let after = until_status(&manager, &instance, ProcessStatus::Online).await;
            assert_ne!(after.identity, find(&before, &instance).identity, "{instance} {way:?}");
        }
        let web = read(&manager, &app("web", None)).await;
        assert_eq!(web.identity, find(&before, &app("web", None)).identity, "{way:?}");
    }
}

#[tokio::test]
async fn one_bad_instance_of_a_cluster_is_restarted_alone_and_a_cluster_reloads() {
    let Some(pm2) = PrivatePm2::start() else { return };
    pm2.start_app("web", IDLE, &json!({ "instances": 3, "exec_mode": "cluster" }));
    let instances: Vec<_> = (0..3).map(|n| app("web", Some(n))).collect();
    for way in BOTH {
        let manager = adapter(&pm2, way);
        let before = list(&manager).await;
        manager.restart(&instances[1]).await.expect("it restarts");
        until_status(&manager, &instances[1], ProcessStatus::Online).await;
        let after = list(&manager).await;
        for (n, instance) in instances.iter().enumerate() {
            let same = find(&before, instance).identity == find(&after, instance).identity;
            assert_eq!(same, n != 1, "{instance} {way:?}");
        }
        assert!(find(&after, &instances[0]).can_reload);
    }
    let manager = adapter(&pm2, Pm2Read::Socket);
    let before = list(&manager).await;
    manager.reload(&instances[2]).await.expect("it reloads");
    let after = list(&manager).await;
    assert_eq!(after.len(), 3);
    assert_ne!(find(&before, &instances[2]).identity, find(&after, &instances[2]).identity);
    assert_eq!(find(&before, &instances[0]).identity, find(&after, &instances[0]).identity);
}

#[tokio::test]
async fn a_process_that_cannot_reload_is_left_alone() {
    let Some(pm2) = PrivatePm2::start() else { return };
    pm2.start_app("web", IDLE, &json!({}));
    for way in BOTH {
        let manager = adapter(&pm2, way);
        let before = read(&manager, &app("web", None)).await;
        let refused = manager.reload(&app("web", None)).await;
        assert!(matches!(refused, Err(ActFailure::Refused(_))), "{refused:?}");
        assert_eq!(read(&manager, &app("web", None)).await.identity, before.identity);
    }
}

#[tokio::test]
async fn a_process_is_found_again_by_name_after_it_was_deleted_and_added() {
    let Some(pm2) = PrivatePm2::start() else { return };
    for name in ["web", "api"] {
        pm2.start_app(name, IDLE, &json!({}));
    }
    for way in BOTH {
        let manager = adapter(&pm2, way);
        pm2.pm2(&["delete", "web"]);
        let gone = manager.restart(&app("web", None)).await;
        assert!(matches!(gone, Err(ActFailure::Refused(_))), "{way:?} {gone:?}");
        assert!(list(&manager).await.iter().all(|reading| reading.process.name != "web"));
        pm2.start_app("web", IDLE, &json!({}));
        let (web, api) =
            (read(&manager, &app("web", None)).await, read(&manager, &app("api", None)).await);
        manager.restart(&app("web", None)).await.expect("it restarts");
        let after = until_status(&manager, &app("web", None), ProcessStatus::Online).await;
        assert_ne!(after.identity, web.identity);
        assert_eq!(read(&manager, &app("api", None)).await.identity, api.identity);
    }
}

#[tokio::test]
async fn a_daemon_that_is_gone_is_blind_and_is_not_brought_back_empty() {
    let Some(pm2) = PrivatePm2::start() else { return };
    for way in BOTH {
        let blind =
            adapter(&pm2, way).list().await.expect_err("an empty daemon lost its processes");
        assert_eq!(blind.why, "PM2 knows no process: it may have lost them");
    }
    pm2.start_app("web", IDLE, &json!({}));
    let old = pm2.daemon();
    pm2.kill_daemon();
    for way in BOTH {
        let manager = adapter(&pm2, way);
        let blind = manager.list().await.expect_err("nobody answers");
        assert!(blind.why.contains("rpc.sock"), "{blind}");
        let refused = manager.restart(&app("web", None)).await;
        assert!(matches!(refused, Err(ActFailure::Refused(_))), "{refused:?}");
        assert_eq!(pm2.daemon(), old, "{way:?} started a daemon");
    }
}
