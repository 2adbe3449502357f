//! What is wrong with Redis servers, and what of their upkeep is due. Pure.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::super::checks::{
    REDIS_CLIENTS, REDIS_CUT_OFF, REDIS_EVICTED_SERIES, REDIS_EVICTING, REDIS_EXPIRED_KEPT,
    REDIS_EXPIRED_SERIES, REDIS_FRAGMENTED, REDIS_MEMORY, REDIS_PERSISTENCE, REDIS_REJECTED_SERIES,
    REDIS_SLOW, REDIS_UNREACHABLE,
};
use super::super::{Fault, Snapshot};
use super::fault::{MemoryLimit, RedisFault, SaveTrouble, is_cache};
use super::settings::RedisSettings;
use crate::domain::diagnosis::{
    CheckFindings, Coverage, Diagnosis, Evidence, Origin, Sample, Verdict,
};
use crate::domain::moment::full;
use crate::domain::operation::{DataKind, DataRef};
use crate::domain::run::Recall;
use crate::domain::severity::Severity;
use crate::domain::sight::{Blind, Sight};
use crate::domain::subject::{CheckId, Subject};
use crate::domain::upkeep::{KeyspaceLook, MemoryLook, SaveLook};

/// Fewer expired keys are not worth a walk.
const LEAST_EXPIRED: f64 = 1000.0;
/// Where fewer of the keys than one in so many may be let go, that room is soon used up.
const FEW: u64 = 10;

/// A link that is down for less comes up again by itself: that server is started anew, or the network is.
const SHORT_BREAK: Duration = Duration::from_mins(5);
/// A server tells how long it has been up in whole seconds, by a clock that is cut to them.
const EXACT: SignedDuration = SignedDuration::from_secs(2);

/// The checks of Redis servers.
const CHECKS: [&CheckId; 9] = [
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

pub(in super::super) fn detect(
    servers: &[RedisSettings],
    snapshot: &Snapshot,
    recall: &Recall,
    diagnosis: &mut Diagnosis<Fault>,
) {
    for check in CHECKS {
        diagnosis.checks.insert(check.clone(), CheckFindings::new(Coverage::Whole));
    }
    let none = Err(Blind::because("it was not looked at"));
    for settings in servers {
        let keyspace = DataRef::of_store(DataKind::Keyspace, &settings.name);
        let subject = keyspace.subject(&snapshot.host);
        let of = Of { settings, keyspace, subject, recall, at: snapshot.at };
        let sight = snapshot.keyspaces.get(&settings.name).unwrap_or(&none);
        for check in CHECKS {
            let verdict = of.verdict(check, sight);
            let findings = diagnosis.checks.get_mut(check).expect("it was put in above");
            if let Verdict::Unknown { why } = &verdict {
                findings.coverage = Coverage::Partial { why: why.clone() };
            }
            findings.findings.insert(of.subject.clone(), verdict);
        }
        if let Ok(look) = sight {
            diagnosis.samples.extend(of.samples(look));
        }
    }
}

/// One server and what is known of it.
struct Of<'a> {
    settings: &'a RedisSettings,
    keyspace: DataRef,
    subject: Subject,
    recall: &'a Recall,
    at: Timestamp,
}

/// What a check comes to: a fault or none; else why that is not known.
type Judged = Result<Option<RedisFault>, String>;

