use proptest::prelude::*;
use serde_json::json;

use super::*;

fn row(name: &str, pm_id: u64, env: &Value) -> Value {
    let mut whole = json!({
        "status": "online", "pm_uptime": 1_795_197_677_312_u64, "exec_mode": "fork_mode",
        "autorestart": true, "restart_time": 3, "pm_exec_path": "/dev/null", "pm_cwd": "/",
        "pm_err_log_path": "/e.log", "pm_out_log_path": "/o.log", "treekill": true,
        "env": { "PASSWORD": "hunter2" },
    });
    for (field, value) in env.as_object().unwrap() {
        whole[field] = value.clone();
    }
    json!({ "name": name, "pm_id": pm_id, "pid": 77, "monit": { "memory": 5_000, "cpu": 1.5 }, "pm2_env": whole })
}

fn read_values(rows: &[Value]) -> Sight<Vec<ProcessReading>> {
    let json = serde_json::to_vec(rows).unwrap();
    Ok(readings(read(&json)?).items)
}

fn one(pid: u64, env: &Value) -> Sight<ProcessReading> {
    let mut row = row("web", 4, env);
    row["pid"] = json!(pid);
    Ok(read_values(&[row])?.remove(0))
}

fn status_of(pid: u64, env: &Value) -> ProcessStatus {
    one(pid, env).unwrap().status
}

#[test]
fn a_running_process_is_read_with_its_identity() {
    let reading = one(77, &json!({ "max_memory_restart": "640M" })).unwrap();
    assert_eq!(reading.status, ProcessStatus::Online);
    assert_eq!(reading.identity.as_deref(), Some("77@1795197677312"));
    assert_eq!(reading.process.to_string(), "pm2:web");
    assert_eq!(reading.memory_bytes, Some(5_000));
    assert_eq!(reading.memory_limit_bytes, Some(640 * 1024 * 1024));
    assert_eq!(reading.restarts, Some(3));
    assert_eq!(reading.log_paths, ["/e.log", "/o.log"]);
    assert!(matches!(reading.startable, Startable::Plausible { .. }));
}

#[test]
fn every_status_word_has_one_meaning() {
    let words = [
        ("online", ProcessStatus::Online),
        ("launching", ProcessStatus::Starting),
        ("stopping", ProcessStatus::Stopping),
        ("stopped", ProcessStatus::Stopped),
        ("waiting restart", ProcessStatus::WaitingRestart),
    ];
    for (word, status) in words {
        assert_eq!(status_of(77, &json!({ "status": word })), status, "{word}");
    }
    assert_eq!(status_of(0, &json!({ "status": "errored" })), ProcessStatus::Errored);
    let not_stopped_in_time = status_of(77, &json!({ "status": "errored" }));
    assert_eq!(not_stopped_in_time, ProcessStatus::Stopping, "it still runs");
}

#[test]
fn an_unknown_status_word_blinds_the_whole_listing() {
    for word in ["one-launch-status", "", "ONLINE", "on fire"] {
        let rows = [row("a", 0, &json!({})), row("web", 1, &json!({ "status": word }))];
        let blind = read_values(&rows).unwrap_err();
        assert!(blind.why.contains("`web`"), "{blind}");
    }
}

#[test]
fn a_one_off_that_failed_crashed_and_a_stopped_service_did_not() {
    let stopped = |env: Value| {
        let mut env = env;
        env["status"] = json!("stopped");
        status_of(0, &env)
    };
    assert_eq!(stopped(json!({ "autorestart": false, "exit_code": 3 })), ProcessStatus::Crashed);
    assert_eq!(stopped(json!({ "autorestart": false, "exit_code": 0 })), ProcessStatus::Stopped);
    assert_eq!(stopped(json!({ "autorestart": true, "exit_code": 3 })), ProcessStatus::Stopped);
    let planned = json!({ "autorestart": false, "exit_code": 3, "cron_restart": "0 * * * *" });
    assert_eq!(stopped(planned), ProcessStatus::Stopped);
    let wanted = json!({ "autorestart": false, "exit_code": 3, "stop_exit_codes": [0, "3"] });
    assert_eq!(stopped(wanted), ProcessStatus::Stopped);
    // Whoever PM2 killed may have answered a stop with an error, and so may whoever it kills without a trace.
    let killed = json!({ "autorestart": false, "exit_code": 1, "_tree_pids": [77] });
    assert_eq!(stopped(killed), ProcessStatus::Stopped);
    let traceless = json!({ "autorestart": false, "exit_code": 1, "treekill": false });
    assert_eq!(stopped(traceless), ProcessStatus::Stopped);
}

