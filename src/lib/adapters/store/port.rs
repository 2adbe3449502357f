//! The port: every method is one question to one connection.

use jiff::Timestamp;
use sqlx::Connection;

use super::commit::closed;
use super::connection::unread;
use super::open::SqliteStore;
use super::{freshness, publish, read, read_view};
use crate::domain::approval::Approval;
use crate::domain::event::RecordedEvent;
use crate::domain::freshness::History;
use crate::domain::incident::{Incident, IncidentId, Remediation, RunId};
use crate::domain::run::{AgentRun, Decision, LastSeen, Recall};
use crate::domain::subject::{AgentName, Key};
use crate::domain::view::OpsState;
use crate::ports::Pending;
use crate::ports::store::{Batch, Committed, LedgerView, RunQuery, Scope, Store, StoreError};

/// Asks one question inside one read transaction, so that all its statements see the same moment.
macro_rules! ask {
    ($store:expr, |$connection:ident| $question:expr) => {
        Box::pin(async move {
            let mut guard = $store.opened().await;
            let open = &mut guard.as_mut().ok_or_else(closed)?.connection;
            let mut transaction =
                open.begin().await.map_err(|error| $store.noticed(unread(error)))?;
            let answer = {
                let $connection = &mut *transaction;
                $question.await
            };
            let ended = transaction.rollback().await;
            let answer = answer.map_err(|error| $store.noticed(error))?;
            ended.map_err(unread)?;
            Ok(answer)
        })
    };
}

impl Store for SqliteStore {
    fn commit<'a>(
        &'a self,
        scope: Scope,
        decide: &'a mut (dyn FnMut(&LedgerView) -> Batch + Send),
    ) -> Pending<'a, Result<Committed, StoreError>> {
        Box::pin(self.commit_batch(Some(scope), decide))
    }

    fn record(&self, batch: Batch) -> Pending<'_, Result<Committed, StoreError>> {
        Box::pin(async move { self.commit_batch(None, &mut |_| batch.clone()).await })
    }

    fn view(&self, scope: Scope) -> Pending<'_, Result<LedgerView, StoreError>> {
        ask!(self, |connection| read_view::ledger_view(connection, &scope))
    }

    fn recall<'a>(
        &'a self,
        agent: &'a AgentName,
        series: &'a [(&'static str, u32)],
    ) -> Pending<'a, Result<Recall, StoreError>> {
        ask!(self, |connection| read::recall(connection, agent, series))
    }

    fn runs(&self, query: RunQuery) -> Pending<'_, Result<Vec<AgentRun>, StoreError>> {
        ask!(self, |connection| read::runs(connection, &query))
    }

    fn incident(&self, id: IncidentId) -> Pending<'_, Result<Option<Incident>, StoreError>> {
        ask!(self, |connection| read::incident(connection, id))
    }

    fn incidents(
        &self,
        since: Timestamp,
        limit: u32,
    ) -> Pending<'_, Result<Vec<Incident>, StoreError>> {
        ask!(self, |connection| read::incidents(connection, since, limit))
    }

    fn remediations(
        &self,
        incident: Option<IncidentId>,
        limit: u32,
    ) -> Pending<'_, Result<Vec<Remediation>, StoreError>> {
        ask!(self, |connection| read::remediations(connection, incident, limit))
    }

    fn approvals(
        &self,
        since: Timestamp,
        limit: u32,
    ) -> Pending<'_, Result<Vec<Approval>, StoreError>> {
        ask!(self, |connection| read::approvals(connection, since, limit))
    }

    fn decisions<'a>(
        &'a self,
        key: &'a Key,
        limit: u32,
    ) -> Pending<'a, Result<Vec<Decision>, StoreError>> {
        ask!(self, |connection| read::decisions(connection, key, limit))
    }

    fn events_about<'a>(
        &'a self,
        subjects: &'a [String],
    ) -> Pending<'a, Result<Vec<RecordedEvent>, StoreError>> {
        ask!(self, |connection| read::events_about(connection, subjects))
    }

    fn last_seen<'a>(&'a self, agent: &'a AgentName) -> Pending<'a, Result<LastSeen, StoreError>> {
        ask!(self, |connection| read::last_seen(connection, agent))
    }

    fn unfinished_runs<'a>(
        &'a self,
        agent: &'a AgentName,
        current: &'a RunId,
    ) -> Pending<'a, Result<Vec<AgentRun>, StoreError>> {
        ask!(self, |connection| read::unfinished_runs(connection, agent, current))
    }

    fn histories(&self) -> Pending<'_, Result<Vec<History>, StoreError>> {
        ask!(self, |connection| freshness::histories(
            connection,
            &self.options().roster,
            self.options().clock.now()
        ))
    }

    fn ops_state(&self, now: Timestamp) -> Pending<'_, Result<OpsState, StoreError>> {
        Box::pin(self.gathered(now))
    }

    fn publish(&self, now: Timestamp) -> Pending<'_, Result<(), StoreError>> {
        Box::pin(self.publish_view(now))
    }

    fn catch_up(&self, now: Timestamp) -> Pending<'_, Result<(), StoreError>> {
        Box::pin(self.catch_up_view(now))
    }
}

impl SqliteStore {
    /// The view, from one moment of the ledger.
    pub(super) fn gathered(&self, now: Timestamp) -> Pending<'_, Result<OpsState, StoreError>> {
        ask!(self, |connection| publish::gather(connection, self, now))
    }
}
