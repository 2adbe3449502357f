//! A dump of a PostgreSQL database, made by `pg_dump`, and encrypted on its way where the settings say so: written under a name that is no backup's, and renamed when all of it is
//! on the disk.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use sha2::{Digest as _, Sha256};

use super::BackupSet;
use super::folder::{self, unwritten};
use super::programs::finished;
use crate::adapters::child::Program;
use crate::adapters::disk_room;
use crate::adapters::postgres::Postgres;
use crate::adapters::store::{hex, stamp, sync_folder};
use crate::domain::upkeep::{Backup, BackupSource};
use crate::ports::processes::ActFailure;

/// A file that is being written; one that a crash left behind is taken away by the next backup.
const UNFINISHED: &str = ".unfinished.dump";

/// So often a dump is begun that others waited for.
const ATTEMPTS: u32 = 3;
/// So long after it gave way.
const PAUSE: Duration = Duration::from_secs(10);

/// What is written, counted and summed up on its way.
struct Written {
    file: File,
    digest: Sha256,
    bytes: u64,
}

impl BackupSet {
    /// Makes one, within `time`.
    pub(super) async fn make(&self, time: Duration) -> Result<String, ActFailure> {
        let database = match &self.database {
            Some(Ok(database)) => Arc::clone(database),
            // What is declared and cannot be done has failed: whoever waits for a backup hears of it.
            Some(Err(blind)) => return Err(ActFailure::Refused(blind.why.clone())),
            None => return Err(ActFailure::Refused("it is not said of which database".to_owned())),
        };
        self.has_room().await.map_err(ActFailure::Refused)?;
        let unfinished = self.folder.join(UNFINISHED);
        let made = self.giving_way(&database, &unfinished, time).await;
        if made.is_err() {
            let _absent = std::fs::remove_file(&unfinished);
        }
        let backup = made?;
        Ok(format!("{} of {} bytes in {} ms", backup.name, backup.size_bytes, backup.took_ms))
    }

    /// What the last one took must be free once more.
    async fn has_room(&self) -> Result<(), String> {
        let last = self.found().await?.first().map_or(0, |newest| newest.size_bytes);
        disk_room::has_room(&self.folder, last, "the last backup took")
    }

    /// A dump keeps everybody from changing a table's form, and whoever waits for that keeps everybody from the table: so it
    /// gives way, and is begun anew while there is time.
    async fn giving_way(
        &self,
        database: &Postgres,
        unfinished: &Path,
        time: Duration,
    ) -> Result<Backup, ActFailure> {
        let end = self.clock.elapsed() + time;
        for attempt in 1.. {
            let left = end.saturating_sub(self.clock.elapsed());
            if let Some(made) = self.unless_others_wait(database, unfinished, left).await {
                return made;
            }
            if attempt == ATTEMPTS || self.clock.elapsed() + PAUSE >= end {
                break;
            }
            self.clock.sleep(PAUSE).await;
        }
        Err(ActFailure::NotSent("others waited for it, so it gave way".to_owned()))
    }

    /// A dump, given up as soon as somebody waits for it: it is gone when this returns.
    async fn unless_others_wait(
        &self,
        database: &Postgres,
        unfinished: &Path,
        time: Duration,
    ) -> Option<Result<Backup, ActFailure>> {
        let dumped = pin!(self.dumped(database, unfinished, time));
        let waited = pin!(database.until_others_wait(time));
        match select(dumped, waited).await {
            Either::Left((made, _)) => Some(made),
            Either::Right((Err(why), _)) => Some(Err(ActFailure::NotSent(why))),
            Either::Right((Ok(()), _)) => None,
        }
    }

    async fn dumped(
        &self,
        database: &Postgres,
        unfinished: &Path,
        time: Duration,
    ) -> Result<Backup, ActFailure> {
        let began = self.clock.elapsed();
        let taken_at = self.clock.now();
        let moment = database.moment(time).await?;
        let snapshot = format!("--snapshot={}", moment.id);
        let written = self.streamed(database, &snapshot, unfinished, time).await;
        let source = moment.source.clone();
        moment.end().await;
        let written = written?;
        let took = self.clock.elapsed().saturating_sub(began).as_millis();
        let record = Backup {
            name: format!("{}-{}.dump", self.declared.name, stamp(taken_at)),
            taken_at,
            size_bytes: written.bytes,
            sha256: hex(&written.digest.finalize()),
            took_ms: u64::try_from(took).unwrap_or(u64::MAX),
            source: Some(BackupSource { roles: Vec::new(), ..source }),
            key_id: self.declared.key_id().map(str::to_owned),
            fault: None,
        };
        self.kept(unfinished, record).map_err(|error| unwritten(&error))
    }

    async fn streamed(
        &self,
        database: &Postgres,
        snapshot: &str,
        unfinished: &Path,
        time: Duration,
    ) -> Result<Written, ActFailure> {
        let words = ["--format=custom", "--no-password", "--lock-wait-timeout=2000", snapshot];
        let mut dump = self.programs.program("pg_dump", &words).map_err(ActFailure::Refused)?;
        for (name, value) in database.environment() {
            dump = dump.env(&name, value);
        }
        let dump = dump.deadline(time);
        let mut written = Written::to(unfinished).map_err(|error| unwritten(&error))?;
        let take = |part: &[u8]| written.take(part);
        let refused = |why: String| ActFailure::Refused(why.replace("pg_dump: error: ", ""));
        match &self.declared.encryption {
            None => {
                let outcome = dump.feed(take).await.map_err(|error| unwritten(&error))?;
                finished(outcome).map_err(refused)?;
            }
            Some(encryption) => {
                let filter = Program::new(encryption.encrypt.clone()).deadline(time);
                let both = dump.feed_through(filter, take).await;
                let (dumped, filtered) = both.map_err(|error| unwritten(&error))?;
                // Where the second fails, the first cannot go on: its own words are the cause.
                finished(filtered)
                    .map_err(|why| ActFailure::Refused(format!("it cannot be encrypted: {why}")))?;
                finished(dumped).map_err(refused)?;
            }
        }
        written.file.sync_all().map_err(|error| unwritten(&error))?;
        Ok(written)
    }

    /// Gives it its name, and the record with which it is held from now on.
    fn kept(&self, unfinished: &Path, record: Backup) -> io::Result<Backup> {
        std::fs::rename(unfinished, self.folder.join(&record.name))?;
        sync_folder(&self.folder)?;
        folder::keep_record(&self.folder, &record)?;
        Ok(record)
    }
}

impl Written {
    fn to(path: &Path) -> io::Result<Self> {
        let mut options = File::options();
        let file = options.write(true).create(true).truncate(true).mode(0o600).open(path)?;
        Ok(Self { file, digest: Sha256::new(), bytes: 0 })
    }

    fn take(&mut self, part: &[u8]) -> io::Result<()> {
        self.file.write_all(part)?;
        self.digest.update(part);
        self.bytes += part.len() as u64;
        Ok(())
    }
}