impl Of<'_> {
    fn verdict(&self, check: &CheckId, sight: &Sight<KeyspaceLook>) -> Verdict<Fault> {
        let evidence = Evidence::once(Origin::Store, self.at);
        let judged = match sight {
            Ok(look) => self.judged(check, look),
            Err(blind) if *check == REDIS_UNREACHABLE => {
                Ok(Some(RedisFault::Unreachable { why: blind.why.clone() }))
            }
            Err(blind) => Err(blind.why.clone()),
        };
        match judged {
            Ok(Some(fault)) => Verdict::Faulty(Fault::Redis(fault), evidence),
            Ok(None) => Verdict::Healthy(evidence),
            Err(why) => Verdict::unknown(why),
        }
    }

    fn judged(&self, check: &CheckId, look: &KeyspaceLook) -> Judged {
        match check {
            check if *check == REDIS_MEMORY => self.memory(look),
            check if *check == REDIS_EVICTING => Ok(self.evicting(look)),
            check if *check == REDIS_PERSISTENCE => self.unsaved(look),
            check if *check == REDIS_FRAGMENTED => Ok(self.fragmented(&look.memory)),
            check if *check == REDIS_CLIENTS => self.clients(look),
            check if *check == REDIS_CUT_OFF => Ok(self.cut_off(look)),
            check if *check == REDIS_SLOW => Ok(self.slow(look)),
            check if *check == REDIS_EXPIRED_KEPT => Ok(self.expired(look)),
            _ => Ok(None),
        }
    }

    fn name(&self) -> String {
        self.settings.name.clone()
    }

    fn memory(&self, look: &KeyspaceLook) -> Judged {
        let memory = &look.memory;
        let (used, of) = match memory.limit_bytes {
            Some(limit) => (memory.used_bytes, limit),
            None => (memory.resident_bytes, memory.host_bytes),
        };
        if of == 0 {
            return Err("it has no memory limit, and does not tell its host's memory".to_owned());
        }
        let limit = memory.limit_bytes.map_or(MemoryLimit::Host, |bytes| at_limit(bytes, look));
        let above = |percent: u32| exceeds(used, of, percent);
        let (warning, critical) =
            (self.settings.memory_percent, self.settings.memory_critical_percent);
        let evicts = matches!(limit, MemoryLimit::Evicts { .. });
        let found = if above(critical) {
            Some((critical, if evicts { Severity::Info } else { Severity::Critical }))
        } else if above(warning) && !evicts {
            Some((warning, Severity::Warning))
        } else {
            None
        };
        Ok(found.map(|(above_percent, severity)| RedisFault::Memory {
            name: self.name(),
            above_percent,
            limit,
            severity,
            command: more_room(memory),
        }))
    }

    fn evicting(&self, look: &KeyspaceLook) -> Option<RedisFault> {
        let grown = self.grown(REDIS_EVICTED_SERIES, look.evicted_keys, look);
        (grown.count > 0).then(|| RedisFault::Evicting {
            name: self.name(),
            count: grown.count,
            since: grown.since,
            expired: self.grown(REDIS_EXPIRED_SERIES, look.expired_keys, look).count,
            policy: look.memory.policy.clone(),
            command: more_room(&look.memory),
        })
    }

    /// What is not set up is not looked for; what is, and does not work, is told.
    fn unsaved(&self, look: &KeyspaceLook) -> Judged {
        let saves = &look.saves;
        let trouble = |trouble| Ok(Some(RedisFault::Unsaved { name: self.name(), trouble }));
        if look.aof.is_some_and(|aof| !aof.written) {
            return trouble(SaveTrouble::AofWrite);
        }
        if !saves.succeeded {
            // A server that never saves by itself does not mind; who asked for that save does.
            let stops = |rules: &crate::domain::upkeep::SaveRules| {
                rules.stops_writes && !rules.points.is_empty()
            };
            let stops_writes = saves.rules.as_ref().is_ok_and(stops);
            return trouble(SaveTrouble::Failed { stops_writes });
        }
        if look.aof.is_some_and(|aof| !aof.rewritten) {
            return trouble(SaveTrouble::AofRewrite);
        }
        match &saves.rules {
            Ok(_) if self.is_late(saves) => trouble(SaveTrouble::Late { saved_at: saves.saved_at }),
            // Whatever they are, there is nothing that would have to be saved, or it is in the append-only file.
            Err(blind) if saves.changes > 0 && look.aof.is_none() => Err(blind.why.clone()),
            Ok(_) | Err(_) => Ok(None),
        }
    }

    fn is_late(&self, saves: &SaveLook) -> bool {
        let grace = self.settings.save_grace.get();
        // One that is being written comes to its end, for as long as that does not take too long.
        if saves.at_work.is_some_and(|lasts| lasts <= grace) {
            return false;
        }
        let rules = saves.rules.iter().flat_map(|rules| &rules.points);
        let due = rules.filter(|point| saves.changes >= point.changes).map(|point| point.after);
        let Some(due) = due.min() else { return false };
        let waits = SignedDuration::try_from(due.saturating_add(grace));
        waits.is_ok_and(|waits| self.at.duration_since(saves.saved_at) > waits)
    }

    fn fragmented(&self, memory: &MemoryLook) -> Option<RedisFault> {
        let (has, needs) = (memory.resident_bytes, memory.allocated_bytes);
        let least = self.settings.fragmentation_least_mib.saturating_mul(1024 * 1024);
        let much = exceeds(has, needs, self.settings.fragmentation_percent);
        (much && has.saturating_sub(needs) >= least)
            .then(|| RedisFault::Fragmented { name: self.name() })
    }

    fn clients(&self, look: &KeyspaceLook) -> Judged {
        let grown = self.grown(REDIS_REJECTED_SERIES, look.rejected_clients, look);
        let rejected = (grown.count > 0).then_some((grown.count, grown.since));
        let many = exceeds(look.clients, look.most_clients, self.settings.clients_percent);
        if look.most_clients == 0 && rejected.is_none() {
            let why = "how many clients may be connected is not told: before 6.2 only CONFIG GET tells it; allow that";
            return Err(why.to_owned());
        }
        Ok((many || rejected.is_some()).then(|| RedisFault::Clients {
            name: self.name(),
            most: look.most_clients,
            rejected,
        }))
    }

    /// What it answers meanwhile is what it heard last.
    fn cut_off(&self, look: &KeyspaceLook) -> Option<RedisFault> {
        let lasts = look.cut_off.is_some_and(|lasts| lasts >= SHORT_BREAK);
        lasts.then(|| RedisFault::CutOff { name: self.name() })
    }

    fn slow(&self, look: &KeyspaceLook) -> Option<RedisFault> {
        let most = self.settings.answer_within;
        (look.answers_within > most.get())
            .then(|| RedisFault::Slow { name: self.name(), than: most.to_string() })
    }

    /// A server that follows another one lets keys go when that one says so: a walk over them would change nothing.
    fn expired(&self, look: &KeyspaceLook) -> Option<RedisFault> {
        #[expect(clippy::cast_precision_loss, reason = "it is an estimate")]
        let about = look.expiring_keys as f64 * look.stale_percent / 100.0;
        let many = look.stale_percent >= f64::from(self.settings.stale_percent);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is an estimate, and at least LEAST_EXPIRED"
        )]
        let fault = |about: f64| RedisFault::ExpiredKept {
            keyspace: self.keyspace.clone(),
            about: about as u64,
            busy: look.busy.clone(),
        };
        (many && about >= LEAST_EXPIRED && !look.is_replica).then(|| fault(about))
    }

    /// How much a count has grown since the last look. A server that was started since then counts anew, and so does one whose
    /// counts were reset.
    fn grown(&self, series: &str, now: u64, look: &KeyspaceLook) -> Grown {
        let of_series = self.recall.series.get(series).and_then(|of| of.get(&self.subject));
        let last = of_series.and_then(|samples| samples.first());
        match last {
            None => {
                Grown { count: now, since: format!("since its start, {}", full(look.started_at)) }
            }
            Some(last) if look.started_at.duration_since(last.at) > EXACT => Grown {
                count: now,
                since: format!("since it was started anew, {}", full(look.started_at)),
            },
            Some(last) if counted(now) < last.value => Grown {
                count: now,
                since: format!("since its counts were reset, after {}", full(last.at)),
            },
            Some(last) => Grown {
                count: difference(counted(now), last.value),
                since: format!("since {}", full(last.at)),
            },
        }
    }

    fn samples(&self, look: &KeyspaceLook) -> [Sample; 3] {
        let counts = [
            (REDIS_EVICTED_SERIES, look.evicted_keys),
            (REDIS_EXPIRED_SERIES, look.expired_keys),
            (REDIS_REJECTED_SERIES, look.rejected_clients),
        ];
        counts.map(|(series, count)| Sample {
            series: series.to_owned(),
            subject: self.subject.clone(),
            at: self.at,
            value: counted(count),
        })
    }
}

