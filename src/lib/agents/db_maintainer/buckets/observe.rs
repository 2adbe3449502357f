//! The look at every bucket.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};

use super::BucketSettings;
use crate::agent::{Need, StoreNeed};
use crate::domain::sight::{Blind, Sight};
use crate::domain::upkeep::{BucketLook, DeclaredCopy};
use crate::ports::sensors::Sensors;

pub(in super::super) fn needs(buckets: &[BucketSettings]) -> impl Iterator<Item = Need> {
    buckets.iter().map(need).map(Need::Store)
}

/// Those that hold copies of backups.
pub(in super::super) fn of_copies(
    buckets: &[BucketSettings],
    copies: &[DeclaredCopy],
) -> Vec<StoreNeed> {
    let named =
        |one: &&BucketSettings| copies.iter().any(|copy| copy.bucket.as_ref() == Some(&one.name));
    buckets.iter().filter(named).map(need).collect()
}

fn need(bucket: &BucketSettings) -> StoreNeed {
    StoreNeed::Bucket {
        name: bucket.name.clone(),
        endpoint: bucket.endpoint.clone(),
        region: bucket.region.clone(),
        bucket: bucket.bucket.clone(),
        look_within: bucket.look_within.get(),
    }
}

/// Looks at all of them side by side: each waits for another server, and a slow one holds no other back.
pub(in super::super) async fn observe(
    buckets: &[BucketSettings],
    sensors: &Sensors,
    at: Timestamp,
) -> BTreeMap<String, Sight<BucketLook>> {
    let looks = buckets.iter().map(|bucket| async move {
        let after = SignedDuration::try_from(bucket.unfinished_after.get());
        let before = after.ok().and_then(|after| at.checked_sub(after).ok());
        let look = match sensors.stores.buckets.get(&bucket.name) {
            Some(Ok(eyes)) => eyes.look(before.unwrap_or(Timestamp::MIN)).await,
            Some(Err(blind)) => Err(Blind::clone(blind)),
            None => Err(Blind::because("it was not looked at")),
        };
        (bucket.name.clone(), look)
    });
    join_all(looks).await.into_iter().collect()
}
