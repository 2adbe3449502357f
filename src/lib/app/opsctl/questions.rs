//! `opsctl incidents`, `explain`, `runs`, `remediations`: what the ledger knows.

use serde_json::json;

use super::args::IncidentsVerb;
use super::{Desk, Told, Trouble};
use crate::adapters::store::{Access, SqliteStore};
use crate::app::documents::{Explanation, IncidentLife};
use crate::app::exit::Exit;
use crate::domain::incident::{Incident, IncidentId, Remediation, RemediationId};
use crate::domain::subject::Key;
use crate::ports::store::{RunQuery, Store};
use crate::render::history;

/// How far back resolved incidents are listed.
const DAY: std::time::Duration = std::time::Duration::from_hours(24);
/// At most so many resolved incidents, and so many remediations and rulings of one finding.
const LIMIT: u32 = 200;
/// So many rulings tell the story.
const RULINGS: u32 = 10;

impl Desk<'_> {
    pub(super) async fn incidents(&self, verb: Option<&IncidentsVerb>) -> Result<Told, Trouble> {
        let store = self.store(Access::ReadOnly).await?;
        let told = match verb {
            None | Some(IncidentsVerb::List) => {
                let now = self.clock.now();
                let since = now.checked_sub(DAY).unwrap_or(now);
                let found = store.incidents(since, LIMIT).await?;
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
        let subjects: Vec<String> = std::iter::once(id.to_string())
            .chain(remediations.iter().map(|found| found.id.to_string()))
            .collect();
        let events = store.events_about(&subjects).await?;
        let now = self.clock.now();
        let text = history::incident(&incident, &remediations, &events, now, self.style);
        let json = json!(IncidentLife { incident, remediations, events });
        Ok(Told { text, json, exit: Exit::Clean })
    }

    pub(super) async fn explain(&self, id: &str, why_not: bool) -> Result<Told, Trouble> {
        let store = self.store(Access::ReadOnly).await?;
        let told = self.explained(&store, id, why_not).await;
        store.close().await?;
        told
    }

    async fn explained(
        &self,
        store: &SqliteStore,
        id: &str,
        why_not: bool,
    ) -> Result<Told, Trouble> {
        let (incident, remediations, key) = if let Ok(id) = id.parse::<IncidentId>() {
            let incident = known(store, id).await?;
            let key = incident.key.clone();
            (Some(incident), oldest_first(store.remediations(Some(id), LIMIT).await?), key)
        } else if let Ok(id) = id.parse::<RemediationId>() {
            let all = store.remediations(None, u32::MAX).await?;
            let found = all.into_iter().find(|found| found.id == id);
            let found = found.ok_or_else(|| Trouble::usage(format!("there is no {id}")))?;
            let incident = match found.incident {
                Some(of) => store.incident(of).await?,
                None => None,
            };
            let key = found.key.clone();
            (incident, vec![found], key)
        } else if let Ok(key) = id.parse::<Key>() {
            (None, Vec::new(), key)
        } else {
            return Err(Trouble::usage(format!(
                "`{id}` is neither an incident (INC-1), nor a remediation (REM-1), nor a finding's key"
            )));
        };
        let decisions = store.decisions(&key, RULINGS).await?;
        let now = self.clock.now();
        let text = history::explanation(
            incident.as_ref(),
            &remediations,
            &decisions,
            why_not,
            now,
            self.style,
        );
        let json = json!(Explanation { key, incident, remediations, decisions });
        Ok(Told { text, json, exit: Exit::Clean })
    }

    pub(super) async fn runs(&self, last: u32) -> Result<Told, Trouble> {
        let store = self.store(Access::ReadOnly).await?;
        let runs = store.runs(RunQuery { agent: None, limit: last }).await?;
        store.close().await?;
        let text = history::runs(&runs, self.clock.now());
        Ok(Told { text, json: json!(runs), exit: Exit::Clean })
    }

    pub(super) async fn remediations(&self, last: u32) -> Result<Told, Trouble> {
        let store = self.store(Access::ReadOnly).await?;
        let found = store.remediations(None, last).await?;
        store.close().await?;
        let text = history::remediations(&found, self.clock.now(), self.style);
        Ok(Told { text, json: json!(found), exit: Exit::Clean })
    }
}

async fn known(store: &SqliteStore, id: IncidentId) -> Result<Incident, Trouble> {
    let found = store.incident(id).await?;
    found.ok_or_else(|| {
        Trouble::usage(format!("there is no {id}; `opsctl incidents` lists what there is"))
    })
}

fn oldest_first(mut remediations: Vec<Remediation>) -> Vec<Remediation> {
    remediations.reverse();
    remediations
}
