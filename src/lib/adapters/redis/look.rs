//! The eyes on a server.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use redis::RedisError;

use super::info::Info;
use super::session::{Session, told};
use super::{RedisServer, commands};
use crate::domain::sight::{Blind, Sight};
use crate::domain::upkeep::{AofLook, KeyspaceLook, MemoryLook, SaveLook, SavePoint, SaveRules};
use crate::ports::Pending;
use crate::ports::clock::Clock;
use crate::ports::data_store::Keyspace;

/// So often it is asked for an answer that needs no work: one slow one may be a fork or somebody's long command.
const PINGS: u32 = 5;

impl Keyspace for RedisServer {
    fn look(&self) -> Pending<'_, Sight<KeyspaceLook>> {
        Box::pin(async move {
            let mut session = self.session().await.map_err(Blind::because)?;
            self.seen(&mut session).await
        })
    }
}

impl RedisServer {
    async fn seen(&self, session: &mut Session) -> Sight<KeyspaceLook> {
        let failed = |error: RedisError| Blind::because(self.unread(&error));
        let info = session.info().await.map_err(failed)?;
        if info.is("loading", "1") {
            let why = "it is still loading what it holds from disk";
            return Err(Blind::because(self.unreached(why)));
        }
        let answers_within = fastest(session, self.clock.as_ref()).await.map_err(failed)?;
        let rules = save_rules(session).await;
        let found = look(&info, rules, answers_within, self.clock.now());
        let mut look = found
            .map_err(|why| Blind::because(format!("the Redis server {}: {why}", self.name)))?;
        if look.most_clients == 0 {
            look.most_clients = most_clients(session).await;
        }
        Ok(look)
    }
}

/// The shortest wait for an answer.
async fn fastest(session: &mut Session, clock: &dyn Clock) -> Result<Duration, RedisError> {
    let mut least = Duration::MAX;
    for _ in 0..PINGS {
        let began = clock.elapsed();
        match session.ask::<String>(commands::ping()).await {
            // A server that cannot save refuses even this, and that is an answer.
            Err(error) if error.code().is_none() => return Err(error),
            Ok(_) | Err(_) => {}
        }
        least = least.min(clock.elapsed().saturating_sub(began));
    }
    Ok(least)
}

/// When the server saves by itself. Where it is not ours to know, whatever depends on it is not known.
async fn save_rules(session: &mut Session) -> Sight<SaveRules> {
    let blind = |error: RedisError| {
        let why = told(&error);
        Blind::because(format!("when it is to be saved cannot be seen ({why}): allow CONFIG GET"))
    };
    let save = session.ask(commands::config("save")).await.map_err(blind)?;
    let stops = commands::config("stop-writes-on-bgsave-error");
    let stops = session.ask(stops).await.map_err(blind)?;
    let points = value(save).as_deref().and_then(save_points);
    let unknown = || Blind::because("when it is to be saved is told in unknown words");
    let points = points.ok_or_else(unknown)?;
    Ok(SaveRules { points, stops_writes: value(stops).as_deref() == Some("yes") })
}

/// How many clients may be connected, where INFO does not tell; 0 where the setting is not ours to know either.
async fn most_clients(session: &mut Session) -> u64 {
    let answer = session.ask(commands::config("maxclients")).await.unwrap_or_default();
    value(answer).and_then(|text| text.parse().ok()).unwrap_or_default()
}

/// The value of a setting, from an answer that has its name before it.
fn value(answer: Vec<String>) -> Option<String> {
    answer.into_iter().nth(1)
}

/// `3600 1 300 100`: pairs of seconds and changes; nothing where it never saves by itself.
fn save_points(text: &str) -> Option<Vec<SavePoint>> {
    let numbers = text.split_whitespace().map(|word| word.parse::<u64>().ok());
    let numbers: Vec<u64> = numbers.collect::<Option<_>>()?;
    let pairs = numbers.chunks(2).map(|pair| match pair {
        [seconds, changes] => {
            Some(SavePoint { after: Duration::from_secs(*seconds), changes: *changes })
        }
        _ => None,
    });
    pairs.collect()
}

fn look(
    info: &Info,
    rules: Sight<SaveRules>,
    answers_within: Duration,
    now: Timestamp,
) -> Result<KeyspaceLook, String> {
    let databases = info.databases()?;
    let up: u64 = info.number("uptime_in_seconds")?;
    let uptime = SignedDuration::from_secs(i64::try_from(up).unwrap_or(i64::MAX));
    Ok(KeyspaceLook {
        version: info.text("redis_version")?.to_owned(),
        is_replica: !info.is("role", "master"),
        cut_off: cut_off(info, up).map(Duration::from_secs),
        started_at: now.checked_sub(uptime).unwrap_or(Timestamp::MIN),
        memory: memory(info)?,
        keys: databases.iter().map(|one| one.keys).sum(),
        expiring_keys: databases.iter().map(|one| one.expiring_keys).sum(),
        // Some before 5.0 do not tell it: nothing is due then.
        stale_percent: info.number_or("expired_stale_perc", 0.0),
        evicted_keys: info.number("evicted_keys")?,
        expired_keys: info.number("expired_keys")?,
        rejected_clients: info.number("rejected_connections")?,
        clients: info.number("connected_clients")?,
        // Told from 6.2 on.
        most_clients: info.number_or("maxclients", 0),
        answers_within,
        saves: saves(info, rules)?,
        aof: info.is("aof_enabled", "1").then(|| AofLook {
            written: info.is("aof_last_write_status", "ok"),
            rewritten: info.is("aof_last_bgrewrite_status", "ok"),
        }),
        busy: busy(info),
    })
}

