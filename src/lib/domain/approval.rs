//! Requests that a person grants or denies: what is asked for, and what became of it.
//!
//! A grant is for one digest, once, and for a time. It opens the door of autonomy and no other.

use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::duration::HumanDuration;
use super::incident::{ApprovalId, IncidentId, RemediationId, RunId};
use super::ledger::LedgerView;
use super::moment;
use super::notice::ApprovalLine;
use super::proposal::{ActionDigest, Proposal};

/// A request that nobody answered is made again after this time, at the earliest.
pub const ASK_AGAIN: Duration = Duration::from_hours(24);
/// So many requests of one agent may wait at once: a person who is asked more reads none of them.
pub const MOST_WAITING: usize = 20;

/// When a request that is made now expires: to the millisecond, as moments stand in the ledger.
#[must_use]
pub fn expires_at(now: Timestamp, expiry: HumanDuration) -> Timestamp {
    let end = now.checked_add(expiry.get()).unwrap_or(Timestamp::MAX);
    Timestamp::from_millisecond(end.as_millisecond()).unwrap_or(end)
}

/// What a person is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ask {
    /// What would be done, on what, and on which facts.
    pub proposal: Proposal,
    /// The incident that it answers; a chore that has not failed has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<IncidentId>,
    /// What is wrong, for people.
    pub message: String,
    /// Why it would help.
    pub why: String,
    /// Why it cannot be taken back exactly; `None` where it can, or where that is not known before the target is read.
    pub not_undoable: Option<String>,
}

/// Where a request stands.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalState {
    /// It waits for a person.
    Pending,
    /// A person said yes; it was not carried out yet.
    Granted,
    /// A person said no.
    Denied,
    /// Its time ran out.
    Expired,
    /// It no longer says what is true.
    Withdrawn,
    /// It was carried out.
    Used,
}

impl ApprovalState {
    /// The word used in files and messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Granted => "granted",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Withdrawn => "withdrawn",
            Self::Used => "used",
        }
    }

    /// Whether it may still lead to an act. Only one such request exists per finding.
    #[must_use]
    pub const fn is_open(self) -> bool {
        match self {
            Self::Pending | Self::Granted => true,
            Self::Denied | Self::Expired | Self::Withdrawn | Self::Used => false,
        }
    }
}

/// What a person answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It may be done.
    Granted,
    /// It may not.
    Denied,
}

impl Verdict {
    /// The word used in files and messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::Denied => "denied",
        }
    }
}

/// A person's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Decided {
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
}

/// The end of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ApprovalEnd {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub why: String,
}

/// One request, from its asking to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Approval {
    /// `APR-n`.
    pub id: ApprovalId,
    /// What is asked for.
    pub ask: Ask,
    /// The digest of its proposal: what is approved.
    pub digest: ActionDigest,
    /// When it was asked.
    pub requested_at: Timestamp,
    /// The run that asked.
    pub requested_by: Option<RunId>,
    /// Until when it can be granted, and a grant be used.
    pub expires_at: Timestamp,
    /// Where it stands.
    pub state: ApprovalState,
    /// The answer, where there is one.
    pub decided: Option<Decided>,
    /// How it ended; `None` while it is open.
    pub ended: Option<ApprovalEnd>,
    /// The remediation that carried it out.
    pub used_by: Option<RemediationId>,
}

impl Approval {
    /// Whether it may still lead to an act at `now`.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.state.is_open() && now < self.expires_at
    }

    /// Why it can no longer be answered, if so; `None` while it waits.
    #[must_use]
    pub fn answered(&self, now: Timestamp) -> Option<String> {
        let ended = self.ended.as_ref();
        let ended = ended
            .map(|end| format!("{} at {}: {}", self.state.as_str(), moment::full(end.at), end.why));
        match (self.state, &self.decided) {
            (ApprovalState::Pending | ApprovalState::Granted, _) if now >= self.expires_at => {
                Some(format!("it expired at {}", moment::full(self.expires_at)))
            }
            (ApprovalState::Pending, _) => None,
            (ApprovalState::Granted | ApprovalState::Denied, Some(decided)) => Some(format!(
                "{} {} it at {}: {}",
                decided.by,
                self.state.as_str(),
                moment::full(decided.at),
                decided.reason
            )),
            (state, _) => {
                Some(format!("it is {}", ended.unwrap_or_else(|| state.as_str().to_owned())))
            }
        }
    }

    /// The request as messages tell it.
    #[must_use]
    pub fn line(&self) -> ApprovalLine {
        ApprovalLine {
            id: self.id.to_string(),
            operation: self.ask.proposal.operation.to_string(),
            why: self.ask.why.clone(),
            message: self.ask.message.clone(),
            incident: self.ask.incident,
            not_undoable: self.ask.not_undoable.clone(),
            expires_at: self.expires_at,
            digest: self.digest.short().to_owned(),
        }
    }
}

/// What is known of a digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing<'a> {
    /// Nothing that counts any more: a person may be asked.
    Unasked,
    /// A person was asked and has not answered.
    Waits(&'a Approval),
    /// A person said yes.
    Granted(&'a Approval),
    /// A person said no, in this episode.
    Denied(&'a Approval),
    /// Nobody answered, and it is too early to ask again.
    Expired(&'a Approval),
}

impl Standing<'_> {
    /// When a request that nobody answered may be made again.
    #[must_use]
    pub fn again_at(expired: &Approval) -> Timestamp {
        expired.expires_at.checked_add(ASK_AGAIN).unwrap_or(Timestamp::MAX)
    }
}

impl LedgerView {
    /// What is known of `digest` as an answer to `incident`.
    #[must_use]
    pub fn standing(
        &self,
        digest: &ActionDigest,
        incident: Option<IncidentId>,
        now: Timestamp,
    ) -> Standing<'_> {
        let same = |one: &&Approval| one.digest == *digest && one.ask.incident == incident;
        let Some(newest) = self.approvals.iter().filter(same).max_by_key(|one| one.id) else {
            return Standing::Unasked;
        };
        match newest.state {
            ApprovalState::Pending if newest.is_open(now) => Standing::Waits(newest),
            ApprovalState::Granted if newest.is_open(now) => Standing::Granted(newest),
            ApprovalState::Denied => Standing::Denied(newest),
            ApprovalState::Pending | ApprovalState::Granted | ApprovalState::Expired => {
                if now < Standing::again_at(newest) {
                    Standing::Expired(newest)
                } else {
                    Standing::Unasked
                }
            }
            ApprovalState::Withdrawn | ApprovalState::Used => Standing::Unasked,
        }
    }

    /// The request with this id.
    #[must_use]
    pub fn approval(&self, id: ApprovalId) -> Option<&Approval> {
        self.approvals.iter().find(|one| one.id == id)
    }
}
