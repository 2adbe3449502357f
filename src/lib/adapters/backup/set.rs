//! The backups of one thing: where they lie, what can be known of them, and what tends them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::clear::Unclear;
use super::dump_header::{self, DumpHeader};
use super::elsewhere::Elsewhere;
use super::files::{found, is_ours};
use super::folder::{self, unwritten};
use super::format;
use super::programs::ServerPrograms;
use super::unfinished;
use crate::adapters::child::find;
use crate::adapters::postgres::Postgres;
use crate::domain::operation::{DataKind, DataRef, DataState, Measure, Upkeep};
use crate::domain::sight::{Blind, Sight};
use crate::domain::upkeep::{
    Backup, BackupFormat, BackupSetLook, CopyLook, DeclaredBackup, Flaw, FoundBackup, Level,
};
use crate::ports::Pending;
use crate::ports::clock::Clock;
use crate::ports::data_store::{BackupStore, DataStoreControl, no_such_verb};
use crate::ports::processes::ActFailure;

/// So long may a look at the newest take.
const LOOK: Duration = Duration::from_mins(20);

/// Where an agent keeps what it knows of backups, and restores them.
#[derive(Clone, Debug)]
pub struct BackupPlace {
    /// The folder of our notes: what was proved, and when.
    pub notes: PathBuf,
    /// Where a server for a restore may lie.
    pub scratch: PathBuf,
}

/// The backups of one thing.
pub struct BackupSet {
    pub(super) declared: DeclaredBackup,
    pub(super) folder: PathBuf,
    pub(super) place: BackupPlace,
    /// The database that they are taken of, where the settings name one.
    pub(super) database: Option<Sight<Arc<Postgres>>>,
    pub(super) programs: ServerPrograms,
    /// The other places, in the order of the settings.
    pub(super) elsewhere: Vec<Elsewhere>,
    pub(super) clock: Arc<dyn Clock>,
}

impl BackupSet {
    /// The backups that `declared` speaks of.
    #[must_use]
    pub fn new(
        declared: DeclaredBackup,
        place: BackupPlace,
        database: Option<Sight<Arc<Postgres>>>,
        programs: ServerPrograms,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let folder = PathBuf::from(&declared.folder);
        Self { declared, folder, place, database, programs, elsewhere: Vec::new(), clock }
    }

    /// The same, with the other places that hold the newest, in the order of the settings.
    #[must_use]
    pub fn copied_to(self, elsewhere: Vec<Elsewhere>) -> Self {
        Self { elsewhere, ..self }
    }

    /// Every backup in the folder, newest first.
    pub(super) async fn found(&self) -> Result<Vec<FoundBackup>, String> {
        let mut all = found(&self.folder, &self.declared)?;
        unfinished::leave_out(&self.folder, &mut all, self.clock.as_ref()).await;
        Ok(all)
    }

    /// What is wrong with a backup, as far as that shows without restoring it, and what could not be looked at.
    pub(super) async fn examined(&self, backup: &FoundBackup) -> (Vec<Flaw>, Option<String>) {
        let file = self.folder.join(&backup.name);
        let mut flaws = Vec::new();
        if let Some(record) = &backup.record {
            let altered = folder::fault(&self.folder, record);
            flaws.extend(altered.map(|why| Flaw::new(Level::Intact, why)));
        } else {
            match folder::of_another_sum(&file) {
                Ok(altered) => flaws.extend(altered.map(|why| Flaw::new(Level::Intact, why))),
                Err(why) => return (Vec::new(), Some(why)),
            }
        }
        if backup.size_bytes == 0 {
            flaws.push(Flaw::new(Level::Intact, "it is empty"));
        }
        if !flaws.is_empty() {
            return (flaws, None);
        }
        flaws.extend(self.of_another(backup).await);
        if !flaws.is_empty() {
            return (flaws, None);
        }
        let clear = match self.clear(&file, LOOK).await {
            Ok(clear) => clear,
            Err(Unclear::Flawed(why)) => return (vec![Flaw::new(Level::Intact, why)], None),
            Err(Unclear::Unread(why)) => return (Vec::new(), Some(why)),
        };
        if let Err(why) = self.readable(clear.path()).await {
            return (Vec::new(), Some(why));
        }
        let shown = format::look(clear.path(), self.declared.format, &self.programs, LOOK).await;
        flaws.extend(shown.flaws);
        flaws.extend(self.of_another_database(clear.path()));
        (flaws, shown.unread)
    }

