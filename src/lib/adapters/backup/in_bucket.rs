//! Backups in a bucket: each is an object that appears when all of it is there, with its sum beside it (`NAME.sha256`). Our own
//! records of them stay on this host, so that whoever may write into the bucket cannot change what they are held against.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use super::files::{TOLD, as_old_as_it_says, is_made_by_us, newest_first, of_record};
use super::{dump_header, folder};
use crate::adapters::s3::Client;
use crate::domain::sight::Sight;
use crate::domain::upkeep::{Backup, BackupFormat, DeclaredBackup, FoundBackup, Glob};

/// So much of a dump holds its header: two texts of the usual length, and some numbers.
const HEADER_BYTES: u64 = 4096;
/// An upload that was begun so long ago is written by nobody any more: a dump has less than a day.
const LEFT: Duration = Duration::from_hours(24);

/// Backups in a bucket.
pub(super) struct InBucket {
    /// Its name in the settings.
    name: String,
    client: Box<Sight<Client>>,
    /// The folder of our records.
    records: PathBuf,
}

/// What a store's own mark says of a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// It is what was read back after it was put there.
    Same,
    /// It has to be read.
    Other,
    /// It is not there.
    Gone,
}

impl InBucket {
    pub(super) fn new(name: &str, client: Sight<Client>, records: &Path) -> Self {
        Self { name: name.to_owned(), client: Box::new(client), records: records.to_owned() }
    }

    /// What speaks to it.
    pub(super) fn client(&self) -> Result<&Client, String> {
        self.client.as_ref().as_ref().map_err(|blind| blind.why.clone())
    }

    /// What it is called in messages.
    pub(super) fn told(&self, why: impl std::fmt::Display) -> String {
        format!("the bucket {}: {why}", self.name)
    }

    /// Every backup in it, newest first. What others put there is known by its name alone.
    pub(super) async fn found(
        &self,
        declared: &DeclaredBackup,
    ) -> Result<Vec<FoundBackup>, String> {
        let records = folder::listed(&self.records)?;
        let pattern = Glob::new(&declared.pattern);
        let head = declared.pattern.split(['*', '?']).next().unwrap_or_default();
        let prefix = if declared.make { format!("{}-", declared.name) } else { head.to_owned() };
        let is_one = |key: &str| {
            if declared.make {
                is_made_by_us(&declared.name, key)
            } else {
                pattern.matches(key) && !key.ends_with(folder::SUM)
            }
        };
        let listed = self.client()?.list(&prefix).await.map_err(|error| self.told(error))?;
        let mut all = Vec::new();
        for object in listed.into_iter().filter(|object| is_one(&object.key)) {
            let record = records.iter().find(|record| record.name == object.key);
            let written = object.modified_at.unwrap_or(Timestamp::UNIX_EPOCH);
            all.push(FoundBackup {
                taken_at: record.map_or(written, |record| record.taken_at),
                size_bytes: object.size_bytes,
                took_ms: record.map(|record| record.took_ms),
                record: record.cloned(),
                name: object.key,
            });
        }
        // A record whose object is gone is a backup that is gone: it is told, and not forgotten.
        let ours = records.iter().filter(|_| declared.make);
        let lost = ours.filter(|record| !all.iter().any(|one| one.name == record.name));
        let lost: Vec<FoundBackup> = lost.map(of_record).collect();
        all.extend(lost);
        newest_first(&mut all);
        for one in all.iter_mut().take(TOLD).filter(|one| one.record.is_none()) {
            self.told_by_itself(declared.format, one).await?;
        }
        newest_first(&mut all);
        Ok(all)
    }

    /// A dump that says that it is of another day than its object is as old as it says.
    async fn told_by_itself(
        &self,
        format: BackupFormat,
        backup: &mut FoundBackup,
    ) -> Result<(), String> {
        if format != BackupFormat::PostgresDump {
            return Ok(());
        }
        let begins = self.client()?.beginning(&backup.name, HEADER_BYTES).await;
        let begins = begins.map_err(|error| self.told(error))?;
        if let Ok(header) = dump_header::read(begins.as_slice()) {
            as_old_as_it_says(backup, &header);
        }
        Ok(())
    }

    /// What the store says of a backup, without reading it.
    pub(super) async fn mark(&self, name: &str, record: Option<&Backup>) -> Result<Mark, String> {
        let head = self.client()?.head(name).await.map_err(|error| self.told(error))?;
        let Some(head) = head else { return Ok(Mark::Gone) };
        let is_same = |record: &Backup| {
            record.etag.is_some()
                && record.etag == head.etag
                && record.size_bytes == head.size_bytes
        };
        Ok(if record.is_some_and(is_same) { Mark::Same } else { Mark::Other })
    }

    /// Why a backup is not what was written, if it is not. All of it is read where its mark is another one.
    pub(super) async fn altered(&self, record: &Backup) -> Result<Option<String>, String> {
        match self.mark(&record.name, Some(record)).await? {
            Mark::Same => Ok(None),
            Mark::Gone => Ok(Some("its object is gone".to_owned())),
            Mark::Other => {
                let read =
                    self.client()?.sum(&record.name).await.map_err(|error| self.told(error))?;
                let is_other = read != (record.size_bytes, record.sha256.clone());
                Ok(is_other.then(|| "its contents are not what was written".to_owned()))
            }
        }
    }

    /// Fetches a backup into a new file, and the sum beside it into another one, if there is one.
    pub(super) async fn fetch(&self, name: &str, file: &Path, sum: &Path) -> Result<(), String> {
        let client = self.client()?;
        client.get_to(name, file).await.map_err(|error| self.told(error))?;
        match client.get_to(&format!("{name}{}", folder::SUM), sum).await {
            Err(error) if !error.is_gone() => Err(self.told(error)),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Puts the sum of a backup beside it, as `sha256sum` writes it, and our record of it into our own folder.
    pub(super) async fn keep(&self, record: &Backup) -> Result<(), String> {
        let line = format!("{}  {}\n", record.sha256, record.name);
        let beside = format!("{}{}", record.name, folder::SUM);
        let put = self.client()?.put_stream(&beside, line.as_bytes()).await;
        put.map_err(|error| self.told(error))?;
        let kept = || -> io::Result<()> {
            crate::adapters::private_file::folder(&self.records)?;
            folder::keep_record(&self.records, record)
        };
        kept().map_err(|error| format!("failed to write its record: {error}"))
    }

    /// Takes a backup away, then the sum beside it; its record last: whatever fails is tried again as long as that is here.
    pub(super) async fn remove(&self, name: &str) -> Result<(), String> {
        let client = self.client()?;
        for object in [name.to_owned(), format!("{name}{}", folder::SUM)] {
            client.delete(&object).await.map_err(|error| self.told(error))?;
        }
        folder::remove_record(&self.records, name)
            .map_err(|error| format!("failed to take its record away: {error}"))
    }

    /// Ends uploads of ours that a run left which was killed. What cannot be ended is told of as an upload that never ended.
    pub(super) async fn end_left(&self, declared: &DeclaredBackup, now: Timestamp) {
        let Ok(client) = self.client() else { return };
        let before = now.checked_sub(LEFT).unwrap_or(Timestamp::MIN);
        let is_ours = |key: &str| is_made_by_us(&declared.name, key);
        if let Err(error) = client.end_uploads(before, is_ours).await {
            tracing::debug!("no upload that was left could be ended: {}", self.told(error));
        }
    }
}
