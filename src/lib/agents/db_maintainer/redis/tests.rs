//! What is concluded from what a Redis server says of itself, without a server.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::super::checks::{
    REDIS_CLIENTS, REDIS_CUT_OFF, REDIS_EVICTED_SERIES, REDIS_EVICTING, REDIS_EXPIRED_KEPT,
    REDIS_FRAGMENTED, REDIS_MEMORY, REDIS_PERSISTENCE, REDIS_SLOW, REDIS_UNREACHABLE,
};
use super::super::{DbMaintainer, Fault, Snapshot};
use super::RedisSettings;
use crate::agent::{Agent as _, Remedy};
use crate::domain::diagnosis::{Diagnosis, Fault as _, Sample, Verdict};
use crate::domain::operation::{DataKind, DataRef};
use crate::domain::run::Recall;
use crate::domain::severity::Severity;
use crate::domain::sight::{Blind, Sight};
use crate::domain::subject::CheckId;
use crate::domain::upkeep::{AofLook, KeyspaceLook, MemoryLook, SaveLook, SavePoint, SaveRules};

const MIB: u64 = 1024 * 1024;
const ALL: [&CheckId; 9] = [
    &REDIS_UNREACHABLE,
    &REDIS_MEMORY,
    &REDIS_EVICTING,
    &REDIS_PERSISTENCE,
    &REDIS_FRAGMENTED,
    &REDIS_CLIENTS,
    &REDIS_CUT_OFF,
    &REDIS_SLOW,
    &REDIS_EXPIRED_KEPT,
];

fn now() -> Timestamp {
    "2026-11-20T03:00:00Z".parse().unwrap()
}

fn ago(minutes: i64) -> Timestamp {
    now() - SignedDuration::from_mins(minutes)
}

fn look() -> KeyspaceLook {
    KeyspaceLook {
        version: "7.0.15".to_owned(),
        is_replica: false,
        cut_off: None,
        started_at: ago(60 * 24 * 30),
        memory: MemoryLook {
            used_bytes: 100 * MIB,
            allocated_bytes: 100 * MIB,
            resident_bytes: 120 * MIB,
            limit_bytes: Some(1000 * MIB),
            policy: "noeviction".to_owned(),
            host_bytes: 8000 * MIB,
        },
        keys: 100_000,
        expiring_keys: 50_000,
        stale_percent: 1.0,
        evicted_keys: 0,
        expired_keys: 0,
        rejected_clients: 0,
        clients: 10,
        most_clients: 10_000,
        answers_within: Duration::from_millis(1),
        saves: SaveLook {
            saved_at: ago(30),
            changes: 5,
            succeeded: true,
            at_work: None,
            rules: Ok(SaveRules {
                points: vec![SavePoint { after: Duration::from_hours(1), changes: 1 }],
                stops_writes: true,
            }),
        },
        aof: Some(AofLook { written: true, rewritten: true }),
        busy: None,
    }
}

fn agent() -> DbMaintainer {
    DbMaintainer { redis: vec![RedisSettings::named("main")], ..DbMaintainer::default() }
}

fn snapshot(sight: Sight<KeyspaceLook>) -> Snapshot {
    Snapshot { keyspaces: BTreeMap::from([("main".to_owned(), sight)]), ..Snapshot::blank(now()) }
}

fn judged(sight: Sight<KeyspaceLook>, recall: &Recall) -> Diagnosis<Fault> {
    agent().detect(&snapshot(sight), recall, now())
}

fn verdict(check: &CheckId, look: &KeyspaceLook) -> Verdict<Fault> {
    let judged = judged(Ok(look.clone()), &Recall::default());
    let subject = DataRef::of_store(DataKind::Keyspace, "main").subject("host-a");
    judged.checks[check].findings[&subject].clone()
}

/// How bad it is, and what is said; nothing where it is well.
fn told(check: &CheckId, look: &KeyspaceLook) -> Option<(Severity, String)> {
    match verdict(check, look) {
        Verdict::Faulty(fault, _) => Some((fault.severity(), fault.message())),
        Verdict::Healthy(_) => None,
        Verdict::Unknown { why } => panic!("{check} is not known: {why}"),
    }
}

fn full(policy: &str, percent: u64) -> KeyspaceLook {
    let policy = policy.to_owned();
    let used_bytes = 10 * percent * MIB;
    KeyspaceLook { memory: MemoryLook { used_bytes, policy, ..look().memory }, ..look() }
}

