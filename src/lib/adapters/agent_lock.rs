//! One instance of an agent at a time: a lock that the kernel frees when its holder dies.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use crate::domain::subject::AgentName;

/// The lock, held until it is dropped.
#[derive(Debug)]
pub struct AgentLock {
    _file: File,
}

/// What several agents have in common and only one of them may have at a time; held until it is dropped.
#[derive(Debug)]
pub struct Mutexes {
    _files: Vec<File>,
}

impl Mutexes {
    /// Takes all of these, without waiting, in their order; none of them stays taken where one is not free. Whoever has it is
    /// told by the name of its agent.
    ///
    /// # Errors
    ///
    /// Another agent holds one, or a file cannot be used.
    pub fn take(
        locks: &Path,
        names: &BTreeSet<String>,
        agent: &AgentName,
    ) -> Result<Self, LockError> {
        let take = |name: &String| lock(locks, &format!("mutex-{name}"), agent, agent.as_str());
        let files: Result<Vec<File>, LockError> = names.iter().map(take).collect();
        Ok(Self { _files: files? })
    }
}

/// An agent that may not run now.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process runs it.
    #[error("{agent} is already running ({holder})")]
    Busy {
        /// The agent.
        agent: AgentName,
        /// Who, as far as the holder told.
        holder: String,
    },
    /// The lock file cannot be used.
    #[error("failed to lock {path}: {source}; it must be writable for this user")]
    Unusable {
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
}

impl AgentLock {
    /// Takes the lock of `agent` in the folder `locks`, without waiting; `owner` is told to whoever comes second.
    ///
    /// # Errors
    ///
    /// Another process holds it, or the file cannot be used.
    pub fn take(locks: &Path, agent: &AgentName, owner: &str) -> Result<Self, LockError> {
        lock(locks, agent.as_str(), agent, owner).map(|file| Self { _file: file })
    }
}

fn lock(locks: &Path, name: &str, agent: &AgentName, owner: &str) -> Result<File, LockError> {
    let path = locks.join(format!("{name}.lock"));
    let unusable = |source| LockError::Unusable { path: path.display().to_string(), source };
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(locks)
        .map_err(|source| LockError::Unusable { path: locks.display().to_string(), source })?;
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(unusable)?;
    match fs2::FileExt::try_lock_exclusive(&file) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            return Err(LockError::Busy { agent: agent.clone(), holder: holder(&mut file) });
        }
        Err(error) => return Err(unusable(error)),
    }
    // The name is for people only: a full disk must not keep the agent from running.
    let told = file
        .set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| file.write_all(owner.as_bytes()));
    if let Err(error) = told {
        tracing::warn!("failed to write the holder's name into {}: {error}", path.display());
    }
    Ok(file)
}

fn holder(file: &mut File) -> String {
    const LONGEST: u64 = 200;
    let mut text = String::new();
    match file.take(LONGEST).read_to_string(&mut text) {
        Ok(_) if !text.trim().is_empty() => text.trim().to_owned(),
        _ => "its holder left no name".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_who_was_first_and_the_lock_ends_with_its_holder() {
        let folder = tempfile::tempdir().unwrap();
        let agent = AgentName::of("health-guardian");
        let first = AgentLock::take(folder.path(), &agent, "host-a, pid 7").unwrap();
        let refused = AgentLock::take(folder.path(), &agent, "host-a, pid 8").unwrap_err();
        assert_eq!(refused.to_string(), "health-guardian is already running (host-a, pid 7)");
        AgentLock::take(folder.path(), &AgentName::of("other"), "x").unwrap();
        drop(first);
        // A child that another test starts meanwhile holds every open file until it runs its program.
        let freed = || AgentLock::take(folder.path(), &agent, "host-a, pid 9").is_ok();
        assert!((0..200).any(|_| freed() || pause()), "the lock ended with its holder");
    }

    #[expect(clippy::disallowed_methods, reason = "another test's child takes a real moment")]
    fn pause() -> bool {
        std::thread::sleep(std::time::Duration::from_millis(10));
        false
    }
}
