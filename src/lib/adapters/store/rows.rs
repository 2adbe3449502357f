//! Entities as rows: a document with the few columns that questions are asked by.

use std::time::Duration;

use jiff::{Timestamp, Unit};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use crate::domain::approval::Approval;
use crate::domain::incident::{Control, Incident, Remediation};
use crate::domain::subject::Key;
use crate::ports::store::StoreError;

/// A time as stored: text of fixed width, so that it sorts as it stands.
pub(super) fn text_of(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// The time as it can be stored: cut to milliseconds.
pub(super) fn cut(at: Timestamp) -> Timestamp {
    use jiff::{RoundMode, TimestampRound};
    let round = TimestampRound::new().smallest(Unit::Millisecond).mode(RoundMode::Floor);
    at.round(round).unwrap_or(at)
}

/// So long before, or the beginning of time.
pub(super) fn before(now: Timestamp, age: Duration) -> Timestamp {
    now.checked_sub(age).unwrap_or(Timestamp::MIN)
}

/// A document.
pub(super) fn doc_of<T: Serialize>(what: &T) -> Result<String, StoreError> {
    serde_json::to_string(what).map_err(|error| StoreError::Write(error.to_string()))
}

/// A document, read.
pub(super) fn parsed<T: DeserializeOwned>(doc: &str) -> Result<T, StoreError> {
    serde_json::from_str(doc)
        .map_err(|error| StoreError::Read(format!("a stored document is not understood: {error}")))
}

/// Documents that one statement joined with commas; `None` where it found no row.
pub(super) fn joined<T: DeserializeOwned>(docs: Option<String>) -> Result<Vec<T>, StoreError> {
    docs.map_or_else(|| Ok(Vec::new()), |docs| parsed(&format!("[{docs}]")))
}

/// So many rows are written or asked for by one statement: `SQLite` takes a few hundred times as many values.
pub(super) const AT_ONCE: usize = 100;

/// The kinds of entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Incident,
    Remediation,
    Approval,
    Control,
}

impl Kind {
    pub(super) const ALL: [Self; 4] =
        [Self::Incident, Self::Remediation, Self::Approval, Self::Control];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Incident => "incident",
            Self::Remediation => "remediation",
            Self::Approval => "approval",
            Self::Control => "control",
        }
    }
}

/// One row of the table `entity`: a function of its document, column by column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct EntityRow {
    pub(super) kind: String,
    pub(super) id: String,
    pub(super) number: i64,
    pub(super) live_key: Option<String>,
    pub(super) agent: Option<String>,
    pub(super) opened_at: String,
    pub(super) closed_at: Option<String>,
    pub(super) doc: String,
}

/// The columns of [`EntityRow`] as a statement returns them.
pub(super) type EntityColumns =
    (String, String, i64, Option<String>, Option<String>, String, Option<String>, String);

impl From<EntityColumns> for EntityRow {
    fn from(columns: EntityColumns) -> Self {
        let (kind, id, number, live_key, agent, opened_at, closed_at, doc) = columns;
        Self { kind, id, number, live_key, agent, opened_at, closed_at, doc }
    }
}

impl EntityRow {
    fn keyed(kind: Kind, id: String, number: u64, key: &Key, live: bool) -> Self {
        Self {
            kind: kind.as_str().to_owned(),
            id,
            number: i64::try_from(number).unwrap_or(i64::MAX),
            live_key: live.then(|| key.to_string()),
            agent: Some(key.agent.to_string()),
            opened_at: String::new(),
            closed_at: None,
            doc: String::new(),
        }
    }

    pub(super) fn of_incident(one: &Incident) -> Result<Self, StoreError> {
        let row =
            Self::keyed(Kind::Incident, one.id.to_string(), one.id.0, &one.key, one.is_active());
        Ok(Self {
            opened_at: text_of(one.opened_at),
            closed_at: one.ended_at().map(text_of),
            doc: doc_of(one)?,
            ..row
        })
    }

    pub(super) fn of_remediation(one: &Remediation) -> Result<Self, StoreError> {
        let open = one.state.is_open();
        let row = Self::keyed(Kind::Remediation, one.id.to_string(), one.id.0, &one.key, open);
        Ok(Self {
            opened_at: text_of(one.intended_at),
            closed_at: one.finished_at.map(text_of),
            doc: doc_of(one)?,
            ..row
        })
    }

    pub(super) fn of_approval(one: &Approval) -> Result<Self, StoreError> {
        let (id, key) = (one.id, &one.ask.proposal.key);
        let row = Self::keyed(Kind::Approval, id.to_string(), id.0, key, one.state.is_open());
        Ok(Self {
            opened_at: text_of(one.requested_at),
            closed_at: one.ended.as_ref().map(|end| text_of(end.at)),
            doc: doc_of(one)?,
            ..row
        })
    }

    pub(super) fn of_control(one: &Control) -> Result<Self, StoreError> {
        Ok(Self {
            kind: Kind::Control.as_str().to_owned(),
            id: one.key.clone(),
            number: 0,
            live_key: None,
            agent: None,
            opened_at: text_of(one.set_at),
            closed_at: None,
            doc: doc_of(one)?,
        })
    }
}

/// Puts rows in, or in place of what was there of them, in their order.
pub(super) async fn save(
    connection: &mut SqliteConnection,
    rows: &[EntityRow],
) -> Result<(), sqlx::Error> {
    for part in rows.chunks(AT_ONCE) {
        let mut statement = QueryBuilder::<Sqlite>::new(
            "INSERT INTO entity (kind, id, number, live_key, agent, opened_at, closed_at, doc) ",
        );
        statement.push_values(part, |mut columns, row| {
            columns
                .push_bind(&row.kind)
                .push_bind(&row.id)
                .push_bind(row.number)
                .push_bind(row.live_key.as_deref())
                .push_bind(row.agent.as_deref())
                .push_bind(&row.opened_at)
                .push_bind(row.closed_at.as_deref())
                .push_bind(&row.doc);
        });
        statement.push(
            " ON CONFLICT (kind, id) DO UPDATE SET live_key = excluded.live_key,
              opened_at = excluded.opened_at, closed_at = excluded.closed_at, doc = excluded.doc",
        );
        statement.build().execute(&mut *connection).await?;
    }
    Ok(())
}

/// The document of the entity with this id.
pub(super) async fn doc_by_id(
    connection: &mut SqliteConnection,
    kind: Kind,
    id: &str,
) -> Result<Option<String>, sqlx::Error> {
    let row: Option<(String,)> =
        sqlx::query_as("SELECT doc FROM entity WHERE kind = $1 AND id = $2")
            .bind(kind.as_str())
            .bind(id)
            .fetch_optional(connection)
            .await?;
    Ok(row.map(|(doc,)| doc))
}
