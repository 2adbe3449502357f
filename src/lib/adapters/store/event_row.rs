//! An event as it is stored, and the chain that seals it.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::rows::AT_ONCE;
use crate::domain::event::{Event, EventPriority, NewEvent, RecordedEvent};
use crate::domain::incident::RunId;

/// What one event may hold, serialised.
pub(super) const DATA_BYTES: usize = 16 * 1024;

/// One row of the table `event`, column by column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct EventRow {
    pub(super) seq: i64,
    pub(super) id: String,
    pub(super) at: String,
    pub(super) recorded_at: String,
    pub(super) kind: String,
    pub(super) environment: String,
    pub(super) host: String,
    pub(super) actor: String,
    pub(super) run: Option<String>,
    pub(super) subject: String,
    pub(super) priority: String,
    pub(super) message: String,
    pub(super) data: String,
    pub(super) prev_hash: String,
    pub(super) hash: String,
}

/// The columns of [`EventRow`] as a statement returns them.
pub(super) type EventColumns = (
    i64,
    String,
    String,
    String,
    String,
    String,
    String,
    String,
    Option<String>,
    String,
    String,
    String,
    String,
    String,
    String,
);

impl From<EventColumns> for EventRow {
    fn from(columns: EventColumns) -> Self {
        Self {
            seq: columns.0,
            id: columns.1,
            at: columns.2,
            recorded_at: columns.3,
            kind: columns.4,
            environment: columns.5,
            host: columns.6,
            actor: columns.7,
            run: columns.8,
            subject: columns.9,
            priority: columns.10,
            message: columns.11,
            data: columns.12,
            prev_hash: columns.13,
            hash: columns.14,
        }
    }
}

impl EventRow {
    /// The seal: SHA-256 over every column as it is stored, each with its length before it.
    pub(super) fn digest(&self) -> String {
        let seq = self.seq.to_string();
        let columns = [
            Some(seq.as_str()),
            Some(&self.id),
            Some(&self.at),
            Some(&self.recorded_at),
            Some(&self.kind),
            Some(&self.environment),
            Some(&self.host),
            Some(&self.actor),
            self.run.as_deref(),
            Some(&self.subject),
            Some(&self.priority),
            Some(&self.message),
            Some(&self.data),
            Some(&self.prev_hash),
        ];
        let mut seal = Sha256::new();
        for column in columns {
            match column {
                Some(text) => {
                    seal.update((text.len() as u64).to_be_bytes());
                    seal.update(text.as_bytes());
                }
                // No text has this length, so a missing one is told from an empty one.
                None => seal.update(u64::MAX.to_be_bytes()),
            }
        }
        hex(&seal.finalize())
    }

    /// The event that the row holds.
    pub(super) fn recorded(&self) -> Result<RecordedEvent, String> {
        let wrong = |error: &dyn std::fmt::Display| format!("event {}: {error}", self.seq);
        let kind = serde_json::to_string(&self.kind).map_err(|error| wrong(&error))?;
        let whole = format!(r#"{{"type":{kind},"data":{}}}"#, self.data);
        let event: Event = serde_json::from_str(&whole).map_err(|error| wrong(&error))?;
        Ok(RecordedEvent {
            seq: u64::try_from(self.seq).map_err(|error| wrong(&error))?,
            id: self.id.clone(),
            new: NewEvent {
                at: self.at.parse().map_err(|error: jiff::Error| wrong(&error))?,
                actor: self.actor.clone(),
                run: self.run.clone().map(RunId),
                event,
            },
        })
    }
}

/// Inserts rows, in their order.
pub(super) async fn insert(
    connection: &mut SqliteConnection,
    rows: &[EventRow],
) -> Result<(), sqlx::Error> {
    for part in rows.chunks(AT_ONCE) {
        let mut statement = QueryBuilder::<Sqlite>::new(
            "INSERT INTO event (seq, id, at, recorded_at, type, environment, host, actor, run,
             subject, priority, message, data, prev_hash, hash) ",
        );
        statement.push_values(part, |mut columns, row| {
            columns
                .push_bind(row.seq)
                .push_bind(&row.id)
                .push_bind(&row.at)
                .push_bind(&row.recorded_at)
                .push_bind(&row.kind)
                .push_bind(&row.environment)
                .push_bind(&row.host)
                .push_bind(&row.actor)
                .push_bind(row.run.as_deref())
                .push_bind(&row.subject)
                .push_bind(&row.priority)
                .push_bind(&row.message)
                .push_bind(&row.data)
                .push_bind(&row.prev_hash)
                .push_bind(&row.hash);
        });
        statement.build().execute(&mut *connection).await?;
    }
    Ok(())
}

