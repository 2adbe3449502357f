//! The settings of content-lifecycle, and what is wrong with them beyond their types.

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::agent::Problem;
use crate::domain::duration::HumanDuration;

/// Keeps a tenant's content in order: archives what expired and what nothing refers to, and tells of the rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ContentLifecycle {
    /// Active content that is older than so many days, and that nothing refers to, is archived.
    pub orphan_days: u32,
    /// Active content that is larger than this is a finding, in MiB.
    pub oversized_mb: u64,
    /// A tenant that uses more than this of its storage is a warning, in percent.
    pub storage_percent: u8,
    /// A tenant that uses more than this of its storage is critical, in percent.
    pub storage_critical_percent: u8,
    /// So long after its expiry the platform's own hourly job has had its turn; what is still active then is a finding.
    pub expiry_grace: HumanDuration,
    /// Whether the addresses of thumbnails are asked whether they answer.
    pub probe_thumbnails: bool,
}

impl Default for ContentLifecycle {
    fn default() -> Self {
        Self {
            // Asked for by the design: older than 30 days, larger than 100 MB, above 80 % and above 90 %.
            orphan_days: 30,
            oversized_mb: 100,
            storage_percent: 80,
            storage_critical_percent: 90,
            // The platform's job runs every hour; five minutes are for its own work.
            expiry_grace: HumanDuration::mins(65),
            probe_thumbnails: true,
        }
    }
}

/// What the settings call a megabyte.
const MEBIBYTE: u64 = 1024 * 1024;

/// A hundred years: more than a platform's life, and far from the end of time.
const MOST_DAYS: u32 = 36_500;

impl ContentLifecycle {
    /// The largest size that is no finding.
    #[must_use]
    pub const fn oversized_bytes(&self) -> u64 {
        self.oversized_mb.saturating_mul(MEBIBYTE)
    }

    /// Whether content that expires at `expires_at` should no longer be active, by the platform's clock.
    #[must_use]
    pub fn overdue(&self, expires_at: Timestamp, platform_now: Timestamp) -> bool {
        let due = expires_at.checked_add(self.expiry_grace.get());
        due.is_ok_and(|due| due <= platform_now)
    }

    /// Whether content that was made at `created_at` is old enough to be an orphan, by the platform's clock.
    #[must_use]
    pub fn aged(&self, created_at: Timestamp, platform_now: Timestamp) -> bool {
        let days = SignedDuration::from_hours(i64::from(self.orphan_days) * 24);
        created_at.checked_add(days).is_ok_and(|aged| aged < platform_now)
    }

    /// Problems beyond types.
    #[must_use]
    pub fn lint(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut wrong = |path: &str, message: &str| {
            problems.push(Problem { path: path.to_owned(), message: message.to_owned() });
        };
        if !(1..=MOST_DAYS).contains(&self.orphan_days) {
            wrong(
                "orphan_days",
                "write a number from 1 to 36500: content is made before it is put into a playlist",
            );
        }
        if self.oversized_mb == 0 {
            wrong("oversized_mb", "0 would call every file too large; write 1 or more");
        }
        let shares = [
            ("storage_percent", self.storage_percent),
            ("storage_critical_percent", self.storage_critical_percent),
        ];
        for (path, _) in shares.into_iter().filter(|(_, share)| !(1..=100).contains(share)) {
            wrong(path, "write a percentage from 1 to 100");
        }
        if self.storage_critical_percent < self.storage_percent {
            wrong("storage_critical_percent", "must not be below storage_percent");
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_well_and_every_nonsense_is_named() {
        assert_eq!(ContentLifecycle::default().lint(), Vec::new());
        let bad = ContentLifecycle {
            orphan_days: 0,
            oversized_mb: 0,
            storage_percent: 95,
            storage_critical_percent: 0,
            ..ContentLifecycle::default()
        };
        let paths: Vec<String> = bad.lint().into_iter().map(|problem| problem.path).collect();
        let wanted =
            ["orphan_days", "oversized_mb", "storage_critical_percent", "storage_critical_percent"];
        assert_eq!(paths, wanted);
    }

    #[test]
    fn the_grace_and_the_age_end_at_their_last_moment() {
        let settings = ContentLifecycle::default();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let expiry = at("2026-11-20T10:00:00Z");
        assert!(!settings.overdue(expiry, at("2026-11-20T11:04:59Z")));
        assert!(settings.overdue(expiry, at("2026-11-20T11:05:00Z")));
        assert!(!settings.overdue(Timestamp::MAX, at("2026-11-20T11:05:00Z")));
        assert!(!settings.aged(at("2026-10-21T10:00:00Z"), expiry));
        assert!(settings.aged(at("2026-10-21T09:59:59Z"), expiry));
    }
}
