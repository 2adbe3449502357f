//! A session of psql that stays, and answers one question after the other within a millisecond or two.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use super::peers_postgres::PrivatePostgres;

/// What psql says behind each answer.
const DONE: &str = "~~~";
/// No question of a test takes longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// One session, ended when this is dropped.
pub(crate) struct Talk {
    psql: Child,
    input: ChildStdin,
    lines: Receiver<String>,
    said: String,
}

impl Talk {
    /// A session that has said this.
    pub(crate) fn of(server: &PrivatePostgres, words: &str) -> Self {
        let mut psql = Command::new(server.program("psql"))
            .args(["-XqAt", &server.url()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("psql starts");
        let input = psql.stdin.take().expect("it reads");
        let output = BufReader::new(psql.stdout.take().expect("it answers"));
        let (said, lines) = channel();
        std::thread::spawn(move || {
            output.lines().map_while(Result::ok).all(|line| said.send(line).is_ok())
        });
        let mut talk = Self { psql, input, lines, said: String::new() };
        talk.ask(words);
        talk
    }

    /// What it answers; nothing where that is an error, or the server is gone.
    pub(crate) fn ask(&mut self, sql: &str) -> String {
        self.begin(sql);
        self.answer(PATIENCE).unwrap_or_else(|| panic!("no answer: {sql}"))
    }

    /// Asks, and waits for no answer.
    pub(crate) fn begin(&mut self, sql: &str) {
        self.said.clear();
        // One whose server is gone has no ears any more, and says nothing.
        let _gone = writeln!(self.input, "{sql}\n\\echo {DONE}").and_then(|()| self.input.flush());
    }

    /// The answer to what was asked, if it comes so soon.
    pub(crate) fn answer(&mut self, within: Duration) -> Option<String> {
        loop {
            match self.lines.recv_timeout(within) {
                Ok(line) if line == DONE => return Some(std::mem::take(&mut self.said)),
                Ok(line) => self.said.push_str(&line),
                Err(RecvTimeoutError::Disconnected) => return Some(String::new()),
                Err(RecvTimeoutError::Timeout) => return None,
            }
        }
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        let _already_gone = self.psql.kill();
        let _reaped = self.psql.wait();
    }
}
