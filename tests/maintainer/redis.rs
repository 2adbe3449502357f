//! What is found in a real Redis server, and what is left.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::Duration;

use super::authority::Authority;
use super::peers::wait_until;
use super::peers_redis::PrivateRedis;
use super::redis_house::RedisHouse;

const SOON: Duration = Duration::from_secs(10);

#[test]
fn a_healthy_server_is_silent_however_much_is_not_set_up() {
    let Some(server) = PrivateRedis::start("") else { return };
    server.fill("live", 5_000, None);
    let house = RedisHouse::of(server);
    let report = house.tend();
    assert_eq!(report.left("redis"), "", "{report:#?}");
    assert_eq!(report.code, Some(0), "{report:#?}");
    assert!(report.proved().is_empty(), "{report:#?}");
}

/// Its memory is so full, in percent.
fn fill_up(server: &PrivateRedis, percent: u64) {
    server.fill("full", 50_000, None);
    let used: u64 = server.info("used_memory").parse().expect("a number");
    server.cli(&["CONFIG", "SET", "maxmemory", &(used * 100 / percent).to_string()]);
}

#[test]
fn a_server_that_is_nearly_full_is_critical_where_it_refuses_writes_and_news_where_it_lets_keys_go()
{
    let Some(server) = PrivateRedis::start("maxmemory-policy noeviction") else { return };
    fill_up(&server, 97);
    let house = RedisHouse::of(server);
    let report = house.tend();
    let said = report.left("redis_memory");
    assert!(said.contains("more than 95 %") && said.contains("it refuses writes"), "{report:#?}");
    assert!(report.report.to_string().contains("\"critical\""), "{report:#?}");
    assert_eq!(report.code, Some(1), "{report:#?}");
    assert!(house.advice().contains("CONFIG SET maxmemory"), "{}", house.advice());
    house.server.cli(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]);
    let report = house.tend();
    let said = report.left("redis_memory");
    assert!(said.contains("those that were not used for longest"), "{report:#?}");
    assert_eq!(report.code, Some(0), "a full cache is no trouble: {report:#?}");
    // None of the keys has an end, so that the policy finds none to let go.
    house.server.cli(&["CONFIG", "SET", "maxmemory-policy", "volatile-lru"]);
    let report = house.tend();
    let said = report.left("redis_memory");
    assert!(said.contains("only keys that expire, and few do"), "{report:#?}");
    assert_eq!(report.code, Some(1), "{report:#?}");
    house.server.cli(&["CONFIG", "SET", "maxmemory", "0"]);
    let report = house.tend();
    assert_eq!((report.left("redis"), report.code), (String::new(), Some(0)), "{report:#?}");
}

/// More keys than it has room for; then it has enough, so that it rests. How many it let go.
fn evicting(server: &PrivateRedis) -> u64 {
    server.cli(&["CONFIG", "SET", "maxmemory", "4mb"]);
    server.fill("short", 60_000, Some(3_600_000));
    let count = || server.info("evicted_keys").parse::<u64>().expect("a number");
    assert!(wait_until(SOON, || count() > 0), "{}", server.log());
    server.cli(&["CONFIG", "SET", "maxmemory", "40mb"]);
    count()
}

#[test]
fn keys_that_were_let_go_for_want_of_room_are_counted_from_one_run_to_the_next() {
    let Some(server) = PrivateRedis::start("maxmemory-policy volatile-lru") else { return };
    let mut house = RedisHouse::of(server);
    let report = house.tend();
    assert_eq!(report.left("redis_evicting"), "", "{report:#?}");
    let first = evicting(&house.server);
    let report = house.tend();
    let said = report.left("redis_evicting");
    assert!(said.contains(&format!("main let {first} keys go since 20")), "{first}: {said}");
    assert_eq!(report.code, Some(1), "they were to live longer: {report:#?}");
    let second = evicting(&house.server) - first;
    let said = house.tend().left("redis_evicting");
    assert!(said.contains(&format!("main let {second} keys go since 20")), "{second}: {said}");
    let report = house.tend();
    assert_eq!(report.left("redis_evicting"), "", "none since: {report:#?}");
    assert_eq!(report.code, Some(0), "{report:#?}");
    // It counts anew from its start on, which is told in whole seconds.
    std::thread::sleep(Duration::from_secs(3));
    house.server.restart();
    let third = evicting(&house.server);
    let said = house.tend().left("redis_evicting");
    let anew = format!("main let {third} keys go since it was started anew, 20");
    assert!(said.contains(&anew), "{third}: {said}");
}

