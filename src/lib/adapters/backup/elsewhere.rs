//! The other places that should hold the newest backup: folders, and buckets of object storages.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::adapters::private_file;
use crate::adapters::s3::Client;
use crate::adapters::store::sync_folder;
use crate::domain::sight::{Blind, Sight};
use crate::domain::upkeep::FoundBackup;

/// One place.
pub enum Elsewhere {
    /// A folder of this host. One that is to be on another medium may not be on the file system of the second folder: then what
    /// should be mounted there is not.
    Folder(PathBuf, Option<PathBuf>),
    /// A bucket, by its name in the settings.
    Bucket(String, Box<Sight<Client>>),
}

impl Elsewhere {
    /// What it is called in messages.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Folder(folder, _) => folder.display().to_string(),
            Self::Bucket(name, _) => format!("the bucket {name}"),
        }
    }

    /// Whether it holds a backup: under the same name, and with the same size.
    pub(super) async fn holds(&self, backup: &FoundBackup) -> Sight<bool> {
        let unread = |why: String| Blind::because(format!("{} cannot be read: {why}", self.name()));
        match self {
            Self::Folder(folder, apart) if is_together(folder, apart.as_deref()) => Err(unread(
                "it is on the file system of the backups; is what should be there mounted?"
                    .to_owned(),
            )),
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
        match self {
            Self::Folder(folder, apart) => {
                if is_together(folder, apart.as_deref()) {
                    return Err(failed("what should be mounted there is not".to_owned()));
                }
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

    /// Takes a backup away that is past its retention; one that is not there is gone.
    pub(super) async fn remove(&self, name: &str) -> Result<(), String> {
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

/// Whether a folder is on the file system of another one that it should be apart from.
fn is_together(folder: &Path, apart: Option<&Path>) -> bool {
    let device = |path: &Path| std::fs::metadata(path).map(|found| found.dev()).ok();
    apart.is_some_and(|apart| device(folder).is_some() && device(folder) == device(apart))
}
