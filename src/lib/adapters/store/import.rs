//! Taking incidents over from a view file.

use std::collections::BTreeMap;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use sqlx::SqliteConnection;

use super::connection::unwritten;
use super::import_map::{Mapped, MappedControl, MappedRemediation, Mapping, ViewFile, map};
use super::open::SqliteStore;
use super::read_view::floor_name;
use super::rows::{Kind, cut};
use super::schema::set_meta;
use crate::domain::event::{Event, NewEvent};
use crate::domain::incident::{IncidentId, RemediationId};
use crate::domain::severity::{Environment, Priority};
use crate::domain::subject::Key;
use crate::ports::store::{Batch, LedgerView, Scope, Store, StoreError};

/// How large a file may be that is read whole.
const FILE_BYTES: u64 = 64 * 1024 * 1024;

/// An incident of the file that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmapped {
    /// Its id in the file.
    pub id: String,
    /// Why.
    pub why: String,
}

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// The incidents that were opened: id in the file, id here.
    pub imported: Vec<(String, IncidentId)>,
    /// The incidents that were left out, and why.
    pub skipped: Vec<Unmapped>,
    /// How many incidents of the file had ended already; they stay in the file.
    pub resolved: u64,
}

/// How taken-over incidents are numbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Numbers {
    /// As in the file, so that people find them again; only for a ledger without incidents.
    Keep,
    /// From this one on.
    From(u64),
}

/// The events that take a file over.
pub(super) struct Imported {
    pub(super) events: Vec<NewEvent>,
    pub(super) opened: Vec<(String, IncidentId)>,
    pub(super) skipped: Vec<Unmapped>,
    pub(super) resolved: u64,
}

/// A file that holds incidents of another program.
#[derive(Clone, Debug)]
pub struct ImportSource(ViewFile);

/// A file that cannot be taken over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to take over {file}: {why}")]
pub struct NotAView {
    file: String,
    why: String,
}

impl ImportSource {
    /// Reads `file` whole.
    ///
    /// # Errors
    ///
    /// It cannot be read, is too large, or is no such view.
    pub fn read(file: &Path) -> Result<Self, NotAView> {
        let not_a_view = |why| NotAView { file: file.display().to_string(), why };
        read_source(file).map(Self).map_err(not_a_view)
    }
}

/// Takes the active incidents of `source` into the ledger.
///
/// # Errors
///
/// The ledger cannot be written; nothing was taken over.
pub async fn import(
    store: &SqliteStore,
    source: &ImportSource,
    actor: &str,
) -> Result<ImportReport, StoreError> {
    let now = cut(store.options().clock.now());
    let host = store.options().host.clone();
    let environment = store.options().environment;
    let mut report = ImportReport::default();
    let mut decide = |ledger: &LedgerView| {
        let mut wanted = source.0.clone();
        let mut skipped = Vec::new();
        wanted.incidents.retain(|raw| match map(raw, &host) {
            Mapping::Active(mapped) => {
                let known = known_as(ledger, &mapped.key);
                let unknown = known.is_none();
                skipped.extend(known.map(|why| Unmapped { id: mapped.id, why }));
                unknown
            }
            Mapping::Resolved | Mapping::Unmapped { .. } => true,
        });
        let numbers = Numbers::From(ledger.next_incident);
        let imported = events_of(&wanted, &host, environment, actor, now, numbers);
        skipped.extend(imported.skipped);
        report = ImportReport { imported: imported.opened, skipped, resolved: imported.resolved };
        let events = if report.imported.is_empty() { Vec::new() } else { imported.events };
        Batch { events, notes: Vec::new() }
    };
    let scope = Scope { about: None, agent: None, recent: Duration::ZERO, now };
    store.commit(scope, &mut decide).await?;
    Ok(report)
}

fn known_as(ledger: &LedgerView, key: &Key) -> Option<String> {
    let same = ledger.active.iter().find(|incident| incident.key == *key)?;
    Some(format!("{} is active for the same finding", same.id))
}

fn read_source(file: &Path) -> Result<ViewFile, String> {
    let cannot = |error: std::io::Error| format!("it cannot be read ({error})");
    let found = std::fs::metadata(file).map_err(cannot)?;
    if !found.is_file() {
        return Err("it is not a file".to_owned());
    }
    if found.len() > FILE_BYTES {
        return Err(format!("it has {} bytes, at most {FILE_BYTES} are read", found.len()));
    }
    let view = ViewFile::parse(&file.display().to_string(), &std::fs::read(file).map_err(cannot)?);
    if view.understood {
        Ok(view)
    } else {
        Err("it is not JSON with a list `incidents`".to_owned())
    }
}

