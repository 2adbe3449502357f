//! Our own form of a message for webhooks: the document of `docs/json/notice.schema.json`.
//!
//! Fields are added freely and never change their meaning. Texts are those of the message in one line, without control
//! characters; a cut one ends in `…`. No body is larger than 256 kB.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::address::{self, Runbook};
use super::compose;
use super::dashboard::bounded;
use super::foreign::{as_it_is, fit, json_bytes};
use crate::domain::incident::{IncidentId, RemediationId, Resolution};
use crate::domain::notice::{
    ApprovalLine, Body, Digest, DigestLine, Ended, IncidentLine, Kind, Message, RepairLine, Trend,
};
use crate::domain::severity::{Environment, Priority, Severity};
use crate::domain::view::{OpsState, SystemStatus};

/// The version of this form: it grows when a reader could trip over a change.
const VERSION: u64 = 1;
/// How many incidents, repairs or agents a list has.
const LISTED: usize = 20;
/// How many reasons and days are told.
const REASONS: usize = 50;
/// How many facts an incident has.
const FACTS: usize = 12;
/// The longest sentence, name and fact, in bytes.
const SENTENCE: usize = 1_000;
const NAME: usize = 100;
const FACT: usize = 200;

/// What a webhook of the template `generic` is sent.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct GenericNotice {
    /// The version of this form.
    pub version: u64,
    /// Its id, the same in a repetition: drop what you have already.
    pub id: String,
    /// Why it is sent.
    pub kind: Kind,
    /// When it was composed.
    pub at: Timestamp,
    /// Where it comes from.
    pub environment: Environment,
    /// The host that it comes from.
    pub host: String,
    /// The worst of what it tells of.
    pub severity: Severity,
    /// The most urgent of what it tells of.
    pub priority: Priority,
    /// What messages about the same thing have in common, on one host.
    pub thread: String,
    /// Whether an earlier attempt may have arrived.
    pub may_repeat: bool,
    /// All of it in one line.
    pub title: String,
    /// What it tells.
    pub body: GenericBody,
}

/// What a message tells.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GenericBody {
    /// Of incidents, the worst first.
    Incidents {
        /// Those that are spelled out.
        incidents: Vec<GenericIncident>,
        /// How many more there are.
        omitted: u64,
    },
    /// That the roll-up changed.
    Status {
        /// What was last told here; `null` where nothing was.
        was: Option<SystemStatus>,
        /// What is true now.
        now: SystemStatus,
        /// What it rests on, worst first.
        reasons: Vec<String>,
    },
    /// What happened lately.
    Digest(Box<GenericDigest>),
    /// That a person is asked to allow something.
    Approval(ApprovalLine),
    /// The state of everything, as in `ops-state.json`, bounded.
    Dashboard(Box<OpsState>),
    /// Nothing: that the channel works.
    Test {
        /// Who asked for it.
        by: String,
    },
}

/// An incident.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct GenericIncident {
    /// `INC-n`.
    pub id: IncidentId,
    /// The agent that found it.
    pub agent: String,
    /// The check.
    pub check: String,
    /// The subject.
    pub subject: String,
    /// How bad it is now.
    pub severity: Severity,
    /// How bad it was when it was last told here, where that differs.
    pub was: Option<Severity>,
    /// One sentence.
    pub message: String,
    /// The facts.
    pub facts: BTreeMap<String, String>,
    /// Start of the episode.
    pub opened_at: Timestamp,
    /// How it ended; `null` while it is active.
    pub ended: Option<Ended>,
    /// The last thing that was tried, and what came of it.
    pub tried: Option<String>,
    /// Why no more is done by itself; empty where nothing is known.
    pub why: String,
    /// Whether a person is needed.
    pub escalated: bool,
    /// What could be taken back.
    pub undoable: Option<RemediationId>,
    /// Who is on it.
    pub acknowledged_by: Option<String>,
    /// How many other findings it explains.
    pub explains: u64,
    /// The address of its runbook, where runbooks are published.
    pub runbook: Option<String>,
    /// What to type about it.
    pub commands: Vec<String>,
}

/// What happened since the last digest.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct GenericDigest {
    /// The beginning of what it covers.
    pub from: Timestamp,
    /// The end.
    pub until: Timestamp,
    /// The roll-up at the end.
    pub status: SystemStatus,
    /// What that rests on, worst first.
    pub reasons: Vec<String>,
    /// What is open, worst first.
    pub open: Vec<GenericIncident>,
    /// How many more are open.
    pub open_omitted: u64,
    /// What was repaired, newest first.
    pub repaired: Vec<RepairLine>,
    /// How many more were.
    pub repaired_omitted: u64,
    /// What ended otherwise, newest first.
    pub ended: Vec<GenericIncident>,
    /// How many more did.
    pub ended_omitted: u64,
    /// How often each agent ran, and how often it did not complete.
    pub agents: Vec<DigestLine>,
    /// Counts by day, oldest first.
    pub trend: Vec<Trend>,
}

