//! The store: one writer, one view, everything else a question.
//!
//! The decision that is given to [`Store::commit`] is a plain function over rows that were read under the write
//! lock. Nothing can be awaited inside it, so the lock is never held across the network, a child process or a
//! pause.

use std::time::Duration;

use jiff::Timestamp;

use super::Pending;
use crate::domain::approval::Approval;
use crate::domain::diagnosis::Sample;
use crate::domain::event::{NewEvent, RecordedEvent};
use crate::domain::freshness::History;
use crate::domain::incident::{Incident, IncidentId, Remediation, RunId};
use crate::domain::run::{AgentRun, Decision, LastSeen, Recall, Streak};
use crate::domain::subject::{AgentName, CheckId, Key};
use crate::domain::view::OpsState;

/// Which rows a decision wants to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Incidents and streaks of this agent; of every agent where `None`.
    pub agent: Option<AgentName>,
    /// Of incidents only the active one of this finding, and no streak: the gate asks for no more right before an act,
    /// and it asks before each.
    pub about: Option<Key>,
    /// How far back resolved incidents and ended remediations reach.
    pub recent: Duration,
    /// The reference for `recent`.
    pub now: Timestamp,
}

pub use crate::domain::ledger::LedgerView;

/// A change of the operational tables, which no fold governs.
#[derive(Clone, Debug, PartialEq)]
pub enum Note {
    /// A run began or ended: the whole row.
    Run(Box<AgentRun>),
    /// These checks of an agent gave an answer on every subject at this time.
    Seen {
        /// The agent.
        agent: AgentName,
        /// The checks.
        checks: Vec<CheckId>,
        /// When.
        at: Timestamp,
    },
    /// Answers of these checks of an agent are waited for since this time, unless they are already.
    Awaited {
        /// The agent.
        agent: AgentName,
        /// The checks.
        checks: Vec<CheckId>,
        /// Since when.
        since: Timestamp,
    },
    /// A key's streak; `None` forgets it.
    Streak {
        /// The key.
        key: Key,
        /// The streak.
        streak: Option<Streak>,
    },
    /// A value to recall.
    Sample {
        /// Whose series it is.
        agent: AgentName,
        /// The value.
        sample: Sample,
        /// How many values of this series and subject are kept.
        keep: u32,
    },
    /// A ruling on a key; the store drops it where the key's last ruling was the same.
    Decision(Box<Decision>),
}

/// What a decision wants written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// Events, in order.
    pub events: Vec<NewEvent>,
    /// Operational rows.
    pub notes: Vec<Note>,
}

/// What a commit wrote.
#[derive(Clone, Debug, PartialEq)]
pub struct Committed {
    /// The events with their places, in order.
    pub events: Vec<RecordedEvent>,
    /// The ledger's last sequence number after it.
    pub seq: u64,
}

/// A store that could not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The file was written by a newer opswarden; nothing is changed in it.
    #[error(
        "the ledger has schema version {found}, this opswarden knows {known}; it is left untouched"
    )]
    Newer {
        /// The file's version.
        found: u64,
        /// Ours.
        known: u64,
    },
    /// The store cannot be opened.
    #[error("failed to open the ledger: {0}")]
    Open(String),
    /// The store cannot be read.
    #[error("failed to read the ledger: {0}")]
    Read(String),
    /// The store cannot be written; nothing was.
    #[error("failed to write the ledger: {0}")]
    Write(String),
    /// The ledger's own rules forbid the change; nothing was written.
    #[error(transparent)]
    Illegal(#[from] crate::domain::entities::IllegalTransition),
    /// The published view could not be written; the ledger is intact.
    #[error("failed to publish ops-state.json: {0}")]
    Publish(String),
}

/// Which runs to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunQuery {
    /// Of this agent only.
    pub agent: Option<AgentName>,
    /// At most so many, newest first.
    pub limit: u32,
}

/// The ledger and its published view.
pub trait Store: Send + Sync {
    /// Reads the scope's rows under the write lock, asks `decide`, appends and applies its events and writes its
    /// notes, all in one transaction. An empty batch writes nothing. `decide` may be asked again after a
    /// transaction that had to be repeated.
    fn commit<'a>(
        &'a self,
        scope: Scope,
        decide: &'a mut (dyn FnMut(&LedgerView) -> Batch + Send),
    ) -> Pending<'a, Result<Committed, StoreError>>;

    /// Writes what is so whatever else the ledger holds: no row is read for it but what its events change.
    fn record(&self, batch: Batch) -> Pending<'_, Result<Committed, StoreError>>;

    /// The scope's rows, without the lock.
    fn view(&self, scope: Scope) -> Pending<'_, Result<LedgerView, StoreError>>;

    /// What an agent may know of its past: its active incidents, the newest samples of `series`, how often each
    /// verb helped.
    fn recall<'a>(
        &'a self,
        agent: &'a AgentName,
        series: &'a [(&'static str, u32)],
    ) -> Pending<'a, Result<Recall, StoreError>>;

    /// Runs, newest first.
    fn runs(&self, query: RunQuery) -> Pending<'_, Result<Vec<AgentRun>, StoreError>>;

    /// One incident, active or not.
    fn incident(&self, id: IncidentId) -> Pending<'_, Result<Option<Incident>, StoreError>>;

    /// Incidents: every active one, then resolved ones since `since`, newest first, at most `limit` of these.
    fn incidents(
        &self,
        since: Timestamp,
        limit: u32,
    ) -> Pending<'_, Result<Vec<Incident>, StoreError>>;

    /// Remediations, newest first, of one incident or of all.
    fn remediations(
        &self,
        incident: Option<IncidentId>,
        limit: u32,
    ) -> Pending<'_, Result<Vec<Remediation>, StoreError>>;

    /// Requests, newest first: every open one, and at most `limit` of those that ended since `since`.
    fn approvals(
        &self,
        since: Timestamp,
        limit: u32,
    ) -> Pending<'_, Result<Vec<Approval>, StoreError>>;

    /// The rulings on one key, newest first.
    fn decisions<'a>(
        &'a self,
        key: &'a Key,
        limit: u32,
    ) -> Pending<'a, Result<Vec<Decision>, StoreError>>;

    /// The events about these subjects (`INC-1`, `REM-2`), oldest first.
    fn events_about<'a>(
        &'a self,
        subjects: &'a [String],
    ) -> Pending<'a, Result<Vec<RecordedEvent>, StoreError>>;

    /// When each check of an agent last gave an answer; of one that never did, since when one is waited for.
    fn last_seen<'a>(&'a self, agent: &'a AgentName) -> Pending<'a, Result<LastSeen, StoreError>>;

    /// Runs of this agent that are still marked running, other than `current`.
    fn unfinished_runs<'a>(
        &'a self,
        agent: &'a AgentName,
        current: &'a RunId,
    ) -> Pending<'a, Result<Vec<AgentRun>, StoreError>>;

    /// How every agent that settings know ran lately.
    fn histories(&self) -> Pending<'_, Result<Vec<History>, StoreError>>;

    /// The view as it would be published now.
    fn ops_state(&self, now: Timestamp) -> Pending<'_, Result<OpsState, StoreError>>;

    /// Writes `ops-state.json`, durably, unless a newer one of the same ledger is there.
    fn publish(&self, now: Timestamp) -> Pending<'_, Result<(), StoreError>>;

    /// Publishes where the view is behind the ledger, and was not written a moment ago: a writer may have died between its
    /// commit and its publication; one that lives publishes by itself.
    fn catch_up(&self, now: Timestamp) -> Pending<'_, Result<(), StoreError>>;
}