#[test]
fn a_save_that_fails_is_critical_as_long_as_writes_are_refused_and_well_after_one_that_does_not() {
    let Some(server) = PrivateRedis::start("save 3600 1") else { return };
    let place = server.data().join("dump.rdb");
    std::fs::create_dir(&place).expect("its place is taken");
    server.fill("live", 10, None);
    server.cli(&["BGSAVE"]);
    let failed = || server.info("rdb_last_bgsave_status") == "err";
    assert!(wait_until(SOON, failed), "{}", server.log());
    assert!(server.cli(&["SET", "a", "b"]).contains("MISCONF"), "it refuses writes");
    let house = RedisHouse::of(server);
    let report = house.tend();
    let said = report.left("redis_persistence");
    assert!(said.contains("refuses writes until one succeeds"), "{report:#?}");
    assert_eq!(report.code, Some(1), "{report:#?}");
    assert!(house.advice().contains("BGSAVE"), "{}", house.advice());
    std::fs::remove_dir(&place).expect("it is free again");
    house.server.cli(&["BGSAVE"]);
    let saved = || house.server.info("rdb_last_bgsave_status") == "ok";
    assert!(wait_until(SOON, saved), "{}", house.server.log());
    let report = house.tend();
    assert_eq!((report.left("redis"), report.code), (String::new(), Some(0)), "{report:#?}");
}

#[test]
fn an_append_only_file_that_cannot_grow_is_critical() {
    let settings = "appendonly yes\nappendfsync everysec";
    let Some(server) = PrivateRedis::cramped(settings) else { return };
    server.fill("live", 5_000, None);
    let failed = || server.info("aof_last_write_status") == "err";
    assert!(wait_until(SOON, failed), "{}", server.log());
    let house = RedisHouse::of(server);
    let report = house.tend();
    let said = report.left("redis_persistence");
    assert!(said.contains("the append-only file of main cannot be written"), "{report:#?}");
    assert_eq!(report.code, Some(1), "{report:#?}");
}

#[test]
fn an_append_only_file_that_cannot_be_written_anew_is_told() {
    let Some(server) = PrivateRedis::start("appendonly yes") else { return };
    server.fill("live", 10, None);
    // What is written anew is a file of its own there.
    std::fs::remove_dir_all(server.data()).expect("its folder goes away");
    server.cli(&["BGREWRITEAOF"]);
    let failed = || server.info("aof_last_bgrewrite_status") == "err";
    assert!(wait_until(SOON, failed), "{}", server.log());
    let report = RedisHouse::of(server).tend();
    let said = report.left("redis_persistence");
    assert!(said.contains("it only grows") || said.contains("cannot be written"), "{report:#?}");
    assert_eq!(report.code, Some(1), "{report:#?}");
}