/// The message in our own form.
#[must_use]
pub fn notice(message: &Message) -> GenericNotice {
    GenericNotice {
        version: VERSION,
        id: text(&message.id, NAME),
        kind: message.kind,
        at: message.at,
        environment: message.environment,
        host: text(&message.host, NAME),
        severity: message.severity,
        priority: message.priority,
        thread: text(&message.thread, NAME),
        may_repeat: message.may_repeat,
        title: text(&compose::sheet(message).headline, FACT),
        body: body(message),
    }
}

fn body(message: &Message) -> GenericBody {
    match &message.body {
        Body::Incidents { lines, omitted } => {
            let (incidents, omitted) =
                listed(lines, *omitted, |line| incident(message, line, SENTENCE));
            GenericBody::Incidents { incidents, omitted }
        }
        Body::Status { was, now, reasons } => {
            GenericBody::Status { was: *was, now: *now, reasons: shortened(reasons) }
        }
        Body::Digest(told) => GenericBody::Digest(Box::new(digest(message, told))),
        Body::Approval(request) => GenericBody::Approval(approval(request)),
        Body::Dashboard(state) => GenericBody::Dashboard(Box::new(bounded(state))),
        Body::Test { by } => GenericBody::Test { by: text(by, NAME) },
    }
}

fn text(said: &str, most: usize) -> String {
    fit(said, most, json_bytes, as_it_is)
}

/// The first of a list, and how many are left out in all.
fn listed<T, U>(all: &[T], omitted: u64, write: impl Fn(&T) -> U) -> (Vec<U>, u64) {
    let left_out = all.len().saturating_sub(LISTED) as u64;
    (all.iter().take(LISTED).map(write).collect(), omitted.saturating_add(left_out))
}

fn shortened(reasons: &[String]) -> Vec<String> {
    reasons.iter().take(REASONS).map(|reason| text(reason, FACT)).collect()
}

fn incident(message: &Message, line: &IncidentLine, most: usize) -> GenericIncident {
    let facts = line.facts.iter().take(FACTS);
    let (runbook, call) = match address::runbook(message, &line.check) {
        Runbook::Page(page) => (Some(page.url), None),
        Runbook::Call(call) => (None, Some(call)),
        Runbook::Nowhere => (None, None),
    };
    let calls = match line.ended {
        Some(_) => address::calls_of_ended(line),
        None => call.into_iter().chain(address::calls_of_open(line)).collect(),
    };
    GenericIncident {
        id: line.id,
        agent: text(&line.agent, NAME),
        check: text(&line.check, NAME),
        subject: text(&line.subject, FACT),
        severity: line.severity,
        was: line.was,
        message: text(&line.message, most),
        facts: facts.map(|(name, fact)| (text(name, NAME), text(fact, FACT))).collect(),
        opened_at: line.opened_at,
        ended: line.ended.as_ref().map(|ended| end(ended, most)),
        tried: line.tried.as_ref().map(|tried| text(tried, most)),
        why: text(&line.why, most),
        escalated: line.escalated,
        undoable: line.undoable,
        acknowledged_by: line.acknowledged_by.as_ref().map(|by| text(by, NAME)),
        explains: line.explains,
        runbook,
        commands: calls,
    }
}

fn end(ended: &Ended, most: usize) -> Ended {
    let resolution: Resolution = ended.resolution;
    Ended { at: ended.at, resolution, proof: text(&ended.proof, most) }
}

fn digest(message: &Message, told: &Digest) -> GenericDigest {
    let short = |line: &IncidentLine| incident(message, line, FACT);
    let (open, open_omitted) = listed(&told.open, told.open_omitted, short);
    let (repaired, repaired_omitted) = listed(&told.repaired, told.repaired_omitted, repair);
    let (ended, ended_omitted) = listed(&told.ended, told.ended_omitted, short);
    let latest = told.trend.len().saturating_sub(REASONS);
    let days = told.trend.iter().skip(latest);
    GenericDigest {
        from: told.from,
        until: told.until,
        status: told.status,
        reasons: shortened(&told.reasons),
        open,
        open_omitted,
        repaired,
        repaired_omitted,
        ended,
        ended_omitted,
        agents: told.agents.iter().take(REASONS).map(agent).collect(),
        trend: days.map(|day| Trend { day: text(&day.day, NAME), ..day.clone() }).collect(),
    }
}

fn repair(line: &RepairLine) -> RepairLine {
    RepairLine {
        id: line.id,
        operation: text(&line.operation, FACT),
        message: text(&line.message, FACT),
        at: line.at,
        proof: text(&line.proof, FACT),
    }
}

fn agent(line: &DigestLine) -> DigestLine {
    let (agent, state) = (text(&line.agent, NAME), text(&line.state, NAME));
    DigestLine { agent, state, runs: line.runs, failed: line.failed }
}

fn approval(request: &ApprovalLine) -> ApprovalLine {
    ApprovalLine {
        id: text(&request.id, NAME),
        operation: text(&request.operation, SENTENCE),
        why: text(&request.why, SENTENCE),
        message: text(&request.message, SENTENCE),
        incident: request.incident,
        not_undoable: request.not_undoable.as_ref().map(|why| text(why, SENTENCE)),
        expires_at: request.expires_at,
        digest: text(&request.digest, NAME),
    }
}
