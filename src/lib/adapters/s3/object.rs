//! Single objects: put from a file, fetched into one, looked at, removed.

use std::io;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::Response;
use reqwest::header::{HeaderMap, HeaderValue, RANGE};
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout_at;

use super::answer::LATE;
use super::client::{Client, SHORT, end_of, named};
use super::error::{Refusal, S3Error, of_http};
use super::multipart::{Put, length, part_bytes};
use crate::adapters::private_file;
use crate::adapters::store::hex;

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
        whole(promised, written)?;
        unfinished.persist_noclobber(path).map_err(|error| ours(error.error))?;
        Ok(written)
    }

    /// The size of an object in bytes and its SHA-256 in hexadecimal digits: all of it is read, and none of it kept.
    ///
    /// # Errors
    ///
    /// The object cannot be read to its end.
    pub async fn sum(&self, key: &str) -> Result<(u64, String), S3Error> {
        let action = self.bucket.get_object(Some(self.credentials()), named(key)?);
        let mut response = self.open(action).await?;
        let promised = response.content_length();
        let (mut read, mut digest) = (0, Sha256::new());
        while let Some(piece) = piece(&mut response).await? {
            read += length(&piece);
            digest.update(&piece);
        }
        whole(promised, read)?;
        Ok((read, hex(&digest.finalize())))
    }

    /// The first bytes of an object, at most `most`. A store that would rather send all of it is not heard out.
    ///
    /// # Errors
    ///
    /// The object cannot be read so far.
    pub async fn beginning(&self, key: &str, most: u64) -> Result<Vec<u8>, S3Error> {
        let action = self.bucket.get_object(Some(self.credentials()), named(key)?);
        let range = format!("bytes=0-{}", most.saturating_sub(1));
        let range = HeaderValue::try_from(range).map_err(|_| S3Error::Shape("no such range"))?;
        let headers = HeaderMap::from_iter([(RANGE, range)]);
        let mut response = match self.open_with(action, headers).await {
            // There is nothing in it that such a range could name.
            Err(S3Error::Refused(no)) if no.status == 416 => return Ok(Vec::new()),
            opened => opened?,
        };
        let (mut bytes, most) = (Vec::new(), usize::try_from(most).unwrap_or(usize::MAX));
        while bytes.len() < most
            && let Some(piece) = piece(&mut response).await?
        {
            bytes.extend_from_slice(&piece);
        }
        bytes.truncate(most);
        Ok(bytes)
    }

    /// What the store says of an object; `None` where the bucket is there and has no such object.
    ///
    /// # Errors
    ///
    /// The store cannot be asked, or the bucket is not there.
    pub async fn head(&self, key: &str) -> Result<Option<Head>, S3Error> {
        let action = self.bucket.head_object(Some(self.credentials()), named(key)?);
        let answer = self.answer(&action, SHORT).await?;
        if answer.status() == 404 {
            // Such an answer has no body that would say what is missing.
            let bucket = self.bucket.head_bucket(Some(self.credentials()));
            return match self.answer(&bucket, SHORT).await? {
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
        match self.ask(action, SHORT).await {
            Err(error) if !error.is_gone() => Err(error),
            Ok(_) | Err(_) => Ok(()),
        }
    }
}

fn no_bucket() -> S3Error {
    let code = "NoSuchBucket".to_owned();
    S3Error::Refused(Refusal { status: 404, code, ahead_minutes: None })
}

/// An answer that ended before its end is none.
fn whole(promised: Option<u64>, read: u64) -> Result<(), S3Error> {
    match promised {
        Some(promised) if promised != read => {
            Err(S3Error::Lost("it ended before its end".to_owned()))
        }
        Some(_) | None => Ok(()),
    }
}

/// The next piece of an answer's body.
async fn piece(response: &mut Response) -> Result<Option<Vec<u8>>, S3Error> {
    match timeout_at(end_of(PIECE), response.chunk()).await {
        Ok(Ok(chunk)) => Ok(chunk.map(Into::into)),
        Ok(Err(error)) => Err(of_http(&error)),
        Err(_) => Err(S3Error::Lost(LATE.to_owned())),
    }
}

/// Writes an answer's body to its end, and onto the disk.
async fn written(mut response: Response, mut file: tokio::fs::File) -> Result<u64, S3Error> {
    let ours = |source: io::Error| S3Error::File { what: "write the file that is fetched", source };
    let mut written = 0;
    while let Some(piece) = piece(&mut response).await? {
        file.write_all(&piece).await.map_err(ours)?;
        written += length(&piece);
    }
    file.sync_all().await.map_err(ours)?;
    Ok(written)
}
