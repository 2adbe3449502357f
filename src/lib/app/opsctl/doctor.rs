//! `opsctl doctor`: live probes of what each action would need. Nothing is changed; failures come first.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use super::room::no_room;
use super::{Desk, Told, Trouble, absent};
use crate::adapters::store::Access;
use crate::agent::{DeclaredProcess, Need};
use crate::app::config::notify::DASHBOARD;
use crate::app::documents::Examined;
use crate::app::exit::Exit;
use crate::app::registry::{self, Entry};
use crate::app::telling::examined;
use crate::app::wire::{self, Wish};
use crate::domain::platform::Account;
use crate::domain::process::{ProcessReading, Startable};
use crate::domain::sight::{Scan, Sight};
use crate::engine::{Engine, Mode};
use crate::ports::store::StoreError;
use crate::render::page::Page;
use crate::render::style::Tone;

/// What one probe showed, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Grade {
    /// It would not work.
    Blocked,
    /// Part of it could not be proved.
    Partial,
    /// There is nothing to try.
    Skipped,
    /// It was tried and works.
    Ok,
}

impl Grade {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Blocked => "blocked",
            Self::Partial => "partial",
            Self::Skipped => "skipped",
            Self::Ok => "ok",
        }
    }

    const fn tone(self) -> Tone {
        match self {
            Self::Blocked => Tone::Bad,
            Self::Partial => Tone::Warn,
            Self::Skipped => Tone::Dim,
            Self::Ok => Tone::Good,
        }
    }
}

/// One probe: its grade, what it was about, what was read.
pub(super) type Row = (Grade, String, String);

impl Desk<'_> {
    pub(super) async fn doctor(&self) -> Result<Told, Trouble> {
        let mut rows = vec![self.state_folder(), self.logs_folder(), self.ledger().await];
        rows.extend(self.channels());
        rows.extend(self.triggers().await);
        for entry in registry::ALL {
            self.agent(entry, &mut rows).await;
        }
        rows.sort();
        let mut page = Page::new(self.style);
        for (grade, about, found) in &rows {
            page.item(grade.tone(), grade.as_str(), &format!("{about}: {found}"));
        }
        let count = |grade| rows.iter().filter(|row| row.0 == grade).count();
        page.line(&format!(
            "{} blocked, {} partial, {} skipped, {} ok",
            count(Grade::Blocked),
            count(Grade::Partial),
            count(Grade::Skipped),
            count(Grade::Ok)
        ));
        let exit = if count(Grade::Blocked) > 0 { Exit::Findings } else { Exit::Clean };
        let json: Vec<Examined> = rows
            .into_iter()
            .map(|(grade, about, found)| Examined { grade: grade.as_str(), about, found })
            .collect();
        Ok(Told { text: page.into_text(), json: json!(json), exit })
    }

    fn state_folder(&self) -> Row {
        writable("state folder", &self.config.paths.state)
    }

    fn logs_folder(&self) -> Row {
        writable("logs folder", &self.config.paths.logs)
    }

    /// The ways to people, as far as that is seen without sending anything.
    fn channels(&self) -> Vec<Row> {
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
        let wish = Wish { mode: Mode::Plan, observe_only: true };
        // The senses are tried without a ledger: what is asked is whether they see.
        let none = StoreError::Open("not needed to look".to_owned());
        // Before the first run there is no folder to remember anything in, and the doctor makes none.
        let state = &self.config.paths.state;
        let own = if state.is_dir() { None } else { tempfile::tempdir().ok() };
        let cache = own.as_ref().map_or(state.as_path(), tempfile::TempDir::path);
        let engine = wire::engine(
            self.config,
            entry,
            wish,
            Err(none),
            Arc::clone(&self.clock),
            wire::new_run_id(),
            cache,
        );
        for need in (entry.needs)(stanza) {
            if let Need::Manager { kind, declared } = need {
                let about = format!("{}: {}", spec.name, kind.as_str());
                let seen = match engine.sensors.manager(kind) {
                    Ok(manager) => manager.list().await,
                    Err(blind) => Err(blind),
                };
                manager(&about, &seen, &declared, rows);
            }
        }
        looked_at(&spec.name.to_string(), entry, &engine, stanza, rows).await;
    }
}

