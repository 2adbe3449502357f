//! Appending events: each is checked, sealed, inserted and applied, in the caller's transaction.

use std::collections::BTreeSet;

use jiff::Timestamp;
use sqlx::SqliteConnection;
use uuid::{NoContext, Uuid};

use super::connection::{unread, unwritten};
use super::event_row::{DATA_BYTES, EventRow, data_of, insert, priority_word, sentence};
use super::load::load;
use super::rows::{EntityRow, cut, save, text_of};
use super::schema::set_meta;
use crate::domain::entities::{Entities, EntityRef};
use crate::domain::event::{NewEvent, RecordedEvent};
use crate::domain::incident::{RemediationId, RemediationState};
use crate::domain::subject::AgentName;
use crate::ports::store::StoreError;

/// The end of the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// The last event's place.
    pub(super) seq: i64,
    /// How many events there are.
    pub(super) count: u64,
    /// The last event's seal; the ledger's id where there is no event, so that a chain belongs to its ledger.
    pub(super) hash: String,
}

impl Head {
    /// The end of a chain without events.
    pub(super) fn start(ledger_id: &str) -> Self {
        Self { seq: 0, count: 0, hash: ledger_id.to_owned() }
    }

    /// As it is kept beside the events, so that a chain that was cut at its end is noticed.
    pub(super) fn text(&self) -> String {
        format!("{} {} {}", self.seq, self.count, self.hash)
    }

    /// Reads [`Head::text`].
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let (seq, count, hash) = (words.next()?, words.next()?, words.next()?);
        Some(Self { seq: seq.parse().ok()?, count: count.parse().ok()?, hash: hash.to_owned() })
    }
}

/// The envelope that every event of this process gets.
#[derive(Clone, Debug)]
pub(super) struct Envelope<'a> {
    pub(super) ledger_id: &'a str,
    pub(super) environment: &'a str,
    pub(super) host: &'a str,
    pub(super) now: Timestamp,
}

/// The end of the chain as it stands.
pub(super) async fn head(
    connection: &mut SqliteConnection,
    ledger_id: &str,
) -> Result<Head, StoreError> {
    let kept = super::schema::meta(connection, "head").await.map_err(unread)?;
    match kept {
        None => Ok(Head::start(ledger_id)),
        Some(text) => Head::parse(&text)
            .ok_or_else(|| StoreError::Read("the end of the event chain is not readable".into())),
    }
}

/// Appends `events` in order.
pub(super) async fn append(
    connection: &mut SqliteConnection,
    envelope: &Envelope<'_>,
    events: Vec<NewEvent>,
) -> Result<(Vec<RecordedEvent>, Head), StoreError> {
    let mut head = head(connection, envelope.ledger_id).await?;
    if events.is_empty() {
        return Ok((Vec::new(), head));
    }
    let touched = events.iter().flat_map(|new| new.event.touches()).collect();
    let mut set = load(connection, touched).await?;
    let (mut rows, mut changed, mut ended) = (Vec::new(), BTreeSet::new(), Vec::new());
    let mut recorded = Vec::with_capacity(events.len());
    for new in events {
        let new = NewEvent { at: cut(new.at), ..new };
        owned(&set, &new)?;
        let before = verbs(&set, &new);
        changed.extend(set.apply(&new)?);
        ended.extend(end(&set, before));
        let row = sealed(&mut head, envelope, &new)?;
        recorded.push(RecordedEvent { seq: row.seq.unsigned_abs(), id: row.id.clone(), new });
        rows.push(row);
    }
    insert(connection, &rows).await.map_err(unwritten)?;
    // In the order of their ids: an older one gives its key up before a newer one takes it.
    let entities = changed.iter().filter_map(|changed| row_of(&set, changed));
    save(connection, &entities.collect::<Result<Vec<_>, _>>()?).await.map_err(unwritten)?;
    for (verb, verified) in ended {
        count(connection, verb, verified).await?;
    }
    set_meta(connection, "head", &head.text()).await.map_err(unwritten)?;
    Ok((recorded, head))
}

