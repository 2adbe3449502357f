//! A real Redis of its own, on a socket in a temporary folder. A test file that uses it declares `peers` too.

#![expect(clippy::disallowed_methods, reason = "tests start the peer that they speak to")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::peers::{skip, test_name, wait_until};

const PROGRAM: &str = "/usr/bin/redis-server";
/// The longest file that the server may write where it is to have a full disk, in blocks of 512 bytes.
const FULL_BLOCKS: u32 = 128;

/// One server, ended when this is dropped.
pub(crate) struct PrivateRedis {
    dir: TempDir,
    password: Option<&'static str>,
    script: String,
    server: Child,
}

impl PrivateRedis {
    /// A server with these settings, which keeps nothing on disk where they do not say so; `None` with a loud skip where it is
    /// not installed.
    pub(crate) fn start(settings: &str) -> Option<Self> {
        Self::begin(settings, None, "exec \"$@\"")
    }

    /// One that lets in who knows the password.
    pub(crate) fn closed(password: &'static str) -> Option<Self> {
        Self::begin("", Some(password), "exec \"$@\"")
    }

    /// One whose files cannot grow beyond 64 KiB, as if its disk were full there.
    pub(crate) fn cramped(settings: &str) -> Option<Self> {
        let script = format!("trap '' XFSZ; ulimit -f {FULL_BLOCKS}; exec \"$@\"");
        Self::begin(settings, None, &script)
    }

    fn begin(settings: &str, password: Option<&'static str>, script: &str) -> Option<Self> {
        if !Path::new(PROGRAM).exists() {
            skip(&test_name(), "redis-server");
            return None;
        }
        let dir = tempfile::Builder::new().prefix("redis-").tempdir_in("/tmp").expect("a folder");
        std::fs::create_dir(dir.path().join("data")).expect("a folder for its data");
        let at = dir.path().display();
        let secret = password.map(|word| format!("requirepass {word}\n")).unwrap_or_default();
        let own = format!(
            "port 0\nunixsocket {at}/s.sock\ndir {at}/data\nsave \"\"\nappendonly no\nloglevel warning\n\
             enable-debug-command yes\n{secret}{settings}\n"
        );
        let file = dir.path().join("redis.conf");
        std::fs::write(&file, own).expect("they are written");
        let server = launched(dir.path(), script);
        let redis = Self { dir, password, script: script.to_owned(), server };
        redis.wait_until_up();
        Some(redis)
    }

    fn wait_until_up(&self) {
        let up = || self.try_cli(&["PING"]).stdout.starts_with(b"PONG");
        assert!(wait_until(Duration::from_secs(20), up), "{}", self.log());
    }

    /// Ends it and starts it anew, with nothing of what it held.
    pub(crate) fn restart(&mut self) {
        self.kill();
        self.server = launched(self.dir.path(), &self.script);
        self.wait_until_up();
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.dir.path().join("s.sock")
    }

    /// Where it keeps its files.
    pub(crate) fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// How our programs reach it.
    pub(crate) fn url(&self) -> String {
        let secret = self.password.map(|word| format!("?pass={word}")).unwrap_or_default();
        format!("redis+unix://{}{secret}", self.socket().display())
    }

    fn command(&self) -> Command {
        let mut command = Command::new("redis-cli");
        command.arg("-s").arg(self.socket()).stdin(Stdio::null());
        if let Some(password) = self.password {
            command.env("REDISCLI_AUTH", password);
        }
        command
    }

    fn try_cli(&self, words: &[&str]) -> Output {
        self.command().args(words).output().expect("redis-cli starts")
    }

    /// What a command answers; an error of the server is an answer too.
    pub(crate) fn cli(&self, words: &[&str]) -> String {
        let output = self.try_cli(words);
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Whatever it says, or is said of it, to one who asks.
    pub(crate) fn asked(&self, words: &[&str]) -> String {
        let output = self.try_cli(words);
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    }

    /// Begins a command in a session of its own, which lasts until it ends or is dropped.
    pub(crate) fn begin_command(&self, words: &[&str]) -> RedisSession {
        let mut command = self.command();
        command.args(words).stdout(Stdio::null()).stderr(Stdio::null());
        RedisSession(command.spawn().expect("redis-cli starts"))
    }

    /// A line of what it tells of itself.
    pub(crate) fn info(&self, name: &str) -> String {
        let all = self.cli(&["INFO", "everything"]);
        let found = all.lines().find_map(|line| line.trim().strip_prefix(&format!("{name}:")));
        found.map(str::to_owned).unwrap_or_default()
    }

    /// So many keys with a value of some bytes; those with a time end after so many milliseconds.
    pub(crate) fn fill(&self, prefix: &str, many: u32, end_ms: Option<u32>) {
        let end = end_ms.map(|ms| format!(", 'PX', {ms}")).unwrap_or_default();
        let script = format!(
            "for i = 1, {many} do redis.call('SET', '{prefix}' .. i, string.rep('x', 40){end}) end"
        );
        let said = self.cli(&["EVAL", &script, "0"]);
        assert!(said.is_empty(), "{said}");
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    /// Ends it, and what it held is gone.
    pub(crate) fn kill(&mut self) {
        let _already_gone = self.server.kill();
        let _reaped = self.server.wait();
    }
}

impl Drop for PrivateRedis {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A command at work.
pub(crate) struct RedisSession(Child);

impl Drop for RedisSession {
    fn drop(&mut self) {
        let _already_gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

fn launched(dir: &Path, script: &str) -> Child {
    let log = std::fs::File::create(dir.join("log")).expect("a log");
    let also = log.try_clone().expect("a log");
    Command::new("setpriv")
        .args(["--pdeathsig", "KILL", "sh", "-c", script, "sh", PROGRAM])
        .arg(dir.join("redis.conf"))
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(also)
        .spawn()
        .expect("the server starts")
}
