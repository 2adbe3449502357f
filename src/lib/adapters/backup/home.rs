//! Where backups lie, and how one of them comes to hand.

use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};

use super::bench::Bench;
use super::clear::Unclear;
use super::in_bucket::InBucket;
use super::{BackupSet, folder};
use crate::adapters::disk_room;
use crate::adapters::private_file;
use crate::domain::upkeep::{Backup, FoundBackup};

/// What a fetched backup is called in its folder; a sum beside it is called after it.
const FETCHED: &str = "backup";

/// Where they lie.
pub(super) enum Home {
    /// A folder that is seen from this host.
    Folder(PathBuf),
    /// A bucket of an object storage.
    Bucket(InBucket),
}

/// The file of a backup.
pub(super) enum AtHand {
    /// Where it lies anyhow.
    Lying(PathBuf),
    /// Fetched, and gone afterwards.
    Fetched(Bench),
}

impl AtHand {
    pub(super) fn path(&self) -> PathBuf {
        match self {
            Self::Lying(path) => path.clone(),
            Self::Fetched(bench) => bench.file(FETCHED),
        }
    }
}

impl BackupSet {
    /// A backup as a file of this host: fetched with the sum beside it, where it lies in a bucket.
    pub(super) async fn at_hand(
        &self,
        backup: &FoundBackup,
        time: Duration,
    ) -> Result<AtHand, Unclear> {
        let bucket = match &self.home {
            Home::Folder(folder) => return Ok(AtHand::Lying(folder.join(&backup.name))),
            Home::Bucket(bucket) => bucket,
        };
        let unread = |why| Unclear::Unread(format!("it cannot be fetched: {why}"));
        let place = self.workplace().map_err(unread)?;
        private_file::folder(place).map_err(|error| unread(error.to_string()))?;
        disk_room::has_room_beside(place, backup.size_bytes, "the backup takes").map_err(unread)?;
        let bench = Bench::new(place, &self.mark()).map_err(unread)?;
        let (file, beside) =
            (bench.file(FETCHED), bench.file(&format!("{FETCHED}{}", folder::SUM)));
        let fetched = pin!(bucket.fetch(&backup.name, &file, &beside));
        match select(fetched, self.clock.sleep(time)).await {
            Either::Left((fetched, _)) => fetched.map_err(unread)?,
            Either::Right(_) => {
                return Err(unread(format!("it took more than {} s", time.as_secs())));
            }
        }
        Ok(AtHand::Fetched(bench))
    }

    /// Which of `all` (newest first) is the newest that is what was written.
    pub(super) async fn newest_good(&self, all: &[Backup]) -> Result<Option<usize>, String> {
        let bucket = match &self.home {
            Home::Folder(folder) => return Ok(folder::newest_good(folder, all)),
            Home::Bucket(bucket) => bucket,
        };
        for (place, record) in all.iter().enumerate() {
            if bucket.altered(record).await?.is_none() {
                return Ok(Some(place));
            }
        }
        Ok(None)
    }

    /// Our records of them, newest first.
    pub(super) fn records(&self) -> Result<Vec<Backup>, String> {
        folder::listed(self.records_folder())
    }

    pub(super) fn records_folder(&self) -> &Path {
        match &self.home {
            Home::Folder(folder) => folder,
            Home::Bucket(_) => &self.place.notes,
        }
    }

    /// Takes one away, and its record.
    pub(super) async fn remove(&self, backup: &Backup) -> Result<(), String> {
        match &self.home {
            Home::Folder(folder) => {
                folder::remove(folder, backup).map_err(|error| format!("failed to write: {error}"))
            }
            Home::Bucket(bucket) => bucket.remove(&backup.name).await,
        }
    }
}
