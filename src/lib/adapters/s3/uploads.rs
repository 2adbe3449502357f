//! Uploads in parts that were begun and never ended.

use std::collections::BTreeSet;
use std::time::Duration;

use instant_xml::FromXml;
use jiff::Timestamp;
use rusty_s3::actions::ListParts;
use tokio::time::Instant;

use super::answer::LATE;
use super::client::{Client, SHORT, end_of, named};
use super::error::S3Error;
use crate::domain::upkeep::{Unfinished, Upload};

/// The parts of so many uploads are counted, of those that were begun first.
const COUNTED: usize = 20;
/// So many are ended at once.
const ENDED: usize = 1000;
/// What a store calls itself that knows of a bucket's uploads what was begun since it was started, and in older releases nothing:
/// it keeps them by the names of their objects. Those that are older than a day it ends itself, if nobody told it otherwise.
const FORGETFUL: &str = "MinIO";
/// The space of names of S3's answers.
const S3: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

#[derive(FromXml)]
#[xml(rename = "ListMultipartUploadsResult", ns(S3))]
struct Page {
    uploads: Vec<PageUpload>,
    #[xml(rename = "IsTruncated")]
    is_truncated: Option<bool>,
    #[xml(rename = "NextKeyMarker")]
    next_key: Option<String>,
    #[xml(rename = "NextUploadIdMarker")]
    next_id: Option<String>,
}

#[derive(FromXml)]
#[xml(rename = "Upload", ns(S3))]
struct PageUpload {
    #[xml(rename = "Key")]
    key: String,
    #[xml(rename = "UploadId")]
    id: String,
    #[xml(rename = "Initiated")]
    begun_at: String,
}

/// Where the next page begins.
type Marker = (String, String);

/// One page of the list.
struct Listed {
    uploads: Vec<Upload>,
    next: Option<Marker>,
    /// Whether the store may have forgotten some.
    forgetful: bool,
}

impl Client {
    /// The uploads that were begun before `before`, if all of them can be listed within `within`.
    pub(super) async fn unfinished(
        &self,
        before: Timestamp,
        within: Duration,
    ) -> Result<Unfinished, S3Error> {
        let (mut count, mut oldest, mut from) = (0, BTreeSet::new(), None);
        let end = end_of(within);
        let forgetful = loop {
            let Listed { uploads, next, forgetful } =
                self.uploads(from.as_ref(), left(end)?).await?;
            for upload in uploads.into_iter().filter(|upload| upload.begun_at < before) {
                count += 1;
                oldest.insert(upload);
                if oldest.len() > COUNTED {
                    oldest.pop_last();
                }
            }
            // A page that names itself as the next one would never end.
            if next.is_some() && next == from {
                return Err(S3Error::Shape("the list of uploads does not go on"));
            }
            match next {
                Some(next) => from = Some(next),
                None => break forgetful,
            }
        };
        let all = u64::try_from(oldest.len()).is_ok_and(|counted| counted == count);
        let size_bytes = if all { self.sizes(&oldest, end).await } else { None };
        Ok(Unfinished { count, oldest: oldest.pop_first(), size_bytes, forgetful })
    }

    /// Ends every upload that was begun before `before` and whose name `is_ours` says yes to; at most a thousand at once.
    ///
    /// # Errors
    ///
    /// They cannot be listed to their end, or one of them cannot be ended.
    pub async fn end_uploads(
        &self,
        before: Timestamp,
        is_ours: impl Fn(&str) -> bool,
    ) -> Result<(), S3Error> {
        let (mut ours, mut from, end) = (Vec::new(), None, end_of(SHORT));
        loop {
            let Listed { uploads, next, .. } = self.uploads(from.as_ref(), left(end)?).await?;
            ours.extend(
                uploads.into_iter().filter(|one| one.begun_at < before && is_ours(&one.key)),
            );
            if next.is_none() || next == from || ours.len() > ENDED {
                break;
            }
            from = next;
        }
        for upload in ours.into_iter().take(ENDED) {
            let key = named(&upload.key)?;
            let action =
                self.bucket.abort_multipart_upload(Some(self.credentials()), key, &upload.id);
            self.ask(action, SHORT)
                .await
                .map(drop)
                .or_else(|error| if error.is_gone() { Ok(()) } else { Err(error) })?;
        }
        Ok(())
    }

