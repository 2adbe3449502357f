//! How a channel has fared.

use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// So many attempts in a row must have failed before a channel is called dead.
const FAILURES: u32 = 3;
/// And for so long.
const FAILING_FOR: Duration = Duration::from_mins(5);

/// How a channel has fared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChannelState {
    /// Its name.
    pub name: String,
    /// Until when it is left alone: its own pace, or what its receiver asked for.
    #[schemars(with = "Option<String>")]
    pub not_before: Option<Timestamp>,
    /// How many attempts in a row did not arrive.
    pub failures: u32,
    /// Since when.
    #[schemars(with = "Option<String>")]
    pub failing_since: Option<Timestamp>,
    /// How many notifications were given up since it last worked.
    pub given_up: u32,
    /// When it last took something.
    #[schemars(with = "Option<String>")]
    pub last_ok: Option<Timestamp>,
    /// What went wrong last.
    pub last_error: Option<String>,
}

/// What the name of a dead man's switch begins with. It holds a space, so no channel of the settings is called so.
const PING: &str = "ping of ";

impl ChannelState {
    /// The name under which it is written down how an agent's dead man's switch has fared.
    #[must_use]
    pub fn ping_of(agent: &str) -> String {
        format!("{PING}{agent}")
    }

    /// Whether settings name it, or did: a dead man's switch is named by the environment.
    #[must_use]
    pub fn is_of_settings(&self) -> bool {
        !self.name.starts_with(PING)
    }

    /// It took something.
    pub fn worked(&mut self, now: Timestamp) {
        let (name, not_before) = (std::mem::take(&mut self.name), self.not_before);
        *self = Self { name, not_before, last_ok: Some(now), ..Self::default() };
    }

    /// It did not, as far as that is known.
    pub fn failed(&mut self, now: Timestamp, why: &str, given_up: u32) {
        self.failures = self.failures.saturating_add(1);
        self.failing_since.get_or_insert(now);
        self.given_up = self.given_up.saturating_add(given_up);
        self.last_error = Some(why.to_owned());
    }

    /// Why it counts as dead, if it does.
    #[must_use]
    pub fn dead(&self, now: Timestamp) -> Option<String> {
        let error = self.last_error.as_deref().unwrap_or("no answer");
        if self.given_up > 0 {
            let (many, it) = match self.given_up {
                1 => ("one message was".to_owned(), "it"),
                many => (format!("{many} messages were"), "them"),
            };
            return Some(format!(
                "{many} given up on channel {}, nobody got {it}: {error}",
                self.name
            ));
        }
        let since = self.failing_since?;
        let long = Duration::try_from(now.duration_since(since)).unwrap_or_default() >= FAILING_FOR;
        (self.failures >= FAILURES && long).then(|| {
            format!(
                "channel {} has taken nothing in {} attempts: {error}",
                self.name, self.failures
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i8) -> Timestamp {
        let text = format!("2026-11-20T12:{minute:02}:00Z");
        text.parse().unwrap()
    }

    #[test]
    fn a_channel_is_dead_after_three_failures_in_five_minutes_or_once_something_was_given_up() {
        let mut channel = ChannelState { name: "team".to_owned(), ..ChannelState::default() };
        assert_eq!(channel.dead(at(0)), None);
        for minute in [0, 1, 2] {
            channel.failed(at(minute), "500", 0);
            assert_eq!(channel.dead(at(4)), None);
        }
        assert!(channel.dead(at(5)).unwrap().contains("3 attempts: 500"));
        channel.worked(at(6));
        assert_eq!(channel.dead(at(59)), None);
        channel.failed(at(7), "no_service", 1);
        assert!(channel.dead(at(7)).unwrap().contains("one message was given up"));
    }
}
