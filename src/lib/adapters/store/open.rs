//! Opening: look before touching, create or rescue alone, then join the others.

use std::path::PathBuf;
use std::sync::Arc;

use sqlx::{Connection, SqliteConnection};
use tokio::sync::{Mutex, MutexGuard};

use super::connection::{Access, connect, told};
use super::files::{Hold, Lock, Paths, lock};
use super::inspect::{Condition, inspect};
use super::rescue::prepare;
use super::schema;
use crate::domain::notice::Rules;
use crate::domain::severity::Environment;
use crate::domain::view::RosterEntry;
use crate::ports::clock::Clock;
use crate::ports::store::StoreError;

/// What a store needs to know.
#[derive(Clone)]
pub struct StoreOptions {
    /// The state folder.
    pub state_dir: PathBuf,
    /// Where this ledger's findings happen.
    pub environment: Environment,
    /// The name of this host.
    pub host: String,
    /// The agents that settings know: how the view tells who is late.
    pub roster: Vec<RosterEntry>,
    /// Who is told of what; `None` where nobody is.
    pub notices: Option<Arc<Rules>>,
    /// What this process may do.
    pub access: Access,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// The ledger in `state/ops.db`, over one connection.
pub struct SqliteStore {
    options: StoreOptions,
    paths: Paths,
    ledger_id: String,
    open: Mutex<Option<Open>>,
}

/// What is given back when the store closes.
pub(super) struct Open {
    pub(super) connection: SqliteConnection,
    /// Held shared for as long as the ledger is open: nobody replaces a ledger under somebody who writes to it.
    _joined: Option<Lock>,
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteStore").field("ledger", &self.paths.ledger).finish_non_exhaustive()
    }
}

/// How often the whole of looking, preparing and joining is tried: between two of these steps another process
/// may do the same.
const ROUNDS: u32 = 3;

impl SqliteStore {
    /// Opens the ledger of `options.state_dir`; creates it, or starts it anew from the published view, where this
    /// is needed and allowed.
    ///
    /// # Errors
    ///
    /// [`StoreError::Newer`] where a newer opswarden wrote it, [`StoreError::Open`] otherwise; the text says what
    /// to do. Nothing is ever deleted.
    pub async fn open(options: StoreOptions) -> Result<Self, StoreError> {
        let paths = Paths::of(&options.state_dir);
        if options.access == Access::ReadOnly {
            return match Self::join(&options, &paths).await? {
                Ok(store) => Ok(store),
                Err(condition) => Err(StoreError::Open(cannot_only_look(&paths, &condition))),
            };
        }
        paths.create_folders().map_err(StoreError::Open)?;
        for _ in 0..ROUNDS {
            if let Ok(store) = Self::join(&options, &paths).await? {
                return Ok(store);
            }
            let clock = options.clock.as_ref();
            let alone =
                lock(&paths.ledger_lock, Hold::Alone, clock).await.map_err(StoreError::Open)?;
            prepare(&options, &paths).await?;
            drop(alone);
        }
        Err(StoreError::Open(format!("{} does not stay as it is", paths.ledger.display())))
    }

    /// Joins those who have the ledger open; the condition where it cannot be used as it is.
    async fn join(
        options: &StoreOptions,
        paths: &Paths,
    ) -> Result<Result<Self, Condition>, StoreError> {
        let clock = options.clock.as_ref();
        let joined = match lock(&paths.ledger_lock, Hold::Shared, clock).await {
            Ok(joined) => Some(joined),
            // Who may only look may not be allowed to open the lock's file either.
            Err(_) if options.access == Access::ReadOnly => None,
            Err(why) => return Err(StoreError::Open(why)),
        };
        let writes = options.access == Access::ReadWrite;
        if writes && (paths.suspect.exists() || paths.journal.exists()) {
            return Ok(Err(Condition::Doubtful));
        }
        let ledger_id = match inspect(paths, Access::ReadOnly, clock).await {
            Condition::Good { ledger_id } => ledger_id,
            Condition::Newer { found } => {
                return Err(StoreError::Newer { found, known: schema::VERSION });
            }
            Condition::Unusable { why } => return Err(StoreError::Open(why)),
            other @ (Condition::Missing
            | Condition::Empty
            | Condition::Damaged { .. }
            | Condition::Doubtful) => return Ok(Err(other)),
        };
        let mut connection = connect(&paths.ledger, options.access, clock)
            .await
            .map_err(|error| StoreError::Open(told(&error)))?;
        if writes {
            let added = schema::complete(&mut connection).await;
            added.map_err(|error| StoreError::Open(told(&error)))?;
        }
        // A view for people only: without it nothing is lost but a short name.
        if writes && let Err(error) = schema::complete_views(&mut connection).await {
            tracing::debug!(%error, "the views are completed another time");
        }
        Ok(Ok(Self {
            options: options.clone(),
            paths: paths.clone(),
            ledger_id,
            open: Mutex::new(Some(Open { connection, _joined: joined })),
        }))
    }

    /// Closes the connection; what is asked afterwards is an error.
    ///
    /// # Errors
    ///
    /// `SQLite` could not close it in order; nothing that was committed is lost.
    pub async fn close(&self) -> Result<(), StoreError> {
        match self.opened().await.take() {
            Some(open) => {
                open.connection.close().await.map_err(|error| StoreError::Write(error.to_string()))
            }
            None => Ok(()),
        }
    }

    /// The time by this ledger's clock.
    #[must_use]
    pub fn now(&self) -> jiff::Timestamp {
        self.options.clock.now()
    }

    /// Which ledger this is.
    #[must_use]
    pub fn ledger_id(&self) -> &str {
        &self.ledger_id
    }

    pub(super) async fn opened(&self) -> MutexGuard<'_, Option<Open>> {
        self.open.lock().await
    }

    pub(super) const fn options(&self) -> &StoreOptions {
        &self.options
    }

    pub(super) const fn paths(&self) -> &Paths {
        &self.paths
    }

    pub(super) fn writable(&self) -> Result<(), StoreError> {
        match self.options.access {
            Access::ReadWrite => Ok(()),
            Access::ReadOnly => Err(StoreError::Write("it is open for reading only".to_owned())),
        }
    }

    /// Leaves a mark where an error tells of damage inside the file, so that the next open looks at all of it.
    pub(super) fn noticed(&self, error: StoreError) -> StoreError {
        let text = error.to_string();
        let damaged = text.contains("is malformed") || text.contains("not a database");
        if damaged
            && self.options.access == Access::ReadWrite
            && let Err(unmarked) = std::fs::write(&self.paths.suspect, text.as_bytes())
        {
            tracing::warn!(error = %unmarked, "failed to mark the ledger as suspect");
        }
        error
    }
}

fn cannot_only_look(paths: &Paths, condition: &Condition) -> String {
    let ledger = paths.ledger.display();
    match condition {
        Condition::Missing | Condition::Empty if paths.view.exists() => {
            format!(
                "{ledger} is gone, and its view is still there: the next run starts it anew from the view, and agents \
                 then only propose until a person resumes them; a copy of yours belongs here before that run"
            )
        }
        Condition::Missing | Condition::Empty => {
            format!("{ledger} is not there yet; the first run of an agent creates it")
        }
        Condition::Damaged { why } => format!(
            "{ledger} is damaged ({why}); the next run of an agent keeps it aside and starts anew from the \
             published view"
        ),
        Condition::Doubtful
        | Condition::Good { .. }
        | Condition::Newer { .. }
        | Condition::Unusable { .. } => format!("{ledger} cannot be read now; try again"),
    }
}
