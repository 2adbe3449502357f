//! `opsctl doctor`: live probes of what each action would need. Nothing is changed; failures come first.

mod clocks;
mod elsewhere;
mod encryption;
mod folders;
pub(super) mod managers;
mod permissions;
mod programs;
mod remedies;
pub(super) mod row;
mod stores;
mod triggers;

use std::sync::Arc;

use serde_json::json;

use self::folders::writable;
use self::managers::manager;
use self::row::{Grade, Row};
use self::stores::Trials;
use super::{Desk, Told, Trouble, absent};
use crate::adapters::store::Access;
use crate::agent::{Need, StoreNeed};
use crate::app::config::notify::DASHBOARD;
use crate::app::declared_folders;
use crate::app::exit::Exit;
use crate::app::registry::{self, Entry};
use crate::app::telling::examined;
use crate::app::wire::{self, Wish};
use crate::domain::platform::Account;
use crate::engine::{Engine, Mode};
use crate::ports::store::StoreError;

impl Desk<'_> {
    pub(super) async fn doctor(&self) -> Result<Told, Trouble> {
        let mut rows = vec![self.state_folder(), self.logs_folder(), self.ledger().await];
        rows.extend(self.channels());
        rows.extend(self.triggers().await);
        rows.extend(elsewhere::elsewhere(self.config));
        rows.extend(permissions::permissions(self.config, self.environ));
        rows.extend(clocks::clocks().await);
        for entry in registry::ALL {
            self.agent(entry, &mut rows).await;
        }
        rows.extend(remedies::remedies(self).await);
        rows.sort();
        let blocked = rows.iter().any(|(grade, ..)| *grade == Grade::Blocked);
        let exit = if blocked { Exit::Findings } else { Exit::Clean };
        let text = row::page(&rows, self.style);
        Ok(Told { text, json: json!(row::examined(rows)), exit })
    }

    fn state_folder(&self) -> Row {
        writable("state folder", &self.config.paths.state)
    }

    fn logs_folder(&self) -> Row {
        writable("logs folder", &self.config.paths.logs)
    }

    /// The ways to people, as far as that is seen without sending anything.
    pub(super) fn channels(&self) -> Vec<Row> {
        let found = examined(self.config, &self.clock);
        if found.is_empty() {
            let why = "nobody is told of anything: no channel is set up".to_owned();
            return vec![(Grade::Skipped, "channels".to_owned(), why)];
        }
        let row = |(name, built): (String, Result<(), String>)| {
            let about = format!("channel {name}");
            match built {
                Err(why) => (Grade::Blocked, about, why),
                Ok(()) if name == DASHBOARD => {
                    (Grade::Ok, about, "is set up; ops-reporter feeds it".to_owned())
                }
                Ok(()) => {
                    (Grade::Ok, about, format!("is set up; `opsctl notify test {name}` tries it"))
                }
            }
        };
        found.into_iter().map(row).collect()
    }

    async fn ledger(&self) -> Row {
        let about = "ledger".to_owned();
        let file = self.config.paths.ledger();
        if self.nothing_is_recorded() {
            let found = format!("{} does not exist yet; the first run creates it", file.display());
            return (Grade::Skipped, about, found);
        }
        if let Err(error) = std::fs::metadata(&file)
            && !absent(&file)
        {
            let found = format!("{} cannot be looked at: {error}", file.display());
            return (Grade::Blocked, about, found);
        }
        match self.store(Access::ReadOnly).await {
            Err(trouble) => (Grade::Blocked, about, trouble.message),
            Ok(store) => {
                let id = store.ledger_id().to_owned();
                match store.close().await {
                    Ok(()) => (Grade::Ok, about, format!("{} opens (ledger {id})", file.display())),
                    Err(error) => (Grade::Partial, about, error.to_string()),
                }
            }
        }
    }

    async fn agent(&self, entry: &Entry, rows: &mut Vec<Row>) {
        let spec = (entry.spec)();
        if let Some(why) = wire::off(self.config, entry) {
            rows.push((Grade::Skipped, spec.name.to_string(), why));
            return;
        }
        let stanza = &self.config.of(&spec.name).stanza;
        let needs = (entry.needs)(stanza);
        if needs.is_empty() {
            let why = "needs no sense: it reads the ledger".to_owned();
            rows.push((Grade::Skipped, format!("{}: sight", spec.name), why));
            return;
        }
        let name = spec.name.to_string();
        let folders = declared_folders::folders(&needs);
        rows.extend(folders.iter().map(|folder| folders::declared(&name, folder.as_ref())));
        rows.extend(programs::programs(&name, &needs));
        let wish = Wish { mode: Mode::Plan, observe_only: true };
        // The senses are tried without a ledger: what is asked is whether they see.
        let none = StoreError::Open("not needed to look".to_owned());
        // Before the first run there is no folder to remember anything in, and the doctor makes none.
        let state = &self.config.paths.state;
        let own = if state.is_dir() { None } else { tempfile::tempdir().ok() };
        let cache = own.as_ref().map_or(state.as_path(), tempfile::TempDir::path);
        let mut engine = wire::engine(
            self.config,
            entry,
            wish,
            Err(none),
            Arc::clone(&self.clock),
            wire::new_run_id(),
            cache,
        );
        let tends_ledger = |need: &Need| matches!(need, Need::Store(StoreNeed::Ledger { .. }));
        if needs.iter().any(tends_ledger) && self.nothing_is_recorded() {
            rows.push(stores::without_ledger(&name, &mut engine.sensors.stores));
        }
        for need in needs {
            if let Need::Manager { kind, declared } = need {
                let about = format!("{}: {}", spec.name, kind.as_str());
                let seen = match engine.sensors.manager(kind) {
                    Ok(manager) => manager.list().await,
                    Err(blind) => Err(blind),
                };
                manager(&about, &seen, &declared, rows);
            }
        }
        looked_at(&name, entry, &mut engine, stanza, rows).await;
    }
}

/// What the agent itself cannot see, by its own look, and what that came to at each data store.
async fn looked_at(
    name: &str,
    entry: &Entry,
    engine: &mut Engine,
    stanza: &serde_json::Value,
    rows: &mut Vec<Row>,
) {
    let trials = Trials::of(&mut engine.sensors.stores);
    let report = (entry.run)(engine, stanza).await;
    rows.extend(trials.rows(name));
    let seen = report.counts.get("population").copied().unwrap_or_default();
    let unknown = report.counts.get("unknown").copied().unwrap_or_default();
    for (check, why) in report.unknown.iter().filter(|(_, why)| !trials.tell(why)) {
        rows.push((Grade::Partial, format!("{name}: {check}"), why.clone()));
    }
    let known = seen.saturating_sub(unknown);
    let found = format!("{known} of {seen} subjects were seen");
    let grade = match (seen, known) {
        (0, _) => Grade::Skipped,
        (_, 0) => Grade::Partial,
        _ => Grade::Ok,
    };
    rows.push((grade, format!("{name}: sight"), found));
    let standing = engine.sensors.platform.as_ref().map(|platform| platform.standing());
    for tenant in standing.unwrap_or_default() {
        if let Account::Unfit { why } = tenant.account {
            let about = format!("{name}: account of tenant {}", tenant.tenant);
            rows.push((Grade::Blocked, about, why));
        }
    }
}
