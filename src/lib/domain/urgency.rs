//! How urgently people are told of an event (docs/SPEC.md §5.4).

use serde::{Deserialize, Serialize};

use super::event::Event;
use super::severity::{Priority, Severity};

/// How urgently people are told of an event. Batching only; status comes from severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventPriority {
    /// For the daily digest.
    Low,
    /// Within a quarter of an hour.
    Medium,
    /// Within minutes.
    High,
    /// At once.
    Critical,
}

impl Event {
    /// How urgently people are told (docs/SPEC.md §5.4).
    #[must_use]
    pub const fn priority(&self) -> EventPriority {
        match self {
            Self::IncidentOpened { priority, .. } => match priority {
                Priority::P0 => EventPriority::Critical,
                Priority::P1 => EventPriority::High,
                Priority::P2 => EventPriority::Medium,
                Priority::P3 => EventPriority::Low,
            },
            Self::IncidentSeverityChanged { to, .. } => match to {
                Severity::Critical => EventPriority::High,
                Severity::Warning => EventPriority::Medium,
                Severity::Info => EventPriority::Low,
            },
            Self::ControlPlaneDegraded { .. } => EventPriority::Critical,
            Self::Escalation { .. }
            | Self::ApprovalRequested { .. }
            | Self::LedgerImported { .. } => EventPriority::High,
            Self::IncidentFactsChanged { .. }
            | Self::IncidentAcknowledged { .. }
            | Self::IncidentResolved { .. }
            | Self::RecoveryAttempted { .. }
            | Self::RemediationActed { .. }
            | Self::RemediationCompleted { .. }
            | Self::RemediationSettled { .. }
            | Self::RemediationUndone { .. }
            | Self::ApprovalDecided { .. }
            | Self::ApprovalExpired { .. }
            | Self::ApprovalWithdrawn { .. }
            | Self::ControlChanged { .. }
            | Self::TaskStarted { .. }
            | Self::TaskCompleted { .. } => EventPriority::Low,
        }
    }
}
