//! The settings of one Redis server.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::agent::Problem;
use crate::domain::duration::HumanDuration;

/// `[[agents.db-maintainer.redis]]`: one Redis server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RedisSettings {
    /// What it is called in findings.
    #[schemars(length(min = 1, max = 40))]
    #[schemars(example = &"main")]
    pub name: String,
    /// Memory that is so full is a warning where writes are refused at the limit, in percent of `maxmemory`, or of the host's
    /// memory where the server has no limit.
    #[serde(default = "memory_percent")]
    #[schemars(range(min = 1, max = 100))]
    pub memory_percent: u32,
    /// And memory that is so full is critical. Where keys are let go instead, it is told from here on.
    #[serde(default = "memory_critical_percent")]
    #[schemars(range(min = 1, max = 100))]
    pub memory_critical_percent: u32,
    /// So many of the clients that may be connected are a warning, in percent.
    #[serde(default = "clients_percent")]
    #[schemars(range(min = 1, max = 100))]
    pub clients_percent: u32,
    /// The process takes so much of the host, in percent of what its data need, before that is a warning.
    #[serde(default = "fragmentation_percent")]
    #[schemars(range(min = 101, max = 10000))]
    pub fragmentation_percent: u32,
    /// And so much more than they need, in MiB.
    #[serde(default = "fragmentation_least_mib")]
    pub fragmentation_least_mib: u64,
    /// The fastest of five answers that need no work is slower than this: a warning.
    #[serde(default = "answer_within")]
    pub answer_within: HumanDuration,
    /// A save may be late by so much, against the server's own `save`.
    #[serde(default = "save_grace")]
    pub save_grace: HumanDuration,
    /// Expired keys are reclaimed when the server estimates so many of the keys that expire to have done so, in percent, and at
    /// least 1000 keys are.
    #[serde(default = "stale_percent")]
    #[schemars(range(min = 1, max = 100))]
    pub stale_percent: u32,
    /// For so long at most, and with as much rest as work.
    #[serde(default = "reclaim_budget")]
    pub reclaim_budget: HumanDuration,
}

/// Time is left to act in, at the pace of most growth.
const fn memory_percent() -> u32 {
    80
}

/// What one large write may take in one go.
const fn memory_critical_percent() -> u32 {
    95
}

const fn clients_percent() -> u32 {
    80
}

/// From here on the server's own `MEMORY DOCTOR` speaks of high fragmentation as well: 1.4 times, and a little more.
const fn fragmentation_percent() -> u32 {
    150
}

/// Less is not worth anybody's time: an empty server takes many times what it holds.
const fn fragmentation_least_mib() -> u64 {
    100
}

/// A thousand times what an answer takes on one host, and more than a way around the world should.
fn answer_within() -> HumanDuration {
    HumanDuration::from(std::time::Duration::from_millis(100))
}

const fn save_grace() -> HumanDuration {
    HumanDuration::mins(60)
}

/// The share up to which the server itself leaves them be.
const fn stale_percent() -> u32 {
    10
}

/// About 700,000 keys, measured with a debug build beside its server on two cores.
const fn reclaim_budget() -> HumanDuration {
    HumanDuration::secs(10)
}

impl RedisSettings {
    /// A server of this name, with the usual limits.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            memory_percent: memory_percent(),
            memory_critical_percent: memory_critical_percent(),
            clients_percent: clients_percent(),
            fragmentation_percent: fragmentation_percent(),
            fragmentation_least_mib: fragmentation_least_mib(),
            answer_within: answer_within(),
            save_grace: save_grace(),
            stale_percent: stale_percent(),
            reclaim_budget: reclaim_budget(),
        }
    }
}

/// Problems that no single value shows.
pub(in super::super) fn lint(servers: &[RedisSettings]) -> Vec<Problem> {
    let mut found = Vec::new();
    let mut names = BTreeSet::new();
    for (place, server) in servers.iter().enumerate() {
        let mut problem = |field: &str, message: String| {
            found.push(Problem { path: format!("redis[{place}].{field}"), message });
        };
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let name = &server.name;
        if !name.chars().all(plain) {
            let why = "is not in small letters, digits and hyphens; its name stands in that of a variable";
            problem("name", format!("`{name}` {why}"));
        }
        if !names.insert(name) {
            problem("name", format!("`{name}` is the name of another Redis server already"));
        }
        if server.memory_critical_percent < server.memory_percent {
            let message = "it is below memory_percent; it must be above".to_owned();
            problem("memory_critical_percent", message);
        }
    }
    found
}
