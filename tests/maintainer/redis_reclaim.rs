//! Expired keys that take room still: which of them go, what stays, and what a server is sent at all.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use opswarden::adapters::redis::RedisServer;
use opswarden::adapters::system_clock::SystemClock;
use opswarden::domain::operation::{DataKind, DataRef, Upkeep};
use opswarden::ports::data_store::DataStoreControl as _;
use opswarden::ports::processes::ActFailure;

use super::house::Report;
use super::peers::wait_until;
use super::peers_redis::PrivateRedis;
use super::redis_house::RedisHouse;

const SOON: Duration = Duration::from_secs(10);

/// Every command that a server may be sent, as it counts them.
const ALLOWED: [&str; 7] =
    ["auth", "client|setname", "config|get", "info", "ping", "scan", "select"];

/// Expired keys that the server's own samples have met and left, as under a load that it does not keep up with: some of its
/// own walks, and then none.
fn behind(server: &PrivateRedis) {
    server.cli(&["DEBUG", "SET-ACTIVE-EXPIRE", "0"]);
    server.fill("ended", 200_000, Some(1));
    server.cli(&[
        "-n",
        "3",
        "EVAL",
        "for i = 1, 999 do redis.call('SET', 'e' .. i .. string.char(255), 'x', 'PX', 1) end",
        "0",
    ]);
    std::thread::sleep(Duration::from_millis(20));
    server.cli(&["DEBUG", "SET-ACTIVE-EXPIRE", "1"]);
    let stale = || server.info("expired_stale_perc").parse::<f64>().is_ok_and(|share| share > 1.0);
    assert!(wait_until(SOON, stale), "{}", server.log());
    server.cli(&["DEBUG", "SET-ACTIVE-EXPIRE", "0"]);
}

fn keys(server: &PrivateRedis) -> u64 {
    let of = |database: &str| {
        let text = server.cli(&["-n", database, "DBSIZE"]);
        text.parse::<u64>().unwrap_or_else(|why| panic!("{why}: {text}"))
    };
    of("0") + of("3")
}

/// How often each command was carried out.
fn counted(server: &PrivateRedis) -> BTreeMap<String, u64> {
    let text = server.cli(&["INFO", "commandstats"]);
    let lines = text.lines().filter_map(|line| line.trim().strip_prefix("cmdstat_"));
    let pairs = lines.filter_map(|line| {
        let (name, rest) = line.split_once(":calls=")?;
        Some((name.to_owned(), rest.split(',').next()?.parse().ok()?))
    });
    pairs.collect()
}

/// What became of the walks over keys.
fn walks(report: &Report) -> Vec<&str> {
    let attempts = report.report["attempts"].as_array().expect("a list").iter();
    let text = |one: &'_ serde_json::Value| one["operation"].to_string().contains("expired keys");
    attempts.filter(|one| text(one)).map(|one| one["state"].as_str().unwrap_or_default()).collect()
}

#[test]
fn expired_keys_are_let_go_by_commands_that_only_read_and_every_other_key_stays() {
    let Some(server) = PrivateRedis::start("") else { return };
    server.fill("live", 4_000, None);
    server.fill("later", 1_000, Some(3_600_000));
    behind(&server);
    let house = RedisHouse::of(server);
    house.settings("stale_percent = 1");
    let (before, expired) = (keys(&house.server), house.server.info("expired_keys"));
    assert!(before > 50_000, "the server was faster than the test: {before}");
    let sent = counted(&house.server);
    let report = house.tend();
    let after = counted(&house.server);
    assert_eq!(walks(&report), ["verified"], "{report:#?}");
    assert_eq!(keys(&house.server), 5_000, "{report:#?}");
    let text = report.report["attempts"].to_string();
    let gone = before - 5_000;
    let all_expired = expired.parse::<u64>().expect("a number") + gone;
    for told in [
        "reclaim the expired keys of main".to_owned(),
        format!("count {before}, expired_keys {expired}"),
        format!("count 5000, expired_keys {all_expired}"),
    ] {
        assert!(text.contains(&told), "{told}: {report:#?}");
    }
    assert_eq!(report.code, Some(0), "a chore that helped is no incident: {report:#?}");
    let used = after.iter().filter(|(name, calls)| sent.get(*name) != Some(*calls));
    let used: Vec<&str> = used.map(|(name, _)| name.as_str()).collect();
    assert!(used.contains(&"scan"), "{used:?}");
    // Those of the test itself stand before and after.
    let ours = used.iter().filter(|name| **name != "dbsize");
    let foreign: Vec<&&str> = ours.filter(|name| !ALLOWED.contains(*name)).collect();
    assert!(foreign.is_empty(), "{foreign:?}");
    let again = house.tend();
    assert!(walks(&again).is_empty(), "{again:#?}");
    assert_eq!(keys(&house.server), 5_000);
}

