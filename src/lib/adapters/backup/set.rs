//! The backups of one thing: where they lie, what can be known of them, and what tends them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::clear::Unclear;
use super::elsewhere::Elsewhere;
use super::files::{found, is_ours};
use super::folder;
use super::home::Home;
use super::in_bucket::InBucket;
use super::passed_over::passed_over;
use super::programs::ServerPrograms;
use super::unfinished;
use crate::adapters::postgres::Postgres;
use crate::adapters::s3::Client;
use crate::domain::operation::{DataKind, DataRef, DataState, Measure, Upkeep};
use crate::domain::sight::{Blind, Sight};
use crate::domain::upkeep::{
    Backup, BackupFormat, BackupSetLook, CopyLook, DeclaredBackup, FoundBackup,
};
use crate::ports::Pending;
use crate::ports::clock::Clock;
use crate::ports::data_store::{BackupStore, DataStoreControl, no_such_verb};
use crate::ports::processes::ActFailure;

/// So long may a backup take on its way out of its bucket, when it is copied to another place.
const COPY: Duration = Duration::from_mins(20);

/// Where an agent keeps what it knows of backups, and restores them.
#[derive(Clone, Debug)]
pub struct BackupPlace {
    /// The folder of our notes: what was proved, and when.
    pub notes: PathBuf,
    /// Where what is fetched or decrypted may lie, and a server for a restore where it runs as ourselves.
    pub scratch: PathBuf,
    /// Where the settings say that a server for a restore lies, if they do.
    pub servers: Option<PathBuf>,
}

/// The backups of one thing.
pub struct BackupSet {
    pub(super) declared: DeclaredBackup,
    pub(super) home: Home,
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
        let home = Home::Folder(declared.folder.clone().unwrap_or_default().into());
        Self { declared, home, place, database, programs, elsewhere: Vec::new(), clock }
    }

    /// The same in a bucket, which is called `name` in the settings.
    #[must_use]
    pub fn in_bucket(self, name: &str, client: Sight<Client>) -> Self {
        let home = Home::Bucket(InBucket::new(name, client, &self.place.notes));
        Self { home, ..self }
    }

    /// The same, with the other places that hold the newest, in the order of the settings.
    #[must_use]
    pub fn copied_to(self, elsewhere: Vec<Elsewhere>) -> Self {
        Self { elsewhere, ..self }
    }

    /// Every backup, newest first.
    pub(super) async fn found(&self) -> Result<Vec<FoundBackup>, String> {
        match &self.home {
            Home::Folder(folder) => {
                let mut all = found(folder, &self.declared)?;
                unfinished::leave_out(folder, &mut all, self.clock.as_ref()).await;
                Ok(all)
            }
            Home::Bucket(bucket) => bucket.found(&self.declared).await,
        }
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
            passed_over: match &self.home {
                Home::Folder(folder) => passed_over(folder, &self.declared),
                Home::Bucket(_) => Vec::new(),
            },
        })
    }

    /// The SHA-256 of a backup, where it is known without reading all of it: from our record, or from the sum beside it.
    fn sum_of(&self, backup: &FoundBackup) -> Option<String> {
        let recorded = backup.record.as_ref().map(|record| record.sha256.clone());
        let Home::Folder(folder) = &self.home else { return recorded };
        recorded.or_else(|| {
            let beside = folder.join(format!("{}{}", backup.name, folder::SUM));
            folder::sum_in(&std::fs::read_to_string(beside).ok()?).map(str::to_owned)
        })
    }

    async fn copies(&self, newest: Option<&FoundBackup>) -> Vec<CopyLook> {
        let mut looks = Vec::new();
        let sum = newest.and_then(|newest| self.sum_of(newest));
        for (declared, place) in self.declared.copies.iter().zip(&self.elsewhere) {
            let holds = match newest {
                Some(newest) => place.holds(newest, sum.as_deref()).await,
                None => Ok(None),
            };
            let compared = holds.as_ref().ok().copied().flatten().unwrap_or_default();
            looks.push(CopyLook {
                place: place.name(),
                medium: declared.medium.clone(),
                offsite: declared.offsite,
                holds_newest: holds.map(|how| how.is_some()),
                compared,
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
        let mut lacking = Vec::new();
        let sum = self.sum_of(newest);
        for place in &self.elsewhere {
            if !matches!(place.holds(newest, sum.as_deref()).await, Ok(Some(_))) {
                lacking.push(place);
            }
        }
        if lacking.is_empty() {
            return Err(ActFailure::NotSent("it is in all of them".to_owned()));
        }
        let file = self.at_hand(newest, COPY).await.map_err(|unclear| match unclear {
            Unclear::Flawed(flaw) => ActFailure::Refused(flaw.why),
            Unclear::Unread(why) => ActFailure::Refused(why),
        })?;
        let (mut put, mut failed) = (Vec::new(), Vec::new());
        for place in lacking {
            // One that cannot be reached keeps no other from its copy.
            let done = match place.put(&file.path(), &newest.name).await {
                Ok(()) => match &sum {
                    Some(sum) => place.put_sum(sum, &newest.name).await,
                    None => Ok(()),
                },
                Err(why) => Err(why),
            };
            match done {
                Ok(()) => put.push(place.name()),
                Err(why) => failed.push(why),
            }
        }
        if !failed.is_empty() {
            return Err(ActFailure::Refused(failed.join("; ")));
        }
        Ok(format!("{} is in {} now", newest.name, put.join(", ")))
    }

    /// Takes away what is past its retention, here and in the other places.
    async fn prune(&self) -> Result<String, ActFailure> {
        let all = self.records().map_err(ActFailure::Refused)?;
        let all: Vec<Backup> = all.into_iter().filter(|one| is_ours(&self.declared, one)).collect();
        let keep = usize::try_from(self.declared.kept).unwrap_or(usize::MAX);
        let good = self.newest_good(&all).await.map_err(ActFailure::Refused)?;
        let gone = folder::past_retention(&all, good, keep, &self.place.notes)?;
        for backup in &gone {
            // Its copies first: whatever cannot be taken away is tried again, as long as its record is here.
            for place in &self.elsewhere {
                place.remove(&backup.name).await.map_err(ActFailure::Refused)?;
            }
            self.remove(backup).await.map_err(ActFailure::Refused)?;
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
