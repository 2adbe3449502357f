//! What is printed, where it is no type of another place already.

use std::path::PathBuf;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::app::config::{OriginRow, Problem};
use crate::domain::approval::{Approval, Verdict};
use crate::domain::event::RecordedEvent;
use crate::domain::incident::{
    ApprovalId, Incident, IncidentId, Remediation, RemediationId, Resolution,
};
use crate::domain::notice::{Notification, NotificationState};
use crate::domain::proposal::ActionDigest;
use crate::domain::run::Decision;
use crate::domain::subject::{AgentName, Key};
use crate::domain::upkeep::RestoreProof;
use crate::domain::view::OpsState;
use crate::render::restores::Proved;

/// How things stand.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct StatusTold {
    /// The view, as it is published.
    #[serde(flatten)]
    pub view: OpsState,
    /// What of the backups was restored for a proof.
    pub restores: Vec<RestoreTold>,
}

/// What was proved of the backups of one thing.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RestoreTold {
    /// What they are backups of.
    pub of: String,
    /// The last restore for a proof; `null` where there was none.
    pub proof: Option<RestoreProof>,
    /// Why that is not known, where its record cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown: Option<String>,
}

impl RestoreTold {
    /// What is told of it.
    #[must_use]
    pub fn of(proved: Proved) -> Self {
        let Proved { of, proof } = proved;
        match proof {
            Ok(proof) => Self { of, proof, unknown: None },
            Err(why) => Self { of, proof: None, unknown: Some(why) },
        }
    }
}

/// One incident with its whole life.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct IncidentLife {
    /// The incident.
    pub incident: Incident,
    /// What was done about it, oldest first.
    pub remediations: Vec<Remediation>,
    /// Everything that the ledger holds about it, its remediations and what was asked of people, oldest first.
    pub events: Vec<RecordedEvent>,
}

/// Why something was done, or left alone.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Explanation {
    /// The request that was asked about, where it was one.
    pub request: Option<Approval>,
    /// The finding.
    pub key: Key,
    /// Its incident: the one that was asked for, that of the remediation or the request, or the newest of the key.
    pub incident: Option<Incident>,
    /// What was done, oldest first.
    pub remediations: Vec<Remediation>,
    /// The rulings on the finding, newest first; written only where one differs from the one before.
    pub decisions: Vec<Decision>,
}

/// A pause that was set.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Paused {
    /// `pause:all` or `pause:<agent>`.
    pub control: String,
    /// Always true.
    pub on: bool,
    /// Why.
    pub reason: String,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

/// What a resume lifted.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Resumed {
    /// The controls that no longer apply; empty where nothing was changed.
    pub lifted: Vec<String>,
    /// The controls that keep it from acting all the same.
    pub holding: Vec<String>,
    /// Why.
    pub reason: String,
}

/// An incident that a person ended.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Ended {
    /// Which one.
    pub incident: IncidentId,
    /// `manual` or `false_alarm`.
    pub resolution: Resolution,
    /// Why.
    pub reason: String,
}

/// An incident that a person has taken up.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Acknowledgement {
    /// Which one.
    pub incident: IncidentId,
    /// Who.
    pub by: String,
    /// What they do.
    pub reason: String,
}

/// A silence that was set or lifted.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Silenced {
    /// `silence:` and what it is about.
    pub control: String,
    /// Whether it is set.
    pub on: bool,
    /// Why.
    pub reason: String,
    /// When it ends by itself; `null` where the incident's end or its worsening ends it.
    pub expires_at: Option<Timestamp>,
}

/// A runbook.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Runbook {
    /// The check.
    pub check: String,
    /// The page, as Markdown.
    pub text: String,
}

/// What became of a trial message.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TrialAnswer {
    /// The channel.
    pub channel: String,
    /// Where it stands.
    pub state: NotificationState,
    /// What the receiver answered, or why it did not arrive.
    pub answer: String,
}

/// Why a route is told of an incident, or is not.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RouteAnswer {
    /// The route.
    pub route: String,
    /// Its channel.
    pub channel: String,
    /// Whether something is due, or waiting to be sent.
    pub is_due: bool,
    /// Why, or why not.
    pub why: String,
    /// From when on it may leave, or when it is asked anew.
    pub until: Option<Timestamp>,
    /// What was told, newest first.
    pub told: Vec<Notification>,
}

