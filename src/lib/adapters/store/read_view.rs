//! The rows that a decision sees.

use std::collections::BTreeMap;
use std::time::Duration;

use sqlx::SqliteConnection;

use super::connection::unread;
use super::rows::{Kind, before, joined, parsed, text_of};
use crate::domain::approval::ASK_AGAIN;
use crate::domain::incident::{Control, Incident};
use crate::domain::run::{Effectiveness, Streak};
use crate::domain::subject::{AgentName, Key};
use crate::ports::store::{LedgerView, Scope, StoreError};

/// Attempts older than this count no more, even where their incident lasts: it bounds what each commit reads.
const ATTEMPTS_COUNT: Duration = Duration::from_hours(90 * 24);

macro_rules! active {
    () => {
        "SELECT string_agg(doc, ',') FROM entity
         WHERE kind = 'incident' AND closed_at IS NULL AND agent = coalesce($1, agent)"
    };
}

macro_rules! controls {
    () => {
        "SELECT string_agg(doc, ',') FROM entity WHERE kind = 'control'"
    };
}

macro_rules! tally {
    () => {
        "SELECT string_agg(verb || ' ' || verified || ' ' || ended, ',') FROM tally"
    };
}

/// The last number of a kind, and the smallest one that it may use.
macro_rules! numbers {
    ($kind:literal, $floor:literal) => {
        concat!(
            "(SELECT coalesce(max(number), 0) FROM entity WHERE kind = '",
            $kind,
            "') || ' ' || coalesce((SELECT value FROM meta WHERE key = ",
            $floor,
            "), '1')"
        )
    };
}

