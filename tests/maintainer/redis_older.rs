//! Servers that tell of themselves what a test cannot wait for, or less, as older versions do: real ones, behind somebody who
//! changes a line of their answers.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::Duration;

use super::peers::wait_until;
use super::peers_redis::PrivateRedis;
use super::redis_house::RedisHouse;

const SOON: Duration = Duration::from_secs(10);

/// Lines of an answer to INFO, told otherwise, or not at all.
type Lines = &'static [(&'static str, Option<&'static str>)];

/// Passes everything on, but for these lines.
fn retold(lines: Lines, server: &Path, here: &Path) {
    let listener = UnixListener::bind(here).expect("a socket");
    let server = server.to_owned();
    std::thread::spawn(move || {
        for near in listener.incoming().flatten() {
            let far = UnixStream::connect(&server).expect("it listens");
            let (asked, told) = (near.try_clone().expect("a socket"), near);
            let (ask, tell) = (far.try_clone().expect("a socket"), far);
            std::thread::spawn(move || pass(asked, ask, <[u8]>::to_vec));
            std::thread::spawn(move || pass(tell, told, |answer| changed(lines, answer)));
        }
    });
}

/// One way of it. An answer to INFO is waited for whole: it ends with the keys, and comes in more than one piece.
fn pass(mut from: UnixStream, mut to: UnixStream, as_told: impl Fn(&[u8]) -> Vec<u8>) {
    let (mut room, mut held) = ([0; 4096], Vec::new());
    while let Ok(many @ 1..) = from.read(&mut room) {
        held.extend_from_slice(&room[..many]);
        if length(&held).is_none_or(|length| held.len() >= length) {
            let _gone = to.write_all(&as_told(&held));
            held.clear();
        }
    }
    let _gone = to.shutdown(std::net::Shutdown::Both);
}

/// How long an answer of one text is, with what stands before and behind it.
fn length(answer: &[u8]) -> Option<usize> {
    let text = str::from_utf8(answer).ok()?;
    let (head, _) = text.strip_prefix('$')?.split_once("\r\n")?;
    Some(head.len() + head.parse::<usize>().ok()? + 5)
}

fn changed(lines: Lines, answer: &[u8]) -> Vec<u8> {
    let text = str::from_utf8(answer).unwrap_or_default();
    let Some((_, body)) = text.split_once("\r\n").filter(|_| text.contains("redis_version:"))
    else {
        return answer.to_vec();
    };
    let told = body.trim_end_matches("\r\n").split("\r\n").filter_map(|line| {
        let name = line.split(':').next().unwrap_or_default();
        match lines.iter().find(|(changed, _)| *changed == name) {
            Some((_, value)) => value.map(|value| format!("{name}:{value}")),
            None => Some(line.to_owned()),
        }
    });
    let told = told.collect::<Vec<_>>().join("\r\n");
    format!("${}\r\n{told}\r\n", told.len()).into_bytes()
}

#[test]
fn a_server_before_6_2_is_seen_and_its_limit_of_clients_is_asked_for() {
    let Some(server) = PrivateRedis::start("maxclients 10") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path().join("old.sock");
    retold(&[("maxclients", None)], &server.socket(), &here);
    let grant = ["ACL", "SETUSER", "ops", "on", ">s3cret-ops", "+info", "+ping", "+client|setname"];
    server.cli(&grant);
    let mut house = RedisHouse::of(server);
    let url = format!("redis+unix://{}", here.display());
    house.at(Some(&url));
    let report = house.tend();
    assert_eq!((report.left("redis"), report.code), (String::new(), Some(0)), "{report:#?}");
    let sessions = [(); 8].map(|()| house.server.begin_command(&["BLPOP", "no", "0"]));
    let connected = || house.server.info("blocked_clients") == "8";
    assert!(wait_until(SOON, connected), "{}", house.server.log());
    let report = house.tend();
    let said = report.left("redis_clients");
    assert!(said.contains("nearly as many clients as it takes (maxclients is 10)"), "{report:#?}");
    drop(sessions);
    // Whoever may not ask does not know this alone.
    house.at(Some(&format!("{url}?user=ops&pass=s3cret-ops")));
    let report = house.tend();
    let unknown = report.report["unknown"].as_object().expect("by check");
    assert_eq!(unknown.keys().collect::<Vec<_>>(), ["redis_clients"], "{report:#?}");
    assert!(unknown["redis_clients"].to_string().contains("CONFIG GET"), "{report:#?}");
    assert_eq!(report.code, Some(2), "{report:#?}");
}

#[test]
fn a_server_that_has_lost_its_master_is_told_after_a_while_and_no_run_after_that_is_red() {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
    let port = free.expect("an address").port();
    let settings = format!("port {port}\nbind 127.0.0.1\nrepl-diskless-sync-delay 0");
    let Some(mut first) = PrivateRedis::start(&settings) else { return };
    let Some(second) = PrivateRedis::start(&format!("replicaof 127.0.0.1 {port}")) else { return };
    let follows = |server: &PrivateRedis| server.info("master_link_status") == "up";
    assert!(wait_until(SOON, || follows(&second)), "{}", second.log());
    first.kill();
    assert!(wait_until(SOON, || !follows(&second)), "{}", second.log());
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path().join("longer.sock");
    let mut house = RedisHouse::of(second);
    let report = house.tend();
    assert_eq!((report.left("redis"), report.code), (String::new(), Some(0)), "{report:#?}");
    let longer: Lines =
        &[("uptime_in_seconds", Some("9000")), ("master_link_down_since_seconds", Some("300"))];
    retold(longer, &house.server.socket(), &here);
    house.at(Some(&format!("redis+unix://{}", here.display())));
    let report = house.tend();
    let said = report.left("redis_cut_off");
    assert!(said.contains("has not heard of it for minutes"), "{report:#?}");
    assert_eq!(report.code, Some(1), "{report:#?}");
    assert!(house.advice().contains("INFO replication"), "{}", house.advice());
    assert_eq!(house.tend().code, Some(0), "a person knows");
    house.server.cli(&["REPLICAOF", "NO", "ONE"]);
    let report = house.tend();
    assert_eq!((report.left("redis"), report.code), (String::new(), Some(0)), "{report:#?}");
}
