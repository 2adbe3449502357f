//! A dump of a PostgreSQL database, made by `pg_dump`, and encrypted on its way where the settings say so. It goes into a file
//! that is no backup's and is renamed when all of it is on the disk, or into an object that appears when all of it is there.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use jiff::Timestamp;

use super::BackupSet;
use super::files::MADE;
use super::flow::{Passed, Tally};
use super::folder::{self, unwritten};
use super::home::Home;
use super::programs::finished;
use crate::adapters::child::{Program, Taker};
use crate::adapters::disk_room;
use crate::adapters::postgres::Postgres;
use crate::adapters::store::{stamp, sync_folder};
use crate::domain::upkeep::{Backup, BackupSource};
use crate::ports::processes::ActFailure;

/// A file that is being written; one that a crash left behind is taken away by the next backup.
const UNFINISHED: &str = ".unfinished.dump";

/// So often a dump is begun that others waited for.
const ATTEMPTS: u32 = 3;
/// So long after it gave way.
const PAUSE: Duration = Duration::from_secs(10);

/// A dump that was begun.
pub(super) struct Begun {
    pub(super) taken_at: Timestamp,
    /// By the clock that nobody sets.
    at: Duration,
    /// It has so long.
    pub(super) time: Duration,
}

/// A file that is written, and summed up on the way.
struct Written {
    file: File,
    tally: Tally,
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
        let made = match &self.home {
            Home::Folder(folder) => {
                self.has_room(folder).await.map_err(ActFailure::Refused)?;
                let made = self.giving_way(&database, time).await;
                if made.is_err() {
                    let _absent = std::fs::remove_file(folder.join(UNFINISHED));
                }
                made
            }
            Home::Bucket(bucket) => {
                bucket.end_left(&self.declared, self.clock.now()).await;
                self.giving_way(&database, time).await
            }
        };
        let backup = made?;
        Ok(format!("{} of {} bytes in {} ms", backup.name, backup.size_bytes, backup.took_ms))
    }

    /// What the last one took must be free once more.
    async fn has_room(&self, folder: &Path) -> Result<(), String> {
        let last = self.found().await?.first().map_or(0, |newest| newest.size_bytes);
        disk_room::has_room(folder, last, "the last backup took")
    }

    /// A dump keeps everybody from changing a table's form, and whoever waits for that keeps everybody from the table: so it
    /// gives way, and is begun anew while there is time.
    async fn giving_way(&self, database: &Postgres, time: Duration) -> Result<Backup, ActFailure> {
        let end = self.clock.elapsed() + time;
        for attempt in 1.. {
            let at = self.clock.elapsed();
            let begun = Begun { taken_at: self.clock.now(), at, time: end.saturating_sub(at) };
            let made = match &self.home {
                Home::Folder(folder) => self.as_file(folder, database, &begun).await,
                Home::Bucket(bucket) => self.as_object(bucket, database, &begun).await,
            };
            if let Some(made) = made {
                return made;
            }
            if attempt == ATTEMPTS || self.clock.elapsed() + PAUSE >= end {
                break;
            }
            self.clock.sleep(PAUSE).await;
        }
        Err(ActFailure::NotSent("others waited for it, so it gave way".to_owned()))
    }

    /// A dump as a file; nothing where it gave way.
    async fn as_file(
        &self,
        folder: &Path,
        database: &Postgres,
        begun: &Begun,
    ) -> Option<Result<Backup, ActFailure>> {
        let unfinished = folder.join(UNFINISHED);
        let mut written = match Written::to(&unfinished) {
            Ok(written) => written,
            Err(error) => return Some(Err(unwritten(&error))),
        };
        let dumped = self.unless_others_wait(database, &mut written, begun.time).await?;
        Some(dumped.and_then(|source| {
            let kept = || -> io::Result<Backup> {
                let record = self.record(begun, source, written.on_the_disk()?);
                kept_as(folder, &unfinished, record)
            };
            kept().map_err(|error| unwritten(&error))
        }))
    }

    /// What the database was, once all of the dump is taken; the dump is given up as soon as somebody waits for it, or when its
    /// time is over: it is gone when this returns nothing.
    pub(super) async fn unless_others_wait(
        &self,
        database: &Postgres,
        taker: &mut impl Taker,
        time: Duration,
    ) -> Option<Result<BackupSource, ActFailure>> {
        let dumped = pin!(self.dumped(database, taker, time));
        let waited = pin!(database.until_others_wait());
        match select(select(dumped, waited), self.clock.sleep(time)).await {
            Either::Left((Either::Left((made, _)), _)) => Some(made),
            Either::Left((Either::Right((Err(why), _)), _)) => Some(Err(ActFailure::NotSent(why))),
            Either::Left((Either::Right((Ok(()), _)), _)) => None,
            Either::Right(_) => Some(Err(too_long(time))),
        }
    }

    async fn dumped(
        &self,
        database: &Postgres,
        taker: &mut impl Taker,
        time: Duration,
    ) -> Result<BackupSource, ActFailure> {
        let moment = database.moment(time).await?;
        let snapshot = format!("--snapshot={}", moment.id);
        let streamed = self.streamed(database, &snapshot, taker, time).await;
        let source = moment.source.clone();
        moment.end().await;
        streamed.map(|()| source)
    }

    /// The record of one that is taken.
    pub(super) fn record(&self, begun: &Begun, source: BackupSource, passed: Passed) -> Backup {
        let took = self.clock.elapsed().saturating_sub(begun.at).as_millis();
        Backup {
            name: self.name_of(begun),
            taken_at: begun.taken_at,
            size_bytes: passed.size_bytes,
            sha256: passed.sha256,
            took_ms: u64::try_from(took).unwrap_or(u64::MAX),
            source: Some(BackupSource { roles: Vec::new(), ..source }),
            key_id: self.declared.key_id().map(str::to_owned),
            etag: None,
            fault: None,
        }
    }

    pub(super) fn name_of(&self, begun: &Begun) -> String {
        format!("{}-{}{MADE}", self.declared.name, stamp(begun.taken_at))
    }

    async fn streamed(
        &self,
        database: &Postgres,
        snapshot: &str,
        taker: &mut impl Taker,
        time: Duration,
    ) -> Result<(), ActFailure> {
        let words = ["--format=custom", "--no-password", "--lock-wait-timeout=2000", snapshot];
        let mut dump = self.programs.program("pg_dump", &words).map_err(ActFailure::Refused)?;
        for (name, value) in database.environment() {
            dump = dump.env(&name, value);
        }
        let dump = dump.deadline(time);
        let refused = |why: String| ActFailure::Refused(why.replace("pg_dump: error: ", ""));
        match &self.declared.encryption {
            None => {
                let outcome = dump.feed(taker).await.map_err(|error| unwritten(&error))?;
                finished(outcome).map_err(refused)?;
            }
            Some(encryption) => {
                let filter = Program::new(encryption.encrypt.clone()).deadline(time);
                let both = dump.feed_through(filter, taker).await;
                let (dumped, filtered) = both.map_err(|error| unwritten(&error))?;
                // Where the second fails, the first cannot go on: its own words are the cause.
                finished(filtered)
                    .map_err(|why| ActFailure::Refused(format!("it cannot be encrypted: {why}")))?;
                finished(dumped).map_err(refused)?;
            }
        }
        Ok(())
    }
}

/// Nobody waited for it, and it is not done.
fn too_long(time: Duration) -> ActFailure {
    let seconds = time.as_millis().div_ceil(1000);
    ActFailure::Refused(format!("it took more than {seconds} s, and was given up"))
}

impl Written {
    fn to(path: &Path) -> io::Result<Self> {
        let mut options = File::options();
        let file = options.write(true).create(true).truncate(true).mode(0o600).open(path)?;
        Ok(Self { file, tally: Tally::default() })
    }

    /// What was written, once it is on the disk.
    fn on_the_disk(self) -> io::Result<Passed> {
        self.file.sync_all()?;
        Ok(self.tally.passed())
    }
}

impl Taker for Written {
    async fn take(&mut self, part: &[u8]) -> io::Result<()> {
        self.file.write_all(part)?;
        self.tally.add(part);
        Ok(())
    }
}

/// Gives it its name, and the record with which it is held from now on.
fn kept_as(folder: &Path, unfinished: &Path, record: Backup) -> io::Result<Backup> {
    std::fs::rename(unfinished, folder.join(&record.name))?;
    sync_folder(folder)?;
    folder::keep_record(folder, &record)?;
    Ok(record)
}