/// Bytes as people compare them.
pub(in crate::adapters) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What the event holds beside its envelope, as JSON.
pub(super) fn data_of(event: &Event) -> Result<String, serde_json::Error> {
    let whole = serde_json::to_value(event)?;
    Ok(whole.get("data").map_or_else(|| "{}".to_owned(), ToString::to_string))
}

/// The word for how urgently people are told.
pub(super) const fn priority_word(priority: EventPriority) -> &'static str {
    match priority {
        EventPriority::Low => "low",
        EventPriority::Medium => "medium",
        EventPriority::High => "high",
        EventPriority::Critical => "critical",
    }
}

/// One sentence for people who read the table.
pub(super) fn sentence(event: &Event) -> String {
    match event {
        Event::IncidentOpened { message, .. }
        | Event::IncidentSeverityChanged { message, .. }
        | Event::IncidentFactsChanged { message, .. } => message.clone(),
        Event::IncidentResolved { resolution, proof, .. } => {
            format!("{}: {proof}", resolution.as_str())
        }
        Event::IncidentAcknowledged { reason, .. } | Event::Escalation { reason, .. } => {
            reason.clone()
        }
        Event::RecoveryAttempted { operation, reason, .. } => format!("{operation}: {reason}"),
        Event::RemediationActed { result, .. } => result.clone(),
        Event::RemediationCompleted { outcome, observed, .. }
        | Event::RemediationSettled { outcome, observed, .. } => {
            format!("{}: {observed}", outcome.state().as_str())
        }
        Event::RemediationUndone { by, reason, .. } => format!("taken back by {by}: {reason}"),
        Event::ApprovalRequested { ask, .. } => {
            format!("{}: {}", ask.proposal.operation, ask.why)
        }
        Event::ApprovalDecided { verdict, reason, .. } => format!("{}: {reason}", verdict.as_str()),
        Event::ApprovalExpired { .. } => "expired".to_owned(),
        Event::ApprovalWithdrawn { why, .. } => format!("withdrawn: {why}"),
        Event::ControlChanged { on, reason, .. } => {
            format!("{}: {reason}", if *on { "on" } else { "off" })
        }
        Event::ControlPlaneDegraded { what, error } => format!("{what}: {error}"),
        Event::LedgerImported { source, rows, .. } => format!("{rows} incidents from {source}"),
        Event::TaskStarted { trigger, .. } => format!("started by {trigger}"),
        Event::TaskCompleted { outcome, .. } => outcome.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> EventRow {
        let text = |word: &str| word.to_owned();
        EventRow {
            seq: 7,
            id: text("id"),
            at: text("2026-01-02T03:04:05.678Z"),
            recorded_at: text("2026-01-02T03:04:05.679Z"),
            kind: text("remediation.acted"),
            environment: text("production"),
            host: text("host-a"),
            actor: text("agent:a"),
            run: Some(text("run")),
            subject: text("REM-1"),
            priority: text("low"),
            message: text("sent"),
            data: text("{}"),
            prev_hash: text("00"),
            hash: String::new(),
        }
    }

    #[test]
    fn text_cannot_move_from_one_column_to_the_next_unseen() {
        let moved = EventRow { actor: "agent:ar".to_owned(), run: Some("un".to_owned()), ..row() };
        assert_ne!(row().digest(), moved.digest());
    }

    #[test]
    fn a_missing_run_is_not_an_empty_one() {
        let missing = EventRow { run: None, ..row() };
        let empty = EventRow { run: Some(String::new()), ..row() };
        assert_ne!(missing.digest(), empty.digest());
    }
}
