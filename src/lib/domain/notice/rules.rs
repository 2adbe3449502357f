//! The settings that every decision about telling shares.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::route::{Route, TimeOfDay, Window};
use crate::domain::severity::{Environment, Priority, Severity};

/// How soon somebody must have taken an incident up.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Clocks {
    /// P0 a quarter of an hour, P1 an hour, P2 four hours, P3 a week.
    #[default]
    Standard,
    /// P0 at once, P1 a quarter of an hour, P2 an hour, P3 a day.
    Strict,
}

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

impl Clocks {
    /// How long an incident of that priority may stay without an acknowledgement.
    #[must_use]
    pub const fn response(self, priority: Priority) -> Duration {
        Duration::from_secs(match (self, priority) {
            (Self::Strict, Priority::P0) => 0,
            (Self::Standard, Priority::P0) | (Self::Strict, Priority::P1) => 15 * MINUTE,
            (Self::Standard, Priority::P1) | (Self::Strict, Priority::P2) => HOUR,
            (Self::Standard, Priority::P2) => 4 * HOUR,
            (Self::Standard, Priority::P3) => 7 * DAY,
            (Self::Strict, Priority::P3) => DAY,
        })
    }
}

/// Where the clock leaves no time at all, a further step is called after this.
const BETWEEN_STEPS: Duration = Duration::from_secs(15 * MINUTE);

impl Clocks {
    /// How long an incident of that priority may stay without an acknowledgement until this step of an escalation is called.
    #[must_use]
    pub fn patience(self, priority: Priority, step: u32) -> Duration {
        let first = self.response(priority);
        first + first.max(BETWEEN_STEPS) * step.saturating_sub(1).min(8)
    }
}

/// No second alert about the same incident within this time, unless it is worse.
pub const HOUR_BETWEEN: Duration = Duration::from_secs(HOUR);
/// What came back stays, and does not just come and go, when it lasts as long as this. Judged: as long as the relapse window.
pub(super) const STAYS: Duration = Duration::from_secs(30 * MINUTE);
/// What is of medium urgency leaves in batches of this length.
pub const BATCH: Duration = Duration::from_secs(15 * MINUTE);

/// How a route is reminded of what stays open: after so long, then after twice as long, and so on, up to a day.
#[must_use]
pub fn repeat_after(severity: Severity, alerts: u32) -> Option<Duration> {
    let first = match severity {
        Severity::Critical => HOUR,
        Severity::Warning => 4 * HOUR,
        Severity::Info => return None,
    };
    let doublings = alerts.saturating_sub(1).min(8);
    Some(Duration::from_secs((first << doublings).min(DAY)))
}

/// The settings that every decision about telling shares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Where.
    pub environment: Environment,
    /// This host's name.
    pub host: String,
    /// Where runbooks are published; empty where they are not.
    pub runbooks: String,
    /// How soon somebody must have taken an incident up.
    pub clocks: Clocks,
    /// When the daily digest leaves.
    pub digest_at: TimeOfDay,
    /// The house's time zone.
    pub zone: String,
    /// The routes.
    pub routes: Vec<Route>,
    /// How long each channel rests between two messages.
    pub channels: BTreeMap<String, ChannelRule>,
    /// Planned work: findings of its agents are not told while it lasts.
    pub maintenance: Vec<Window>,
}

/// What decisions know of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelRule {
    /// How long it rests between two messages.
    pub pause: Duration,
    /// Whether it is fed with the state of everything, and with nothing else.
    pub dashboard: bool,
}

impl Rules {
    /// The last moment at or before `now` at which a digest was to leave.
    #[must_use]
    pub fn digest_slot(&self, now: Timestamp) -> Option<Timestamp> {
        let zone = jiff::tz::TimeZone::get(&self.zone).unwrap_or(jiff::tz::TimeZone::UTC);
        let today = now.to_zoned(zone.clone()).date();
        let of = |date: jiff::civil::Date| {
            let at = date.to_datetime(self.digest_at.0).to_zoned(zone.clone()).ok()?;
            (at.timestamp() <= now).then(|| at.timestamp())
        };
        of(today).or_else(|| of(today.yesterday().ok()?))
    }

    /// From when on what is of medium urgency may leave: the end of this quarter of an hour.
    #[must_use]
    pub fn batch_end(now: Timestamp) -> Timestamp {
        let length = i64::try_from(BATCH.as_secs()).unwrap_or(900);
        let end = (now.as_second().div_euclid(length) + 1) * length;
        Timestamp::from_second(end).unwrap_or(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reminders_double_up_to_a_day() {
        let hours =
            |severity, alerts| repeat_after(severity, alerts).map(|time| time.as_secs() / HOUR);
        assert_eq!(
            [1, 2, 3, 4, 5, 6, 40].map(|n| hours(Severity::Critical, n)),
            [1, 2, 4, 8, 16, 24, 24].map(Some)
        );
        assert_eq!([1, 2, 3, 4].map(|n| hours(Severity::Warning, n)), [4, 8, 16, 24].map(Some));
        assert_eq!(hours(Severity::Info, 1), None);
    }

    #[test]
    fn a_batch_ends_with_its_quarter_of_an_hour() {
        let end = |text: &str| Rules::batch_end(text.parse().unwrap()).to_string();
        assert_eq!(end("2026-11-20T12:00:00Z"), "2026-11-20T12:15:00Z");
        assert_eq!(end("2026-11-20T12:14:59Z"), "2026-11-20T12:15:00Z");
    }
}
