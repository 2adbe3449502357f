//! What is wrong with a backup, as far as that shows without restoring it, and whether it could be restored on this host.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::time::Duration;

use super::clear::Unclear;
use super::dump_header::{self, DumpHeader};
use super::folder;
use super::format;
use super::home::{AtHand, Home};
use super::in_bucket::Mark;
use super::{BackupSet, decrypting};
use crate::domain::upkeep::{Backup, BackupFormat, Flaw, FoundBackup, Level};

/// So long may a look at the newest take.
const LOOK: Duration = Duration::from_mins(20);

impl BackupSet {
    /// What is wrong with a backup, as far as that shows without restoring it, and what could not be looked at. One that was
    /// read back from its bucket is not read again while the bucket's own mark of it is the same.
    pub(super) async fn examined(&self, backup: &FoundBackup) -> (Vec<Flaw>, Option<String>) {
        if let Home::Bucket(bucket) = &self.home {
            match bucket.mark(&backup.name, backup.record.as_ref()).await {
                Ok(Mark::Other) => {}
                Ok(Mark::Same) => {
                    return (self.of_another(backup).await.into_iter().collect(), None);
                }
                Ok(Mark::Gone) => {
                    return (vec![Flaw::new(Level::Intact, "its object is gone")], None);
                }
                Err(why) => return (Vec::new(), Some(why)),
            }
        }
        self.read_through(backup, LOOK).await
    }

    /// The same of its contents, which are read to their end.
    pub(super) async fn read_through(
        &self,
        backup: &FoundBackup,
        time: Duration,
    ) -> (Vec<Flaw>, Option<String>) {
        match self.at_hand(backup, time).await {
            Ok(file) => self.of_file(backup, &file, time).await,
            Err(Unclear::Flawed(flaw)) => (vec![flaw], None),
            Err(Unclear::Unread(why)) => (Vec::new(), Some(why)),
        }
    }

    async fn of_file(
        &self,
        backup: &FoundBackup,
        file: &AtHand,
        time: Duration,
    ) -> (Vec<Flaw>, Option<String>) {
        let file = file.path();
        let mut flaws = Vec::new();
        if let Some(record) = &backup.record {
            let altered = folder::altered(&file, record);
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
        let clear = match self.clear(&file, time).await {
            Ok(clear) => clear,
            Err(Unclear::Flawed(flaw)) => return (vec![flaw], None),
            Err(Unclear::Unread(why)) => return (Vec::new(), Some(why)),
        };
        // What its header tells needs nobody's programs.
        let other = self.of_another_database(&clear.path());
        if let Err(why) = self.readable(&clear.path()).await {
            return (other.into_iter().collect(), Some(why));
        }
        let shown = format::look(&clear.path(), self.declared.format, &self.programs, time).await;
        flaws.extend(shown.flaws);
        flaws.extend(other);
        (flaws, shown.unread)
    }
}

impl BackupSet {
    /// Whether one can be restored on this host: its programs are there, of a version that can read it, and what decrypts it.
    pub(super) async fn provable(&self, newest: Option<&FoundBackup>) -> Result<(), String> {
        self.programs.folder()?;
        self.scratch().await?;
        if let Some(encryption) = &self.declared.encryption {
            decrypting::lacking(&encryption.decrypt).map_or(Ok(()), Err)?;
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

    /// The major version of the server that it was taken of, as its record tells, or its own header where that is at hand.
    fn major(&self, backup: &FoundBackup) -> Option<u32> {
        let recorded = backup.source().map(|source| source.version / 10_000);
        let Home::Folder(folder) = &self.home else { return recorded };
        recorded.or_else(|| self.header(&folder.join(&backup.name))?.major())
    }

    /// What the header of a dump in the clear tells.
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
        let source = backup.source()?;
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
