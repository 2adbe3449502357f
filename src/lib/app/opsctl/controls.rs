//! `opsctl pause` and `resume`: switches in the ledger, so that every trigger obeys them.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use super::undo;
use super::{Desk, Told, Trouble};
use crate::adapters::store::{Access, SqliteStore};
use crate::app::documents::{Paused, Resumed};
use crate::app::exit::Exit;
use crate::app::registry;
use crate::domain::event::{Event, NewEvent};
use crate::domain::incident::{Control, RemediationId, control};
use crate::domain::moment::full;
use crate::domain::operation::Operation;
use crate::domain::subject::{AgentName, Key};
use crate::ports::store::{Batch, LedgerView, Scope, Store};
use crate::render::page::Page;
use crate::render::time::relative;

/// A pause that nobody remembers is worse than none.
const LONGEST_PAUSE: Duration = Duration::from_hours(90 * 24);
/// The word for every hold.
const HOLDS: &str = "holds";
/// How long a person's word lets a hopeless operation try again.
const RETRY: Duration = Duration::from_hours(24);

impl Desk<'_> {
    pub(super) async fn pause(
        &self,
        agent: &str,
        duration: Duration,
        reason: &str,
    ) -> Result<Told, Trouble> {
        let told = |until: &str, place: &str| {
            format!(
                "{agent} does not act until {until}. It goes on looking, recording and telling. \
                 `opsctl resume {agent} --reason …` ends the pause. It holds for the ledger in {place}."
            )
        };
        self.switched_on(pause_key(agent)?, duration, reason, &told).await
    }

    /// No slot of an agent is started for a time.
    pub(super) async fn suspend(
        &self,
        agent: &str,
        duration: Duration,
        reason: &str,
    ) -> Result<Told, Trouble> {
        let told = |until: &str, place: &str| {
            format!(
                "No slot of {agent} is started until {until}: each is recorded as skipped, with the reason. Nobody looks \
                 meanwhile, and a run by hand still runs. `opsctl schedule resume {agent} --reason …` ends it. It holds for \
                 the ledger in {place}."
            )
        };
        self.switched_on(suspension_key(agent)?, duration, reason, &told).await
    }

    /// Slots of an agent are started again.
    pub(super) async fn unsuspend(&self, agent: &str, reason: &str) -> Result<Told, Trouble> {
        let key = suspension_key(agent)?;
        said(reason)?;
        let mut lifted = Vec::new();
        if !self.nothing_is_recorded() {
            let now = self.clock.now();
            self.change(&mut |view: &LedgerView| {
                let on = view.controls.get(&key).filter(|found| found.applies(now));
                lifted = on.map(|found| found.key.clone()).into_iter().collect();
                lifted.iter().map(|control| off(control, reason)).collect()
            })
            .await?;
        }
        let text = match lifted.as_slice() {
            [] => format!("Slots of {agent} were not suspended by this; nothing was changed.\n"),
            _ => format!("Slots of {agent} are started again; nothing is made up for.\n"),
        };
        let json = json!(Resumed { lifted, holding: Vec::new(), reason: reason.to_owned() });
        Ok(Told { text, json, exit: Exit::Clean })
    }

    /// Sets a switch for a time. `told` says what that means, until when and where.
    async fn switched_on(
        &self,
        key: String,
        duration: Duration,
        reason: &str,
        told: &(dyn Fn(&str, &str) -> String + Sync),
    ) -> Result<Told, Trouble> {
        if duration.is_zero() {
            return Err(Trouble::usage("--for 0s changes nothing; write for how long"));
        }
        if duration > LONGEST_PAUSE {
            return Err(Trouble::usage(
                "--for is longer than 90 days; this is not a way to switch off",
            ));
        }
        said(reason)?;
        let now = self.clock.now();
        let expires_at = now
            .checked_add(duration)
            .map_err(|_| Trouble::usage("--for is longer than time lasts; write a shorter one"))?;
        let event = Event::ControlChanged {
            control: key.clone(),
            on: true,
            reason: reason.to_owned(),
            expires_at: Some(expires_at),
            facts: BTreeMap::new(),
        };
        self.change(&mut |_: &LedgerView| vec![event.clone()]).await?;
        let mut page = Page::new(self.style);
        let until = format!("{} ({})", full(expires_at), relative(expires_at, now));
        page.paragraph(&told(&until, &self.config.paths.state.display().to_string()));
        let text = page.into_text();
        let reason = reason.to_owned();
        let json = json!(Paused { control: key, on: true, reason, expires_at });
        Ok(Told { text, json, exit: Exit::Clean })
    }

    pub(super) async fn resume(&self, what: &str, reason: &str) -> Result<Told, Trouble> {
        said(reason)?;
        if Operation::VERBS.contains(&what) {
            return self.retry(what, reason).await;
        }
        let nothing = self.nothing_is_recorded();
        let key = match (what.parse::<RemediationId>(), what.parse::<Key>()) {
            (Ok(_), _) if nothing => return Ok(resumed(what, Vec::new(), Vec::new(), reason)),
            (Ok(id), _) => self.hold_after(id).await?,
            (_, Ok(key)) => control::hold_of(&key),
            _ if what == HOLDS => HOLDS.to_owned(),
            _ => pause_key(what).map_err(|trouble| Trouble {
                message: format!(
                    "{}; to lift a hold write what was taken back (REM-1), the key of its finding, or \"{HOLDS}\"",
                    trouble.message
                ),
                ..trouble
            })?,
        };
        if nothing {
            return Ok(resumed(what, Vec::new(), Vec::new(), reason));
        }
        let now = self.clock.now();
        let (all, holds) = (key == control::PAUSE_ALL, key == HOLDS);
        let lifts = |found: &Control| {
            let any = found.key.starts_with("pause:") || found.key == control::PROPOSE_ONLY;
            let held = holds && found.key.starts_with("hold:");
            found.applies(now) && ((all && any) || held || found.key == key)
        };
        let still_holds = |found: &Control| {
            let of_all = [control::PAUSE_ALL, control::PROPOSE_ONLY].contains(&found.key.as_str());
            found.applies(now) && of_all && !all
        };
        let mut lifted = Vec::new();
        let mut holding = Vec::new();
        self.change(&mut |view: &LedgerView| {
            lifted = view
                .controls
                .values()
                .filter(|found| lifts(found))
                .map(|found| found.key.clone())
                .collect();
            let holds = view.controls.values().filter(|found| still_holds(found));
            holding = holds.map(|found| found.key.clone()).collect();
            lifted.iter().map(|control| off(control, reason)).collect()
        })
        .await?;
        Ok(resumed(what, lifted, holding, reason))
    }

    /// The hold that was set when this remediation was taken back.
    async fn hold_after(&self, id: RemediationId) -> Result<String, Trouble> {
        let store = self.store(Access::ReadOnly).await?;
        let found = undo::one(&store, id).await;
        store.close().await?;
        Ok(control::hold_of(&found?.key))
    }

    /// Lets an operation try again, for a day, that was switched off because it never helped.
    async fn retry(&self, verb: &str, reason: &str) -> Result<Told, Trouble> {
        let now = self.clock.now();
        let key = control::retry_of(verb);
        let event = Event::ControlChanged {
            control: key.clone(),
            on: true,
            reason: reason.to_owned(),
            expires_at: now.checked_add(RETRY).ok(),
            facts: BTreeMap::new(),
        };
        let mut switched_off = false;
        if !self.nothing_is_recorded() {
            self.change(&mut |view: &LedgerView| {
                let of_verb = view.effectiveness.get(verb).copied().unwrap_or_default();
                switched_off = of_verb.is_hopeless();
                if switched_off { vec![event.clone()] } else { Vec::new() }
            })
            .await?;
        }
        let text = if switched_off {
            format!("{verb} may try again for a day. One success switches it on for good.\n")
        } else {
            format!("{verb} was not switched off; nothing was changed.\n")
        };
        let lifted = if switched_off { vec![key] } else { Vec::new() };
        let json = json!(Resumed { lifted, holding: Vec::new(), reason: reason.to_owned() });
        Ok(Told { text, json, exit: Exit::Clean })
    }

    /// Commits what `events` says and publishes the view.
    pub(super) async fn change(
        &self,
        events: &mut (dyn FnMut(&LedgerView) -> Vec<Event> + Send),
    ) -> Result<(), Trouble> {
        let store: SqliteStore = self.store(Access::ReadWrite).await?;
        let now = self.clock.now();
        let actor = self.person();
        let mut decide = |view: &LedgerView| Batch {
            events: events(view)
                .into_iter()
                .map(|event| NewEvent { at: now, actor: actor.clone(), run: None, event })
                .collect(),
            notes: Vec::new(),
        };
        let scope = Scope { about: None, agent: None, recent: Duration::ZERO, now };
        store.commit(scope, &mut decide).await?;
        store.publish(self.clock.now()).await?;
        store.close().await?;
        Ok(())
    }
}

