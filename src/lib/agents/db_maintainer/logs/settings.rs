//! `[[agents.db-maintainer.logs]]`: folders of logs.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::agent::{Problem, StoreNeed};
use crate::domain::duration::HumanDuration;
use crate::domain::operation::OWN_LOGS;
use crate::domain::upkeep::{Glob, LogRules};

const MIB: u64 = 1024 * 1024;
const DAY_MINUTES: u64 = 24 * 60;

/// `[[agents.db-maintainer.logs]]`: one folder of logs, as PM2's `/home/app/.pm2/logs`. opswarden's own logs are tended with
/// the defaults, without being named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogSettings {
    /// What it is called in findings.
    #[schemars(length(min = 1, max = 40))]
    #[schemars(example = &"shop")]
    pub name: String,
    /// The folder, from the root on. Nothing outside of it is looked at or touched.
    #[schemars(length(min = 1, max = 1000))]
    #[schemars(example = &"/var/log/shop")]
    pub folder: String,
    /// Names of log files: `*` stands for anything, `?` for one byte. What others have packed is no log.
    #[serde(default = "patterns")]
    #[schemars(length(min = 1, max = 100))]
    pub patterns: Vec<String>,
    /// So many folders deep below it, links never.
    #[serde(default)]
    #[schemars(range(max = 8))]
    pub depth: u32,
    /// A log that is written and larger is trimmed in place, in MiB.
    #[serde(default = "trim_above_mib")]
    #[schemars(range(min = 2, max = 1_000_000))]
    pub trim_above_mib: u64,
    /// At least so many of its newest bytes stay, in MiB; the oldest are gone.
    #[serde(default = "keep_mib")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub keep_mib: u64,
    /// A log that nobody has written for so long, and has not open, is archived. The newest of its series stays in place.
    #[serde(default = "hot")]
    pub hot: HumanDuration,
    /// So long after its log was last written an archive is packed tighter.
    #[serde(default = "warm")]
    pub warm: HumanDuration,
    /// And after so long it is taken away.
    #[serde(default = "cold")]
    pub cold: HumanDuration,
}

fn patterns() -> Vec<String> {
    ["*.log", "*.log.*", "*.log-*"].map(str::to_owned).to_vec()
}

const fn trim_above_mib() -> u64 {
    100
}

const fn keep_mib() -> u64 {
    50
}

const fn hot() -> HumanDuration {
    HumanDuration::mins(7 * DAY_MINUTES)
}

const fn warm() -> HumanDuration {
    HumanDuration::mins(30 * DAY_MINUTES)
}

const fn cold() -> HumanDuration {
    HumanDuration::mins(90 * DAY_MINUTES)
}

impl LogSettings {
    /// A set with the defaults.
    #[must_use]
    pub fn new(name: &str, folder: &str) -> Self {
        Self {
            name: name.to_owned(),
            folder: folder.to_owned(),
            patterns: patterns(),
            depth: 0,
            trim_above_mib: trim_above_mib(),
            keep_mib: keep_mib(),
            hot: hot(),
            warm: warm(),
            cold: cold(),
        }
    }

    /// The rules that these settings make.
    #[must_use]
    pub fn rules(&self) -> LogRules {
        LogRules {
            patterns: self.patterns.iter().map(|one| Glob::new(one)).collect(),
            depth: self.depth,
            trim_above_bytes: self.trim_above_mib.saturating_mul(MIB),
            keep_bytes: self.keep_mib.saturating_mul(MIB),
            hot: self.hot.get(),
            warm: self.warm.get(),
            cold: self.cold.get(),
        }
    }

    /// Whether the walk through this folder comes to `other`.
    fn reaches(&self, other: &Self) -> bool {
        let names = |set: &Self| -> Vec<String> {
            set.folder.split('/').filter(|name| !name.is_empty()).map(str::to_owned).collect()
        };
        let (own, others) = (names(self), names(other));
        let deeper = others.len().checked_sub(own.len());
        others.starts_with(&own) && deeper.is_some_and(|more| more <= self.depth as usize)
    }
}

/// Every set: the declared ones, and opswarden's own.
pub(super) fn all(declared: &[LogSettings]) -> Vec<LogSettings> {
    let own = LogSettings::new(OWN_LOGS, "");
    std::iter::once(own).chain(declared.iter().cloned()).collect()
}

/// The senses and hands that they need.
pub(crate) fn needs(declared: &[LogSettings]) -> impl Iterator<Item = StoreNeed> {
    all(declared).into_iter().map(|set| StoreNeed::Logs {
        rules: set.rules(),
        folder: (set.name != OWN_LOGS).then(|| set.folder.clone()),
        name: set.name,
    })
}

/// Problems that no single value shows.
pub(crate) fn lint(declared: &[LogSettings], found: &mut Vec<Problem>) {
    let mut names = BTreeSet::from([OWN_LOGS]);
    for (place, set) in declared.iter().enumerate() {
        let mut add = |field: &str, message: String| {
            found.push(Problem { path: format!("logs[{place}].{field}"), message });
        };
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !set.name.chars().all(plain) {
            add("name", format!("`{}` is not in small letters, digits and hyphens", set.name));
        }
        if !names.insert(&set.name) {
            add("name", format!("`{}` is the name of another set already", set.name));
        }
        let is_whole = set.folder.starts_with('/') && !set.folder.trim_matches('/').is_empty();
        if !is_whole || set.folder.split('/').any(|name| name == "..") {
            add(
                "folder",
                format!("`{}` is not a folder from the root on, or is the root", set.folder),
            );
        }
        if set.keep_mib >= set.trim_above_mib {
            let message = format!(
                "{} is not below trim_above_mib ({}): nothing could be cut off",
                set.keep_mib, set.trim_above_mib
            );
            add("keep_mib", message);
        }
        if set.warm <= set.hot || set.cold <= set.warm {
            let message = format!(
                "hot ({}), warm ({}) and cold ({}) do not follow each other: each must be longer than the one before",
                set.hot, set.warm, set.cold
            );
            add("warm", message);
        }
        let meets = |other: &&LogSettings| set.reaches(other) || other.reaches(set);
        if let Some(other) = declared.iter().take(place).find(meets) {
            add("folder", format!("the set `{}` has the same folder, or comes to it", other.name));
        }
    }
}
