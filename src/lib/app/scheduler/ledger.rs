//! The ledger as the scheduler needs it: read all the time through one connection, and written seldom.

use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::{Mutex, MutexGuard};

use crate::adapters::store::{Access, SqliteStore, StoreOptions};
use crate::domain::incident::RunId;
use crate::domain::planner::{Job, Seen};
use crate::domain::run::{AgentRun, RunState};
use crate::ports::Pending;
use crate::ports::slots::{Ask, Claimed, Slots};
use crate::ports::store::StoreError;

/// Opens the ledger when it is needed.
pub(super) struct Ledger {
    file: PathBuf,
    options: Box<dyn Fn(Access) -> StoreOptions + Send + Sync>,
    reading: Mutex<Option<Reading>>,
}

/// A connection for reading, and the file that it is of: a ledger that was rescued is another file under the same name.
struct Reading {
    store: Arc<SqliteStore>,
    file: Option<(u64, u64)>,
}

impl Ledger {
    pub(super) fn new(
        file: PathBuf,
        options: impl Fn(Access) -> StoreOptions + Send + Sync + 'static,
    ) -> Self {
        Self { file, options: Box::new(options), reading: Mutex::new(None) }
    }

    fn identity(&self) -> Option<(u64, u64)> {
        std::fs::metadata(&self.file).ok().map(|about| (about.dev(), about.ino()))
    }

    async fn reader(&self) -> Result<Arc<SqliteStore>, StoreError> {
        let mut reading = self.reading.lock().await;
        let file = self.identity();
        if let Some(open) = reading.as_ref().filter(|open| file.is_some() && open.file == file) {
            return Ok(Arc::clone(&open.store));
        }
        close(&mut reading).await;
        let store = Arc::new(SqliteStore::open((self.options)(Access::ReadOnly)).await?);
        *reading = Some(Reading { store: Arc::clone(&store), file: self.identity() });
        Ok(store)
    }

    /// The next reader opens the ledger anew.
    async fn forget<T>(&self, answer: Result<T, StoreError>) -> Result<T, StoreError> {
        if answer.is_err() {
            close(&mut self.reading.lock().await).await;
        }
        answer
    }

    async fn writer(&self) -> Result<SqliteStore, StoreError> {
        SqliteStore::open((self.options)(Access::ReadWrite)).await
    }
}

async fn close(reading: &mut MutexGuard<'_, Option<Reading>>) {
    if let Some(open) = reading.take()
        && let Err(error) = open.store.close().await
    {
        tracing::debug!("{error}");
    }
}

async fn closed<T>(store: SqliteStore, answer: Result<T, StoreError>) -> Result<T, StoreError> {
    let closed = store.close().await;
    let answer = answer?;
    closed.map(|()| answer)
}

impl Slots for Ledger {
    fn claim<'a>(
        &'a self,
        now: &'a (dyn Fn() -> Timestamp + Sync),
        ask: &'a Ask<'a>,
    ) -> Pending<'a, Result<Claimed, StoreError>> {
        Box::pin(async move {
            let store = self.writer().await?;
            let answer = store.claim(now, ask).await;
            closed(store, answer).await
        })
    }

    fn enrol<'a>(&'a self, now: Timestamp, jobs: &'a [Job]) -> Pending<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let store = self.writer().await?;
            let answer = store.enrol(now, jobs).await;
            closed(store, answer).await
        })
    }

    fn seen<'a>(
        &'a self,
        now: Timestamp,
        jobs: &'a [&'a Job],
    ) -> Pending<'a, Result<Vec<Seen>, StoreError>> {
        Box::pin(async move {
            let store = self.reader().await?;
            self.forget(store.seen(now, jobs).await).await
        })
    }

    fn running(&self) -> Pending<'_, Result<Vec<AgentRun>, StoreError>> {
        Box::pin(async move {
            let store = self.reader().await?;
            self.forget(store.running().await).await
        })
    }

    fn conclude<'a>(
        &'a self,
        run: &'a RunId,
        state: RunState,
        exit: Option<i32>,
        now: Timestamp,
    ) -> Pending<'a, Result<bool, StoreError>> {
        Box::pin(async move {
            let store = self.writer().await?;
            let answer = store.conclude(run, state, exit, now).await;
            closed(store, answer).await
        })
    }
}
