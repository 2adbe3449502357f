//! The list of a bucket, page by page.

use std::time::Duration;

use jiff::Timestamp;
use rusty_s3::S3Action as _;
use rusty_s3::actions::ListObjectsV2;
use rusty_s3::actions::list_objects_v2::ListObjectsContent;
use tokio::time::Instant;

use super::answer::LATE;
use super::client::{Client, SHORT, end_of};
use super::error::S3Error;
use crate::domain::upkeep::BucketUsage;

/// So many objects are listed by name at most.
const MOST: usize = 100_000;

/// What a list is read for.
#[derive(Clone, Copy)]
enum For {
    /// Names, which have to be exact. Some stores say that they wrote them as in an address, and leave a `+` as it is, which then
    /// reads as a space; so they are asked for as they are.
    Names,
    /// Sizes. Names are asked for as in an address, so that no sign in any of them spoils the whole answer.
    Sizes,
}

/// One object of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub key: String,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// When it was last written, where the store tells.
    pub modified_at: Option<Timestamp>,
}

/// A list that ended before its end: what was seen until then, and why no more.
#[derive(Debug)]
pub(super) struct Cut {
    pub(super) seen: BucketUsage,
    pub(super) error: S3Error,
}

impl Client {
    /// Every object whose name begins with `prefix`, by name.
    ///
    /// # Errors
    ///
    /// The list cannot be read to its end, has more than 100,000 objects, or holds what was not asked for.
    pub async fn list(&self, prefix: &str) -> Result<Vec<Listed>, S3Error> {
        let (mut all, mut token) = (Vec::new(), None);
        loop {
            let (page, next) = self.page((prefix, For::Names), token.as_deref(), SHORT).await?;
            all.extend(page);
            if all.len() > MOST {
                return Err(S3Error::Many(MOST));
            }
            match next {
                Some(next) => token = Some(next),
                None => return Ok(all),
            }
        }
    }

    /// What the bucket holds, if all of it can be listed within `within`.
    pub(super) async fn usage(&self, within: Duration) -> Result<BucketUsage, Cut> {
        let (mut seen, mut token, end) = (BucketUsage::default(), None, end_of(within));
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let page = match left {
                Duration::ZERO => Err(S3Error::Lost(LATE.to_owned())),
                left => self.page(("", For::Sizes), token.as_deref(), left.min(SHORT)).await,
            };
            let (page, next) = page.map_err(|error| Cut { seen, error })?;
            for object in page {
                seen.objects = seen.objects.saturating_add(1);
                seen.size_bytes = seen.size_bytes.saturating_add(object.size_bytes);
            }
            match next {
                Some(next) => token = Some(next),
                None => return Ok(seen),
            }
        }
    }

    /// One page, and where the next begins.
    async fn page(
        &self,
        (prefix, purpose): (&str, For),
        token: Option<&str>,
        within: Duration,
    ) -> Result<(Vec<Listed>, Option<String>), S3Error> {
        let mut action = self.bucket.list_objects_v2(Some(self.credentials()));
        match purpose {
            For::Names => drop(action.query_mut().remove("encoding-type")),
            For::Sizes => {}
        }
        if !prefix.is_empty() {
            action.with_prefix(prefix);
        }
        if let Some(token) = token {
            action.with_continuation_token(token);
        }
        let answer = self.ask(action, Vec::new(), within).await?;
        let read = ListObjectsV2::parse_response(answer.body());
        let read = read.map_err(|_| S3Error::Shape("it is no list of objects"))?;
        let next = read.next_continuation_token;
        // An empty page that names a next one, or a page that names itself, would never end.
        if next.is_some() && (read.contents.is_empty() || next.as_deref() == token) {
            return Err(S3Error::Shape("the list does not go on"));
        }
        let page: Result<Vec<Listed>, S3Error> = read.contents.into_iter().map(listed).collect();
        let page = page?;
        if page.iter().any(|object| !object.key.starts_with(prefix)) {
            return Err(S3Error::Shape("it lists what was not asked for"));
        }
        Ok((page, next))
    }
}

fn listed(object: ListObjectsContent) -> Result<Listed, S3Error> {
    let size_bytes = object.size.ok_or(S3Error::Shape("an object has no size"))?;
    let modified_at = object.last_modified.and_then(|at| at.parse().ok());
    Ok(Listed { key: object.key, size_bytes, modified_at })
}