#[test]
fn a_healthy_server_is_well_in_everything_and_its_counts_are_kept() {
    for check in ALL {
        assert_eq!(told(check, &look()), None, "{check}");
    }
    let samples = judged(Ok(look()), &Recall::default()).samples;
    assert_eq!(samples.len(), 3, "{samples:?}");
}

#[test]
fn a_server_that_is_not_seen_is_well_in_nothing_and_is_told_as_unreachable() {
    let judged = judged(Err(Blind::because("refused")), &Recall::default());
    for check in ALL {
        let verdicts: Vec<_> = judged.checks[check].findings.values().collect();
        let faulty = matches!(verdicts[..], [Verdict::Faulty(..)]);
        let unknown = matches!(verdicts[..], [Verdict::Unknown { .. }]);
        assert!(if *check == REDIS_UNREACHABLE { faulty } else { unknown }, "{check}");
    }
    assert!(judged.samples.is_empty());
}

#[test]
fn what_happens_at_the_limit_of_memory_says_how_bad_it_is() {
    let few = |look: KeyspaceLook| KeyspaceLook { expiring_keys: 9_000, ..look };
    for (look, expected) in [
        (full("noeviction", 79), None),
        (full("noeviction", 80), Some((Severity::Warning, "refuses writes: it may let none go"))),
        (full("noeviction", 95), Some((Severity::Critical, "refuses writes"))),
        (full("allkeys-lru", 94), None),
        (full("allkeys-lru", 95), Some((Severity::Info, "not used for longest, whatever they"))),
        (full("volatile-ttl", 95), Some((Severity::Info, "those that expire those that end soon"))),
        (
            few(full("volatile-lru", 80)),
            Some((Severity::Warning, "only keys that expire, and few")),
        ),
        (few(full("volatile-lru", 96)), Some((Severity::Critical, "refuses writes"))),
    ] {
        let found = told(&REDIS_MEMORY, &look);
        let matches = match (&found, expected) {
            (None, None) => true,
            (Some((severity, words)), Some((wanted, part))) => {
                *severity == wanted && words.contains(part)
            }
            _ => false,
        };
        assert!(matches, "{expected:?}: {found:?}");
    }
}

#[test]
fn without_a_limit_of_its_own_that_of_its_host_counts_and_one_that_is_not_told_is_not_known() {
    let of_host = |resident: u64, host: u64| KeyspaceLook {
        memory: MemoryLook {
            limit_bytes: None,
            resident_bytes: resident * MIB,
            host_bytes: host * MIB,
            ..look().memory
        },
        ..look()
    };
    assert_eq!(told(&REDIS_MEMORY, &of_host(700, 1000)), None);
    let (severity, words) = told(&REDIS_MEMORY, &of_host(810, 1000)).unwrap();
    assert!(severity == Severity::Warning && words.contains("no memory limit"), "{words}");
    assert!(matches!(verdict(&REDIS_MEMORY, &of_host(810, 0)), Verdict::Unknown { .. }));
}

#[test]
fn what_is_not_set_up_is_no_trouble_and_what_is_and_does_not_work_is() {
    let with = |saves: SaveLook, aof: Option<AofLook>| KeyspaceLook { saves, aof, ..look() };
    let saves = look().saves;
    let rules = |points: Vec<SavePoint>| Ok(SaveRules { points, stops_writes: true });
    let never = SaveLook { rules: rules(Vec::new()), saved_at: ago(9999), ..saves.clone() };
    let late = SaveLook { saved_at: ago(121), ..saves.clone() };
    let failed = SaveLook { succeeded: false, ..saves.clone() };
    let asked = SaveLook { succeeded: false, ..never.clone() };
    let writing =
        |minutes| SaveLook { at_work: Some(Duration::from_mins(minutes)), ..late.clone() };
    let aof = |written, rewritten| Some(AofLook { written, rewritten });
    for (look, expected) in [
        (with(never, None), None),
        (with(SaveLook { saved_at: ago(119), ..saves.clone() }, None), None),
        (with(late.clone(), None), Some((Severity::Warning, "was not saved when it was to be"))),
        (with(SaveLook { changes: 0, ..late.clone() }, None), None),
        (with(writing(5), None), None),
        (with(writing(61), None), Some((Severity::Warning, "was not saved"))),
        (with(failed, None), Some((Severity::Critical, "refuses writes until one succeeds"))),
        (with(asked, None), Some((Severity::Warning, "the last save of main failed"))),
        (with(saves.clone(), aof(false, true)), Some((Severity::Critical, "cannot be written"))),
        (with(saves, aof(true, false)), Some((Severity::Warning, "it only grows"))),
    ] {
        let found = told(&REDIS_PERSISTENCE, &look);
        let matches = match (&found, expected) {
            (None, None) => true,
            (Some((severity, words)), Some((wanted, part))) => {
                *severity == wanted && words.contains(part)
            }
            _ => false,
        };
        assert!(matches, "{expected:?}: {found:?}");
    }
}

