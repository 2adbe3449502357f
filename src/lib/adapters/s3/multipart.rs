//! A stream becomes an object: it appears under its name only when all of it is there.

use std::time::Duration;

use rusty_s3::actions::{CompleteMultipartUploadResponse, CreateMultipartUpload};
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::again::Deed;
use super::client::{Client, SHORT, named};
use super::error::S3Error;

/// The size of a part. S3 takes none below 5 MiB but the last; all but the last are equal, as some stores demand.
const PART_BYTES: usize = 8 * 1024 * 1024;
/// An object has at most so many parts.
const PARTS: u16 = 10_000;
/// A part of a stream grows to so many at most: it lies in memory, and an agent's unit has 256 MiB.
const LARGEST_PART_BYTES: usize = 64 * 1024 * 1024;
/// A part, and the joining of all of them, may take so long: 8 MiB at 70 kB a second.
const LONG: Duration = Duration::from_mins(2);

/// An object that was put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Put {
    /// Its size in bytes, as it was read.
    pub size_bytes: u64,
    /// The store's mark of its content.
    pub etag: Option<String>,
}

/// The size of parts by which `bytes` fit into one object.
pub(super) fn part_bytes(bytes: u64) -> usize {
    let least = usize::try_from(bytes.div_ceil(u64::from(PARTS))).unwrap_or(usize::MAX);
    least.max(PART_BYTES)
}

/// How long a part may take that may be so large: as long as smaller ones of the same bytes.
fn time_of(part_bytes: usize) -> Duration {
    let times = u32::try_from(part_bytes.div_ceil(PART_BYTES)).unwrap_or(u32::MAX);
    LONG.saturating_mul(times.max(1))
}

impl Client {
    /// Puts a stream as one object, with at most one part of 8 MiB in memory. Where it fails, nothing of it is left, and an
    /// object of this name that was there before is untouched; after [`S3Error::Lost`] the object may be there all the same.
    /// Whoever drops the future leaves its parts behind, which the next look finds.
    ///
    /// # Errors
    ///
    /// The stream ends with an error, is longer than 78 GiB, or the store does not take it.
    pub async fn put_stream<R: AsyncRead + Unpin + Send>(
        &self,
        key: &str,
        stream: R,
    ) -> Result<Put, S3Error> {
        self.put(key, stream, PART_BYTES).await
    }

    /// The same for one that may be as long as `expected_bytes`: its parts grow with that up to 64 MiB, so that 625 GiB fit.
    ///
    /// # Errors
    ///
    /// Those of [`Client::put_stream`], of a stream that is longer than its parts.
    pub async fn put_stream_of<R: AsyncRead + Unpin + Send>(
        &self,
        key: &str,
        stream: R,
        expected_bytes: u64,
    ) -> Result<Put, S3Error> {
        self.put(key, stream, part_bytes(expected_bytes).min(LARGEST_PART_BYTES)).await
    }

    pub(super) async fn put<R: AsyncRead + Unpin + Send>(
        &self,
        key: &str,
        mut stream: R,
        part_bytes: usize,
    ) -> Result<Put, S3Error> {
        let key = named(key)?;
        let first = part(&mut stream, part_bytes).await?;
        if first.len() < part_bytes {
            let size_bytes = length(&first);
            let action = self.bucket.put_object(Some(self.credentials()), key);
            let answer = self.insist(action, first, (Deed::Put, time_of(part_bytes))).await?;
            return Ok(Put { size_bytes, etag: answer.etag() });
        }
        let action = self.bucket.create_multipart_upload(Some(self.credentials()), key);
        let answer = self.insist(action, Vec::new(), (Deed::Once, SHORT)).await?;
        let begun = CreateMultipartUpload::parse_response(answer.body());
        let begun = begun.map_err(|_| S3Error::Shape("it names no upload"))?;
        let upload = Upload { client: self, key, id: begun.upload_id() };
        match upload.fill(first, &mut stream, part_bytes).await {
            Ok(put) => Ok(put),
            Err(error) => Err(upload.taken_back(error).await),
        }
    }
}

/// One upload in parts.
struct Upload<'a> {
    client: &'a Client,
    key: &'a str,
    id: &'a str,
}