/// All that a decision sees but its streaks, in one statement: each is a walk to the thread that holds the file, and every
/// commit asks for all of it. Of the remediations it sees the recent ones, and those of active incidents: their attempts
/// count for as long as these last. Of the requests those that are open, that ended of late, or that were denied and whose
/// incident lasts: those a decision may rest on.
const WHOLE: &str = concat!(
    "SELECT (",
    active!(),
    " AND live_key = coalesce($8, live_key)),
       (SELECT string_agg(doc, ',' ORDER BY number) FROM entity
         WHERE kind = 'incident' AND closed_at >= $2 AND agent = coalesce($1, agent) AND $8 IS NULL),
       (SELECT string_agg(doc, ',' ORDER BY number) FROM (
         SELECT number, doc FROM entity WHERE kind = 'remediation' AND closed_at IS NULL
         UNION SELECT number, doc FROM entity WHERE kind = 'remediation' AND opened_at >= $2
         UNION SELECT number, doc FROM entity WHERE kind = 'remediation' AND closed_at >= $2
         UNION SELECT number, doc FROM entity AS tried
           WHERE kind = 'remediation' AND opened_at >= $3 AND EXISTS (
             SELECT 1 FROM entity AS active
             WHERE active.kind = 'incident' AND active.closed_at IS NULL
             AND active.id = json_extract(tried.doc, '$.incident')
             AND active.agent = coalesce($1, active.agent))) AS wanted),
       (SELECT string_agg(doc, ',' ORDER BY number) FROM entity AS asked
         WHERE kind = 'approval' AND agent = coalesce($1, agent) AND (
           closed_at IS NULL OR closed_at >= $4 OR (
             json_extract(doc, '$.state') = 'denied' AND EXISTS (
               SELECT 1 FROM entity AS active
               WHERE active.kind = 'incident' AND active.closed_at IS NULL
               AND active.id = json_extract(asked.doc, '$.ask.incident'))))),
       (",
    controls!(),
    "), (",
    tally!(),
    "), ",
    numbers!("incident", "$5"),
    ", ",
    numbers!("remediation", "$6"),
    ", ",
    numbers!("approval", "$7")
);

/// Documents that one statement joined; nothing where it found no row.
type Docs = Option<String>;
/// What [`WHOLE`] answers, in its order.
type Whole = (Docs, Docs, Docs, Docs, Docs, Docs, String, String, String);

/// Reads the scope's rows, inside the caller's transaction.
pub(super) async fn ledger_view(
    connection: &mut SqliteConnection,
    scope: &Scope,
) -> Result<LedgerView, StoreError> {
    let ago = |span| text_of(before(scope.now, span));
    let agent = scope.agent.as_ref();
    let (
        active,
        resolved,
        remediations,
        approvals,
        controls,
        tally,
        incident,
        remediation,
        approval,
    ): Whole = sqlx::query_as(WHOLE)
        .bind(agent.map(AgentName::as_str))
        .bind(ago(scope.recent))
        .bind(ago(ATTEMPTS_COUNT))
        .bind(ago(ASK_AGAIN))
        .bind(floor_name(Kind::Incident))
        .bind(floor_name(Kind::Remediation))
        .bind(floor_name(Kind::Approval))
        .bind(scope.about.as_ref().map(Key::to_string))
        .fetch_one(&mut *connection)
        .await
        .map_err(unread)?;
    let streaks = match scope.about {
        Some(_) => BTreeMap::new(),
        None => streaks(connection, agent).await?,
    };
    Ok(LedgerView {
        active: by_number(active)?,
        resolved: joined(resolved)?,
        remediations: joined(remediations)?,
        approvals: joined(approvals)?,
        controls: by_key(controls)?,
        streaks,
        effectiveness: by_verb(tally),
        next_incident: next_number(&incident),
        next_remediation: next_number(&remediation),
        next_approval: next_number(&approval),
    })
}

async fn streaks(
    connection: &mut SqliteConnection,
    agent: Option<&AgentName>,
) -> Result<BTreeMap<Key, Streak>, StoreError> {
    let rows: Vec<(String, String)> =
        sqlx::query_as("SELECT key, doc FROM streak WHERE agent = coalesce($1, agent)")
            .bind(agent.map(AgentName::as_str))
            .fetch_all(connection)
            .await
            .map_err(unread)?;
    let key = |text: &str| text.parse::<Key>().map_err(|e| StoreError::Read(e.to_string()));
    rows.into_iter().map(|(text, doc)| Ok((key(&text)?, parsed(&doc)?))).collect()
}

/// Active incidents, oldest number first.
pub(super) async fn active(
    connection: &mut SqliteConnection,
    agent: Option<&AgentName>,
) -> Result<Vec<Incident>, StoreError> {
    let (docs,): (Docs,) = sqlx::query_as(active!())
        .bind(agent.map(AgentName::as_str))
        .fetch_one(connection)
        .await
        .map_err(unread)?;
    by_number(docs)
}

/// Sorted here and not by the statement, which would move every document once more.
fn by_number(docs: Docs) -> Result<Vec<Incident>, StoreError> {
    let mut all: Vec<Incident> = joined(docs)?;
    all.sort_unstable_by_key(|incident| incident.id);
    Ok(all)
}

/// What people ordered, by key.
pub(super) type Controls = BTreeMap<String, Control>;

/// Every control.
pub(super) async fn controls(connection: &mut SqliteConnection) -> Result<Controls, StoreError> {
    let (docs,): (Docs,) =
        sqlx::query_as(controls!()).fetch_one(connection).await.map_err(unread)?;
    by_key(docs)
}

fn by_key(docs: Docs) -> Result<Controls, StoreError> {
    let all: Vec<Control> = joined(docs)?;
    Ok(all.into_iter().map(|control| (control.key.clone(), control)).collect())
}

/// How often each verb helped, as counted when remediations ended.
pub(super) async fn effectiveness(
    connection: &mut SqliteConnection,
) -> Result<BTreeMap<String, Effectiveness>, StoreError> {
    let (tally,): (Docs,) = sqlx::query_as(tally!()).fetch_one(connection).await.map_err(unread)?;
    Ok(by_verb(tally))
}

/// A verb is one word.
fn by_verb(tally: Docs) -> BTreeMap<String, Effectiveness> {
    let of_verb = |text: &str| {
        let mut words = text.split(' ');
        let verb = words.next()?.to_owned();
        let mut count = || words.next()?.parse::<u64>().ok();
        Some((verb, Effectiveness { verified: count()?, ended: count()? }))
    };
    tally.unwrap_or_default().split(',').filter_map(of_verb).collect()
}

/// Names the smallest number that a kind may use, where earlier ones are known from outside the ledger.
pub(super) const fn floor_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Incident => "next_incident_floor",
        Kind::Remediation => "next_remediation_floor",
        Kind::Approval => "next_approval_floor",
        Kind::Control => "next_control_floor",
    }
}

/// The next number of a kind, from what [`numbers`] answered.
fn next_number(numbers: &str) -> u64 {
    let mut words = numbers.split(' ').map(|word| word.parse::<u64>().ok());
    let mut number = |otherwise| words.next().flatten().unwrap_or(otherwise);
    let last = number(0);
    number(1).max(last + 1)
}