#[test]
fn where_the_rules_of_saving_are_hidden_it_is_not_known_whether_one_is_late() {
    let hidden = |changes: u64, aof: Option<AofLook>| {
        let rules = Err(Blind::because("not ours to see"));
        KeyspaceLook { saves: SaveLook { changes, rules, ..look().saves }, aof, ..look() }
    };
    assert!(matches!(verdict(&REDIS_PERSISTENCE, &hidden(1, None)), Verdict::Unknown { .. }));
    assert_eq!(told(&REDIS_PERSISTENCE, &hidden(0, None)), None);
    assert_eq!(told(&REDIS_PERSISTENCE, &hidden(1, look().aof)), None);
}

#[test]
fn waste_clients_and_slow_answers_are_told_from_their_limits_on() {
    let resident = |mib: u64| KeyspaceLook {
        memory: MemoryLook { resident_bytes: mib * MIB, ..look().memory },
        ..look()
    };
    assert_eq!(told(&REDIS_FRAGMENTED, &resident(199)), None);
    assert!(told(&REDIS_FRAGMENTED, &resident(200)).is_some());
    let small = MemoryLook { allocated_bytes: MIB, resident_bytes: 15 * MIB, ..look().memory };
    assert_eq!(told(&REDIS_FRAGMENTED, &KeyspaceLook { memory: small, ..look() }), None);
    let clients = |clients| KeyspaceLook { clients, ..look() };
    assert_eq!(told(&REDIS_CLIENTS, &clients(7_999)), None);
    assert!(told(&REDIS_CLIENTS, &clients(8_000)).is_some());
    let rejected = KeyspaceLook { rejected_clients: 3, ..look() };
    assert!(told(&REDIS_CLIENTS, &rejected).unwrap().1.contains("turned 3 clients away"));
    let untold = KeyspaceLook { most_clients: 0, ..look() };
    assert!(matches!(verdict(&REDIS_CLIENTS, &untold), Verdict::Unknown { .. }));
    let rejected = KeyspaceLook { most_clients: 0, ..rejected };
    assert!(told(&REDIS_CLIENTS, &rejected).is_some());
    let cut_off = |secs| KeyspaceLook { cut_off: Some(Duration::from_secs(secs)), ..look() };
    assert_eq!(told(&REDIS_CUT_OFF, &cut_off(299)), None);
    assert!(told(&REDIS_CUT_OFF, &cut_off(300)).unwrap().1.contains("what it knew then"));
    let answers = |ms| KeyspaceLook { answers_within: Duration::from_millis(ms), ..look() };
    assert_eq!(told(&REDIS_SLOW, &answers(100)), None);
    assert!(told(&REDIS_SLOW, &answers(101)).unwrap().1.contains("longer than 100ms"));
}

fn recall(value: u32, at: Timestamp) -> Recall {
    let subject = DataRef::of_store(DataKind::Keyspace, "main").subject("host-a");
    let series = REDIS_EVICTED_SERIES.to_owned();
    let sample =
        Sample { series: series.clone(), subject: subject.clone(), at, value: f64::from(value) };
    let of_series = BTreeMap::from([(subject, vec![sample])]);
    Recall { series: BTreeMap::from([(series, of_series)]), ..Recall::default() }
}

fn evicted(look: &KeyspaceLook, recall: &Recall) -> Option<String> {
    let judged = judged(Ok(look.clone()), recall);
    let mut verdicts = judged.checks[&REDIS_EVICTING].findings.values();
    verdicts.find_map(|verdict| match verdict {
        Verdict::Faulty(fault, _) => Some(fault.message()),
        Verdict::Healthy(_) | Verdict::Unknown { .. } => None,
    })
}

