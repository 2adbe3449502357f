//! Tapes: what each run decided from, compressed, under `snapshots` of a state folder.
//!
//! A marked tape has an empty file `<run>.keep` beside it. Writing comes before removing, and a failure to remove
//! does not fail the run.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;

use super::retention::{Tape, outdated};
use crate::adapters::evidence::is_older;
use crate::adapters::private_file;
use crate::adapters::system_clock::SystemClock;
use crate::domain::incident::RunId;
use crate::domain::subject::AgentName;
use crate::ports::Pending;
use crate::ports::clock::Clock;
use crate::ports::recorder::Recorder;

const SUFFIX: &str = ".json.gz";
const MARK: &str = ".keep";
/// Run ids are shorter.
const LONGEST_NAME: usize = 100;
/// What a crash left unfinished goes after this time.
const UNFINISHED_FOR: Duration = Duration::from_hours(24);

/// The folder `snapshots` of a state folder.
#[derive(Clone, Debug)]
pub struct Tapes {
    folder: PathBuf,
    clock: SystemClock,
}

impl Tapes {
    /// Keeps tapes under `state`.
    #[must_use]
    pub fn new(state: PathBuf) -> Self {
        Self { folder: state.join("snapshots"), clock: SystemClock::new() }
    }
}

/// Everything in here blocks, so it runs on a thread for that.
fn record(
    root: &Path,
    agent: &str,
    run: &str,
    keep: bool,
    tape: &[u8],
    now: Timestamp,
) -> io::Result<PathBuf> {
    let folder = root.join(private_file::name(agent, LONGEST_NAME));
    let run = private_file::name(run, LONGEST_NAME);
    private_file::folder(&folder)?;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(tape)?;
    let path = folder.join(format!("{run}{SUFFIX}"));
    if keep {
        private_file::write_new(&folder.join(format!("{run}{MARK}")), b"")?;
    }
    private_file::write_new(&path, &encoder.finish()?)?;
    if let Err(error) = forget(root, now) {
        tracing::warn!(%error, "failed to remove old tapes");
    }
    Ok(path)
}

fn forget(root: &Path, now: Timestamp) -> io::Result<()> {
    let mut tapes = Vec::new();
    for folder in private_file::entries(root)? {
        let agent = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for file in private_file::entries(&folder)? {
            if private_file::is_unfinished(&file) || is_lone_mark(&file) {
                if is_older(&file, UNFINISHED_FOR, now)? {
                    std::fs::remove_file(&file)?;
                }
            } else if let Some(tape) = tape(&folder, &file, &agent)? {
                tapes.push(tape);
            }
        }
    }
    for tape in outdated(tapes, now) {
        let folder = root.join(&tape.agent);
        std::fs::remove_file(folder.join(format!("{}{SUFFIX}", tape.name)))?;
        if tape.marked {
            std::fs::remove_file(folder.join(format!("{}{MARK}", tape.name)))?;
        }
    }
    Ok(())
}

/// Whether a mark stands beside no tape: its run died between the two.
fn is_lone_mark(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    name.strip_suffix(MARK)
        .is_some_and(|run| !file.with_file_name(format!("{run}{SUFFIX}")).exists())
}

/// What retention needs of a file, if it is a tape.
fn tape(folder: &Path, file: &Path, agent: &str) -> io::Result<Option<Tape>> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let Some(name) = name.strip_suffix(SUFFIX) else { return Ok(None) };
    let about = std::fs::symlink_metadata(file)?;
    Ok(Some(Tape {
        written: Timestamp::try_from(about.modified()?).unwrap_or(Timestamp::MIN),
        name: name.to_owned(),
        agent: agent.to_owned(),
        size_bytes: about.len(),
        marked: folder.join(format!("{name}{MARK}")).exists(),
    }))
}

impl Recorder for Tapes {
    fn record<'a>(
        &'a self,
        agent: &'a AgentName,
        run: &'a RunId,
        keep: bool,
        tape: &'a [u8],
    ) -> Pending<'a, Result<String, String>> {
        Box::pin(async move {
            let (root, tape) = (self.folder.clone(), tape.to_vec());
            let (agent, run) = (agent.to_string(), run.to_string());
            let now = self.clock.now();
            let recording = move || record(&root, &agent, &run, keep, &tape, now);
            match tokio::task::spawn_blocking(recording).await {
                Ok(Ok(path)) => Ok(path.display().to_string()),
                Ok(Err(error)) if error.kind() == io::ErrorKind::PermissionDenied => Err(format!(
                    "failed to record the run: {error}; make {} and everything in it writable for this user",
                    self.folder.display()
                )),
                Ok(Err(error)) => Err(format!("failed to record the run: {error}")),
                Err(_) => Err("failed to record the run: it was broken off".to_owned()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::fs::PermissionsExt;
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    async fn store(tapes: &Tapes, run: &str, keep: bool) -> PathBuf {
        let agent = AgentName::of("health-guardian");
        let path = tapes.record(&agent, &RunId(run.to_owned()), keep, b"{\"seen\":1}").await;
        PathBuf::from(path.unwrap())
    }

    #[tokio::test]
    async fn a_tape_can_be_read_again_and_is_for_us_alone() {
        let state = tempfile::tempdir().unwrap();
        let path = store(&Tapes::new(state.path().to_owned()), "0192-a", false).await;
        assert_eq!(path, state.path().join("snapshots/health-guardian/0192-a.json.gz"));
        let mut text = String::new();
        let file = std::fs::File::open(&path).unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        flate2::read::GzDecoder::new(file).read_to_string(&mut text).unwrap();
        assert_eq!(text, "{\"seen\":1}");
    }

    #[tokio::test]
    async fn old_tapes_go_marked_ones_stay_and_no_mark_is_left_behind() {
        let state = tempfile::tempdir().unwrap();
        let tapes = Tapes::new(state.path().to_owned());
        let ancient = store(&tapes, "ancient", true).await;
        std::fs::File::open(&ancient).unwrap().set_modified(UNIX_EPOCH).unwrap();
        let marked = store(&tapes, "marked", true).await;
        let mut unmarked = Vec::new();
        for n in 0..52_u64 {
            let path = store(&tapes, &format!("run-{n:03}"), false).await;
            let time = UNIX_EPOCH + Duration::from_hours(n + 1);
            std::fs::File::open(&path).unwrap().set_modified(time).unwrap();
            unmarked.push(path);
        }
        store(&tapes, "last", false).await;
        assert!(marked.exists() && marked.with_file_name("marked.keep").exists());
        assert!(!ancient.exists() && !ancient.with_file_name("ancient.keep").exists());
        let left: Vec<bool> = unmarked.iter().map(|path| path.exists()).collect();
        assert_eq!(left.iter().filter(|there| **there).count(), 49);
        assert!(left[3..].iter().all(|there| *there));
    }

    #[tokio::test]
    async fn a_tape_that_cannot_be_written_says_so() {
        let state = tempfile::tempdir().unwrap();
        std::fs::write(state.path().join("snapshots"), "in the way").unwrap();
        let tapes = Tapes::new(state.path().to_owned());
        let agent = AgentName::of("health-guardian");
        let failed = tapes.record(&agent, &RunId("x".to_owned()), false, b"").await;
        assert!(failed.unwrap_err().contains("failed to record"));
    }
}
