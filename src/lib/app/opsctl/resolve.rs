//! `opsctl resolve`: a person ends an incident.
//!
//! It says nothing about the finding: the next run looks, and opens it anew where it is still wrong.

use serde_json::json;

use super::controls::said;
use super::questions::known;
use super::{Desk, Told, Trouble};
use crate::adapters::store::Access;
use crate::app::documents::Ended;
use crate::app::exit::Exit;
use crate::domain::event::Event;
use crate::domain::incident::{Incident, IncidentId, Resolution};
use crate::domain::moment::full;
use crate::ports::store::LedgerView;
use crate::render::page::Page;

impl Desk<'_> {
    pub(super) async fn resolve(
        &self,
        id: &str,
        reason: &str,
        resolution: Resolution,
    ) -> Result<Told, Trouble> {
        said(reason)?;
        let id: IncidentId = id.parse().map_err(|error| Trouble::usage(format!("{error}")))?;
        active(&self.one(id).await?)?;
        let proof = format!("by {}: {}", self.person(), reason.trim());
        let mut is_active = false;
        self.change(&mut |view: &LedgerView| {
            is_active = view.active.iter().any(|incident| incident.id == id);
            let proof = proof.clone();
            let end =
                Event::IncidentResolved { incident: id, resolution, proof, remediation: None };
            if is_active { vec![end] } else { Vec::new() }
        })
        .await?;
        if !is_active {
            // A run ended it since it was looked at.
            active(&self.one(id).await?)?;
        }
        let mut page = Page::new(self.style);
        page.paragraph(&format!(
            "{id} is ended. If it is still wrong, the next run opens it anew, with fresh attempts."
        ));
        let json = json!(Ended { incident: id, resolution, reason: reason.to_owned() });
        Ok(Told { text: page.into_text(), json, exit: Exit::Clean })
    }

    async fn one(&self, id: IncidentId) -> Result<Incident, Trouble> {
        let store = self.store(Access::ReadOnly).await?;
        let found = known(&store, id).await;
        store.close().await?;
        found
    }
}

/// Refuses what has ended already.
fn active(incident: &Incident) -> Result<(), Trouble> {
    match &incident.resolved {
        None => Ok(()),
        Some(end) => Err(Trouble::incomplete(format!(
            "{} ended at {} ({}): {}",
            incident.id,
            full(end.at),
            end.resolution.as_str(),
            end.proof
        ))),
    }
}
