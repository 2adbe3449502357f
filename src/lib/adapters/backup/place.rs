//! Where a server for a restore lies, and whether there is room for it.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use super::BackupSet;
use super::programs::{ServerPrograms, finished};
use crate::adapters::child::{Account, Outcome, Program};
use crate::adapters::disk_room;
use crate::adapters::private_file;
use crate::domain::upkeep::FoundBackup;

/// So many times the size of a dump, which is packed, has to be free where it is restored.
const PACKED: u64 = 3;
/// A fifth more than the database takes where it is in use: its log, and what is sorted for its indexes.
const BESIDE: u64 = 5;
/// A folder that others may pass through and not look into.
const PASSABLE: u32 = 0o711;

impl BackupSet {
    /// Where a server for a restore lies: where the settings say, else with our state. A server does not run as root, and its
    /// account could not get into what is ours alone: without a word of the settings it lies in the temporary folder then.
    ///
    /// # Errors
    ///
    /// A fragment: the account cannot get into the folder of the settings.
    pub(super) async fn scratch(&self) -> Result<PathBuf, String> {
        match (&self.place.servers, ServerPrograms::account()?) {
            (None, None) => Ok(self.place.scratch.clone()),
            (None, Some(_)) => Ok(std::env::temp_dir()),
            (Some(named), None) => Ok(named.clone()),
            (Some(named), Some(account)) => {
                is_let_in(named, account).await?;
                Ok(named.clone())
            }
        }
    }

    /// Where what is fetched or decrypted lies, which is made if it is not there; a server may lie there, too, if the settings
    /// name it.
    pub(super) fn workplace(&self) -> Result<&Path, String> {
        let place = &self.place.scratch;
        if self.place.servers.is_some() {
            make(place)?;
        }
        Ok(place)
    }

    /// How much room a restore may need: as much as its database has, or a multiple of its dump.
    pub(super) async fn needed_bytes(&self, backup: &FoundBackup) -> u64 {
        let size = match &self.database {
            Some(Ok(database)) => database.size_bytes().await.unwrap_or_default(),
            Some(Err(_)) | None => 0,
        };
        size.saturating_add(size / BESIDE).max(backup.size_bytes.saturating_mul(PACKED))
    }
}

/// Whether a restore has room in `place`, which is made if it is not there.
pub(super) fn has_room(place: &Path, needed_bytes: u64) -> Result<(), String> {
    make(place)?;
    disk_room::has_room(place, needed_bytes, "a restore may need")
}

/// Makes a folder in which a server may lie: its account has to come in.
fn make(place: &Path) -> Result<(), String> {
    let made = match ServerPrograms::account()? {
        None => private_file::folder(place),
        Some(_) => DirBuilder::new().recursive(true).mode(PASSABLE).create(place),
    };
    made.map_err(|error| {
        format!("{} is not there and cannot be made (postgres.scratch): {error}", place.display())
    })
}

/// Whether an account gets into a folder, or into the first one above it that is there. Asked by trying: modes alone do not tell.
async fn is_let_in(folder: &Path, account: Account) -> Result<(), String> {
    let there = folder.ancestors().find(|path| path.exists()).unwrap_or(folder);
    let words = ["test".to_owned(), "-x".to_owned(), there.display().to_string()];
    match Program::new(words).account(Some(account)).run().await {
        Outcome::Exited { code: 0, .. } => Ok(()),
        Outcome::Exited { .. } => {
            let absent = format!("{} is not there, and ", folder.display());
            Err(format!(
                "{}the account {} cannot get into {} (postgres.scratch)",
                if there == folder { "" } else { &absent },
                super::programs::ACCOUNT,
                there.display()
            ))
        }
        other => finished(other).map(drop),
    }
}