/// A person's answer to a request.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Answered {
    /// Which one.
    pub approval: ApprovalId,
    /// `granted` or `denied`.
    pub verdict: Verdict,
    /// The agent that asked.
    pub agent: AgentName,
    /// What it asked for, in words.
    pub operation: String,
    /// The digest of what was answered.
    pub digest: ActionDigest,
    /// Until when a grant can be used.
    pub expires_at: Timestamp,
    /// Why.
    pub reason: String,
    /// The call that has it done at once, where it was granted.
    pub at_once: Option<String>,
}

/// One act that a person wanted taken back.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TakenBack {
    /// Which one.
    pub remediation: RemediationId,
    /// What it had done, in words.
    pub operation: String,
    /// What became of the wish.
    pub outcome: TakingBack,
    /// What was seen, or why not.
    pub text: String,
}

/// What became of the wish to take an act back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TakingBack {
    /// It is taken back, and that was seen.
    Done,
    /// Nothing was sent.
    Refused,
    /// It was sent, and what was seen does not prove it.
    NotProved,
}

/// The account that the demo gives of the platform's second part.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct DemoAccount {
    /// What the tenant followed from.
    pub seed: u64,
    /// Every run, in order.
    pub runs: Vec<DemoRun>,
    /// What was wrong and what was found, by check.
    pub checks: Vec<DemoCheck>,
    /// Acts that answer nothing that is wrong; empty where none was sent.
    pub wrong_acts: Vec<String>,
    /// What was taken back.
    pub undone: String,
    /// Whether the last round sent nothing.
    pub last_round_quiet: bool,
    /// Sessions on the platform that nobody ended.
    pub sessions_left: usize,
    /// Whether everything was found, nothing imagined and nothing done wrong.
    pub perfect: bool,
    /// The titles of the messages that people are told by, in order.
    pub messages: Vec<String>,
    /// Whether the environment named a channel, so that they were sent there too.
    pub told_for_real: bool,
}

/// One run of the demo's second part.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct DemoRun {
    /// The round, from 1.
    pub round: u64,
    /// The agent.
    pub agent: String,
    /// Findings.
    pub found: u64,
    /// Operations that were sent.
    pub acted: u64,
    /// Operations that were proved.
    pub proved: u64,
    /// Findings that were left alone, each for a recorded reason.
    pub left: u64,
}

/// One check's account.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct DemoCheck {
    /// `agent/check`.
    pub check: String,
    /// How many faults of its kind there were.
    pub planted: usize,
    /// How many of them were found.
    pub found: usize,
    /// How many were not.
    pub missed: usize,
    /// How many were found that are none.
    pub false_alarms: usize,
}

/// One thing that the doctor tried.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Examined {
    /// `blocked`, `partial`, `skipped` or `ok`.
    pub grade: &'static str,
    /// What was tried.
    pub about: String,
    /// What was read.
    pub found: String,
}

/// What a check of the ledger showed.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct LedgerCheck {
    /// Whether nothing was found.
    pub clean: bool,
    /// How many events were folded.
    pub events: u64,
    /// How many entities were compared.
    pub entities: u64,
    /// What is damaged, in words.
    pub findings: Vec<String>,
    /// How many more were found.
    pub omitted: u64,
}

/// What was taken over from another program's view.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Imported {
    /// Incidents that live on here.
    pub imported: Vec<TakenOver>,
    /// Incidents that could not be taken over.
    pub skipped: Vec<LeftOut>,
    /// How many had ended already and stay in the file.
    pub resolved: u64,
}

/// An incident that lives on here.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TakenOver {
    /// Its id there.
    pub theirs: String,
    /// Its id here.
    pub ours: IncidentId,
}

/// An incident that could not be taken over.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct LeftOut {
    /// Its id there.
    pub id: String,
    /// Why not.
    pub why: String,
}

/// What is wrong with the settings.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SettingsCheck {
    /// The settings file, where one was found.
    pub file: Option<PathBuf>,
    /// Every problem, in the order of the file; only warnings where the settings can be used.
    pub problems: Vec<Problem>,
}

/// The settings in effect.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SettingsShown {
    /// The settings file.
    pub file: PathBuf,
    /// Every effective value; secrets are `***`.
    pub settings: Vec<OriginRow>,
}

/// Why a program could not answer at all.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Failure {
    /// What went wrong, as it is told on standard error.
    pub error: String,
    /// The exit code.
    pub exit: u8,
}
