//! The look at every bucket.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};

use super::BucketSettings;
use crate::agent::{Need, StoreNeed};
use crate::domain::sight::{Blind, Sight};
use crate::domain::upkeep::{BucketLook, DeclaredBackup};
use crate::ports::sensors::Sensors;

pub(in super::super) fn needs(buckets: &[BucketSettings]) -> impl Iterator<Item = Need> {
    buckets.iter().map(need).map(Need::Store)
}

/// Those that hold backups, or copies of them.
pub(in super::super) fn of_backups(
    buckets: &[BucketSettings],
    declared: &DeclaredBackup,
) -> Vec<StoreNeed> {
    let copies = declared.copies.iter().filter_map(|copy| copy.bucket.as_ref());
    let named: BTreeSet<&String> = copies.chain(&declared.bucket).collect();
    buckets.iter().filter(|one| named.contains(&one.name)).map(need).collect()
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
