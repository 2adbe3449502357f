//! How bad a finding is, and how urgent that makes it where it happened.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The judgement on a finding. Ordered: a later one is worse.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Recorded and visible, never counted against the system's status.
    Info,
    /// Something is degraded.
    Warning,
    /// Something that people rely on does not work.
    Critical,
}

impl Severity {
    /// The word used in files and messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// Where a ledger's findings happen: one setting per ledger.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Environment {
    /// Real users depend on it.
    #[default]
    Production,
    /// A rehearsal of production.
    Staging,
    /// Nobody depends on it.
    Development,
}

impl Environment {
    /// The word used in files and messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Staging => "staging",
            Self::Development => "development",
        }
    }
}

/// How urgent an incident is: severity seen in its environment. Decides clocks and routes, never status.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub enum Priority {
    /// Production and critical.
    P0,
    /// Production warning, or staging critical.
    P1,
    /// Staging warning, or development critical.
    P2,
    /// Everything else.
    P3,
}

impl Priority {
    /// The priority of a finding of `severity` in `environment` (docs/SPEC.md §5.3).
    #[must_use]
    pub const fn of(severity: Severity, environment: Environment) -> Self {
        match (environment, severity) {
            (Environment::Production, Severity::Critical) => Self::P0,
            (Environment::Production, Severity::Warning)
            | (Environment::Staging, Severity::Critical) => Self::P1,
            (Environment::Staging, Severity::Warning)
            | (Environment::Development, Severity::Critical) => Self::P2,
            (_, Severity::Info) | (Environment::Development, Severity::Warning) => Self::P3,
        }
    }
}
