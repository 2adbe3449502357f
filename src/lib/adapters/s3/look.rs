//! The eyes on a bucket.

use std::time::Duration;

use jiff::Timestamp;

use super::client::Client;
use super::list::Cut;
use crate::domain::sight::{Blind, Sight};
use crate::domain::upkeep::{BucketLook, BucketUsage};
use crate::ports::Pending;
use crate::ports::data_store::Bucket;

/// Uploads are listed within so long: there are few of them in a bucket that is used well.
const UPLOADS: Duration = Duration::from_secs(20);

/// One bucket of the settings.
#[derive(Clone, Debug)]
pub struct BucketStore {
    name: String,
    client: Client,
    within: Duration,
}

impl BucketStore {
    /// The bucket called `name`, whose list is read for `within` at most.
    #[must_use]
    pub fn new(name: &str, client: Client, within: Duration) -> Self {
        Self { name: name.to_owned(), client, within }
    }

    /// What it holds. One whose list was cut is seen and its usage is not; one whose list cannot be begun is not seen.
    async fn usage(&self) -> Sight<Sight<BucketUsage>> {
        let Cut { seen, error } = match self.client.usage(self.within).await {
            Ok(usage) => return Ok(Ok(usage)),
            Err(cut) => cut,
        };
        let name = &self.name;
        if seen.objects == 0 {
            let place = self.client.place();
            let why = format!("the bucket {name} at {place} cannot be seen: {error}");
            return Err(Blind::because(why));
        }
        Ok(Err(Blind::because(format!(
            "the bucket {name} has {} objects or more; its list was cut there: {error}",
            seen.objects
        ))))
    }
}

impl Bucket for BucketStore {
    fn look(&self, unfinished_before: Timestamp) -> Pending<'_, Sight<BucketLook>> {
        Box::pin(async move {
            let usage = self.usage().await?;
            let unfinished = self.client.unfinished(unfinished_before, UPLOADS).await;
            let unfinished = unfinished.map_err(|error| {
                Blind::because(format!(
                    "the uploads of the bucket {} cannot be seen: {error}",
                    self.name
                ))
            });
            Ok(BucketLook { usage, unfinished })
        })
    }
}
