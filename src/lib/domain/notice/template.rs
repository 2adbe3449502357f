//! The forms in which a webhook can be spoken to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whose form a webhook's body has.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Template {
    /// Our own form, described by `docs/json/notice.schema.json`.
    #[default]
    Generic,
    /// An event for `PagerDuty`, version 2.
    Pagerduty,
    /// A message of a Discord webhook.
    Discord,
    /// A card for a workflow of Microsoft Teams.
    Teams,
}

impl Template {
    /// Every template.
    pub const ALL: [Self; 4] = [Self::Generic, Self::Pagerduty, Self::Discord, Self::Teams];

    /// The word used in files and messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Generic => "generic",
            Self::Pagerduty => "pagerduty",
            Self::Discord => "discord",
            Self::Teams => "teams",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_written_as_it_is_named() {
        for template in Template::ALL {
            assert_eq!(serde_json::to_value(template).unwrap(), template.as_str());
        }
    }
}
