//! A view file as a source: read with patience, mapped with care, nothing dropped in silence.
//!
//! Serves two readers: the rescue of a ledger from our own view, and the import of a file in the older shape, which
//! has no ledger, no severity and no message.

use std::path::Path;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::event_row::hex;
use crate::domain::severity::Severity;
use crate::domain::subject::{AgentName, CheckId, Key, Subject, SubjectKind};

/// A view file, as far as it could be read.
#[derive(Clone, Debug, Default)]
pub(super) struct ViewFile {
    /// Where it lies.
    pub(super) source: String,
    /// SHA-256 of its bytes.
    pub(super) hash: String,
    /// Whether it is JSON with a list of incidents.
    pub(super) understood: bool,
    /// Whether a ledger of ours wrote it; a file in the older shape has none of the three marks.
    pub(super) ours: bool,
    /// How many events the ledger held that wrote it; 0 where it does not say.
    pub(super) events: u64,
    /// Its incidents, each still raw.
    pub(super) incidents: Vec<Value>,
    /// Its remediations, each still raw.
    pub(super) remediations: Vec<Value>,
    /// Its controls, each still raw.
    pub(super) controls: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Outer {
    schema_version: Option<Value>,
    ledger_id: Option<Value>,
    ledger_seq: Option<Value>,
    incidents: Vec<Value>,
    #[serde(default)]
    recent_remediations: Vec<Value>,
    #[serde(default)]
    controls: Vec<Value>,
}

impl ViewFile {
    /// Reads the file; `None` where there is none.
    pub(super) fn read(path: &Path) -> Option<Self> {
        let bytes = std::fs::read(path).ok()?;
        Some(Self::parse(&path.display().to_string(), &bytes))
    }

    /// Reads the bytes.
    pub(super) fn parse(source: &str, bytes: &[u8]) -> Self {
        let empty = Self {
            source: source.to_owned(),
            hash: hex(&Sha256::digest(bytes)),
            ..Self::default()
        };
        match serde_json::from_slice::<Outer>(bytes) {
            Err(_) => empty,
            Ok(outer) => Self {
                understood: true,
                events: outer.ledger_seq.as_ref().and_then(Value::as_u64).unwrap_or(0),
                ours: [outer.schema_version, outer.ledger_id, outer.ledger_seq]
                    .iter()
                    .any(Option::is_some),
                incidents: outer.incidents,
                remediations: outer.recent_remediations,
                controls: outer.controls,
                ..empty
            },
        }
    }

    /// Whether the file says that there was a ledger of ours: it bears a mark of one, or is too damaged to say.
    pub(super) const fn tells_of_loss(&self) -> bool {
        self.ours || !self.understood
    }
}

/// An incident of a view file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Mapped {
    pub(super) id: String,
    pub(super) key: Key,
    pub(super) severity: Severity,
    pub(super) message: String,
    pub(super) detected: Timestamp,
    pub(super) attempts: u32,
    pub(super) escalated: bool,
}

#[derive(Deserialize)]
struct RawIncident {
    id: Value,
    agent: String,
    #[serde(rename = "type")]
    kind: String,
    target: String,
    detected: Timestamp,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    attempts: u32,
    #[serde(default)]
    severity: Option<Severity>,
    #[serde(default)]
    message: Option<String>,
}

/// What became of one incident of the file.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Mapping {
    /// It is active, and can be taken over.
    Active(Mapped),
    /// It has ended.
    Resolved,
    /// It cannot be taken over.
    Unmapped {
        /// Its id there, as far as it has one.
        id: String,
        /// Why not.
        why: String,
    },
}

/// Maps one incident.
pub(super) fn map(raw: &Value, host: &str) -> Mapping {
    let id = raw.get("id").map_or_else(|| "(no id)".to_owned(), plain);
    if raw.get("status").and_then(Value::as_str) == Some("resolved") {
        return Mapping::Resolved;
    }
    let mapped = RawIncident::deserialize(raw)
        .map_err(|error| error.to_string())
        .and_then(|incident| take(incident, host));
    match mapped {
        Ok(mapped) => Mapping::Active(mapped),
        Err(why) => Mapping::Unmapped { id, why },
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

fn take(raw: RawIncident, host: &str) -> Result<Mapped, String> {
    let escalated = match raw.status.as_deref() {
        Some("open") | None => false,
        Some("escalated") => true,
        Some(other) => return Err(format!("its status is `{other}`")),
    };
    let agent = AgentName::try_from(raw.agent).map_err(|error| error.to_string())?;
    let check = CheckId::try_from(raw.kind.to_ascii_lowercase().replace(['-', '.', ' '], "_"))
        .map_err(|error| error.to_string())?;
    if raw.target.trim().is_empty() {
        return Err("it names no target".to_owned());
    }
    let id = plain(&raw.id);
    let subject = subject_of(&raw.target, check.as_str(), host);
    let message = raw
        .message
        .unwrap_or_else(|| format!("{} on {} (taken over as {id})", check.as_str(), raw.target));
    Ok(Mapped {
        id,
        key: Key::new(agent, check, subject),
        // The older shape has no severity. Warning keeps it visible without calling it an outage.
        severity: raw.severity.unwrap_or(Severity::Warning),
        message,
        detected: raw.detected,
        attempts: raw.attempts,
        escalated,
    })
}

/// `kind:id` as our own view writes it; otherwise a guess from the check's name.
fn subject_of(target: &str, check: &str, host: &str) -> Subject {
    let named = target.split_once(':').and_then(|(kind, id)| {
        let kind = SubjectKind::ALL.into_iter().find(|known| known.as_str() == kind)?;
        (!id.is_empty()).then(|| Subject::new(kind, host, id))
    });
    named.unwrap_or_else(|| Subject::new(guessed(check), host, target))
}

fn guessed(check: &str) -> SubjectKind {
    const WORDS: [(&str, SubjectKind); 8] = [
        ("process", SubjectKind::Process),
        ("pm2", SubjectKind::Process),
        ("disk", SubjectKind::Disk),
        ("memory", SubjectKind::Host),
        ("cpu", SubjectKind::Host),
        ("host", SubjectKind::Host),
        ("uplink", SubjectKind::Uplink),
        ("agent", SubjectKind::Agent),
    ];
    let found = WORDS.iter().find(|(word, _)| check.contains(word));
    found.map_or(SubjectKind::Service, |(_, kind)| *kind)
}

/// A control of our own view.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MappedControl {
    pub(super) key: String,
    pub(super) reason: String,
    #[serde(default)]
    pub(super) set_by: String,
    #[serde(default)]
    pub(super) until: Option<Timestamp>,
}

/// The parts of a remediation that a new ledger goes on from.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct MappedRemediation {
    pub(super) id: String,
    #[serde(default)]
    pub(super) incident: Option<String>,
    pub(super) at: Timestamp,
}
