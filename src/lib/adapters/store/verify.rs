//! Is the ledger what its events say? Every difference is named; nothing is repaired.

use std::collections::BTreeSet;
use std::fmt;

use sqlx::{Connection, SqliteConnection};

use super::append::{Head, head};
use super::commit::closed;
use super::connection::{Trouble, trouble, unread};
use super::event_row::{EventColumns, EventRow};
use super::fold::Fold;
use super::open::SqliteStore;
use super::rows::{EntityColumns, EntityRow};
use super::schema::triggers;
use crate::ports::store::StoreError;

/// The rules that a ledger keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// The database file is whole.
    File,
    /// Events cannot be changed or deleted by a statement.
    Triggers,
    /// Every event is as it was sealed, and follows the one before it.
    Chain,
    /// The last event is the last one that was written.
    End,
    /// Every event can be read.
    Event,
    /// Every event is legal where it stands.
    Legal,
    /// Every entity is what its events make of it.
    Fold,
    /// The counts of how often a verb helped are those of the remediations.
    Tally,
    /// At most one active incident per finding.
    OneActive,
    /// An incident that ended as fixed has a verified remediation of its own on the same target.
    Fixed,
    /// No remediation without an intent that was recorded before.
    Intent,
    /// No more attempts than recorded intents and inherited attempts.
    Attempts,
}

/// One broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which rule.
    pub rule: Rule,
    /// Where: an event's place, an entity's id.
    pub subject: String,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.subject, self.what)
    }
}

/// What an examination found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// How many events were read.
    pub events: u64,
    /// How many entities were compared.
    pub entities: u64,
    /// What is wrong, at most 200 findings.
    pub findings: Vec<Finding>,
    /// How many findings were left out.
    pub omitted: u64,
}

/// How many findings are spelled out.
const FINDINGS: usize = 200;
/// How many events are read at once.
const PAGE: i64 = 1_000;

impl VerifyReport {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    pub(super) fn found(
        &mut self,
        rule: Rule,
        subject: impl fmt::Display,
        what: impl fmt::Display,
    ) {
        if self.findings.len() < FINDINGS {
            let (subject, what) = (subject.to_string(), what.to_string());
            self.findings.push(Finding { rule, subject, what });
        } else {
            self.omitted += 1;
        }
    }
}

/// Examines the whole ledger at one moment.
///
/// # Errors
///
/// It could not be examined. Damage is not an error here but a finding.
pub async fn verify(store: &SqliteStore) -> Result<VerifyReport, StoreError> {
    let mut guard = store.opened().await;
    let connection = &mut guard.as_mut().ok_or_else(closed)?.connection;
    let mut report = VerifyReport::default();
    let mut transaction = match connection.begin().await {
        Ok(transaction) => transaction,
        Err(error) => return damage(report, error),
    };
    let examined = examine(&mut transaction, store.ledger_id(), &mut report).await;
    let ended = transaction.rollback().await;
    match examined.and(ended) {
        Ok(()) => Ok(report),
        Err(error) => damage(report, error),
    }
}

/// A column that cannot be decoded, or a page that cannot be read, is damage; anything else is no answer.
fn damage(mut report: VerifyReport, error: sqlx::Error) -> Result<VerifyReport, StoreError> {
    let undecodable = matches!(error, sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_));
    if undecodable || trouble(&error) == Trouble::Damaged {
        report.found(Rule::File, "ops.db", error);
        return Ok(report);
    }
    Err(unread(error))
}

async fn examine(
    connection: &mut SqliteConnection,
    ledger_id: &str,
    report: &mut VerifyReport,
) -> Result<(), sqlx::Error> {
    file(connection, report).await?;
    guards(connection, report).await?;
    let mut fold = Fold::default();
    events(connection, ledger_id, report, &mut fold).await?;
    let rows: Vec<EntityColumns> = sqlx::query_as(
        "SELECT kind, id, number, live_key, agent, opened_at, closed_at, doc
         FROM entity ORDER BY kind, number, id",
    )
    .fetch_all(&mut *connection)
    .await?;
    let rows: Vec<EntityRow> = rows.into_iter().map(EntityRow::from).collect();
    report.entities = rows.len() as u64;
    fold.compare(&rows, report);
    fold.invariants(&rows, report);
    let tally: Vec<(String, i64, i64)> =
        sqlx::query_as("SELECT verb, verified, ended FROM tally ORDER BY verb")
            .fetch_all(connection)
            .await?;
    fold.tallied(&tally, report);
    Ok(())
}

async fn file(
    connection: &mut SqliteConnection,
    report: &mut VerifyReport,
) -> Result<(), sqlx::Error> {
    let rows: Vec<(String,)> =
        sqlx::query_as("PRAGMA integrity_check(100)").fetch_all(connection).await?;
    for (row,) in rows.iter().filter(|(row,)| row != "ok") {
        report.found(Rule::File, "ops.db", row);
    }
    Ok(())
}

async fn guards(
    connection: &mut SqliteConnection,
    report: &mut VerifyReport,
) -> Result<(), sqlx::Error> {
    let rows: Vec<(String,)> = sqlx::query_as(
        "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'event'",
    )
    .fetch_all(connection)
    .await?;
    let there: BTreeSet<&str> = rows.iter().map(|(sql,)| sql.as_str()).collect();
    for trigger in triggers().filter(|trigger| !there.contains(trigger)) {
        let name = trigger.split_whitespace().nth(2).unwrap_or("a trigger");
        report.found(Rule::Triggers, name, "it is not there as it was created");
    }
    Ok(())
}

async fn events(
    connection: &mut SqliteConnection,
    ledger_id: &str,
    report: &mut VerifyReport,
    fold: &mut Fold,
) -> Result<(), sqlx::Error> {
    let mut end = Head::start(ledger_id);
    loop {
        let page: Vec<EventColumns> = sqlx::query_as(
            "SELECT seq, id, at, recorded_at, type, environment, host, actor, run, subject,
             priority, message, data, prev_hash, hash
             FROM event WHERE seq > $1 ORDER BY seq LIMIT $2",
        )
        .bind(end.seq)
        .bind(PAGE)
        .fetch_all(&mut *connection)
        .await?;
        let full = i64::try_from(page.len()) == Ok(PAGE);
        for row in page.into_iter().map(EventRow::from) {
            chained(&row, &end, report);
            end = Head { seq: row.seq, count: end.count + 1, hash: row.hash.clone() };
            match row.recorded() {
                Ok(recorded) => fold.take(&recorded, report),
                Err(why) => report.found(Rule::Event, row.seq, why),
            }
        }
        if !full {
            break;
        }
    }
    report.events = end.count;
    match head(connection, ledger_id).await {
        Ok(kept) if kept == end => {}
        Ok(kept) => report.found(
            Rule::End,
            "event",
            format!(
                "{} events up to {} were written, {} up to {} are there, or the last one differs",
                kept.count, kept.seq, end.count, end.seq
            ),
        ),
        Err(error) => report.found(Rule::End, "event", error),
    }
    Ok(())
}

fn chained(row: &EventRow, before: &Head, report: &mut VerifyReport) {
    if row.prev_hash != before.hash {
        report.found(Rule::Chain, row.seq, "it does not follow the event before it");
    }
    if row.hash != row.digest() {
        report.found(Rule::Chain, row.seq, "it is not as it was sealed");
    }
}