fn hands(url: &str, budget: Duration) -> RedisServer {
    RedisServer::new("main", url, budget, Arc::new(SystemClock::new())).expect("an address")
}

fn reclaim(url: &str, budget: Duration) -> Result<String, ActFailure> {
    carried_out(&hands(url, budget))
}

fn carried_out(server: &RedisServer) -> Result<String, ActFailure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let data = DataRef::of_store(DataKind::Keyspace, "main");
    let walk = server.carry_out(Upkeep::ReclaimExpired, &data, Duration::from_mins(1));
    runtime.expect("a runtime").block_on(walk)
}

#[test]
fn the_number_that_went_is_told_and_a_walk_without_time_leaves_the_rest_and_says_so() {
    let Some(server) = PrivateRedis::start("") else { return };
    server.fill("live", 700, None);
    behind(&server);
    let before = keys(&server);
    let said = reclaim(&server.url(), Duration::ZERO).expect("it is no failure");
    assert!(said.starts_with("at most 0 expired keys let go, 0 that live passed"), "{said}");
    assert!(said.contains("its time was over before the end of the walk"), "{said}");
    assert_eq!(keys(&server), before);
    let said = reclaim(&server.url(), Duration::from_mins(1)).expect("it is no failure");
    let gone = format!("at most {} expired keys let go, ", before - 700);
    let rest = said.strip_prefix(&gone).unwrap_or_else(|| panic!("{gone}: {said}"));
    let live = rest.split_once(" that live passed").and_then(|(live, _)| live.parse::<u64>().ok());
    // Each is met. The table shrinks from 180,000 keys meanwhile, and where it does, a key or two are met again.
    assert!(live.is_some_and(|live| (700..=720).contains(&live)), "{said}");
    assert_eq!(keys(&server), 700);
}

#[test]
fn short_walks_go_on_where_the_one_before_ended_until_every_key_was_met() {
    let Some(server) = PrivateRedis::start("") else { return };
    server.fill("live", 30_000, None);
    server.fill("later", 10_000, Some(3_600_000));
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("redis/main.json");
    let mut met = 0;
    for _ in 0..500 {
        let hands = hands(&server.url(), Duration::from_millis(20)).going_on_after(file.clone());
        let said = carried_out(&hands).expect("it is no failure");
        let live = said.split(" keys let go, ").nth(1).and_then(|rest| rest.split(' ').next());
        met += live.and_then(|live| live.parse::<u64>().ok()).unwrap_or_default();
        if !said.contains("its time was over") {
            break;
        }
        assert!(file.exists(), "{said}");
    }
    // A key may be met twice where the server's table grows or shrinks meanwhile; here it does not.
    assert_eq!(met, 40_000);
    assert!(!file.exists(), "the next one begins at the first key");
}

#[test]
fn a_server_that_follows_another_one_is_looked_at_and_left_alone() {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
    let port = free.expect("an address").port();
    let Some(first) = PrivateRedis::start(&format!("port {port}\nbind 127.0.0.1")) else { return };
    first.cli(&["DEBUG", "SET-ACTIVE-EXPIRE", "0"]);
    let Some(second) = PrivateRedis::start(&format!("replicaof 127.0.0.1 {port}")) else { return };
    assert!(wait_until(SOON, || second.info("master_link_status") == "up"), "{}", second.log());
    first.fill("ended", 20_000, Some(1));
    let follows = || second.cli(&["DBSIZE"]) == "20000";
    assert!(wait_until(SOON, follows), "{}", second.log());
    let url = second.url();
    let house = RedisHouse::of(second);
    house.settings("stale_percent = 1");
    let report = house.tend();
    assert_eq!((report.left("redis"), report.code), (String::new(), Some(0)), "{report:#?}");
    assert!(!report.report["attempts"].to_string().contains("reclaim"), "{report:#?}");
    let said = reclaim(&url, SOON);
    let unsent = |why: &str| why.contains("follows another server");
    assert!(matches!(&said, Err(ActFailure::NotSent(why)) if unsent(why)), "{said:?}");
    assert_eq!(house.server.cli(&["DBSIZE"]), "20000", "they go when the first one says so");
}
