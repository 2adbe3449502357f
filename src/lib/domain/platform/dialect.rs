//! How the platform is spoken to, and what each way of speaking can do.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A way of speaking to the platform: which routes and fields stand for an operation and a row.
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
pub enum Dialect {
    /// The live platform.
    #[default]
    Vizora,
    /// The wording of the design that this product follows.
    Reference,
}

impl Dialect {
    /// The word used in settings and messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Vizora => "vizora",
            Self::Reference => "reference",
        }
    }

    /// The display status that takes the place of an error.
    #[must_use]
    pub const fn reset_status(self) -> &'static str {
        match self {
            Self::Vizora => "offline",
            Self::Reference => "inactive",
        }
    }

    /// Whether a silent display can be pinged.
    #[must_use]
    pub const fn has_ping(self) -> bool {
        matches!(self, Self::Reference)
    }

    /// Whether a connected display can be told to reload.
    #[must_use]
    pub const fn has_fleet_commands(self) -> bool {
        matches!(self, Self::Vizora)
    }
}