/// The events that take over what `view` holds: the import itself, its incidents, its controls.
pub(super) fn events_of(
    view: &ViewFile,
    host: &str,
    environment: Environment,
    actor: &str,
    now: Timestamp,
    numbers: Numbers,
) -> Imported {
    let event = |event| NewEvent { at: now, actor: actor.to_owned(), run: None, event };
    let mut out =
        Imported { events: Vec::new(), opened: Vec::new(), skipped: Vec::new(), resolved: 0 };
    let mut next = first_number(view, numbers);
    let mut keys = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for raw in &view.incidents {
        match map(raw, host) {
            Mapping::Resolved => out.resolved += 1,
            Mapping::Unmapped { id, why } => out.skipped.push(Unmapped { id, why }),
            Mapping::Active(mapped) if !keys.insert(mapped.key.clone()) => {
                let why = "the file holds the same finding twice".to_owned();
                out.skipped.push(Unmapped { id: mapped.id, why });
            }
            Mapping::Active(mapped) => {
                let kept = mapped.id.parse::<IncidentId>().ok().filter(|id| countable(id.0));
                let id = match (numbers, kept) {
                    (Numbers::Keep, Some(id)) if ids.insert(id) => id,
                    _ => {
                        next += 1;
                        IncidentId(next - 1)
                    }
                };
                let last = last_attempt(view, &mapped.id);
                out.events.extend(opening(&mapped, id, environment, last).map(event));
                out.opened.push((mapped.id, id));
            }
        }
    }
    let imported = Event::LedgerImported {
        source: view.source.clone(),
        rows: out.opened.len() as u64,
        hash: view.hash.clone(),
    };
    out.events.insert(0, event(imported));
    out.events.extend(controls(view).map(event));
    out
}

fn opening(
    mapped: &Mapped,
    incident: IncidentId,
    environment: Environment,
    last_attempt_at: Option<Timestamp>,
) -> impl Iterator<Item = Event> {
    let opened = Event::IncidentOpened {
        incident,
        key: mapped.key.clone(),
        severity: mapped.severity,
        priority: Priority::of(mapped.severity, environment),
        message: mapped.message.clone(),
        facts: BTreeMap::new(),
        runbook: mapped.key.check.to_string(),
        opened_at: mapped.detected,
        relapse_of: None,
        attempts: mapped.attempts,
        last_attempt_at,
    };
    let escalated = mapped.escalated.then(|| Event::Escalation {
        incident,
        reason: "it was escalated when it was taken over".to_owned(),
        attempts: mapped.attempts,
    });
    std::iter::once(opened).chain(escalated)
}

fn controls(view: &ViewFile) -> impl Iterator<Item = Event> {
    let known = view.controls.iter().filter_map(|raw| MappedControl::deserialize(raw).ok());
    known.map(|control| Event::ControlChanged {
        control: control.key,
        on: true,
        reason: format!("{} (set by {}, taken over)", control.reason, control.set_by),
        expires_at: control.until,
        facts: BTreeMap::new(),
    })
}

fn remediations(view: &ViewFile) -> impl Iterator<Item = MappedRemediation> {
    view.remediations.iter().filter_map(|raw| MappedRemediation::deserialize(raw).ok())
}

fn last_attempt(view: &ViewFile, incident: &str) -> Option<Timestamp> {
    remediations(view)
        .filter(|one| one.incident.as_deref() == Some(incident))
        .map(|one| one.at)
        .max()
}

fn first_number(view: &ViewFile, numbers: Numbers) -> u64 {
    match numbers {
        Numbers::From(first) => first,
        Numbers::Keep => next_incident(view),
    }
}

fn next_incident(view: &ViewFile) -> u64 {
    let id = |raw: &serde_json::Value| raw.get("id")?.as_str()?.parse::<IncidentId>().ok();
    view.incidents
        .iter()
        .filter_map(id)
        .map(|id| id.0)
        .filter(|number| countable(*number))
        .max()
        .unwrap_or(0)
        + 1
}

/// Whether the ledger can count on from a number of a file: its columns hold 63 bits.
const fn countable(number: u64) -> bool {
    number < i64::MAX.unsigned_abs()
}

/// Keeps numbers that the lost ledger has used from being given again: people and folders know them.
pub(super) async fn reserve(
    connection: &mut SqliteConnection,
    view: &ViewFile,
) -> Result<(), StoreError> {
    let used = remediations(view).filter_map(|one| one.id.parse::<RemediationId>().ok());
    let next_remediation =
        used.map(|id| id.0).filter(|number| countable(*number)).max().unwrap_or(0) + 1;
    // The view does not list requests. Each took an event, so a number beyond the events was never given to one: an old
    // message must not grant what it does not tell.
    let next_approval = if countable(view.events) { view.events + 1 } else { 1 };
    for (kind, next) in [
        (Kind::Incident, next_incident(view)),
        (Kind::Remediation, next_remediation),
        (Kind::Approval, next_approval),
    ] {
        set_meta(connection, floor_name(kind), &next.to_string()).await.map_err(unwritten)?;
    }
    Ok(())
}
