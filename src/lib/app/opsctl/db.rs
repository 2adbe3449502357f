//! `opsctl db advice`: what of the data stores only a person can mend, with what they could run.

use clap::Subcommand;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use super::{Desk, Told, Trouble};
use crate::adapters::store::Access;
use crate::agents::db_maintainer::checks::AGENT;
use crate::app::exit::Exit;
use crate::domain::incident::IncidentId;
use crate::domain::severity::Severity;
use crate::ports::store::Store;
use crate::render::page::Page;
use crate::render::style::Tone;

/// What about the data stores.
#[derive(Clone, Debug, Subcommand)]
pub enum DbVerb {
    /// What only a person can mend, with the statement that they could run
    Advice,
    /// What buckets hold, and how they grew since the look before
    Usage,
}

/// One finding that only a person can mend.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Advice {
    /// Its incident.
    pub incident: IncidentId,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// What a person could run: a statement; `null` where none helps.
    pub sql: Option<String>,
    /// What a person could run: a command of a shell or of Redis; `null` where none helps.
    pub command: Option<String>,
}

impl Desk<'_> {
    pub(super) async fn advice(&self) -> Result<Told, Trouble> {
        let store = self.store(Access::ReadOnly).await?;
        let all = store.incidents(self.clock.now(), u32::MAX).await?;
        store.close().await?;
        let own = all.into_iter().filter(|one| one.is_active() && one.key.agent == AGENT);
        let advice: Vec<Advice> = own
            .map(|incident| Advice {
                incident: incident.id,
                severity: incident.severity,
                sql: incident.facts.get("sql").cloned(),
                command: incident.facts.get("command").cloned(),
                message: incident.message,
            })
            .collect();
        let mut page = Page::new(self.style);
        if advice.is_empty() {
            page.line("Nothing of the data stores waits for a person.");
        }
        for one in &advice {
            let tone = if one.severity == Severity::Critical { Tone::Bad } else { Tone::Warn };
            page.item(tone, &one.incident.to_string(), &one.message);
            let run = one.sql.as_deref().or(one.command.as_deref());
            let run = run.unwrap_or("no statement helps; see its runbook");
            page.note("run", run);
        }
        Ok(Told { text: page.into_text(), json: json!(advice), exit: Exit::Clean })
    }
}
