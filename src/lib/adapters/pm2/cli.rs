//! PM2 through its command line.
//!
//! The command line starts an empty daemon where none runs, which would turn "PM2 is gone" into "PM2 has nothing".
//! So the daemon's socket must accept a connection before any command is given.

use std::path::Path;
use std::time::Duration;

use super::socket::{CallError, connect};
use crate::adapters::child::{Outcome, Program};
use crate::adapters::redact::Redactor;
use crate::domain::sight::{Blind, Sight};
use crate::ports::processes::ActFailure;

/// How long a listing may take; a loaded host needs a second to start the interpreter.
const QUESTION: Duration = Duration::from_secs(15);
/// A listing carries the whole environment of every process.
const LISTING_BYTES: usize = 16 * 1024 * 1024;

/// The rows of every process, as JSON.
pub(super) async fn rows(home: &Path, cli: &[String]) -> Sight<Vec<u8>> {
    drop(connect(home).await?);
    let program =
        command(home, cli, &["jlist", "--silent"]).deadline(QUESTION).limit_bytes(LISTING_BYTES);
    match program.run().await {
        Outcome::Exited { stdout, .. } if stdout.cut_short => {
            Err(Blind::because("`pm2 jlist` printed more than 16 MiB"))
        }
        Outcome::Exited { code: 0, stdout, .. } => array(&stdout.bytes)
            .map(<[u8]>::to_vec)
            .ok_or_else(|| Blind::because("`pm2 jlist` printed no list")),
        outcome => Err(Blind::because(format!("`pm2 jlist` {}", what_happened(&outcome)))),
    }
}

/// Gives one command about one row.
pub(super) async fn act(
    home: &Path,
    cli: &[String],
    verb: &str,
    pm_id: u64,
    deadline: Duration,
) -> Result<(), ActFailure> {
    drop(connect(home).await.map_err(|error: CallError| ActFailure::from(error))?);
    let program = command(home, cli, &[verb, &pm_id.to_string()]).deadline(deadline);
    match program.run().await {
        Outcome::Exited { code: 0, .. } => Ok(()),
        outcome @ (Outcome::Exited { .. } | Outcome::CouldNotStart { .. }) => {
            Err(ActFailure::Refused(format!("`pm2 {verb}` {}", what_happened(&outcome))))
        }
        outcome @ (Outcome::Signalled { .. } | Outcome::TimedOut { .. }) => {
            Err(ActFailure::Unknown(format!("`pm2 {verb}` {}", what_happened(&outcome))))
        }
    }
}

fn command(home: &Path, cli: &[String], arguments: &[&str]) -> Program {
    let argv = cli.iter().map(String::as_str).chain(arguments.iter().copied());
    Program::new(argv).env("PM2_HOME", home.display().to_string()).env("PM2_DISCRETE_MODE", "true")
}

fn what_happened(outcome: &Outcome) -> String {
    let redactor = Redactor::default();
    match outcome {
        Outcome::Exited { code, stderr, .. } => {
            let line = stderr.last_line().unwrap_or_else(|| "no message".to_owned());
            format!("exited with {code}: {}", redactor.fragment(&line))
        }
        Outcome::Signalled { signal } => format!("was ended by signal {signal}"),
        Outcome::TimedOut { after } => format!("did not end within {} s", after.as_secs()),
        Outcome::CouldNotStart { why } => redactor.fragment(why),
    }
}

/// The JSON array behind whatever PM2 printed before it: banners begin with `[PM2]`, lists with `[{` or `[]`.
fn array(stdout: &[u8]) -> Option<&[u8]> {
    let start = stdout.windows(2).position(|pair| pair == b"[{" || pair == b"[]")?;
    Some(&stdout[start..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn banners_before_the_list_are_passed_over() {
        let printed = b"\n  __/ \\[x]\n[PM2] Spawning PM2 daemon\n[{\"a\":1}]";
        assert_eq!(array(printed), Some(&b"[{\"a\":1}]"[..]));
        assert_eq!(array(b"[]"), Some(&b"[]"[..]));
        assert_eq!(array(b"[PM2][ERROR] no"), None);
    }

    #[tokio::test]
    async fn no_command_is_given_where_no_daemon_answers() {
        let home = tempfile::tempdir().unwrap();
        let mark = home.path().join("ran");
        let script = format!("touch {}", mark.display());
        let cli = vec!["/bin/sh".to_owned(), "-c".to_owned(), script];
        assert!(rows(home.path(), &cli).await.is_err());
        let acted = act(home.path(), &cli, "restart", 0, QUESTION).await;
        assert!(matches!(acted, Err(ActFailure::Refused(_))));
        assert!(!mark.exists());
    }
}