/// How much a count has grown, and since when, in words.
struct Grown {
    count: u64,
    since: String,
}

#[expect(clippy::cast_precision_loss, reason = "a count stays below 2^52 for thousands of years")]
const fn counted(count: u64) -> f64 {
    count as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "both are whole and the first is not smaller"
)]
const fn difference(now: f64, before: f64) -> u64 {
    (now - before) as u64
}

/// Whether `part` is at least `percent` of `of`.
fn exceeds(part: u64, of: u64, percent: u32) -> bool {
    u128::from(part) * 100 >= u128::from(of) * u128::from(percent) && of > 0
}

/// What the server does at its limit.
fn at_limit(bytes: u64, look: &KeyspaceLook) -> MemoryLimit {
    let policy = look.memory.policy.as_str();
    let expire = look.expiring_keys;
    if is_cache(policy) {
        let which = format!("{}, whatever they are ({policy})", order(policy));
        return MemoryLimit::Evicts { bytes, which };
    }
    if !policy.starts_with("volatile") {
        return MemoryLimit::Refuses { bytes, why: format!("it may let none go ({policy})") };
    }
    if expire.saturating_mul(FEW) < look.keys.max(1) {
        let why = format!("it may let go only keys that expire, and few do ({policy})");
        return MemoryLimit::Refuses { bytes, why };
    }
    let which = format!("of those that expire {} ({policy})", order(policy));
    MemoryLimit::Evicts { bytes, which }
}

/// In which order a policy takes keys.
fn order(policy: &str) -> &'static str {
    match policy.rsplit_once('-').map(|(_, order)| order) {
        Some("lru") => "those that were not used for longest",
        Some("lfu") => "those that are used least",
        Some("ttl") => "those that end soonest",
        _ => "any",
    }
}

/// What a person could run to give it more room, if its host has that.
fn more_room(memory: &MemoryLook) -> String {
    let more = memory.limit_bytes.map(|limit| limit.saturating_add(limit / 4));
    let fits = |more: &u64| u128::from(*more) * 4 <= u128::from(memory.host_bytes) * 3;
    let set = more.filter(fits).map(|more| format!("CONFIG SET maxmemory {more}"));
    set.unwrap_or_else(|| "MEMORY DOCTOR".to_owned())
}