#[test]
fn waiting_without_a_pid_is_not_waiting() {
    let waiting = |env: Value| {
        let mut env = env;
        env["status"] = json!("waiting restart");
        status_of(0, &env)
    };
    assert_eq!(waiting(json!({ "exit_code": 3 })), ProcessStatus::Errored);
    assert_eq!(waiting(json!({ "autorestart": false, "exit_code": 3 })), ProcessStatus::Crashed);
    assert_eq!(waiting(json!({ "autorestart": false, "exit_code": 0 })), ProcessStatus::Stopped);
    assert_eq!(waiting(json!({ "exit_code": 3, "stop_exit_codes": 3 })), ProcessStatus::Stopped);
}

#[test]
fn instances_are_counted_within_their_name_in_the_order_of_pm2() {
    let rows = [
        row("w", 12, &json!({})),
        row("api", 5, &json!({})),
        row("w", 7, &json!({})),
        row("w", 9, &json!({})),
    ];
    let names: Vec<_> =
        read_values(&rows).unwrap().iter().map(|reading| reading.process.to_string()).collect();
    assert_eq!(names, ["pm2:api", "pm2:w#0", "pm2:w#1", "pm2:w#2"]);
    let listed = read(&serde_json::to_vec(&rows).unwrap()).unwrap();
    assert_eq!(listed.iter().map(|listed| listed.pm_id).collect::<Vec<_>>(), [5, 7, 9, 12]);
}

#[test]
fn a_process_that_a_reload_replaces_is_no_instance() {
    let mut outgoing = row("w", 0, &json!({}));
    outgoing["pm_id"] = json!("_old_0");
    let readings = read_values(&[outgoing, row("w", 0, &json!({}))]).unwrap();
    assert_eq!(readings.len(), 1);
    assert_eq!(readings[0].process.instance, None);
    let mut odd = row("w", 0, &json!({}));
    odd["pm_id"] = json!("new_0");
    assert!(read_values(&[odd]).is_err());
}

#[test]
fn nothing_and_nonsense_are_blind_and_never_an_empty_list() {
    for json in ["", "[]", "null", "{}", "[{}]", "[[]]", "[null]", r#"[{"name":"a","pm_id":0}]"#] {
        assert!(read(json.as_bytes()).is_err(), "{json}");
    }
    let blind = read(b"[]").unwrap_err();
    assert_eq!(blind.why, "PM2 knows no process: it may have lost them");
}

#[test]
fn an_answer_that_is_not_understood_is_not_repeated() {
    let mut bad = row("web", 0, &json!({}));
    bad["pm2_env"]["status"] = json!(["hunter2"]);
    assert!(!read_values(&[bad]).unwrap_err().why.contains("hunter2"));
}

#[test]
fn a_process_that_could_not_start_again_is_blocked() {
    for env in [
        json!({ "pm_exec_path": "/nowhere/x.js" }),
        json!({ "pm_cwd": "/nowhere" }),
        json!({ "autostart": false }),
    ] {
        let reading = one(77, &env).unwrap();
        assert!(matches!(reading.startable, Startable::Blocked { .. }), "{env}");
    }
    let unnamed = one(77, &json!({ "pm_exec_path": null })).unwrap();
    assert!(matches!(unnamed.startable, Startable::Unprovable { .. }));
}

#[test]
fn a_limit_is_derived_only_from_what_is_understood() {
    let limit =
        |value: Value| one(77, &json!({ "max_memory_restart": value })).unwrap().memory_limit_bytes;
    assert_eq!(limit(json!(671_088_640)), Some(671_088_640));
    assert_eq!(limit(json!("1g")), Some(1 << 30));
    assert_eq!(limit(json!("512KB")), Some(512 << 10));
    for odd in
        [json!(null), json!("lots"), json!(""), json!(0), json!(-5), json!("1.5G"), json!([])]
    {
        assert_eq!(limit(odd.clone()), None, "{odd}");
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic_and_never_list(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(read(&bytes).is_err());
    }

    #[test]
    fn a_truncated_listing_is_never_a_list(cut in 0..2_000_usize) {
        let whole = serde_json::to_vec(&[row("a", 0, &json!({})), row("b", 1, &json!({}))]).unwrap();
        prop_assume!(cut < whole.len());
        prop_assert!(read(&whole).is_ok());
        prop_assert!(read(&whole[..cut]).is_err());
    }
}