    async fn seen(&self) -> Sight<BackupSetLook> {
        let backups = self.found().await.map_err(Blind::because)?;
        let (flaws, unread) = match backups.first() {
            Some(newest) => self.examined(newest).await,
            None => (Vec::new(), None),
        };
        // Without a server's programs a dump is not even read to its end, whether or not one should be restored.
        let lacking =
            self.declared.format == BackupFormat::PostgresDump && self.programs.folder().is_err();
        let unprovable = if self.declared.is_proved() || lacking {
            self.provable(backups.first()).await.err()
        } else {
            None
        };
        let copies = self.copies(backups.first()).await;
        Ok(BackupSetLook {
            proof: folder::proof(&self.place.notes).map_err(Blind::because)?,
            proved: folder::proved(&self.place.notes).map_err(Blind::because)?,
            copies,
            backups,
            flaws,
            unread,
            unprovable,
        })
    }

    async fn copies(&self, newest: Option<&FoundBackup>) -> Vec<CopyLook> {
        let mut looks = Vec::new();
        for (declared, place) in self.declared.copies.iter().zip(&self.elsewhere) {
            let holds_newest = match newest {
                Some(newest) => place.holds(newest).await,
                None => Ok(false),
            };
            looks.push(CopyLook {
                place: place.name(),
                medium: declared.medium.clone(),
                offsite: declared.offsite,
                holds_newest,
            });
        }
        looks
    }

    /// Puts the newest where it is missing.
    async fn copy(&self) -> Result<String, ActFailure> {
        let all = self.found().await.map_err(ActFailure::Refused)?;
        let newest = all.first();
        let newest =
            newest.ok_or_else(|| ActFailure::NotSent("there is no backup to copy".to_owned()))?;
        let file = self.folder.join(&newest.name);
        let (mut put, mut failed) = (Vec::new(), Vec::new());
        for place in &self.elsewhere {
            if place.holds(newest).await == Ok(true) {
                continue;
            }
            // One that cannot be reached keeps no other from its copy.
            match place.put(&file, &newest.name).await {
                Ok(()) => put.push(place.name()),
                Err(why) => failed.push(why),
            }
        }
        if !failed.is_empty() {
            return Err(ActFailure::Refused(failed.join("; ")));
        }
        if put.is_empty() {
            return Err(ActFailure::NotSent("it is in all of them".to_owned()));
        }
        Ok(format!("{} is in {} now", newest.name, put.join(", ")))
    }

    /// Takes away what is past its retention, here and in the other places.
    async fn prune(&self) -> Result<String, ActFailure> {
        let all = folder::listed(&self.folder).map_err(ActFailure::Refused)?;
        let all: Vec<Backup> = all.into_iter().filter(|one| is_ours(&self.declared, one)).collect();
        let proved = folder::proved(&self.place.notes).map_err(ActFailure::Refused)?;
        let keep = usize::try_from(self.declared.kept).unwrap_or(usize::MAX);
        let gone = folder::past_retention(&self.folder, &all, keep, proved.as_ref())?;
        for backup in &gone {
            // Its copies first: whatever cannot be taken away is tried again, as long as its record is here.
            for place in &self.elsewhere {
                place.remove(&backup.name).await.map_err(ActFailure::Refused)?;
            }
            folder::remove(&self.folder, backup).map_err(|error| unwritten(&error))?;
        }
        Ok(format!("{} taken away, {} stay", gone.len(), all.len() - gone.len()))
    }

    async fn state_of(&self, data: &DataRef) -> Sight<Option<DataState>> {
        if data.kind != DataKind::Backups {
            return Ok(None);
        }
        let all = self.found().await.map_err(Blind::because)?;
        let mut measures = BTreeMap::from([(Measure::Count, all.len().to_string())]);
        if let Some(newest) = all.first() {
            measures.insert(Measure::TakenAt, newest.taken_at.to_string());
            measures.insert(Measure::SizeBytes, newest.size_bytes.to_string());
        }
        if !self.elsewhere.is_empty() {
            let copies = self.copies(all.first()).await;
            let there = copies.iter().filter(|copy| copy.holds_newest == Ok(true)).count();
            measures.insert(Measure::Copies, there.to_string());
        }
        let proved = folder::proved(&self.place.notes).map_err(Blind::because)?;
        if let Some(proof) = proved {
            measures.insert(Measure::ProvedAt, proof.proved_at.to_string());
            measures.insert(Measure::RestoreMs, proof.restore_ms.to_string());
        }
        Ok(Some(DataState { data: data.clone(), measures }))
    }
}

