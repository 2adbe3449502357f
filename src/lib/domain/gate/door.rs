//! The ten doors and their answers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The ten doors, in order.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Door {
    /// Is acting switched on?
    Armed,
    /// May the agent do this by itself, or has a person approved it?
    Autonomy,
    /// No freeze, no maintenance window, no recent deployment.
    Freeze,
    /// Was the population listed completely, and is it plausible?
    Coverage,
    /// Few enough at once?
    BlastRadius,
    /// Does this agent own the key, and does nobody hold it?
    Owner,
    /// Attempts in the episode, and the time since the last.
    Attempts,
    /// Budgets of the agent, the host and all agents together.
    Budget,
    /// Can the operation work here, and has it ever?
    Supported,
    /// Does the guard hold, read again just before acting?
    Guard,
}

impl Door {
    /// Every door, in order.
    pub const ALL: [Self; 10] = [
        Self::Armed,
        Self::Autonomy,
        Self::Freeze,
        Self::Coverage,
        Self::BlastRadius,
        Self::Owner,
        Self::Attempts,
        Self::Budget,
        Self::Supported,
        Self::Guard,
    ];

    /// Its number, from 1.
    #[must_use]
    pub fn number(self) -> usize {
        Self::ALL.iter().position(|door| *door == self).map_or(0, |place| place + 1)
    }

    /// Its name in messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Armed => "armed",
            Self::Autonomy => "autonomy",
            Self::Freeze => "freeze",
            Self::Coverage => "coverage",
            Self::BlastRadius => "blast radius",
            Self::Owner => "owner",
            Self::Attempts => "attempts",
            Self::Budget => "budget",
            Self::Supported => "supported",
            Self::Guard => "guard",
        }
    }
}

/// What a door says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It lets pass; the text holds the numbers.
    Passed(String),
    /// It has nothing to say here, and why.
    NotApplicable(String),
    /// It refuses; the text holds the numbers and what would change the answer.
    Refused(String),
}

/// A door with its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DoorAnswer {
    /// Which door.
    pub door: Door,
    /// What it says.
    pub answer: Answer,
}

/// The refusal among `answers`, if there is one.
#[must_use]
pub fn refusal(answers: &[DoorAnswer]) -> Option<(Door, &str)> {
    answers.iter().find_map(|door| match &door.answer {
        Answer::Refused(why) => Some((door.door, why.as_str())),
        Answer::Passed(_) | Answer::NotApplicable(_) => None,
    })
}
