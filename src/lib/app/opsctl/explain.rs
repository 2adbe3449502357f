//! `opsctl explain`: why something was done, or left alone.

use serde_json::json;

use super::questions::{LIMIT, every_incident, known, oldest_first, unknown};
use super::{Desk, Told, Trouble};
use crate::adapters::store::{Access, SqliteStore};
use crate::app::documents::Explanation;
use crate::app::exit::Exit;
use crate::app::saved_plan;
use crate::domain::approval::Approval;
use crate::domain::incident::{ApprovalId, Incident, IncidentId, Remediation, RemediationId};
use crate::domain::subject::Key;
use crate::ports::store::Store;
use crate::render::{approvals, history};

/// So many rulings tell the story.
const RULINGS: u32 = 10;
/// So many similar keys help; more would hide the right one.
const SIMILAR: usize = 5;

/// What a person may ask about.
enum Asked {
    Incident(IncidentId),
    Remediation(RemediationId),
    Request(ApprovalId),
    Finding(Key),
}

/// What the ledger knows about it.
struct Known {
    request: Option<Approval>,
    key: Key,
    incident: Option<Incident>,
    remediations: Vec<Remediation>,
}

impl Desk<'_> {
    pub(super) async fn explain(&self, id: &str, why_not: bool) -> Result<Told, Trouble> {
        let asked = asked(id)?;
        let store = self.store(Access::ReadOnly).await?;
        let told = self.explained(&store, asked, why_not).await;
        store.close().await?;
        told
    }

    async fn explained(
        &self,
        store: &SqliteStore,
        asked: Asked,
        why_not: bool,
    ) -> Result<Told, Trouble> {
        let now = self.clock.now();
        let Known { request, key, incident, remediations } = match asked {
            Asked::Incident(id) => of_incident(store, known(store, id).await?).await?,
            Asked::Remediation(id) => of_remediation(store, id).await?,
            Asked::Request(id) => of_request(store, id).await?,
            Asked::Finding(key) => of_finding(store, key).await?,
        };
        let decisions = store.decisions(&key, RULINGS).await?;
        if incident.is_none() && remediations.is_empty() && decisions.is_empty() {
            return Err(nothing_about(store, &key).await?);
        }
        let asked = request.as_ref().map(std::slice::from_ref);
        let asked = asked.map(|one| approvals::list(one, now, self.style)).unwrap_or_default();
        let told = history::explanation(
            incident.as_ref(),
            &remediations,
            &decisions,
            why_not,
            now,
            self.style,
        );
        let text = format!("{asked}{told}");
        let json = json!(Explanation { request, key, incident, remediations, decisions });
        Ok(Told { text, json, exit: Exit::Clean })
    }
}

fn asked(text: &str) -> Result<Asked, Trouble> {
    if let Ok(id) = text.parse() {
        return Ok(Asked::Incident(id));
    }
    if let Ok(id) = text.parse() {
        return Ok(Asked::Remediation(id));
    }
    if let Ok(id) = text.parse() {
        return Ok(Asked::Request(id));
    }
    text.parse().map(Asked::Finding).map_err(|_| {
        Trouble::usage(format!(
            "`{text}` is neither an incident (INC-1), nor a remediation (REM-1), nor a request (APR-1), nor a finding's \
             whole key (agent/check/kind:host/id, as `opsctl incidents show ID` prints it)"
        ))
    })
}

async fn of_incident(store: &SqliteStore, incident: Incident) -> Result<Known, Trouble> {
    let remediations = oldest_first(store.remediations(Some(incident.id), LIMIT).await?);
    Ok(Known { request: None, key: incident.key.clone(), incident: Some(incident), remediations })
}

async fn of_request(store: &SqliteStore, id: ApprovalId) -> Result<Known, Trouble> {
    let found = saved_plan::one(store, id).await;
    let found = found.map_err(|(message, exit)| Trouble { message, exit })?;
    let Some(incident) = found.ask.incident else {
        let key = found.ask.proposal.key.clone();
        let request = Some(found);
        return Ok(Known { request, key, incident: None, remediations: Vec::new() });
    };
    let of_it = of_incident(store, known(store, incident).await?).await?;
    Ok(Known { request: Some(found), ..of_it })
}

async fn of_remediation(store: &SqliteStore, id: RemediationId) -> Result<Known, Trouble> {
    let all = store.remediations(None, u32::MAX).await?;
    let newest = all.iter().map(|found| found.id).max();
    let Some(found) = all.into_iter().find(|found| found.id == id) else {
        return Err(unknown(&id.to_string(), newest));
    };
    let incident = match found.incident {
        Some(of) => store.incident(of).await?,
        None => None,
    };
    Ok(Known { request: None, key: found.key.clone(), incident, remediations: vec![found] })
}

/// The newest incident of a key, with what was done about it.
async fn of_finding(store: &SqliteStore, key: Key) -> Result<Known, Trouble> {
    let all = every_incident(store).await?;
    match all.into_iter().filter(|found| found.key == key).max_by_key(|found| found.id) {
        Some(incident) => of_incident(store, incident).await,
        None => Ok(Known { request: None, key, incident: None, remediations: Vec::new() }),
    }
}

/// Says that a key is unknown, and which similar ones are not.
async fn nothing_about(store: &SqliteStore, key: &Key) -> Result<Trouble, Trouble> {
    let keys = every_incident(store).await?.into_iter().map(|found| found.key.to_string());
    let similar = similar(&key.to_string(), keys);
    let mut message = format!("nothing is recorded about {key}");
    if !similar.is_empty() {
        message.push_str("; similar and known:");
    }
    for known in similar {
        message.push_str("\n  ");
        message.push_str(&known);
    }
    Ok(Trouble::incomplete(message))
}

/// The keys that hold the last word of `asked`.
fn similar(asked: &str, keys: impl Iterator<Item = String>) -> Vec<String> {
    let mut words = asked.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let Some(word) = words.next_back().map(str::to_lowercase) else { return Vec::new() };
    let mut found: Vec<String> = keys.filter(|key| key.to_lowercase().contains(&word)).collect();
    found.sort();
    found.dedup();
    found.truncate(SIMILAR);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn similar_keys_hold_the_last_word_each_once() {
        let keys = ["a/x/service:h/Shop.page", "a/x/service:h/api", "a/y/process:h/pm2:shop"];
        let known = || keys.iter().chain(&keys).map(|key| (*key).to_owned());
        assert_eq!(similar("a/x/service:h/shop", known()), [keys[0], keys[2]]);
        assert_eq!(similar("a/x/service:h/mail", known()), Vec::<String>::new());
    }
}