impl Upload<'_> {
    async fn fill<R: AsyncRead + Unpin + Send>(
        &self,
        first: Vec<u8>,
        stream: &mut R,
        part_bytes: usize,
    ) -> Result<Put, S3Error> {
        let (mut marks, mut size_bytes, mut bytes) = (Vec::new(), 0, first);
        for number in 1..=PARTS {
            let is_last = bytes.len() < part_bytes;
            size_bytes += length(&bytes);
            marks.push(self.part(number, bytes, time_of(part_bytes)).await?);
            bytes = if is_last { Vec::new() } else { part(stream, part_bytes).await? };
            if bytes.is_empty() {
                return self.complete(&marks, size_bytes).await;
            }
        }
        Err(S3Error::Large(PARTS))
    }

    async fn part(&self, number: u16, bytes: Vec<u8>, time: Duration) -> Result<String, S3Error> {
        let client = self.client;
        let action =
            client.bucket.upload_part(Some(client.credentials()), self.key, number, self.id);
        let answer = client.insist(action, bytes, (Deed::Put, time)).await?;
        answer.etag().ok_or(S3Error::Shape("a part has no mark"))
    }

    async fn complete(&self, marks: &[String], size_bytes: u64) -> Result<Put, S3Error> {
        let client = self.client;
        let marks = marks.iter().map(String::as_str);
        let action = client.bucket.complete_multipart_upload(
            Some(client.credentials()),
            self.key,
            self.id,
            marks,
        );
        let body = action.clone().body().into_bytes();
        let answer = client.insist(action, body, (Deed::Once, LONG)).await?;
        if answer.is_error() {
            return Err(answer.refusal());
        }
        let read = CompleteMultipartUploadResponse::parse(answer.body());
        let read = read.map_err(|_| S3Error::Shape("it does not say that the object is there"))?;
        Ok(Put { size_bytes, etag: Some(read.etag().to_owned()) })
    }

    /// Takes the parts back, and says where that failed too.
    async fn taken_back(&self, error: S3Error) -> S3Error {
        let client = self.client;
        let action =
            client.bucket.abort_multipart_upload(Some(client.credentials()), self.key, self.id);
        match client.ask(action, SHORT).await {
            Ok(_) => error,
            Err(other) if other.is_gone() => error,
            Err(other) => S3Error::Left {
                error: Box::new(error),
                upload: self.id.to_owned(),
                why: other.to_string(),
            },
        }
    }
}

pub(super) fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// The next part of a stream: shorter than asked for, or empty, only at its end.
async fn part<R: AsyncRead + Unpin + Send>(
    stream: &mut R,
    most: usize,
) -> Result<Vec<u8>, S3Error> {
    // At once: one that grows by doubling would take twice as much.
    let mut bytes = Vec::with_capacity(most);
    while bytes.len() < most {
        let room = most - bytes.len();
        let mut rest = (&mut *stream).take(u64::try_from(room).unwrap_or(u64::MAX));
        if rest.read_buf(&mut bytes).await.map_err(S3Error::Source)? == 0 {
            break;
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_grow_only_where_they_must() {
        assert_eq!(part_bytes(0), PART_BYTES);
        assert_eq!(part_bytes(80_000 * 1024 * 1024), PART_BYTES);
        let five_tib = 5 * 1024_u64.pow(4);
        let parts = five_tib.div_ceil(u64::try_from(part_bytes(five_tib)).unwrap());
        assert!(parts <= u64::from(PARTS), "{parts}");
        assert_eq!(time_of(part_bytes(0)), LONG);
        assert_eq!(time_of(LARGEST_PART_BYTES), 8 * LONG);
    }

    #[tokio::test]
    async fn a_stream_is_cut_into_parts_of_one_size_and_nothing_is_lost() {
        let text: Vec<u8> = (0..1000_u32).map(|n| n.to_le_bytes()[0]).collect();
        for size in [1, 7, 250, 999, 1000, 1001] {
            let (mut stream, mut joined) = (text.as_slice(), Vec::new());
            loop {
                let bytes = part(&mut stream, size).await.unwrap();
                assert!(bytes.len() == size || joined.len() + bytes.len() == text.len());
                if bytes.is_empty() {
                    break;
                }
                joined.extend(bytes);
            }
            assert_eq!(joined, text, "{size}");
        }
    }
}
