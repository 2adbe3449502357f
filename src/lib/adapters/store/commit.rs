//! The one writer: rows under the write lock, a decision, its events and notes, all or nothing.

use sqlx::{Connection, Sqlite, SqliteConnection, Transaction};

use super::append::{Envelope, append, head};
use super::connection::{PAUSE, TRIES, Trouble, connect, trouble, unread, unwritten};
use super::notes;
use super::open::SqliteStore;
use super::outbox::reconcile_touched;
use super::read_view::ledger_view;
use super::rows::cut;
use crate::ports::store::{Batch, Committed, LedgerView, Scope, StoreError};

type Decide<'a> = &'a mut (dyn FnMut(&LedgerView) -> Batch + Send);

/// How one attempt ended without a commit.
enum Unfinished {
    /// Somebody else writes; nothing was begun.
    Locked(StoreError),
    /// Begun, and taken back.
    Failed(StoreError),
}

impl From<StoreError> for Unfinished {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

impl SqliteStore {
    pub(super) async fn commit_batch(
        &self,
        scope: Option<Scope>,
        decide: Decide<'_>,
    ) -> Result<Committed, StoreError> {
        self.writable()?;
        let mut tries = 1;
        loop {
            let mut guard = self.opened().await;
            let connection = &mut guard.as_mut().ok_or_else(closed)?.connection;
            let answer = self.transact(connection, scope.as_ref(), decide).await;
            if matches!(answer, Err(Unfinished::Failed(_))) {
                self.untangle(connection).await;
            }
            drop(guard);
            match answer {
                Ok(committed) => return Ok(committed),
                Err(Unfinished::Locked(_)) if tries < TRIES => {
                    tries += 1;
                    self.options().clock.sleep(PAUSE).await;
                }
                Err(Unfinished::Locked(error) | Unfinished::Failed(error)) => {
                    return Err(self.noticed(error));
                }
            }
        }
    }

    /// A full disk makes `SQLite` take a transaction back by itself, and the connection still counts it as begun:
    /// everything after it would fail for that reason. A new connection starts clean.
    async fn untangle(&self, connection: &mut SqliteConnection) {
        // The transaction that was given up is taken back in the background; an answer comes after that.
        let answers = connection.ping().await.is_ok();
        if answers && !connection.is_in_transaction() {
            return;
        }
        let (path, access) = (&self.paths().ledger, self.options().access);
        match connect(path, access, self.options().clock.as_ref()).await {
            Ok(clean) => *connection = clean,
            Err(error) => tracing::warn!(%error, "failed to open the ledger anew"),
        }
    }

    async fn transact(
        &self,
        connection: &mut SqliteConnection,
        scope: Option<&Scope>,
        decide: Decide<'_>,
    ) -> Result<Committed, Unfinished> {
        let mut transaction = begin(connection).await?;
        let view = match scope {
            Some(scope) => ledger_view(&mut transaction, scope).await?,
            None => LedgerView::default(),
        };
        let batch = decide(&view);
        if batch.events.is_empty() && batch.notes.is_empty() {
            let head = head(&mut transaction, self.ledger_id()).await?;
            transaction.rollback().await.map_err(unread)?;
            return Ok(Committed { events: Vec::new(), seq: head.seq.unsigned_abs() });
        }
        let envelope = Envelope {
            ledger_id: self.ledger_id(),
            environment: self.options().environment.as_str(),
            host: &self.options().host,
            now: cut(self.options().clock.now()),
        };
        let (events, head) = append(&mut transaction, &envelope, batch.events).await?;
        notes::write(&mut transaction, &batch.notes).await?;
        reconcile_touched(&mut transaction, self, &events).await?;
        transaction.commit().await.map_err(unwritten)?;
        Ok(Committed { events, seq: head.seq.unsigned_abs() })
    }
}

/// A step of the outbox begins. One that finds the ledger locked is not tried again at once: it waits in the ledger.
pub(super) async fn begin_alone(
    connection: &mut SqliteConnection,
) -> Result<Transaction<'_, Sqlite>, StoreError> {
    begin(connection).await.map_err(|unfinished| match unfinished {
        Unfinished::Locked(error) | Unfinished::Failed(error) => error,
    })
}

async fn begin(connection: &mut SqliteConnection) -> Result<Transaction<'_, Sqlite>, Unfinished> {
    connection.begin_with("BEGIN IMMEDIATE").await.map_err(|error| match trouble(&error) {
        Trouble::Busy => Unfinished::Locked(unwritten(error)),
        Trouble::Damaged | Trouble::Other => Unfinished::Failed(unwritten(error)),
    })
}

/// The answer of a store that was closed.
pub(super) fn closed() -> StoreError {
    StoreError::Read("the store is closed".to_owned())
}