/// What the agent itself cannot see, by its own look.
async fn looked_at(
    name: &str,
    entry: &Entry,
    engine: &Engine,
    stanza: &serde_json::Value,
    rows: &mut Vec<Row>,
) {
    let report = (entry.run)(engine, stanza).await;
    let seen = report.counts.get("population").copied().unwrap_or_default();
    let unknown = report.counts.get("unknown").copied().unwrap_or_default();
    for (check, why) in &report.unknown {
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

fn manager(
    about: &str,
    seen: &Sight<Scan<ProcessReading>>,
    declared: &[DeclaredProcess],
    rows: &mut Vec<Row>,
) {
    let scan = match seen {
        Ok(scan) => scan,
        Err(blind) => {
            rows.push((Grade::Blocked, about.to_owned(), blind.why.clone()));
            return;
        }
    };
    rows.push((Grade::Ok, about.to_owned(), format!("readable, {} processes", scan.items.len())));
    let mut by_name: BTreeMap<&str, Vec<&ProcessReading>> = BTreeMap::new();
    for reading in &scan.items {
        by_name.entry(reading.process.name.as_str()).or_default().push(reading);
    }
    for process in declared {
        match by_name.get(process.name.as_str()) {
            None => {
                let why = scan
                    .cut_short
                    .clone()
                    .unwrap_or_else(|| "the manager does not know it".to_owned());
                rows.push((Grade::Blocked, format!("{about}:{}", process.name), why));
            }
            Some(readings) => rows.extend(readings.iter().map(|reading| restartable(reading))),
        }
    }
}

/// Whether a restart of this process would have a chance.
fn restartable(reading: &ProcessReading) -> Row {
    let about = format!("restart {}", reading.process);
    let limit = match reading.memory_limit_bytes {
        Some(bytes) => format!("memory limit {} MiB", bytes / (1024 * 1024)),
        None => "no memory limit of its own, so memory never restarts it".to_owned(),
    };
    let status = reading.status.as_str();
    match &reading.startable {
        Startable::Plausible { checked } => {
            (Grade::Ok, about, format!("{status}; {checked}; {limit}"))
        }
        Startable::Unprovable { why } => {
            (Grade::Partial, about, format!("{status}; not provable: {why}; {limit}"))
        }
        Startable::Blocked { why } => (Grade::Blocked, about, format!("{status}; {why}")),
    }
}

/// Tries a folder by asking the kernel, not by writing into it.
fn writable(about: &str, folder: &std::path::Path) -> Row {
    use rustix::fs::{Access as Ask, access};
    let row = |grade, found: String| (grade, about.to_owned(), found);
    let shown = folder.display();
    if absent(folder) {
        let above = folder.ancestors().skip(1).find(|above| !absent(above));
        return match above.map(|above| (above, access(above, Ask::WRITE_OK | Ask::EXEC_OK))) {
            Some((above, Err(error))) => row(
                Grade::Blocked,
                format!(
                    "{shown} does not exist, and cannot be created in {} by this user: {error}; create it as root, for \
                     the user that runs the agents",
                    above.display()
                ),
            ),
            Some((_, Ok(()))) | None => {
                row(Grade::Partial, format!("{shown} does not exist yet; the first run creates it"))
            }
        };
    }
    match std::fs::metadata(folder) {
        Err(error) => {
            return row(Grade::Blocked, format!("{shown} cannot be looked at: {error}"));
        }
        Ok(found) if !found.is_dir() => {
            return row(Grade::Blocked, format!("{shown} is not a folder"));
        }
        Ok(_) => {}
    }
    if let Err(error) = access(folder, Ask::READ_OK | Ask::EXEC_OK) {
        return row(Grade::Blocked, format!("{shown} is not readable: {error}"));
    }
    if let Err(error) = access(folder, Ask::WRITE_OK) {
        return row(Grade::Blocked, format!("{shown} is not writable: {error}"));
    }
    match no_room(folder) {
        Some(why) => row(Grade::Blocked, format!("{shown} {why}")),
        None => row(Grade::Ok, format!("{shown} is writable")),
    }
}