/// A switch is off from now on.
fn off(control: &str, reason: &str) -> Event {
    Event::ControlChanged {
        control: control.to_owned(),
        on: false,
        reason: reason.to_owned(),
        expires_at: None,
        facts: BTreeMap::new(),
    }
}

/// `holding` is what goes on keeping the agent from acting.
fn resumed(what: &str, lifted: Vec<String>, holding: Vec<String>, reason: &str) -> Told {
    let done = match lifted.as_slice() {
        [] => "Nothing was changed".to_owned(),
        lifted => format!("Lifted: {}", lifted.join(", ")),
    };
    let text = match (lifted.is_empty(), holding.as_slice()) {
        (_, [_, ..]) => format!(
            "{done}. {} still keeps {what} from acting: `opsctl resume all --reason …`.\n",
            holding.join(" and ")
        ),
        (true, []) if what == HOLDS => "Nothing is held; nothing was changed.\n".to_owned(),
        (true, []) => format!("Nothing kept {what} from acting; nothing was changed.\n"),
        (false, []) if lifted.iter().all(|key| key.starts_with("hold:")) => {
            format!("{done}. What was held may be acted on again, inside the gate.\n")
        }
        (false, []) => format!("{done}. {what} may act again, inside the gate.\n"),
    };
    let json = json!(Resumed { lifted, holding, reason: reason.to_owned() });
    Told { text, json, exit: Exit::Clean }
}

fn pause_key(agent: &str) -> Result<String, Trouble> {
    key_of(agent, control::PAUSE_ALL, control::pause_of)
}

fn suspension_key(agent: &str) -> Result<String, Trouble> {
    key_of(agent, control::SUSPEND_ALL, control::suspension_of)
}

/// The key of a switch for one agent or for all.
fn key_of(agent: &str, all: &str, one: fn(&AgentName) -> String) -> Result<String, Trouble> {
    if agent == "all" {
        return Ok(all.to_owned());
    }
    if let Some(entry) = registry::find(agent) {
        return Ok(one(&(entry.spec)().name));
    }
    let names: Vec<String> =
        registry::ALL.iter().map(|entry| (entry.spec)().name.to_string()).collect();
    Err(Trouble::usage(format!(
        "`{agent}` is not an agent; write \"all\" or one of: {}",
        names.join(", ")
    )))
}

pub(super) fn said(reason: &str) -> Result<(), Trouble> {
    if reason.trim().is_empty() {
        return Err(Trouble::usage("--reason is empty; it stands in the ledger, so say why"));
    }
    Ok(())
}
