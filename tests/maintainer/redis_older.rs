//! Servers that tell less of themselves, as older versions do: a real one, behind somebody who leaves lines out of its answers.

use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::Duration;

use super::peers::wait_until;
use super::peers_redis::PrivateRedis;
use super::redis_house::RedisHouse;

const SOON: Duration = Duration::from_secs(10);

/// Passes everything on, but for the line of this name in answers to INFO.
fn without(name: &'static str, server: &Path, here: &Path) {
    let listener = UnixListener::bind(here).expect("a socket");
    let server = server.to_owned();
    std::thread::spawn(move || {
        for near in listener.incoming().flatten() {
            let far = UnixStream::connect(&server).expect("it listens");
            let (asked, told) = (near.try_clone().expect("a socket"), near);
            let (ask, tell) = (far.try_clone().expect("a socket"), far);
            std::thread::spawn(move || pass(asked, ask, <[u8]>::to_vec));
            std::thread::spawn(move || pass(tell, told, |answer| left_out(name, answer)));
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

fn left_out(name: &str, answer: &[u8]) -> Vec<u8> {
    let text = str::from_utf8(answer).unwrap_or_default();
    let Some((_, body)) = text.split_once("\r\n").filter(|_| text.contains("redis_version:"))
    else {
        return answer.to_vec();
    };
    let lines = body.trim_end_matches("\r\n").split("\r\n");
    let kept: Vec<&str> = lines.filter(|line| !line.starts_with(&format!("{name}:"))).collect();
    let kept = kept.join("\r\n");
    format!("${}\r\n{kept}\r\n", kept.len()).into_bytes()
}

#[test]
fn a_server_before_6_2_is_seen_and_its_limit_of_clients_is_asked_for() {
    let Some(server) = PrivateRedis::start("maxclients 10") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path().join("old.sock");
    without("maxclients", &server.socket(), &here);
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
