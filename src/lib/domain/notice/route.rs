//! Who is told of what, and when not.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::incident::Incident;
use crate::domain::severity::{Environment, Severity};
use crate::domain::subject::AgentName;

/// `[[notify.routes]]`: what one channel is told of.
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Route {
    /// Its name in `opsctl notify why`.
    #[schemars(length(min = 1, max = 63))]
    #[schemars(example = &"people")]
    pub name: String,
    /// The channel that it leads to.
    #[schemars(length(min = 1, max = 63))]
    #[schemars(example = &"slack")]
    pub channel: String,
    /// The least severity: "info", "warning" or "critical".
    pub severity: Severity,
    /// Only these environments. Empty: every one.
    pub environments: Vec<Environment>,
    /// Only findings and requests of these agents. Empty: of every one.
    pub agents: Vec<String>,
    /// Only findings of these checks. Empty: of every one.
    pub checks: Vec<String>,
    /// Only what nobody has acknowledged in time: the next step of an escalation.
    pub unacknowledged: bool,
    /// Which step of the escalation, with `unacknowledged`: the second is called when as much time again has passed, and so on.
    #[schemars(range(min = 1, max = 9))]
    pub step: u32,
    /// Whether a change of the system's status is told.
    pub status: bool,
    /// Whether a daily digest is sent. Together with `status`, a change for the worse is told by a digest of its own; its end
    /// is a word about the status.
    pub digest: bool,
    /// Whether requests for approval are told.
    pub approvals: bool,
    /// Hours in which nothing is told that is not critical.
    pub quiet: Vec<Window>,
}

impl Default for Route {
    fn default() -> Self {
        Self {
            name: String::new(),
            channel: String::new(),
            severity: Severity::Warning,
            environments: Vec::new(),
            agents: Vec::new(),
            checks: Vec::new(),
            unacknowledged: false,
            step: 1,
            status: false,
            digest: false,
            approvals: true,
            quiet: Vec::new(),
        }
    }
}

impl Route {
    /// Whether it is told of this environment at all.
    #[must_use]
    pub fn is_of(&self, environment: Environment) -> bool {
        self.environments.is_empty() || self.environments.contains(&environment)
    }

    /// Whether it is told of what this agent finds or asks for.
    #[must_use]
    pub fn is_about(&self, agent: &AgentName) -> bool {
        self.agents.is_empty() || self.agents.iter().any(|one| one == agent.as_str())
    }

    /// Why an incident is none of this route's, if so.
    #[must_use]
    pub fn passes_over(&self, incident: &Incident, environment: Environment) -> Option<String> {
        let names = |wanted: &[String], name: &str| wanted.iter().any(|one| one == name);
        let key = &incident.key;
        if incident.severity < self.severity {
            let (is, least) = (incident.severity.as_str(), self.severity.as_str());
            return Some(format!("it is {is}, and the route is told from {least} on"));
        }
        if !self.is_of(environment) {
            return Some(format!("the route is not told of {}", environment.as_str()));
        }
        if !self.is_about(&key.agent) {
            return Some(format!("the route is not told of findings of {}", key.agent));
        }
        if !self.checks.is_empty() && !names(&self.checks, key.check.as_str()) {
            return Some(format!("the route is not told of {}", key.check));
        }
        None
    }
}

/// Hours that come again: quiet ones of a route, or those of planned work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Window {
    /// When it begins, like "22:00".
    pub from: TimeOfDay,
    /// When it ends; before `from`, where that is on the next day.
    pub to: TimeOfDay,
    /// On these days, by the day on which it begins: "mon" to "sun". Empty: every day.
    pub days: Vec<Day>,
    /// The time zone. Empty: that of `notify.zone`.
    pub zone: String,
    /// Only findings of these agents. Empty: of every one.
    pub agents: Vec<String>,
}

impl Default for Window {
    fn default() -> Self {
        let midnight = TimeOfDay(Time::midnight());
        Self {
            from: midnight,
            to: midnight,
            days: Vec::new(),
            zone: String::new(),
            agents: Vec::new(),
        }
    }
}

impl Window {
    /// Until when it lasts, where `now` lies in it. `zone` is that of the house; one that is not known counts as UTC, for
    /// settings are checked before.
    #[must_use]
    pub fn until(&self, now: Timestamp, zone: &str) -> Option<Timestamp> {
        let zone = if self.zone.is_empty() { zone } else { &self.zone };
        let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
        let local = now.to_zoned(zone.clone());
        // It may have begun yesterday.
        for days_ago in [0_i8, 1] {
            let began = local.date().checked_sub(jiff::Span::new().days(days_ago)).ok()?;
            let ends = if self.from.0 < self.to.0 { began } else { began.tomorrow().ok()? };
            let at = |date: jiff::civil::Date, time: Time| {
                date.to_datetime(time).to_zoned(zone.clone()).ok().map(|at| at.timestamp())
            };
            let (from, to) = (at(began, self.from.0)?, at(ends, self.to.0)?);
            let on = self.days.is_empty() || self.days.iter().any(|day| day.0 == began.weekday());
            if on && from <= now && now < to {
                return Some(to);
            }
        }
        None
    }