#[test]
fn evictions_count_since_the_last_look_and_anew_where_the_server_does() {
    let day = ago(60 * 24);
    let of = |evicted_keys| KeyspaceLook { evicted_keys, expired_keys: 40, ..look() };
    assert_eq!(evicted(&of(7), &recall(7, day)), None);
    let said = evicted(&of(9), &recall(7, day)).unwrap();
    assert!(said.contains("let 2 keys go since 2026-11-19"), "{said}");
    let said = evicted(&of(5), &recall(7, day)).unwrap();
    assert!(said.contains("let 5 keys go since its counts were reset"), "{said}");
    let restarted = KeyspaceLook { started_at: ago(60), ..of(9) };
    let said = evicted(&restarted, &recall(7, day)).unwrap();
    assert!(said.contains("let 9 keys go since it was started anew"), "{said}");
    let said = evicted(&of(9), &Recall::default()).unwrap();
    assert!(said.contains("let 9 keys go since its start"), "{said}");
    assert!(said.ends_with("; 40 came to their end meanwhile"), "{said}");
}

#[test]
fn many_expired_keys_are_reclaimed_but_by_no_replica_and_not_while_a_save_is_written() {
    let of = |expiring_keys, stale_percent| KeyspaceLook { expiring_keys, stale_percent, ..look() };
    let said = |look: KeyspaceLook| {
        let sight = snapshot(Ok(look));
        let judged = agent().detect(&sight, &Recall::default(), now());
        let faulty =
            judged.checks[&REDIS_EXPIRED_KEPT].findings.iter().find_map(|(subject, verdict)| {
                match verdict {
                    Verdict::Faulty(fault, _) => Some((subject, fault)),
                    Verdict::Healthy(_) | Verdict::Unknown { .. } => None,
                }
            });
        faulty.map(|(subject, fault)| match agent().remedy(subject, fault, &sight, now()) {
            Remedy::Act(step) => step.operation.to_string(),
            Remedy::Leave { why } => why,
        })
    };
    let due = || of(10_000, 10.0);
    assert_eq!(said(due()).as_deref(), Some("reclaim the expired keys of main"));
    assert_eq!(said(of(10_000, 9.9)), None);
    assert_eq!(said(of(9_999, 10.0)), None);
    assert_eq!(said(KeyspaceLook { is_replica: true, ..due() }), None);
    let busy = Some("it saves what it holds right now".to_owned());
    let busy = said(KeyspaceLook { busy, ..due() }).unwrap();
    assert!(busy.starts_with("not now: it saves"), "{busy}");
}

#[test]
fn settings_that_cannot_be_meant_are_refused() {
    let of = |name: &str| RedisSettings::named(name);
    let low = RedisSettings { memory_critical_percent: 70, ..of("low") };
    let servers = vec![of("main"), of("main"), of("Big Cache"), low];
    let problems = DbMaintainer { redis: servers, ..DbMaintainer::default() }.problems();
    let paths: Vec<&str> = problems.iter().map(|one| one.path.as_str()).collect();
    assert_eq!(paths, ["redis[1].name", "redis[2].name", "redis[3].memory_critical_percent"]);
}

proptest! {
    /// However full it is, more is never less bad, and nothing overflows.
    #[test]
    fn fuller_is_never_better(
        limit in 1..u64::MAX,
        less in 0..u64::MAX,
        more in 0..u64::MAX,
        policy in prop::sample::select(vec!["noeviction", "allkeys-lfu", "volatile-random"]),
    ) {
        let of = |used_bytes| {
            let memory = MemoryLook {
                used_bytes,
                limit_bytes: Some(limit),
                policy: policy.to_owned(),
                ..look().memory
            };
            told(&REDIS_MEMORY, &KeyspaceLook { memory, ..look() }).map(|(severity, _)| severity)
        };
        let (less, more) = (less.min(more), less.max(more));
        prop_assert!(of(less) <= of(more));
    }

    /// What is counted since the last look is never more than what the server counts in all.
    #[test]
    fn no_more_is_told_than_the_server_counts(before in any::<u32>(), counted in 1..u64::from(u32::MAX)) {
        let look = KeyspaceLook { evicted_keys: counted, ..look() };
        let said = evicted(&look, &recall(before, ago(60)));
        let told = said.map(|said| said.split(' ').nth(2).unwrap_or_default().parse::<u64>());
        match told {
            None => prop_assert_eq!(counted, u64::from(before)),
            Some(told) => prop_assert!(told.is_ok_and(|told| told >= 1 && told <= counted)),
        }
    }
}
