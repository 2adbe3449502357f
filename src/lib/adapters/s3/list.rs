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

/// So many pages in a row may hold nothing, while each names another next one.
const EMPTY: u32 = 100;

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

/// One page, and where the next begins.
struct Page {
    objects: Vec<Listed>,
    next: Option<String>,
}

/// The way through a list.
#[derive(Default)]
struct Way {
    token: Option<String>,
    /// How many pages in a row held nothing.
    empty: u32,
}

impl Way {
    /// Whether another page follows this one. Stores may answer with an empty page while they look on.
    fn on(&mut self, page: &Page) -> Result<bool, S3Error> {
        self.empty = if page.objects.is_empty() { self.empty + 1 } else { 0 };
        // A page that names itself would never end.
        if page.next.is_some() && (self.empty > EMPTY || page.next == self.token) {
            return Err(S3Error::Shape("the list does not go on"));
        }
        self.token.clone_from(&page.next);
        Ok(self.token.is_some())
    }
}

impl Client {
    /// Every object whose name begins with `prefix`, by name.
    ///
    /// # Errors
    ///
    /// The list cannot be read to its end, has more than 100,000 objects, or holds what was not asked for.
    pub async fn list(&self, prefix: &str) -> Result<Vec<Listed>, S3Error> {
        let (mut all, mut way) = (Vec::new(), Way::default());
        loop {
            let page = self.page((prefix, For::Names), way.token.as_deref(), SHORT).await?;
            let goes_on = way.on(&page)?;
            all.extend(page.objects);
            if all.len() > MOST {
                return Err(S3Error::Many(MOST));
            }
            if !goes_on {
                return Ok(all);
            }
        }
    }

    /// What the bucket holds, if all of it can be listed within `within`.
    pub(super) async fn usage(&self, within: Duration) -> Result<BucketUsage, Cut> {
        let (mut seen, mut way, end) = (BucketUsage::default(), Way::default(), end_of(within));
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let page = match left {
                Duration::ZERO => Err(S3Error::Lost(LATE.to_owned())),
                left => self.page(("", For::Sizes), way.token.as_deref(), left.min(SHORT)).await,
            };
            let page = page.map_err(|error| Cut { seen, error })?;
            let goes_on = way.on(&page).map_err(|error| Cut { seen, error })?;
            for object in page.objects {
                seen.objects = seen.objects.saturating_add(1);
                seen.size_bytes = seen.size_bytes.saturating_add(object.size_bytes);
            }
            if !goes_on {
                return Ok(seen);
            }
        }
    }

    /// One page, and where the next begins.
    async fn page(
        &self,
        (prefix, purpose): (&str, For),
        token: Option<&str>,
        within: Duration,
    ) -> Result<Page, S3Error> {
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
        let answer = self.ask(action, within).await?;
        let read = ListObjectsV2::parse_response(answer.body());
        let read = read.map_err(|_| S3Error::Shape("it is no list of objects"))?;
        let next = read.next_continuation_token;
        let objects: Result<Vec<Listed>, S3Error> = read.contents.into_iter().map(listed).collect();
        let objects = objects?;
        if objects.iter().any(|object| !object.key.starts_with(prefix)) {
            return Err(S3Error::Shape("it lists what was not asked for"));
        }
        Ok(Page { objects, next })
    }
}

fn listed(object: ListObjectsContent) -> Result<Listed, S3Error> {
    let size_bytes = object.size.ok_or(S3Error::Shape("an object has no size"))?;
    let modified_at = object.last_modified.and_then(|at| at.parse().ok());
    Ok(Listed { key: object.key, size_bytes, modified_at })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(objects: usize, next: Option<&str>) -> Page {
        let one = Listed { key: "a".to_owned(), size_bytes: 1, modified_at: None };
        Page { objects: vec![one; objects], next: next.map(str::to_owned) }
    }

    #[test]
    fn empty_pages_are_followed_for_a_while_and_one_that_names_itself_never() {
        let mut way = Way::default();
        assert!(way.on(&page(0, Some("a"))).unwrap() && way.on(&page(0, Some("b"))).unwrap());
        assert!(!way.on(&page(1, None)).unwrap());
        let mut way = Way::default();
        assert!(way.on(&page(1, Some("a"))).unwrap());
        assert!(way.on(&page(1, Some("a"))).is_err(), "it names itself");
        let mut way = Way::default();
        let followed =
            (0..2 * EMPTY).take_while(|n| way.on(&page(0, Some(&n.to_string()))).is_ok());
        assert_eq!(followed.count(), usize::try_from(EMPTY).unwrap());
        assert!(!way.on(&page(0, None)).unwrap(), "the end is one");
    }
}
