//! `opsctl ack` and `silence`: people answer what they were told.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use super::controls::said;
use super::questions::known;
use super::{Desk, Told, Trouble};
use crate::adapters::store::Access;
use crate::app::documents::{Acknowledgement, Silenced};
use crate::app::exit::Exit;
use crate::app::registry;
use crate::domain::event::Event;
use crate::domain::incident::{Incident, IncidentId, control};
use crate::domain::moment::full;
use crate::domain::subject::Key;
use crate::engine::own_checks;
use crate::ports::store::LedgerView;
use crate::render::page::Page;

/// A silence that nobody remembers is worse than none.
const LONGEST: Duration = Duration::from_hours(90 * 24);

/// How long nobody wants to hear of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HowLong {
    /// For so long.
    For(Duration),
    /// Until the incident ends.
    UntilResolved,
    /// Until it becomes worse, or ends.
    UntilWorse,
    /// A silence is lifted.
    NoLonger,
}

impl Desk<'_> {
    pub(super) async fn acknowledge(&self, id: &str, reason: &str) -> Result<Told, Trouble> {
        said(reason)?;
        let id: IncidentId = id.parse().map_err(|error| Trouble::usage(format!("{error}")))?;
        self.still_active(id).await?;
        let reason = reason.trim().to_owned();
        let mut taken = false;
        self.change(&mut |view: &LedgerView| {
            taken = view.active.iter().any(|incident| incident.id == id);
            let event = Event::IncidentAcknowledged { incident: id, reason: reason.clone() };
            if taken { vec![event] } else { Vec::new() }
        })
        .await?;
        if !taken {
            self.still_active(id).await?;
        }
        let mut page = Page::new(self.style);
        page.paragraph(&format!(
            "{id} is yours. Nobody is reminded of it, and no next step is called, until it becomes worse. Its end is \
             told to everybody who was told of it."
        ));
        let json = json!(Acknowledgement { incident: id, by: self.person(), reason });
        Ok(Told { text: page.into_text(), json, exit: Exit::Clean })
    }

    /// Refuses what has ended already.
    async fn still_active(&self, id: IncidentId) -> Result<Incident, Trouble> {
        let store = self.store(Access::ReadOnly).await?;
        let found = known(&store, id).await;
        store.close().await?;
        let found = found?;
        match &found.resolved {
            None => Ok(found),
            Some(end) => Err(Trouble::incomplete(format!("{id} ended at {}", full(end.at)))),
        }
    }

    pub(super) async fn silence(
        &self,
        what: &str,
        how_long: HowLong,
        reason: &str,
    ) -> Result<Told, Trouble> {
        said(reason)?;
        let (name, incident) = self.silenceable(what, how_long).await?;
        let now = self.clock.now();
        let mut facts = BTreeMap::new();
        let expires_at = match how_long {
            HowLong::For(time) if time.is_zero() || time > LONGEST => {
                return Err(Trouble::usage("--for is between a moment and 90 days"));
            }
            HowLong::For(time) => now.checked_add(time).ok(),
            HowLong::UntilWorse => {
                let was = incident.as_ref().map(|one| one.severity.as_str().to_owned());
                facts.extend(was.map(|was| ("worse_than".to_owned(), was)));
                None
            }
            HowLong::UntilResolved | HowLong::NoLonger => None,
        };
        let control = control::silence_of(&name);
        let on = how_long != HowLong::NoLonger;
        let reason = reason.trim().to_owned();
        let event = Event::ControlChanged {
            control: control.clone(),
            on,
            reason: reason.clone(),
            expires_at,
            facts,
        };
        self.change(&mut |_: &LedgerView| vec![event.clone()]).await?;
        let until = match (how_long, expires_at) {
            (HowLong::NoLonger, _) => format!("{name} is told again."),
            (HowLong::For(_), Some(at)) => {
                format!("Nobody hears of {name} until {}.", full(at))
            }
            (HowLong::UntilWorse, _) => {
                format!("Nobody hears of {name} until it becomes worse, or ends.")
            }
            _ => format!("Nobody hears of {name} until it ends."),
        };
        let mut page = Page::new(self.style);
        page.paragraph(&format!(
            "{until} Agents go on looking and repairing; who was told of it before is told of its end."
        ));
        let json = json!(Silenced { control, on, reason, expires_at });
        Ok(Told { text: page.into_text(), json, exit: Exit::Clean })
    }

    /// What is silenced, as its control calls it: an incident, a finding, or a check. Only an incident ends.
    async fn silenceable(
        &self,
        what: &str,
        how_long: HowLong,
    ) -> Result<(String, Option<Incident>), Trouble> {
        if let Ok(id) = what.parse::<IncidentId>() {
            let found = if how_long == HowLong::NoLonger {
                None
            } else {
                Some(self.still_active(id).await?)
            };
            return Ok((id.to_string(), found));
        }
        if matches!(how_long, HowLong::UntilResolved | HowLong::UntilWorse) {
            let message = format!("`{what}` is not an incident like INC-1; only an incident ends");
            return Err(Trouble::usage(message));
        }
        if let Ok(key) = what.parse::<Key>() {
            return Ok((key.to_string(), None));
        }
        let house = own_checks::SPEC;
        let specs = registry::ALL.iter().map(|entry| (entry.spec)()).chain([house]);
        let known: Vec<String> = specs
            .flat_map(|spec| {
                spec.checks.iter().map(move |check| format!("{}/{}", spec.name, check.id))
            })
            .collect();
        if known.iter().any(|check| check == what) {
            return Ok((what.to_owned(), None));
        }
        Err(Trouble::usage(format!(
            "`{what}` is neither an incident (INC-1), nor the key of a finding, nor a check like {}",
            known.first().map_or("agent/check", String::as_str)
        )))
    }
}