#[test]
fn why_a_server_cannot_be_reached_is_told_and_nothing_of_it_is_well() {
    let Some(server) = PrivateRedis::closed("s3cret-right") else { return };
    let mut house = RedisHouse::of(server);
    let report = house.tend();
    assert_eq!((report.left("redis"), report.code), (String::new(), Some(0)), "{report:#?}");
    let plain = format!("redis+unix://{}", house.server.socket().display());
    let wrong = format!("{plain}?user=default&pass=s3cr%65t-word");
    let nobody = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
    let nobody = nobody.expect("an address");
    let refused = format!("redis://:s3cr%65t-word@{nobody}");
    let tls = format!("rediss://:s3cr%65t-word@{nobody}");
    let mut all = String::new();
    for (url, why) in [
        (None, "is not given: set REDIS_URL or REDIS_URL_FILE"),
        (Some("mysql://ada:s3cr%65t-word@db.example.test/x"), "it is no address of a Redis server"),
        (Some(wrong.as_str()), "the user or the password of its address is wrong"),
        (Some(plain.as_str()), "it wants a password, and its address has none"),
        (Some(refused.as_str()), "Connection refused"),
        (Some(tls.as_str()), "Connection refused"),
        (Some("redis+unix:///nowhere/redis.sock"), "No such file"),
    ] {
        house.at(url);
        let report = house.tend();
        let said = report.left("redis_unreachable");
        assert!(said.contains(why), "{why}: {report:#?}");
        assert_eq!(report.code, Some(2), "not seen is not well: {report:#?}");
        all.push_str(&report.report.to_string());
    }
    house.at(Some(&wrong));
    for words in [&["status"][..], &["incidents"], &["doctor"], &["config", "show"]] {
        let output = house.output(words);
        all.push_str(&String::from_utf8_lossy(&[output.stdout, output.stderr].concat()));
    }
    for file in house.files() {
        all.push_str(&String::from_utf8_lossy(&std::fs::read(file).unwrap_or_default()));
    }
    for secret in ["s3cr%65t-word", "s3cret-word", "s3cret-right"] {
        assert!(!all.contains(secret), "{secret}");
    }
}

#[test]
fn a_server_is_reached_with_tls_only_where_its_certificate_is_trusted() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let (authority, other) = (Authority::new(), Authority::new());
    let own = authority.good();
    for (name, text) in [
        ("cert.pem", own.certificate),
        ("key.pem", own.key),
        ("ca.pem", authority.pem()),
        ("other.pem", other.pem()),
    ] {
        std::fs::write(at(name), text).expect("it is written");
    }
    let free = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
    let port = free.expect("an address").port();
    let here = folder.path().display();
    let settings = format!(
        "tls-port {port}\nbind 127.0.0.1\ntls-auth-clients no\ntls-cert-file {here}/cert.pem\n\
         tls-key-file {here}/key.pem\ntls-ca-cert-file {here}/ca.pem"
    );
    let Some(server) = PrivateRedis::start(&settings) else { return };
    let mut house = RedisHouse::of(server);
    house.at(Some(&format!("rediss://localhost:{port}")));
    house.trusting(&at("other.pem"));
    let report = house.tend();
    let said = report.left("redis_unreachable");
    assert!(said.contains("invalid peer certificate"), "{report:#?}");
    assert_eq!(report.code, Some(2), "{report:#?}");
    house.trusting(&at("ca.pem"));
    let report = house.tend();
    assert_eq!((report.left("redis"), report.code), (String::new(), Some(0)), "{report:#?}");
}

