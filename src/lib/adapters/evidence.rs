//! What was seen just before an act, kept for people: redacted, the newest part only, for a limited time.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use super::redact::Redactor;
use super::system_clock::SystemClock;
use super::{private_file, tail};
use crate::domain::incident::IncidentId;
use crate::ports::Pending;
use crate::ports::actuators::EvidenceKeeper;
use crate::ports::clock::Clock;

/// How much of a text is kept.
const KEPT_BYTES: usize = 64 * 1024;
/// How much of a text is looked through. More than is kept, so that a secret is seen whole before it is cut.
const READ_BYTES: usize = 1024 * 1024;
/// How long evidence is kept.
const KEPT_FOR: Duration = Duration::from_hours(24 * 30);
/// How many pieces of one name an incident may have.
const MOST_OF_A_NAME: u32 = 100;
const LONGEST_NAME: usize = 80;

/// The folder `evidence` of a state folder.
#[derive(Clone, Debug)]
pub struct EvidenceFiles {
    folder: PathBuf,
    redactor: Redactor,
    clock: SystemClock,
}

impl EvidenceFiles {
    /// Keeps evidence under `state`, redacted by `redactor`.
    #[must_use]
    pub fn new(state: PathBuf, redactor: Redactor) -> Self {
        Self { folder: state.join("evidence"), redactor, clock: SystemClock::new() }
    }

    fn keep_now(&self, incident: IncidentId, name: &str, text: &str) -> Result<String, String> {
        if let Err(error) = self.forget_old() {
            tracing::warn!(%error, "failed to remove old evidence");
        }
        let redacted = self.redactor.redact(&tail::of_bytes(text.as_bytes(), READ_BYTES));
        let kept = tail::of_bytes(redacted.as_bytes(), KEPT_BYTES);
        let folder = self.folder.join(incident.to_string());
        let stored = private_file::folder(&folder).and_then(|()| store(&folder, name, &kept));
        match stored {
            Ok(path) => Ok(path.display().to_string()),
            Err(error) => Err(format!("failed to keep evidence in {}: {error}", folder.display())),
        }
    }

    fn forget_old(&self) -> io::Result<()> {
        let now = self.clock.now();
        for folder in private_file::entries(&self.folder)? {
            let mut left = 0;
            for file in private_file::entries(&folder)? {
                if is_older(&file, KEPT_FOR, now)? {
                    std::fs::remove_file(&file)?;
                } else {
                    left += 1;
                }
            }
            if left == 0 {
                std::fs::remove_dir(&folder)?;
            }
        }
        Ok(())
    }
}

/// Whether a file was written so long ago.
pub(crate) fn is_older(file: &Path, age: Duration, now: Timestamp) -> io::Result<bool> {
    let written = std::fs::symlink_metadata(file)?.modified()?;
    let written = Timestamp::try_from(written).unwrap_or(Timestamp::MIN);
    Ok(now.checked_sub(age).is_ok_and(|limit| written < limit))
}

/// A second piece of the same name stands beside the first: evidence is never overwritten.
fn store(folder: &Path, name: &str, text: &str) -> io::Result<PathBuf> {
    let name = private_file::name(name, LONGEST_NAME);
    for count in 1..=MOST_OF_A_NAME {
        let path = match count {
            1 => folder.join(&name),
            _ => folder.join(format!("{name}.{count}")),
        };
        match private_file::write_new(&path, text.as_bytes()) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            done => return done.map(|()| path),
        }
    }
    Err(io::Error::other(format!("there are {MOST_OF_A_NAME} pieces of that name already")))
}

impl EvidenceKeeper for EvidenceFiles {
    fn keep<'a>(
        &'a self,
        incident: IncidentId,
        name: &'a str,
        text: &'a str,
    ) -> Pending<'a, Result<String, String>> {
        Box::pin(async move { self.keep_now(incident, name, text) })
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    fn keeper(state: &Path) -> EvidenceFiles {
        EvidenceFiles::new(state.to_owned(), Redactor::new(["hunter2-hunter2".to_owned()]))
    }

    #[tokio::test]
    async fn evidence_is_kept_redacted_under_its_incident() {
        let state = tempfile::tempdir().unwrap();
        let text = "said hunter2-hunter2 and token=abcdef\n";
        let path = keeper(state.path()).keep(IncidentId(7), "../log.txt", text).await.unwrap();
        assert_eq!(Path::new(&path), state.path().join("evidence/INC-7/_log.txt"));
        assert_eq!(std::fs::read_to_string(path).unwrap(), "said *** and token=***\n");
    }

    #[tokio::test]
    async fn only_the_newest_part_is_kept_and_nothing_is_overwritten() {
        let state = tempfile::tempdir().unwrap();
        let keeper = keeper(state.path());
        let long = "an old line\n".repeat(200_000) + "the last line\n";
        let first = keeper.keep(IncidentId(7), "log", &long).await.unwrap();
        let second = keeper.keep(IncidentId(7), "log", "more").await.unwrap();
        assert_ne!(first, second);
        let kept = std::fs::read_to_string(first).unwrap();
        assert!(kept.len() <= KEPT_BYTES && kept.ends_with("the last line\n"));
        assert_eq!(std::fs::read_to_string(second).unwrap(), "more");
    }

    #[tokio::test]
    async fn a_secret_at_the_cut_does_not_survive_in_part() {
        let state = tempfile::tempdir().unwrap();
        let secret = "s3cr3t".repeat(30);
        let rest = "x\n".repeat((KEPT_BYTES - 100) / 2);
        let text = format!("password={secret}\n{rest}");
        let path = keeper(state.path()).keep(IncidentId(1), "log", &text).await.unwrap();
        assert!(!std::fs::read_to_string(path).unwrap().contains("s3cr3t"));
    }

    #[tokio::test]
    async fn old_evidence_goes_and_young_evidence_stays() {
        let state = tempfile::tempdir().unwrap();
        let keeper = keeper(state.path());
        let old = keeper.keep(IncidentId(1), "log", "old").await.unwrap();
        let young = keeper.keep(IncidentId(2), "log", "young").await.unwrap();
        std::fs::File::open(&old).unwrap().set_modified(UNIX_EPOCH).unwrap();
        keeper.keep(IncidentId(3), "log", "new").await.unwrap();
        assert!(!Path::new(&old).exists() && !state.path().join("evidence/INC-1").exists());
        assert!(Path::new(&young).exists());
    }

    #[tokio::test]
    async fn evidence_that_cannot_be_kept_says_so() {
        let state = tempfile::tempdir().unwrap();
        std::fs::write(state.path().join("evidence"), "in the way").unwrap();
        let failed = keeper(state.path()).keep(IncidentId(1), "log", "x").await;
        assert!(failed.unwrap_err().contains("failed to keep evidence"));
    }
}