    /// Whether it is about this agent's findings.
    #[must_use]
    pub fn is_about(&self, agent: &AgentName) -> bool {
        self.agents.is_empty() || self.agents.iter().any(|name| name == agent.as_str())
    }

    /// What cannot be meant, if anything.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        if self.from == self.to {
            return Some(format!("from {} to {} is no time at all", self.from, self.to));
        }
        let known = self.zone.is_empty() || TimeZone::get(&self.zone).is_ok();
        (!known).then(|| format!("`{}` is not a time zone", self.zone))
    }
}

/// A time of day: `22:00`.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct TimeOfDay(pub Time);

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0.hour(), self.0.minute())
    }
}

impl FromStr for TimeOfDay {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a time of day; write one like \"07:30\"");
        let (hour, minute) = text.split_once(':').ok_or_else(wrong)?;
        let plain = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        if !plain(hour) || !plain(minute) {
            return Err(wrong());
        }
        let number = |part: &str| part.parse::<i8>().map_err(|_| wrong());
        Time::new(number(hour)?, number(minute)?, 0, 0).map(Self).map_err(|_| wrong())
    }
}

impl TryFrom<String> for TimeOfDay {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<TimeOfDay> for String {
    fn from(time: TimeOfDay) -> Self {
        time.to_string()
    }
}

/// A day of the week: `mon`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String", extend("enum" = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]))]
pub struct Day(pub Weekday);

const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

impl TryFrom<String> for Day {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let found = DAYS.iter().find(|(name, _)| *name == text);
        found.map(|(_, day)| Self(*day)).ok_or_else(|| {
            format!("`{text}` is not a day; write mon, tue, wed, thu, fri, sat or sun")
        })
    }
}

impl From<Day> for String {
    fn from(day: Day) -> Self {
        let found = DAYS.iter().find(|(_, of)| *of == day.0);
        found.map_or_else(Self::new, |(name, _)| (*name).to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn window(from: &str, to: &str, days: &[&str]) -> Window {
        let days = days.iter().map(|day| Day::try_from((*day).to_owned()).unwrap()).collect();
        let time = |text: &str| text.parse().unwrap();
        Window { from: time(from), to: time(to), days, ..Window::default() }
    }

    #[test]
    fn a_window_over_midnight_belongs_to_the_day_on_which_it_begins() {
        let night = window("22:00", "07:00", &["fri"]);
        // 2026-11-20 is a Friday.
        let until = |text: &str| night.until(at(text), "UTC");
        assert_eq!(until("2026-11-20T21:59:59Z"), None);
        assert_eq!(until("2026-11-20T22:00:00Z"), Some(at("2026-11-21T07:00:00Z")));
        assert_eq!(until("2026-11-21T06:59:59Z"), Some(at("2026-11-21T07:00:00Z")));
        assert_eq!(until("2026-11-21T07:00:00Z"), None);
        assert_eq!(until("2026-11-21T22:30:00Z"), None, "it begins on a Saturday");
        assert_eq!(
            window("09:00", "17:00", &[]).until(at("2026-11-20T12:00:00Z"), "UTC"),
            Some(at("2026-11-20T17:00:00Z"))
        );
    }

    #[test]
    fn a_window_follows_its_zone_over_the_change_of_its_clock() {
        let night = window("22:00", "07:00", &[]);
        // In Berlin the night of 24 October 2026 has an hour more.
        let until = night.until(at("2026-10-24T20:30:00Z"), "Europe/Berlin");
        assert_eq!(until, Some(at("2026-10-25T06:00:00Z")));
        let own = Window { zone: "Asia/Tokyo".to_owned(), ..night };
        assert_eq!(
            own.until(at("2026-10-24T20:30:00Z"), "Europe/Berlin"),
            Some(at("2026-10-24T22:00:00Z"))
        );
    }

    #[test]
    fn nonsense_is_named() {
        assert!(window("07:00", "07:00", &[]).problem().is_some());
        assert!(window("07:00", "08:00", &[]).problem().is_none());
        let wrong = Window { zone: "Mars".to_owned(), ..window("07:00", "08:00", &[]) };
        assert!(wrong.problem().unwrap().contains("Mars"));
        for text in ["7:00", "24:00", "12:60", "noon", "12:3", "+1:00"] {
            assert!(text.parse::<TimeOfDay>().is_err(), "{text}");
        }
        assert!(Day::try_from("monday".to_owned()).is_err());
    }
}
