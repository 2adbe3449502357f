//! `opsctl incidents`, `runs`, `remediations`: what the ledger knows.

use std::cmp::Reverse;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use super::args::IncidentsVerb;
use super::{Desk, Told, Trouble};
use crate::adapters::store::{Access, SqliteStore};
use crate::app::documents::IncidentLife;
use crate::app::exit::Exit;
use crate::domain::incident::{Incident, IncidentId, Remediation};
use crate::ports::store::{RunQuery, Store};
use crate::render::history;

/// How far back resolved incidents are listed.
const DAY: Duration = Duration::from_hours(24);
/// At most so many resolved incidents, and so many remediations of one incident.
pub(super) const LIMIT: u32 = 200;

/// The worst of the active ones first; what is as bad, and what is over, stays in its order.
fn worst_first(incidents: &mut [Incident]) {
    incidents.sort_by_key(|incident| incident.is_active().then_some(Reverse(incident.severity)));
    incidents.sort_by_key(|incident| !incident.is_active());
}

impl Desk<'_> {
    pub(super) async fn incidents(&self, verb: Option<&IncidentsVerb>) -> Result<Told, Trouble> {
        if self.nothing_is_recorded() && !matches!(verb, Some(IncidentsVerb::Show { .. })) {
            return Ok(nothing_yet());
        }
        let store = self.store(Access::ReadOnly).await?;
        let told = match verb {
            None | Some(IncidentsVerb::List) => {
                let now = self.clock.now();
                let since = now.checked_sub(DAY).unwrap_or(now);
                let mut found = store.incidents(since, LIMIT).await?;
                worst_first(&mut found);
                Ok(Told {
                    text: history::incidents(&found, now),
                    json: json!(found),
                    exit: Exit::Clean,
                })
            }
            Some(IncidentsVerb::Show { id }) => self.incident(&store, id).await,
        };
        store.close().await?;
        told
    }

    async fn incident(&self, store: &SqliteStore, id: &str) -> Result<Told, Trouble> {
        let id: IncidentId = id.parse().map_err(|error| Trouble::usage(format!("{error}")))?;
        let incident = known(store, id).await?;
        let remediations = oldest_first(store.remediations(Some(id), LIMIT).await?);
        let asked = store.approvals(Timestamp::UNIX_EPOCH, u32::MAX).await?;
        let asked = asked.iter().filter(|found| found.ask.incident == Some(id));
        let subjects: Vec<String> = std::iter::once(id.to_string())
            .chain(remediations.iter().map(|found| found.id.to_string()))
            .chain(asked.map(|found| found.id.to_string()))
            .collect();
        let events = store.events_about(&subjects).await?;
        let now = self.clock.now();
        let text = history::incident(&incident, &remediations, &events, now, self.style);
        let json = json!(IncidentLife { incident, remediations, events });
        Ok(Told { text, json, exit: Exit::Clean })
    }

    pub(super) async fn runs(&self, last: u32) -> Result<Told, Trouble> {
        if self.nothing_is_recorded() {
            return Ok(nothing_yet());
        }
        let store = self.store(Access::ReadOnly).await?;
        let runs = store.runs(RunQuery { agent: None, limit: last }).await?;
        store.close().await?;
        let text = history::runs(&runs, self.clock.now());
        Ok(Told { text, json: json!(runs), exit: Exit::Clean })
    }

    pub(super) async fn remediations(&self, last: u32) -> Result<Told, Trouble> {
        if self.nothing_is_recorded() {
            return Ok(nothing_yet());
        }
        let store = self.store(Access::ReadOnly).await?;
        let found = store.remediations(None, last).await?;
        store.close().await?;
        let text = history::remediations(&found, self.clock.now(), self.style);
        Ok(Told { text, json: json!(found), exit: Exit::Clean })
    }
}

/// The incident `id`.
pub(super) async fn known(store: &SqliteStore, id: IncidentId) -> Result<Incident, Trouble> {
    if let Some(found) = store.incident(id).await? {
        return Ok(found);
    }
    let newest = every_incident(store).await?.into_iter().map(|found| found.id).max();
    Err(unknown(&id.to_string(), newest))
}

/// Every incident that the ledger holds.
pub(super) async fn every_incident(store: &SqliteStore) -> Result<Vec<Incident>, Trouble> {
    Ok(store.incidents(Timestamp::UNIX_EPOCH, u32::MAX).await?)
}

/// Nothing has this id; the newest that has one is named.
pub(super) fn unknown<Id: std::fmt::Display>(id: &str, newest: Option<Id>) -> Trouble {
    Trouble::incomplete(match newest {
        Some(newest) => format!("there is no {id} here; the newest is {newest}"),
        None => format!("there is no {id} here, nor any other yet"),
    })
}

/// A list before the first run.
fn nothing_yet() -> Told {
    let text = "Nothing is recorded yet: no agent has run here; `health-guardian` is one run.\n";
    Told { text: text.to_owned(), json: json!([]), exit: Exit::Clean }
}

pub(super) fn oldest_first(mut remediations: Vec<Remediation>) -> Vec<Remediation> {
    remediations.reverse();
    remediations
}
