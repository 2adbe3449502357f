//! A real PostgreSQL of its own, on a socket in a temporary folder. A test file that uses it declares `peers` too.

#![expect(clippy::disallowed_methods, reason = "tests start the peer that they speak to")]

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::peers::{skip, test_name, wait_until};

/// The server does not run as root; this user comes with its package.
const USER: &str = "postgres";

/// One server, ended when this is dropped.
pub(crate) struct PrivatePostgres {
    dir: TempDir,
    bin: PathBuf,
    server: Child,
}

impl PrivatePostgres {
    /// A server with these settings beside what makes it quick, or `None` with a loud skip where it is not installed.
    pub(crate) fn start(settings: &str) -> Option<Self> {
        let Some(bin) = bin() else {
            skip(&test_name(), "postgresql");
            return None;
        };
        let dir = tempfile::Builder::new().prefix("pg-").tempdir_in("/tmp").expect("a folder");
        let open = std::fs::Permissions::from_mode(0o777);
        std::fs::set_permissions(dir.path(), open).expect("it is opened for the server's user");
        let data = dir.path().join("data").display().to_string();
        let made = as_server(&bin.join("initdb"))
            .args([
                "-D",
                &data,
                "-U",
                USER,
                "-A",
                "trust",
                "--no-sync",
                "--no-locale",
                "-E",
                "UTF8",
            ])
            .stdin(Stdio::null())
            .output()
            .expect("initdb starts");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let own = format!(
            "listen_addresses = ''\nunix_socket_directories = '{}'\nfsync = off\nshared_buffers = 16MB\n\
             max_prepared_transactions = 5\nwal_level = logical\nlog_destination = stderr\n{settings}\n",
            dir.path().display()
        );
        let file = dir.path().join("data/postgresql.conf");
        let mut text = std::fs::read_to_string(&file).expect("the settings that initdb made");
        text.push_str(&own);
        std::fs::write(&file, text).expect("they are written");
        let log = std::fs::File::create(dir.path().join("log")).expect("a log");
        let server = as_server(&bin.join("postgres"))
            .args(["-D", &data])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the server starts");
        let postgres = Self { dir, bin, server };
        let up = || postgres.try_sql("SELECT 1").status.success();
        assert!(wait_until(Duration::from_secs(20), up), "{}", postgres.log());
        Some(postgres)
    }

    /// A standby of this server, on a socket of its own, that follows it.
    pub(crate) fn standby(&self) -> Self {
        let dir = tempfile::Builder::new().prefix("pg-").tempdir_in("/tmp").expect("a folder");
        let open = std::fs::Permissions::from_mode(0o777);
        std::fs::set_permissions(dir.path(), open).expect("it is opened for the server's user");
        let data = dir.path().join("data").display().to_string();
        let copied = as_server(&self.bin.join("pg_basebackup"))
            .args(["-D", &data, "-R", "-X", "stream", "-c", "fast", "-U", USER, "-h"])
            .arg(self.dir.path())
            .output()
            .expect("pg_basebackup starts");
        assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
        let log = std::fs::File::create(dir.path().join("log")).expect("a log");
        let sockets = format!("unix_socket_directories={}", dir.path().display());
        let server = as_server(&self.bin.join("postgres"))
            .args(["-D", &data, "-c", &sockets])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the server starts");
        let standby = Self { dir, bin: self.bin.clone(), server };
        let up = || standby.try_sql("SELECT 1").status.success();
        assert!(wait_until(Duration::from_secs(20), up), "{}", standby.log());
        standby
    }

    /// Begins a base backup that takes long, which is ended when it is dropped.
    pub(crate) fn slow_base_backup(&self) -> Session {
        let to = self.dir.path().join("slow").display().to_string();
        let mut command = as_server(&self.bin.join("pg_basebackup"));
        command.args(["-D", &to, "-X", "none", "-c", "fast", "--max-rate=64", "-U", USER, "-h"]);
        command.arg(self.dir.path()).stdout(Stdio::null()).stderr(Stdio::null());
        Session(command.spawn().expect("pg_basebackup starts"))
    }

    /// How our programs reach it.
    pub(crate) fn url(&self) -> String {
        format!("postgres://{USER}@localhost/{USER}?host={}", self.dir.path().display())
    }

    /// The folder of its socket.
    pub(crate) fn host(&self) -> &Path {
        self.dir.path()
    }

    /// One of its programs.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }

    fn psql(&self) -> Command {
        let mut command = Command::new(self.bin.join("psql"));
        command.args(["-XqAt", "-v", "ON_ERROR_STOP=1", "-U", USER, "-d", USER, "-h"]);
        command.arg(self.dir.path()).stdin(Stdio::null());
        command
    }

    fn try_sql(&self, sql: &str) -> Output {
        self.psql().args(["-c", sql]).output().expect("psql starts")
    }

    /// What a statement answers, which must be carried out.
    pub(crate) fn sql(&self, sql: &str) -> String {
        let output = self.try_sql(sql);
        assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Carries out a statement that may fail.
    pub(crate) fn may_fail(&self, sql: &str) -> bool {
        self.try_sql(sql).status.success()
    }

    /// Begins statements in a session of its own, which lasts until they end or it is killed.
    pub(crate) fn begin(&self, sql: &str) -> Session {
        let mut command = self.psql();
        command.args(["-c", sql]).stdout(Stdio::null()).stderr(Stdio::null());
        Session(command.spawn().expect("psql starts"))
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }
}

impl Drop for PrivatePostgres {
    fn drop(&mut self) {
        // An immediate stop: what it holds is of no use any more.
        let quit = Command::new("kill").args(["-QUIT", &self.server.id().to_string()]).status();
        drop(quit);
        let _reaped = self.server.wait();
    }
}

/// A session at work.
pub(crate) struct Session(Child);

impl Session {
    /// Waits for its end, and whether all went well.
    pub(crate) fn ends(mut self) -> bool {
        self.0.wait().is_ok_and(|status| status.success())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _already_gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// The newest server's programs.
fn bin() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
    let folders = versions.map(|version| version.path().join("bin"));
    folders.filter(|bin| bin.join("initdb").exists()).max()
}

/// A program of the server, as a user that it runs as.
fn as_server(program: &Path) -> Command {
    if !rustix::process::geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", USER, "--regid", USER, "--init-groups", "--pdeathsig", "KILL"]);
    command.arg(program);
    command
}