#[test]
fn a_server_that_goes_away_is_unreachable_and_one_with_too_many_clients_says_so() {
    let Some(server) = PrivateRedis::start("maxclients 10") else { return };
    let waiting = |server: &PrivateRedis, many: usize| {
        let sessions: Vec<_> =
            (0..many).map(|_| server.begin_command(&["BLPOP", "no", "0"])).collect();
        let connected = || server.info("blocked_clients") == many.to_string();
        assert!(wait_until(SOON, connected), "{}", server.log());
        sessions
    };
    let mut house = RedisHouse::of(server);
    let sessions = waiting(&house.server, 8);
    let report = house.tend();
    let said = report.left("redis_clients");
    assert!(said.contains("nearly as many clients as it takes"), "{report:#?}");
    let one_more = house.server.begin_command(&["BLPOP", "no", "0"]);
    assert!(wait_until(SOON, || house.server.info("blocked_clients") == "9"));
    // The place of whoever asked last may not be free yet, and a session that comes too early is turned away for good.
    let mut last = Vec::new();
    let full = || {
        let full = !house.server.asked(&["PING"]).contains("PONG");
        if !full {
            last.push(house.server.begin_command(&["BLPOP", "no", "0"]));
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        full
    };
    assert!(wait_until(SOON, full), "{}", house.server.log());
    let report = house.tend();
    let said = report.left("redis_unreachable");
    // Whether its words come before its end is the system's to say.
    let told = said.contains("max number of clients") || said.contains("(maxclients)");
    assert!(told, "{report:#?}");
    assert_eq!(report.code, Some(2), "{report:#?}");
    drop((sessions, one_more, last));
    let free = || house.server.info("connected_clients") == "1";
    assert!(wait_until(SOON, free), "{}", house.server.log());
    let report = house.tend();
    let said = report.left("redis_clients");
    assert!(said.contains("turned") && said.contains("clients away since"), "{report:#?}");
    house.server.kill();
    let report = house.tend();
    assert!(report.left("redis_unreachable").contains("cannot be reached"), "{report:#?}");
    assert_eq!(report.code, Some(2), "{report:#?}");
}

#[test]
fn what_a_user_may_not_see_is_not_known() {
    let Some(server) = PrivateRedis::start("save 3600 1") else { return };
    let grant = ["ACL", "SETUSER", "ops", "on", ">s3cret-ops", "+info", "+ping", "+client|setname"];
    server.cli(&grant);
    server.fill("live", 10, None);
    let url = format!("redis+unix://{}?user=ops&pass=s3cret-ops", server.socket().display());
    let mut house = RedisHouse::of(server);
    house.at(Some(&url));
    let report = house.tend();
    assert!(report.report["unknown"].to_string().contains("allow CONFIG GET"), "{report:#?}");
    assert_eq!(report.code, Some(2), "{report:#?}");
    house.server.cli(&["ACL", "SETUSER", "ops", "+config|get"]);
    let report = house.tend();
    assert_eq!(report.code, Some(0), "{report:#?}");
    house.server.cli(&["ACL", "SETUSER", "ops", "-info"]);
    let report = house.tend();
    assert!(report.left("redis_unreachable").contains("the user may not"), "{report:#?}");
}

#[test]
fn memory_that_holds_nothing_is_told() {
    let Some(server) = PrivateRedis::start("") else { return };
    server.fill("live", 200_000, None);
    let most = "for i = 1, 200000 do if i % 20 ~= 0 then redis.call('DEL', 'live' .. i) end end";
    server.cli(&["EVAL", most, "0"]);
    let house = RedisHouse::of(server);
    let report = house.tend();
    assert_eq!(report.left("redis_fragmented"), "", "so little is no matter: {report:#?}");
    house.settings("fragmentation_least_mib = 3");
    let report = house.tend();
    assert!(report.left("redis_fragmented").contains("much more memory"), "{report:#?}");
    assert_eq!(report.code, Some(1), "{report:#?}");
}

/// Passes everything on, and holds each question back for a while.
fn far_away(server: &Path, here: &Path) {
    let listener = UnixListener::bind(here).expect("a socket");
    let server = server.to_owned();
    std::thread::spawn(move || {
        for near in listener.incoming().flatten() {
            let far = UnixStream::connect(&server).expect("it listens");
            for (from, to, wait) in [(&near, &far, 150), (&far, &near, 0)] {
                let mut from = from.try_clone().expect("a socket");
                let mut to = to.try_clone().expect("a socket");
                std::thread::spawn(move || {
                    let mut room = [0; 4096];
                    while let Ok(many @ 1..) = from.read(&mut room) {
                        std::thread::sleep(Duration::from_millis(wait));
                        let _gone = to.write_all(&room[..many]);
                    }
                    let _gone = to.shutdown(std::net::Shutdown::Both);
                });
            }
        }
    });
}

#[test]
fn a_server_that_is_slow_in_every_answer_is_told() {
    let Some(server) = PrivateRedis::start("") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path().join("far.sock");
    far_away(&server.socket(), &here);
    let mut house = RedisHouse::of(server);
    house.at(Some(&format!("redis+unix://{}", here.display())));
    let report = house.tend();
    assert!(report.left("redis_slow").contains("takes longer than 100ms"), "{report:#?}");
    assert_eq!(report.code, Some(1), "{report:#?}");
}
