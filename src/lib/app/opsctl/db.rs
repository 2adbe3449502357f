//! `opsctl db advice`: what of the data stores only a person can mend, with what they could run.

use clap::Subcommand;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use super::{Desk, Told, Trouble};
use crate::adapters::store::Access;
use crate::agents::db_maintainer::checks::{AGENT, SPEC};
use crate::app::exit::Exit;
use crate::domain::incident::{Incident, IncidentId};
use crate::domain::severity::Severity;
use crate::domain::spec::CheckClass;
use crate::domain::subject::{CheckId, Subject};
use crate::ports::store::Store;
use crate::render::page::Page;
use crate::render::style::Tone;
use crate::render::table::clean;

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
    /// The check that found it; `opsctl runbook` has its page.
    pub check: CheckId,
    /// What it is about, as findings name it.
    pub subject: Subject,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// What a person could run: statements, on one line; `null` where none helps.
    pub sql: Option<String>,
    /// What is to be known before they are run; `null` where nothing is.
    pub caution: Option<String>,
    /// What a person could run: a command of a shell or of Redis; `null` where none helps.
    pub command: Option<String>,
}

/// Whether it waits for a person. What is due, and is tried again by itself, does not.
fn is_a_persons(incident: &Incident) -> bool {
    let has_words = ["sql", "command"].iter().any(|name| incident.facts.contains_key(*name));
    let is_chore =
        SPEC.check(&incident.key.check).is_some_and(|check| check.class == CheckClass::Chore);
    incident.key.agent == AGENT && (has_words || incident.escalated.is_some() || !is_chore)
}

impl Desk<'_> {
    pub(super) async fn advice(&self) -> Result<Told, Trouble> {
        let store = self.store(Access::ReadOnly).await?;
        let all = store.incidents(self.clock.now(), u32::MAX).await?;
        store.close().await?;
        let own = all.into_iter().filter(|one| one.is_active() && is_a_persons(one));
        let mut advice: Vec<Advice> = own
            .map(|incident| Advice {
                incident: incident.id,
                severity: incident.severity,
                caution: incident.facts.get("caution").cloned(),
                sql: incident.facts.get("sql").cloned(),
                command: incident.facts.get("command").cloned(),
                message: incident.message,
                check: incident.key.check,
                subject: incident.key.subject,
            })
            .collect();
        advice.sort_by_key(|one| std::cmp::Reverse(one.severity));
        let mut page = Page::new(self.style);
        if advice.is_empty() {
            page.line("Nothing of the data stores waits for a person.");
        }
        for one in &advice {
            let tone = if one.severity == Severity::Critical { Tone::Bad } else { Tone::Warn };
            page.item(tone, &one.incident.to_string(), &one.message);
            if let Some(caution) = &one.caution {
                page.note("first", caution);
            }
            page.note("more", &format!("opsctl runbook {}", one.check));
            // To be pasted, so that nothing may break it; and there may be no line of it that is none.
            if let Some(run) = one.sql.as_deref().or(one.command.as_deref()) {
                page.line(&clean(run));
            }
            page.line("");
        }
        Ok(Told { text: page.into_text(), json: json!(advice), exit: Exit::Clean })
    }
}