fn sealed(
    head: &mut Head,
    envelope: &Envelope<'_>,
    new: &NewEvent,
) -> Result<EventRow, StoreError> {
    let data = data_of(&new.event).map_err(|error| StoreError::Write(error.to_string()))?;
    if data.len() > DATA_BYTES {
        return Err(StoreError::Write(format!(
            "{} on {} holds {} bytes, at most {DATA_BYTES} are kept",
            new.event.kind(),
            new.event.subject(),
            data.len()
        )));
    }
    let mut row = EventRow {
        seq: head.seq + 1,
        id: new_id(envelope.now),
        at: text_of(new.at),
        recorded_at: text_of(envelope.now),
        kind: new.event.kind().to_owned(),
        environment: envelope.environment.to_owned(),
        host: envelope.host.to_owned(),
        actor: new.actor.clone(),
        run: new.run.as_ref().map(ToString::to_string),
        subject: new.event.subject(),
        priority: priority_word(new.event.priority()).to_owned(),
        message: sentence(&new.event),
        data,
        prev_hash: head.hash.clone(),
        hash: String::new(),
    };
    row.hash = row.digest();
    *head = Head { seq: row.seq, count: head.count + 1, hash: row.hash.clone() };
    Ok(row)
}

/// An id that sorts by time.
pub(super) fn new_id(now: Timestamp) -> String {
    let seconds = u64::try_from(now.as_second()).unwrap_or(0);
    let nanoseconds = u32::try_from(now.subsec_nanosecond()).unwrap_or(0);
    Uuid::new_v7(uuid::Timestamp::from_unix(NoContext, seconds, nanoseconds)).to_string()
}

fn row_of(set: &Entities, changed: &EntityRef) -> Option<Result<EntityRow, StoreError>> {
    match changed {
        EntityRef::Incident(id) => set.incidents().get(id).map(EntityRow::of_incident),
        EntityRef::ActiveIncident(key) => set.active_incident(key).map(EntityRow::of_incident),
        EntityRef::Remediation(id) => set.remediations().get(id).map(EntityRow::of_remediation),
        EntityRef::OpenRemediation(key) => set.open_remediation(key).map(EntityRow::of_remediation),
        EntityRef::Approval(id) => set.approvals().get(id).map(EntityRow::of_approval),
        EntityRef::OpenApproval(key) => set.open_approval(key).map(EntityRow::of_approval),
        EntityRef::Control(key) => set.controls().get(key).map(EntityRow::of_control),
    }
}

/// An agent changes only what is its own. People, and the ledger itself, may change everything.
fn owned(set: &Entities, new: &NewEvent) -> Result<(), StoreError> {
    let Some(agent) = new.actor.strip_prefix("agent:") else { return Ok(()) };
    let owners = new.event.touches().into_iter().filter_map(|touched| match touched {
        EntityRef::Incident(id) => set.incidents().get(&id).map(|found| &found.key.agent).cloned(),
        EntityRef::ActiveIncident(key)
        | EntityRef::OpenRemediation(key)
        | EntityRef::OpenApproval(key) => Some(key.agent),
        EntityRef::Approval(id) => {
            set.approvals().get(&id).map(|one| one.ask.proposal.key.agent.clone())
        }
        EntityRef::Remediation(id) => set.remediations().get(&id).map(|one| one.key.agent.clone()),
        EntityRef::Control(_) => None,
    });
    for owner in owners {
        if owner.as_str() != agent && owner != AgentName::HOUSE {
            let (kind, subject) = (new.event.kind(), new.event.subject());
            let why = format!("{kind} on {subject} belongs to {owner}, {agent} may not write it");
            return Err(StoreError::Write(why));
        }
    }
    Ok(())
}

/// The remediation that an event may end, as it stood before.
fn verbs(set: &Entities, new: &NewEvent) -> Option<(RemediationId, RemediationState)> {
    let id = new.event.touches().into_iter().find_map(|touched| match touched {
        EntityRef::Remediation(id) => Some(id),
        _ => None,
    })?;
    set.remediations().get(&id).map(|found| (id, found.state))
}

/// Which verb ended with the event, and whether it was verified.
fn end(
    set: &Entities,
    before: Option<(RemediationId, RemediationState)>,
) -> Option<(&'static str, bool)> {
    let (id, before) = before?;
    let now = set.remediations().get(&id)?;
    let verified = now.state == RemediationState::Verified;
    let ended = now.state != before && (verified || now.state == RemediationState::Failed);
    ended.then(|| (now.operation.verb(), verified))
}

/// Keeps count of how often each verb helped, where a remediation has just ended.
async fn count(
    connection: &mut SqliteConnection,
    verb: &str,
    verified: bool,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO tally (verb, verified, ended) VALUES ($1, $2, 1)
         ON CONFLICT (verb) DO UPDATE SET verified = tally.verified + excluded.verified,
         ended = tally.ended + 1",
    )
    .bind(verb)
    .bind(i64::from(verified))
    .execute(connection)
    .await
    .map_err(unwritten)?;
    Ok(())
}
