//! The other places that should hold the newest backup: folders, and buckets of object storages.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::folder;
use crate::adapters::private_file;
use crate::adapters::s3::Client;
use crate::adapters::store::sync_folder;
use crate::domain::sight::{Blind, Sight};
use crate::domain::upkeep::{Compared, FoundBackup};

/// A copy in a folder is read by every run up to so many bytes: ten seconds of a disk.
const READ_HERE: u64 = 1024 * 1024 * 1024;
/// One in a bucket up to so many: they come through a network, and may have their price.
const READ_THERE: u64 = 64 * 1024 * 1024;
/// A line of `sha256sum` with a name of usual length is shorter.
const LINE: u64 = 1024;

/// One place.
pub enum Elsewhere {
    /// A folder of this host, and what it may not be.
    Folder(PathBuf, Option<Unlike>),
    /// A bucket, by its name in the settings.
    Bucket(String, Box<Sight<Client>>),
}

/// What a folder of copies may not be, where the backups lie in a folder, too.
pub enum Unlike {
    /// That one, by whatever link.
    Folder(PathBuf),
    /// Nor may it be on its file system, as it is to be on another medium: then what should be mounted there is not.
    FileSystem(PathBuf),
}

impl Unlike {
    /// Why a folder is no place of its own, if it is none.
    fn broken_by(&self, folder: &Path) -> Option<String> {
        let (Self::Folder(own) | Self::FileSystem(own)) = self;
        let (found, own) = (std::fs::metadata(folder).ok()?, std::fs::metadata(own).ok()?);
        let folder = folder.display();
        if (found.dev(), found.ino()) == (own.dev(), own.ino()) {
            return Some(format!("{folder} is the folder of the backups itself"));
        }
        let is_near = matches!(self, Self::FileSystem(_)) && found.dev() == own.dev();
        is_near.then(|| {
            format!("{folder} is on the disk of the backups: what should be mounted there is not")
        })
    }
}

