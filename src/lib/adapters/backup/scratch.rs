//! A PostgreSQL server for one restore: on a socket in a folder of its own, with no network, no archive, and no care for its
//! data, and gone afterwards.

use std::fs::{File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{ConnectOptions as _, Connection as _};
use tempfile::TempDir;

use super::programs::{ServerPrograms, finished, give};
use crate::adapters::child::{Account, Held};
use crate::adapters::postgres::in_words;
use crate::adapters::tail;
use crate::ports::clock::Clock;

/// So long may it take to be made, and to answer.
const START: Duration = Duration::from_mins(2);
/// And so long to end.
const STOP: Duration = Duration::from_secs(20);
/// So often it is asked whether it answers.
const BETWEEN: Duration = Duration::from_millis(50);
/// So much of its log is looked at where it does not start.
const LOG_BYTES: usize = 16 * 1024;
/// It listens on none: this is a part of its socket's name.
pub(super) const PORT: u16 = 5432;
/// Its only user.
pub(super) const USER: &str = "restorer";

/// One server.
pub(super) struct Scratch {
    /// Its data.
    folder: TempDir,
    /// Its socket: a path that is short enough for one.
    socket: TempDir,
    server: Held,
}

impl Scratch {
    /// Makes one in `place` and starts it. `mark` tells our own folders there from others'.
    pub(super) async fn start(
        programs: &ServerPrograms,
        place: &Path,
        mark: &str,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, String> {
        let account = ServerPrograms::account()?;
        let prefix = format!(".restore-{mark}-");
        let temporary = std::env::temp_dir();
        for folder in [place, temporary.as_path()] {
            clear(folder, &prefix);
        }
        let folder = folder_in(place, &prefix, account)?;
        let socket = folder_in(&temporary, &prefix, account)?;
        let data = folder.path().join("data").display().to_string();
        let words = ["-D", &data, "-U", USER, "-A", "trust", "-E", "UTF8", "--no-locale", "-N"];
        let made = programs.program("initdb", &words)?.account(account).deadline(START).run().await;
        finished(made).map_err(|why| format!("no server could be made: {why}"))?;
        std::fs::write(Path::new(&data).join("postgresql.auto.conf"), settings(socket.path()))
            .map_err(|error| format!("no server could be made: {error}"))?;
        let log = folder.path().join("log");
        let out = File::create(&log).map_err(|error| format!("it has no log: {error}"))?;
        let server = programs.program("postgres", &["-D", &data])?.account(account).hold(out)?;
        let mut scratch = Self { folder, socket, server };
        let until = clock.elapsed() + START;
        loop {
            match scratch.session("postgres").await {
                Ok(session) => {
                    let _nothing_is_lost = session.close().await;
                    return Ok(scratch);
                }
                Err(why) if scratch.server.has_ended() || clock.elapsed() > until => {
                    let said = last_line(&log).unwrap_or(why);
                    scratch.end().await;
                    return Err(format!("a server for the restore does not start: {said}"));
                }
                Err(_) => clock.sleep(BETWEEN).await,
            }
        }
    }

    /// Writes a text into its folder, for as long as it is there.
    pub(super) fn keep(&self, name: &str, text: &str) -> Result<PathBuf, String> {
        let file = self.folder.path().join(name);
        let written = std::fs::write(&file, text);
        written.map(|()| file).map_err(|error| format!("{name} cannot be written: {error}"))
    }

    /// Where its socket is.
    pub(super) fn host(&self) -> String {
        self.socket.path().display().to_string()
    }

    /// A session with one of its databases.
    pub(super) async fn session(&self, database: &str) -> Result<PgConnection, String> {
        let options = PgConnectOptions::new_without_pgpass()
            .socket(self.socket.path())
            .port(PORT)
            .ssl_mode(PgSslMode::Disable)
            .username(USER)
            .database(database)
            .disable_statement_logging();
        options.connect().await.map_err(|error| in_words(&error))
    }

    /// The same, whose statements may take so long.
    pub(super) async fn session_within(
        &self,
        database: &str,
        time: Duration,
    ) -> Result<PgConnection, String> {
        let mut session = self.session(database).await?;
        let within = format!("SET statement_timeout = {}", time.as_millis().max(1));
        let set = sqlx::raw_sql(sqlx::AssertSqlSafe(within)).execute(&mut session).await;
        set.map(|_| session).map_err(|error| in_words(&error))
    }

    /// Ends it and takes everything of it away.
    pub(super) async fn end(self) {
        self.server.end(Signal::QUIT, STOP).await;
        for folder in [self.folder, self.socket] {
            let path = folder.path().to_owned();
            if let Err(error) = folder.close() {
                tracing::warn!("failed to take {} away: {error}", path.display());
            }
        }
    }
}

/// No network, no archive, nothing that waits for a disk; and nothing runs in it by itself. Its memory has room beside ours below
/// the limit of the generated unit.
fn settings(socket: &Path) -> String {
    format!(
        "listen_addresses = ''\nport = {PORT}\nunix_socket_directories = '{}'\nunix_socket_permissions = 0700\n\
         archive_mode = off\nfsync = off\nfull_page_writes = off\nsynchronous_commit = off\n\
         wal_level = minimal\nmax_wal_senders = 0\nautovacuum = off\njit = off\nmax_wal_size = 512MB\n\
         shared_buffers = 32MB\nmaintenance_work_mem = 64MB\nmax_connections = 10\n\
         max_parallel_maintenance_workers = 0\n\
         max_logical_replication_workers = 0\nshared_preload_libraries = ''\n\
         logging_collector = off\nlog_destination = stderr\n",
        socket.display()
    )
}

/// A folder for the server alone.
fn folder_in(place: &Path, prefix: &str, account: Option<Account>) -> Result<TempDir, String> {
    let made = tempfile::Builder::new()
        .prefix(prefix)
        .permissions(Permissions::from_mode(0o700))
        .tempdir_in(place)
        .map_err(|error| format!("no folder can be made in {}: {error}", place.display()))?;
    give(made.path(), account)?;
    Ok(made)
}

/// Takes away what a run that was killed left behind. Its server ends by itself once its folder is gone.
fn clear(place: &Path, prefix: &str) {
    let left = std::fs::read_dir(place).into_iter().flatten().flatten();
    let own = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(prefix))
    };
    for folder in left.map(|entry| entry.path()).filter(own) {
        let gone = if folder.is_dir() {
            std::fs::remove_dir_all(&folder)
        } else {
            std::fs::remove_file(&folder)
        };
        if let Err(error) = gone {
            tracing::warn!("failed to take {} away: {error}", folder.display());
        }
    }
}

fn last_line(log: &Path) -> Option<String> {
    let text = tail::of_files(&[log.display().to_string()], LOG_BYTES).ok()?;
    text.lines().rev().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned)
}
