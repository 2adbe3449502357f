//! The demo's databases: opswarden's own ledger, and a PostgreSQL server of its own where one is installed.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::{
    Pid, Signal, WaitOptions, geteuid, kill_process, test_kill_process, waitpid,
};
use tempfile::TempDir;

use crate::adapters::backup::ServerPrograms;
use crate::adapters::child::{Outcome, Program};
use crate::adapters::detached::start_detached;
use crate::ports::clock::Clock;

/// The user that the server's package makes; it does not run as root.
const USER: &str = "postgres";
/// Making a database may take so long, and starting it.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it is asked whether it has started, or ended.
const PAUSE: Duration = Duration::from_millis(50);

/// What is wrong with the database that the demo makes: two in three rows dead, and an index that a failed build left.
const WRONG: [&str; 3] = [
    "CREATE TABLE orders (id int, note text);
     INSERT INTO orders SELECT n / 2, repeat('x', 40) FROM generate_series(1, 30000) n;
     DELETE FROM orders WHERE id % 3 <> 0; ANALYZE orders",
    "CREATE UNIQUE INDEX CONCURRENTLY orders_id ON orders (id)",
    "CREATE TABLE devices (id serial); SELECT setval('devices_id_seq', 2000000000)",
];

/// A server on a socket in a folder of its own.
pub(super) struct Server {
    folder: TempDir,
    bin: PathBuf,
    pid: Pid,
}

/// The newest server that is installed.
pub(super) fn installed() -> Option<PathBuf> {
    let bin = ServerPrograms::new(None).folder().ok()?;
    let clients = |bin: &PathBuf| ["psql", "pg_dump"].iter().all(|name| bin.join(name).exists());
    Some(bin).filter(clients)
}

impl Server {
    /// Makes a database, starts its server, and puts into it what is wrong.
    pub(super) async fn start(bin: PathBuf, clock: &dyn Clock) -> Result<Self, String> {
        // Below a folder that the server's own user may go through.
        let place = if geteuid().is_root() { PathBuf::from("/tmp") } else { std::env::temp_dir() };
        let folder = tempfile::Builder::new().prefix("opswarden-demo-pg-").tempdir_in(place);
        let folder = folder.map_err(|error| format!("failed to make a folder: {error}"))?;
        // The server's own user makes its files there.
        std::fs::set_permissions(folder.path(), Permissions::from_mode(0o1777))
            .map_err(|error| format!("failed to open a folder: {error}"))?;
        let data = folder.path().join("data").display().to_string();
        let made =
            ["-D", &data, "-U", USER, "-A", "trust", "--no-sync", "--no-locale", "-E", "UTF8"];
        carried_out(as_server(&bin.join("initdb"), &made)).await?;
        let sockets = format!("unix_socket_directories={}", folder.path().display());
        let own = [
            "-D",
            &data,
            "-c",
            "listen_addresses=",
            "-c",
            &sockets,
            "-c",
            "fsync=off",
            "-c",
            "autovacuum=off",
            "-c",
            "shared_buffers=16MB",
        ];
        let log = folder.path().join("log");
        let pid = start_detached(&as_server(&bin.join("postgres"), &own), &log)?;
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or("the server has no pid")?;
        let server = Self { folder, bin, pid };
        let until = clock.elapsed() + PATIENCE;
        while server.sql("SELECT 1").await.is_err() {
            if clock.elapsed() > until {
                return Err("the database server did not start".to_owned());
            }
            clock.sleep(PAUSE).await;
        }
        for statement in WRONG {
            // The second one is to fail.
            let _left_behind = server.sql(statement).await;
        }
        Ok(server)
    }

    /// How it is reached.
    pub(super) fn url(&self) -> String {
        format!("postgres://{USER}@localhost/{USER}?host={}", self.folder.path().display())
    }

    async fn sql(&self, statement: &str) -> Result<(), String> {
        let folder = self.folder.path().display().to_string();
        let words = [
            "-Xqw",
            "-v",
            "ON_ERROR_STOP=1",
            "-U",
            USER,
            "-d",
            USER,
            "-h",
            &folder,
            "-c",
            statement,
        ];
        carried_out(argv(&self.bin.join("psql"), &words)).await
    }

    /// Ends it, and waits until it is gone; its folder goes with it.
    pub(super) async fn stop(self, clock: &dyn Clock) -> Result<(), String> {
        let until = clock.elapsed() + PATIENCE;
        let _already_gone = kill_process(self.pid, Signal::QUIT);
        while test_kill_process(self.pid).is_ok() {
            // It has a process group of its own, so that it is asked for by its pid.
            if waitpid(Some(self.pid), WaitOptions::NOHANG).is_ok_and(|ended| ended.is_some()) {
                break;
            }
            if clock.elapsed() > until {
                return Err(format!(
                    "the database server (pid {}) does not end",
                    self.pid.as_raw_nonzero()
                ));
            }
            clock.sleep(PAUSE).await;
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _already_gone = kill_process(self.pid, Signal::QUIT);
    }
}

fn argv(program: &Path, words: &[&str]) -> Vec<String> {
    let words = words.iter().map(|word| (*word).to_owned());
    std::iter::once(program.display().to_string()).chain(words).collect()
}

/// A command line of the server, as a user that it runs as.
fn as_server(program: &Path, words: &[&str]) -> Vec<String> {
    let own = argv(program, words);
    if !geteuid().is_root() {
        return own;
    }
    let change = ["setpriv", "--reuid", USER, "--regid", USER, "--init-groups"].map(str::to_owned);
    change.into_iter().chain(own).collect()
}

async fn carried_out(argv: Vec<String>) -> Result<(), String> {
    let name = argv.iter().find(|word| word.starts_with('/')).cloned().unwrap_or_default();
    match Program::new(argv).deadline(PATIENCE).run().await {
        Outcome::Exited { code: 0, .. } => Ok(()),
        Outcome::Exited { code, stderr, .. } => {
            let last = stderr.last_line().unwrap_or_default();
            Err(format!("{name} ended with {code}: {last}"))
        }
        Outcome::Signalled { signal } => Err(format!("{name} was ended by signal {signal}")),
        Outcome::TimedOut { after } => Err(format!("{name} took longer than {after:?}")),
        Outcome::CouldNotStart { why } => Err(format!("{name} could not be started: {why}")),
    }
}