impl BackupStore for BackupSet {
    fn look(&self) -> Pending<'_, Sight<BackupSetLook>> {
        Box::pin(self.seen())
    }
}

impl DataStoreControl for BackupSet {
    fn read<'a>(&'a self, data: &'a DataRef) -> Pending<'a, Sight<Option<DataState>>> {
        Box::pin(self.state_of(data))
    }

    fn carry_out<'a>(
        &'a self,
        verb: Upkeep,
        _data: &'a DataRef,
        time: Duration,
    ) -> Pending<'a, Result<String, ActFailure>> {
        Box::pin(async move {
            match verb {
                Upkeep::TakeBackup => self.make(time).await,
                Upkeep::CopyBackup => self.copy().await,
                Upkeep::PruneBackups => self.prune().await,
                Upkeep::ProveRestore => self.prove(time).await,
                other => Err(no_such_verb(other, "a folder of backups")),
            }
        })
    }
}

impl BackupSet {
    /// Whether one can be restored on this host: its programs are there, and of a version that can read it.
    pub(super) async fn provable(&self, newest: Option<&FoundBackup>) -> Result<(), String> {
        self.programs.folder()?;
        ServerPrograms::account()?;
        if let Some(encryption) = &self.declared.encryption {
            let program = encryption.decrypt.first();
            let program = program.ok_or("it is not said what decrypts it (encryption.decrypt)")?;
            find(program)
                .ok_or_else(|| format!("`{program}`, which decrypts it, is not on this host"))?;
        }
        let Some(newest) = newest else { return Ok(()) };
        self.reads(self.major(newest)).await
    }

    /// Whether this host's programs can read a dump in the clear.
    async fn readable(&self, file: &Path) -> Result<(), String> {
        self.reads(self.header(file).and_then(|header| header.major())).await
    }

    /// A dump is read by programs of its own version, or of a later one.
    async fn reads(&self, needed: Option<u32>) -> Result<(), String> {
        let Some(needed) = needed else { return Ok(()) };
        let here = self.programs.major().await?;
        if here < needed {
            return Err(format!(
                "it is of a server {needed}, and the one found in {} is {here}: set postgres.bin_dir",
                self.programs.folder()?.display()
            ));
        }
        Ok(())
    }

    /// The major version of the server that it was taken of, as its record or its own header tells.
    fn major(&self, backup: &FoundBackup) -> Option<u32> {
        let source = backup.record.as_ref().and_then(|record| record.source.as_ref());
        let recorded = source.map(|source| source.version / 10_000);
        recorded.or_else(|| self.header(&self.folder.join(&backup.name))?.major())
    }

    fn header(&self, file: &Path) -> Option<DumpHeader> {
        if self.declared.format != BackupFormat::PostgresDump {
            return None;
        }
        dump_header::read(BufReader::new(File::open(file).ok()?)).ok()
    }

    /// What a record says it is a backup of, where that is not what the settings say.
    async fn of_another(&self, backup: &FoundBackup) -> Option<Flaw> {
        let flaw = |why| Some(Flaw::new(Level::Intact, why));
        let wanted = self.declared.key_id();
        let other = |record: &&Backup| record.key_id.as_deref() != wanted;
        if let Some(record) = backup.record.as_ref().filter(other) {
            let named = |key: Option<&str>| match key {
                Some(key) => format!("with the key {key}"),
                None => "with no key".to_owned(),
            };
            return flaw(format!(
                "it is encrypted {}, and should be {}",
                named(record.key_id.as_deref()),
                named(wanted)
            ));
        }
        let Some(Ok(database)) = &self.database else { return None };
        let source = backup.record.as_ref().and_then(|record| record.source.as_ref())?;
        let cluster = database.cluster().await.ok()?;
        let told = !source.cluster.is_empty() && !cluster.is_empty();
        if told && source.cluster != cluster {
            return flaw(format!(
                "it was taken of another server ({}) than {cluster}",
                source.cluster
            ));
        }
        None
    }

    /// A dump whose own header says that it is of a database of another name.
    fn of_another_database(&self, file: &Path) -> Option<Flaw> {
        let Some(Ok(database)) = &self.database else { return None };
        let (known, of) = (database.database_name(), self.header(file)?.database);
        let why = || format!("it is a dump of the database {of}, and should be of {known}");
        (of != known).then(|| Flaw::new(Level::Intact, why()))
    }
}