/// For how many seconds its link to the server that it follows is down. Of one that was never up, older versions tell the time since
/// 1970 and newer ones -1; while it takes over what that server holds for the first time, nothing is wrong.
fn cut_off(info: &Info, up: u64) -> Option<u64> {
    if !info.is("master_link_status", "down") {
        return None;
    }
    let down: Option<u64> = info.number("master_link_down_since_seconds").ok();
    match down.filter(|down| *down <= up) {
        None if info.is("master_sync_in_progress", "1") => None,
        down => Some(down.unwrap_or(up)),
    }
}

fn memory(info: &Info) -> Result<MemoryLook, String> {
    let allocated_bytes: u64 = info.number("used_memory")?;
    let limit_bytes: u64 = info.number("maxmemory")?;
    // Buffers of replicas and of the append-only file do not count against the limit.
    let besides: u64 = info.number_or("mem_not_counted_for_evict", 0);
    Ok(MemoryLook {
        used_bytes: allocated_bytes.saturating_sub(besides),
        allocated_bytes,
        resident_bytes: info.number("used_memory_rss")?,
        limit_bytes: (limit_bytes > 0).then_some(limit_bytes),
        policy: info.text("maxmemory_policy")?.to_owned(),
        host_bytes: info.number_or("total_system_memory", 0),
    })
}

fn saves(info: &Info, rules: Sight<SaveRules>) -> Result<SaveLook, String> {
    let saved_at = Timestamp::from_second(info.number("rdb_last_save_time")?);
    Ok(SaveLook {
        saved_at: saved_at.map_err(|_| "it tells a time of its last save that is none")?,
        changes: info.number("rdb_changes_since_last_save")?,
        succeeded: info.is("rdb_last_bgsave_status", "ok"),
        // -1 while none is.
        at_work: info.number("rdb_current_bgsave_time_sec").ok().map(Duration::from_secs),
        rules,
    })
}

/// What the server is at work with that a walk over its keys would make dearer: memory that a fork shares is copied where it
/// changes.
fn busy(info: &Info) -> Option<String> {
    let works = [
        ("rdb_bgsave_in_progress", "it saves what it holds right now"),
        ("aof_rewrite_in_progress", "it writes its append-only file anew right now"),
    ];
    let at_work = works.into_iter().find(|(name, _)| info.is(name, "1"));
    at_work.map(|(_, words)| words.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What of its answer to INFO is looked at, as 5.0 told it first.
    const OF_5_0: &str = "redis_version:5.0.7\nuptime_in_seconds:104946\nconnected_clients:1\n\
        used_memory:854160\nused_memory_rss:5562368\ntotal_system_memory:2095869952\nmaxmemory:0\n\
        maxmemory_policy:noeviction\nmem_not_counted_for_evict:0\nloading:0\nrdb_changes_since_last_save:0\n\
        rdb_bgsave_in_progress:0\nrdb_last_save_time:1790000000\nrdb_last_bgsave_status:ok\n\
        rdb_current_bgsave_time_sec:-1\naof_enabled:0\naof_rewrite_in_progress:0\naof_last_bgrewrite_status:ok\n\
        aof_last_write_status:ok\nrejected_connections:0\nexpired_keys:0\nexpired_stale_perc:0.00\n\
        evicted_keys:0\nrole:master\ndb0:keys=4,expires=0,avg_ttl=0\n";

    #[test]
    fn what_older_servers_do_not_tell_hides_nothing_else() {
        let read = |text: &str| {
            let rules = Ok(SaveRules { points: Vec::new(), stops_writes: true });
            look(&Info::of(text), rules, Duration::ZERO, Timestamp::UNIX_EPOCH)
        };
        let old = read(OF_5_0).unwrap();
        assert_eq!((old.clients, old.most_clients, old.keys), (1, 0, 4));
        let new = read(&format!("{OF_5_0}maxclients:10000\n")).unwrap();
        assert_eq!(new.most_clients, 10_000);
        assert_eq!(KeyspaceLook { most_clients: 0, ..new }, old);
    }

    #[test]
    fn how_long_a_link_is_down_is_told_or_bounded_by_the_time_since_the_start() {
        let of = |lines: &str| cut_off(&Info::of(lines), 1000);
        let down = "master_link_status:down\nmaster_link_down_since_seconds";
        assert_eq!(of("role:master"), None);
        assert_eq!(of("master_link_status:up"), None);
        assert_eq!(of(&format!("{down}:301\nmaster_sync_in_progress:1")), Some(301));
        for never in ["-1", "1790000000"] {
            assert_eq!(of(&format!("{down}:{never}\nmaster_sync_in_progress:0")), Some(1000));
            assert_eq!(of(&format!("{down}:{never}\nmaster_sync_in_progress:1")), None);
        }
    }

    #[test]
    fn save_points_are_pairs_and_none_is_one_too() {
        let point = |seconds, changes| SavePoint { after: Duration::from_secs(seconds), changes };
        assert_eq!(save_points("3600 1 60 10000"), Some(vec![point(3600, 1), point(60, 10_000)]));
        assert_eq!(save_points(""), Some(Vec::new()));
        assert_eq!(save_points("3600 1 60"), None);
        assert_eq!(save_points("often"), None);
    }
}
