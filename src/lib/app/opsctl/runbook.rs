//! `opsctl runbook`: what a check's finding means, what to look at, how to fix it.

use serde_json::json;

use super::questions::known;
use super::{Desk, Told, Trouble};
use crate::adapters::store::Access;
use crate::app::documents::Runbook;
use crate::app::exit::Exit;
use crate::app::runbooks::RUNBOOKS;
use crate::domain::incident::IncidentId;

impl Desk<'_> {
    /// The page of a check, or of the check that found an incident.
    pub(super) async fn runbook(&self, what: Option<&str>) -> Result<Told, Trouble> {
        let Some(id) = what.and_then(|what| what.parse::<IncidentId>().ok()) else {
            return runbook(what);
        };
        let store = self.store(Access::ReadOnly).await?;
        let incident = known(&store, id).await?;
        store.close().await?;
        runbook(Some(incident.key.check.as_str()))
    }
}

fn runbook(check: Option<&str>) -> Result<Told, Trouble> {
    let Some(check) = check else {
        let list = RUNBOOKS.iter().map(|(_, text)| {
            let title = text.lines().next().unwrap_or_default();
            format!("{}\n", title.trim_start_matches("# ").replacen(": ", "\n    ", 1))
        });
        let names: Vec<&str> = RUNBOOKS.iter().map(|(check, _)| *check).collect();
        return Ok(Told { text: list.collect(), json: json!(names), exit: Exit::Clean });
    };
    let Some((name, text)) = RUNBOOKS.iter().find(|(name, _)| *name == check) else {
        return Err(Trouble::usage(format!(
            "there is no check or incident called `{check}`; `opsctl runbook` lists the checks"
        )));
    };
    let json = json!(Runbook { check: (*name).to_owned(), text: (*text).to_owned() });
    Ok(Told { text: (*text).to_owned(), json, exit: Exit::Clean })
}
