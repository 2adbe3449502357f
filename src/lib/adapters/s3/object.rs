//! Single objects: put from a file, fetched into one, looked at, removed.

use std::io;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::Response;
use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout_at;

use super::answer::LATE;
use super::client::{Client, SHORT, end_of, named};
use super::error::{Refusal, S3Error, of_http};
use super::multipart::{Put, part_bytes};
use crate::adapters::private_file;

/// The next piece of an object may take so long.
const PIECE: Duration = Duration::from_mins(1);

/// What a store says of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its size in bytes.
    pub size_bytes: u64,
    /// When it was last written, where the store tells.
    pub modified_at: Option<Timestamp>,
    /// The store's mark of its content.
    pub etag: Option<String>,
}

impl Client {
    /// Puts a file as one object, as [`Client::put_stream`] does; its size chooses the parts, so that 5 TiB fit.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or the store does not take it.
    pub async fn put_file(&self, key: &str, path: &Path) -> Result<Put, S3Error> {
        let ours = |source| S3Error::File { what: "read the file that is to be stored", source };
        let file = tokio::fs::File::open(path).await.map_err(ours)?;
        let size = file.metadata().await.map_err(ours)?.len();
        self.put(key, file, part_bytes(size)).await
    }

    /// Fetches an object into a new file, which appears under its name, for us alone, when all of it is there and on the
    /// disk. Returns its size in bytes.
    ///
    /// # Errors
    ///
    /// The object cannot be read to its end, or the file exists or cannot be written.
    pub async fn get_to(&self, key: &str, path: &Path) -> Result<u64, S3Error> {
        let ours = |source| S3Error::File { what: "write the file that is fetched", source };
        let response =
            self.open(self.bucket.get_object(Some(self.credentials()), named(key)?)).await?;
        let promised = response.content_length();
        let unfinished = private_file::unfinished(path).map_err(ours)?;
        let file = unfinished.as_file().try_clone().map_err(ours)?;
        let written = written(response, tokio::fs::File::from_std(file)).await?;
        if promised.is_some_and(|promised| promised != written) {
            return Err(S3Error::Lost("it ended before its end".to_owned()));
        }
        unfinished.persist_noclobber(path).map_err(|error| ours(error.error))?;
        Ok(written)
    }

    /// What the store says of an object; `None` where the bucket is there and has no such object.
    ///
    /// # Errors
    ///
    /// The store cannot be asked, or the bucket is not there.
    pub async fn head(&self, key: &str) -> Result<Option<Head>, S3Error> {
        let action = self.bucket.head_object(Some(self.credentials()), named(key)?);
        let answer = self.answer(&action, Vec::new(), SHORT).await?;
        if answer.status() == 404 {
            // Such an answer has no body that would say what is missing.
            let bucket = self.bucket.head_bucket(Some(self.credentials()));
            return match self.answer(&bucket, Vec::new(), SHORT).await? {
                found if found.status() == 404 => Err(no_bucket()),
                found => found.accepted().map(|_| None),
            };
        }
        let answer = answer.accepted()?;
        let size_bytes = answer.size_bytes().ok_or(S3Error::Shape("an object has no size"))?;
        Ok(Some(Head { size_bytes, modified_at: answer.modified_at(), etag: answer.etag() }))
    }

    /// Removes one object; one that is not there is no error.
    ///
    /// # Errors
    ///
    /// The store does not do it.
    pub async fn delete(&self, key: &str) -> Result<(), S3Error> {
        let action = self.bucket.delete_object(Some(self.credentials()), named(key)?);
        match self.ask(action, Vec::new(), SHORT).await {
            Err(error) if !error.is_gone() => Err(error),
            Ok(_) | Err(_) => Ok(()),
        }
    }
}

fn no_bucket() -> S3Error {
    let code = "NoSuchBucket".to_owned();
    S3Error::Refused(Refusal { status: 404, code, ahead_minutes: None })
}

/// Writes an answer's body to its end, and onto the disk.
async fn written(mut response: Response, mut file: tokio::fs::File) -> Result<u64, S3Error> {
    let ours = |source: io::Error| S3Error::File { what: "write the file that is fetched", source };
    let mut written = 0;
    loop {
        let chunk = match timeout_at(end_of(PIECE), response.chunk()).await {
            Ok(Ok(Some(chunk))) => chunk,
            Ok(Ok(None)) => break,
            Ok(Err(error)) => return Err(of_http(&error)),
            Err(_) => return Err(S3Error::Lost(LATE.to_owned())),
        };
        file.write_all(&chunk).await.map_err(ours)?;
        written += u64::try_from(chunk.len()).unwrap_or(u64::MAX);
    }
    file.sync_all().await.map_err(ours)?;
    Ok(written)
}