impl Elsewhere {
    /// What it is called in messages.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Folder(folder, _) => folder.display().to_string(),
            Self::Bucket(name, _) => format!("the bucket {name}"),
        }
    }

    /// Why it is no other place than that of the backups, if it is none.
    fn is_no_other(&self) -> Option<String> {
        match self {
            Self::Folder(folder, unlike) => unlike.as_ref()?.broken_by(folder),
            Self::Bucket(..) => None,
        }
    }

    /// How far what it holds under the name of a backup is alike, whose SHA-256 is `sum` where that is known; nothing where it
    /// holds none, or another one.
    pub(super) async fn holds(
        &self,
        backup: &FoundBackup,
        sum: Option<&str>,
    ) -> Sight<Option<Compared>> {
        match (self.has_its_size(backup).await?, sum) {
            (false, _) => Ok(None),
            (true, None) => Ok(Some(Compared::Size)),
            (true, Some(sum)) => {
                let compared = self.compared(backup, sum).await;
                compared.map_err(|why| {
                    Blind::because(format!("the copy in {} cannot be read: {why}", self.name()))
                })
            }
        }
    }

    /// One that is not too large is read, of another one the sum beside it.
    async fn compared(&self, backup: &FoundBackup, sum: &str) -> Result<Option<Compared>, String> {
        let beside = format!("{}{}", backup.name, folder::SUM);
        let (read, text) = match self {
            Self::Folder(place, _) if backup.size_bytes <= READ_HERE => {
                (Some(folder::sha256(&place.join(&backup.name)).map_err(|e| e.to_string())?), None)
            }
            Self::Folder(place, _) => (None, std::fs::read_to_string(place.join(beside)).ok()),
            Self::Bucket(_, client) => {
                let client = client.as_ref().as_ref().map_err(|blind| blind.why.clone())?;
                if backup.size_bytes <= READ_THERE {
                    let read = client.sum(&backup.name).await.map_err(|error| error.to_string())?;
                    (Some(read.1), None)
                } else {
                    match client.beginning(&beside, LINE).await {
                        Ok(text) => (None, String::from_utf8(text).ok()),
                        Err(error) if error.is_gone() => (None, None),
                        Err(error) => return Err(error.to_string()),
                    }
                }
            }
        };
        let (found, how) = match (&read, text.as_deref().and_then(folder::sum_in)) {
            (Some(read), _) => (read.as_str(), Compared::Contents),
            (None, Some(beside)) => (beside, Compared::SumBeside),
            (None, None) => return Ok(Some(Compared::Size)),
        };
        Ok(found.eq_ignore_ascii_case(sum).then_some(how))
    }

    async fn has_its_size(&self, backup: &FoundBackup) -> Sight<bool> {
        let unread = |why: String| Blind::because(format!("{} cannot be read: {why}", self.name()));
        if let Some(why) = self.is_no_other() {
            return Err(Blind::because(why));
        }
        match self {
            Self::Folder(folder, _) => match std::fs::metadata(folder.join(&backup.name)) {
                Ok(found) => Ok(found.is_file() && found.len() == backup.size_bytes),
                // A place that is not there at all is not one that lacks a file.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    let there = std::fs::read_dir(folder);
                    there.map(|_| false).map_err(|error| unread(error.to_string()))
                }
                Err(error) => Err(unread(error.to_string())),
            },
            Self::Bucket(_, client) => {
                let client = client.as_ref().as_ref().map_err(Clone::clone)?;
                let found = client.head(&backup.name).await;
                let found = found.map_err(|error| unread(error.to_string()))?;
                Ok(found.is_some_and(|head| head.size_bytes == backup.size_bytes))
            }
        }
    }

    /// Puts a file there. It appears under its name when all of it is there.
    pub(super) async fn put(&self, file: &Path, name: &str) -> Result<(), String> {
        let failed = |why: String| format!("it cannot be put into {}: {why}", self.name());
        if let Some(why) = self.is_no_other() {
            return Err(format!("it is not copied: {why}"));
        }
        match self {
            Self::Folder(folder, _) => {
                let copied = || -> io::Result<()> {
                    let place = folder.join(name);
                    let mut copy = private_file::unfinished(&place)?;
                    io::copy(&mut File::open(file)?, &mut copy)?;
                    copy.as_file().sync_all()?;
                    copy.persist(&place).map_err(|error| error.error)?;
                    sync_folder(folder)
                };
                copied().map_err(|error| failed(error.to_string()))
            }
            Self::Bucket(_, client) => {
                let client = client.as_ref().as_ref().map_err(|blind| failed(blind.why.clone()))?;
                let put = client.put_file(name, file).await;
                put.map(drop).map_err(|error| failed(error.to_string()))
            }
        }
    }

    /// Puts its sum beside a copy, as `sha256sum` writes it.
    pub(super) async fn put_sum(&self, sum: &str, name: &str) -> Result<(), String> {
        let failed = |why: String| format!("its sum cannot be put into {}: {why}", self.name());
        let (beside, line) = (format!("{name}{}", folder::SUM), format!("{sum}  {name}\n"));
        match self {
            Self::Folder(place, _) => {
                let put = private_file::replace(&place.join(beside), line.as_bytes());
                put.map_err(|error| failed(error.to_string()))
            }
            Self::Bucket(_, client) => {
                let client = client.as_ref().as_ref().map_err(|blind| failed(blind.why.clone()))?;
                let put = client.put_stream(&beside, line.as_bytes()).await;
                put.map(drop).map_err(|error| failed(error.to_string()))
            }
        }
    }

    /// Takes a backup and its sum away. One that is not there is gone.
    pub(super) async fn remove(&self, name: &str) -> Result<(), String> {
        self.remove_one(name).await?;
        self.remove_one(&format!("{name}{}", folder::SUM)).await
    }

    async fn remove_one(&self, name: &str) -> Result<(), String> {
        let failed = |why: String| format!("{name} cannot be taken out of {}: {why}", self.name());
        match self {
            Self::Folder(folder, _) => match std::fs::remove_file(folder.join(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    Err(failed(error.to_string()))
                }
                Ok(()) | Err(_) => Ok(()),
            },
            Self::Bucket(_, client) => {
                let client = client.as_ref().as_ref().map_err(|blind| failed(blind.why.clone()))?;
                client.delete(name).await.map_err(|error| failed(error.to_string()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn backup(size_bytes: u64) -> FoundBackup {
        FoundBackup {
            name: "a.dump".to_owned(),
            taken_at: Timestamp::UNIX_EPOCH,
            size_bytes,
            took_ms: None,
            record: None,
        }
    }

    #[tokio::test]
    async fn a_copy_is_read_while_it_is_small_and_known_by_the_sum_beside_it_while_it_is_not() {
        let there = tempfile::tempdir().unwrap();
        let (file, beside) = (there.path().join("a.dump"), there.path().join("a.dump.sha256"));
        let place = Elsewhere::Folder(there.path().to_owned(), None);
        std::fs::write(&file, "some").unwrap();
        let (sum, other) = (folder::sha256(&file).unwrap(), "0".repeat(64));
        let (small, large) = (backup(4), backup(READ_HERE + 1));
        assert_eq!(place.holds(&small, None).await, Ok(Some(Compared::Size)));
        assert_eq!(place.holds(&small, Some(&sum)).await, Ok(Some(Compared::Contents)));
        assert_eq!(place.holds(&small, Some(&other)).await, Ok(None), "another one of its size");
        assert_eq!(place.holds(&large, Some(&sum)).await, Ok(None), "another size");
        // It takes no room, and nobody reads it.
        std::fs::File::create(&file).unwrap().set_len(READ_HERE + 1).unwrap();
        assert_eq!(place.holds(&large, Some(&sum)).await, Ok(Some(Compared::Size)));
        place.put_sum(&sum, "a.dump").await.unwrap();
        assert_eq!(std::fs::read_to_string(&beside).unwrap(), format!("{sum}  a.dump\n"));
        assert_eq!(place.holds(&large, Some(&sum)).await, Ok(Some(Compared::SumBeside)));
        assert_eq!(place.holds(&large, Some(&other)).await, Ok(None), "a copy of another one");
        place.remove("a.dump").await.unwrap();
        assert!(!file.exists() && !beside.exists());
    }
}