    async fn uploads(&self, from: Option<&Marker>, within: Duration) -> Result<Listed, S3Error> {
        let answer = match from {
            None => self.query(&[("uploads", "")], within).await?,
            Some((key, id)) => {
                let words =
                    [("key-marker", key.as_str()), ("upload-id-marker", id), ("uploads", "")];
                self.query(&words, within).await?
            }
        };
        let page: Page = instant_xml::from_str(answer.body())
            .map_err(|_| S3Error::Shape("it is no list of uploads"))?;
        let uploads: Result<Vec<Upload>, S3Error> = page.uploads.into_iter().map(upload).collect();
        let next = match (page.is_truncated, page.next_key) {
            (Some(true), Some(key)) => Some((key, page.next_id.unwrap_or_default())),
            (Some(true), None) => return Err(S3Error::Shape("the list of uploads does not go on")),
            (Some(false) | None, _) => None,
        };
        Ok(Listed { uploads: uploads?, next, forgetful: answer.is_of(FORGETFUL) })
    }

    /// What the parts of these take; `None` where one of them cannot be counted, or ended meanwhile.
    async fn sizes(&self, uploads: &BTreeSet<Upload>, end: Instant) -> Option<u64> {
        let mut sum: u64 = 0;
        for upload in uploads {
            sum = sum.saturating_add(self.size(upload, end).await.ok()?);
        }
        Some(sum)
    }

    async fn size(&self, upload: &Upload, end: Instant) -> Result<u64, S3Error> {
        let (mut sum, mut after): (u64, u16) = (0, 0);
        loop {
            let mut action =
                self.bucket.list_parts(Some(self.credentials()), named(&upload.key)?, &upload.id);
            if after > 0 {
                action.set_part_number_marker(after);
            }
            let answer = self.ask(action, left(end)?).await?;
            let page = ListParts::parse_response(answer.body())
                .map_err(|_| S3Error::Shape("it is no list of parts"))?;
            let sizes = page.parts.iter().map(|part| part.size);
            sum = sizes.fold(sum, u64::saturating_add);
            match page.next_part_number_marker {
                Some(next) if next > after => after = next,
                Some(_) | None => return Ok(sum),
            }
        }
    }
}

fn left(end: Instant) -> Result<Duration, S3Error> {
    let left = end.saturating_duration_since(Instant::now()).min(SHORT);
    if left.is_zero() { Err(S3Error::Lost(LATE.to_owned())) } else { Ok(left) }
}

fn upload(read: PageUpload) -> Result<Upload, S3Error> {
    let begun_at =
        read.begun_at.parse().map_err(|_| S3Error::Shape("an upload has no beginning"))?;
    Ok(Upload { begun_at, key: read.key, id: read.id })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_uploads_is_read_with_what_else_stands_in_it() {
        let xml = r#"<?xml version="1.0" encoding="UTF-8"?>
            <ListMultipartUploadsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
              <Bucket>shop</Bucket><KeyMarker></KeyMarker><NextKeyMarker>b &amp; c</NextKeyMarker>
              <NextUploadIdMarker>u2</NextUploadIdMarker><MaxUploads>1000</MaxUploads>
              <IsTruncated>true</IsTruncated>
              <Upload><Key>a/b &amp; c</Key><UploadId>u1</UploadId>
                <Initiator><ID>i</ID><DisplayName>d</DisplayName></Initiator>
                <StorageClass>STANDARD</StorageClass><Initiated>2026-11-01T03:00:00.000Z</Initiated>
              </Upload>
            </ListMultipartUploadsResult>"#;
        let page: Page = instant_xml::from_str(xml).unwrap();
        assert_eq!((page.is_truncated, page.next_key.as_deref()), (Some(true), Some("b & c")));
        let found = upload(page.uploads.into_iter().next().unwrap()).unwrap();
        assert_eq!((found.key.as_str(), found.id.as_str()), ("a/b & c", "u1"));
        assert_eq!(found.begun_at.to_string(), "2026-11-01T03:00:00Z");
    }
}
