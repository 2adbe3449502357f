//! `opsctl undo`: a person takes back what an agent did, one act or a whole run.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use super::controls::said;
use super::{Desk, Told, Trouble};
use crate::adapters::agent_lock::{AgentLock, LockError};
use crate::adapters::store::{Access, SqliteStore};
use crate::app::documents::{TakenBack, TakingBack};
use crate::app::exit::Exit;
use crate::app::registry;
use crate::app::wire::{self, Wish};
use crate::domain::incident::{Remediation, RemediationId};
use crate::domain::subject::AgentName;
use crate::engine::undo::{UndoRequest, Undoing};
use crate::engine::{Engine, Mode};
use crate::ports::store::Store as _;
use crate::render::page::Page;
use crate::render::style::Tone;

/// What is to be taken back.
pub(super) enum Wanted<'a> {
    One(&'a str),
    Run(&'a str),
}

/// A ledger's remediations are looked through so far back.
const FARTHEST: u32 = 100_000;

impl Desk<'_> {
    pub(super) async fn undo(&self, wanted: Wanted<'_>, reason: &str) -> Result<Told, Trouble> {
        said(reason)?;
        let store = Arc::new(self.store(Access::ReadWrite).await?);
        let done = self.undo_all(&store, wanted, reason).await;
        store.publish(self.clock.now()).await?;
        store.close().await?;
        Ok(self.told(done?))
    }

    async fn undo_all(
        &self,
        store: &Arc<SqliteStore>,
        wanted: Wanted<'_>,
        reason: &str,
    ) -> Result<Vec<(RemediationId, String, Undoing)>, Trouble> {
        let chosen = chosen(store, wanted).await?;
        let agent = chosen.first().map(|one| one.key.agent.clone());
        let Some(agent) = agent else { return Ok(Vec::new()) };
        let _lock = self.lock(&agent)?;
        let engine = self.engine_of(&agent, store)?;
        let mut done = Vec::with_capacity(chosen.len());
        for remediation in &chosen {
            let undoing = self.undo_one(&engine, &agent, remediation, reason, store).await;
            done.push((remediation.id, remediation.operation.to_string(), undoing?));
        }
        for trouble in engine.release().await {
            crate::app::out::complain(&trouble);
        }
        Ok(done)
    }

    async fn undo_one(
        &self,
        engine: &Engine,
        agent: &AgentName,
        remediation: &Remediation,
        reason: &str,
        store: &SqliteStore,
    ) -> Result<Undoing, Trouble> {
        let spec = registry::find(agent.as_str()).map(|entry| (entry.spec)());
        let Some(spec) = spec else {
            return Ok(Undoing::Refused { why: format!("this version has no agent {agent}") });
        };
        let incident = match remediation.incident {
            Some(id) => store.incident(id).await?,
            None => None,
        };
        let facts = incident.map_or_else(BTreeMap::new, |incident| incident.facts);
        let actor = self.person();
        let request =
            UndoRequest { spec: &spec, remediation, facts: &facts, actor: &actor, reason };
        Ok(engine.undo(&request).await?)
    }

    fn lock(&self, agent: &AgentName) -> Result<AgentLock, Trouble> {
        AgentLock::take(&self.config.paths.locks(), agent, &wire::owner(self.config)).map_err(
            |error| {
                let exit = match error {
                    LockError::Busy { .. } => Exit::NotNow,
                    LockError::Unusable { .. } => Exit::Incomplete,
                };
                Trouble { message: error.to_string(), exit }
            },
        )
    }

    fn engine_of(&self, agent: &AgentName, store: &Arc<SqliteStore>) -> Result<Engine, Trouble> {
        let entry = registry::find(agent.as_str())
            .ok_or_else(|| Trouble::incomplete(format!("this version has no agent {agent}")))?;
        let wish = Wish { mode: Mode::Act, observe_only: false };
        let clock = Arc::clone(&self.clock);
        let run = wire::new_run_id();
        let cache = &self.config.paths.state;
        Ok(wire::engine(self.config, entry, wish, Ok(Arc::clone(store)), clock, run, cache))
    }

    fn told(&self, done: Vec<(RemediationId, String, Undoing)>) -> Told {
        let mut page = Page::new(self.style);
        let mut exit = Exit::Clean;
        let mut documents = Vec::new();
        if done.is_empty() {
            page.paragraph("Nothing was sent by that run; there is nothing to take back.");
        }
        for (id, operation, undoing) in done {
            let (tone, text, taken) = match &undoing {
                Undoing::Done { by, changes } => {
                    let changes: Vec<String> = changes.iter().map(ToString::to_string).collect();
                    let text =
                        format!("{by} took it back, and that was seen: {}", changes.join(", "));
                    (Tone::Good, text, TakingBack::Done)
                }
                Undoing::Refused { why } => (Tone::Warn, why.clone(), TakingBack::Refused),
                Undoing::NotProved { by, why, .. } => {
                    (Tone::Bad, format!("{by}: {why}"), TakingBack::NotProved)
                }
            };
            exit = Exit::first_match([exit, exit_of(&undoing)]);
            page.item(tone, &id.to_string(), &format!("{operation}: {text}"));
            documents.push(TakenBack { remediation: id, operation, outcome: taken, text });
        }
        let taken = |one: &&TakenBack| matches!(one.outcome, TakingBack::Done);
        let taken: Vec<RemediationId> =
            documents.iter().filter(taken).map(|one| one.remediation).collect();
        if let Some(one) = taken.first() {
            let what = if taken.len() == 1 {
                one.to_string()
            } else {
                format!("{one}` or `opsctl resume holds")
            };
            page.paragraph(&format!(
                "What was taken back is held: agents find it again and leave it alone until the finding changes, or \
                 you lift the hold with `opsctl resume {what}` and a --reason."
            ));
        }
        Told { text: page.into_text(), json: json!(documents), exit }
    }
}

const fn exit_of(undoing: &Undoing) -> Exit {
    match undoing {
        Undoing::Done { .. } => Exit::Clean,
        Undoing::Refused { .. } => Exit::Refused,
        Undoing::NotProved { .. } => Exit::Incomplete,
    }
}

/// One remediation.
pub(super) async fn one(store: &SqliteStore, id: RemediationId) -> Result<Remediation, Trouble> {
    let all = store.remediations(None, FARTHEST).await?;
    all.into_iter().find(|found| found.id == id).ok_or_else(|| {
        Trouble::incomplete(format!("there is no {id}; `opsctl remediations` lists them"))
    })
}

/// What is to be taken back, the last act first.
async fn chosen(store: &SqliteStore, wanted: Wanted<'_>) -> Result<Vec<Remediation>, Trouble> {
    match wanted {
        Wanted::One(id) => {
            let id = id.parse().map_err(|error| Trouble::usage(format!("{error}")))?;
            Ok(vec![one(store, id).await?])
        }
        Wanted::Run(run) => {
            if store
                .runs(crate::ports::store::RunQuery { agent: None, limit: FARTHEST })
                .await?
                .iter()
                .all(|known| known.id.0 != run)
            {
                return Err(Trouble::incomplete(format!(
                    "there is no run {run}; `opsctl runs -o json` lists their ids"
                )));
            }
            let of_run = |found: &Remediation| {
                let sent = found.state != crate::domain::incident::RemediationState::Withdrawn;
                found.run.0 == run && sent && found.undo_of.is_none()
            };
            let mut all = store.remediations(None, FARTHEST).await?;
            all.sort_by_key(|found| std::cmp::Reverse(found.id));
            Ok(all.into_iter().filter(of_run).collect())
        }
    }
}
