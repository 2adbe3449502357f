//! The settings of buckets.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::agent::Problem;
use crate::domain::duration::HumanDuration;
use crate::domain::upkeep::{bucket_name_fault, endpoint_fault};

/// `[[agents.db-maintainer.buckets]]`: one bucket of an object storage that speaks S3.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BucketSettings {
    /// What it is called in findings.
    #[schemars(length(min = 1, max = 40))]
    #[schemars(example = &"main")]
    pub name: String,
    /// The address of the object storage, without the bucket: `https://s3.example.test`.
    #[schemars(length(min = 1, max = 300))]
    #[schemars(example = &"https://s3.example.test")]
    pub endpoint: String,
    /// The bucket, by its name there.
    #[schemars(length(min = 1, max = 63))]
    #[schemars(example = &"shop-files")]
    pub bucket: String,
    /// The region that requests are signed for.
    #[serde(default = "region")]
    #[schemars(length(min = 1, max = 60))]
    pub region: String,
    /// A bucket that holds so many bytes is a warning. Unset: what it holds is measured and not judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    #[schemars(example = 100_000_000_000_u64)]
    pub bytes_warning: Option<u64>,
    /// A bucket that grew by so much since the last run, and by at least 1 MiB, is a warning, in percent. Unset: its growth is
    /// measured and not judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    #[schemars(example = 50)]
    pub growth_percent: Option<u32>,
    /// An upload in parts that was begun so long ago and never finished is told.
    #[serde(default = "unfinished_after")]
    pub unfinished_after: HumanDuration,
    /// The list of a bucket is read for so long at most: a thousand objects a request. What was not read to its end is not seen.
    #[serde(default = "look_within")]
    pub look_within: HumanDuration,
}

/// What every store takes that has only one region.
fn region() -> String {
    "us-east-1".to_owned()
}

/// S3 itself keeps an upload open for ever; the longest that people wait for one is some days.
const fn unfinished_after() -> HumanDuration {
    HumanDuration::mins(7 * 24 * 60)
}

const fn look_within() -> HumanDuration {
    HumanDuration::mins(1)
}

/// Problems of buckets that no single value shows.
pub(in super::super) fn lint(buckets: &[BucketSettings]) -> Vec<Problem> {
    let mut found = Vec::new();
    let mut names = BTreeSet::new();
    for (place, bucket) in buckets.iter().enumerate() {
        let mut add = |field: &str, message: String| {
            found.push(Problem { path: format!("buckets[{place}].{field}"), message });
        };
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let BucketSettings { name, region, .. } = bucket;
        if !name.chars().all(plain) {
            add(
                "name",
                format!(
                    "`{name}` is not in small letters, digits and hyphens; its name stands in that of a variable"
                ),
            );
        }
        if !names.insert(name) {
            add("name", format!("`{name}` is the name of another bucket already"));
        }
        if let Some(why) = endpoint_fault(&bucket.endpoint) {
            add("endpoint", format!("it is no address of an object storage: {why}"));
        }
        if let Some(why) = bucket_name_fault(&bucket.bucket) {
            add("bucket", format!("`{}` is no name of a bucket: {why}", bucket.bucket));
        }
        if !region.chars().all(plain) {
            add("region", format!("`{region}` is not in small letters, digits and hyphens"));
        }
        for (field, time) in
            [("unfinished_after", bucket.unfinished_after), ("look_within", bucket.look_within)]
        {
            if time.get().is_zero() {
                add(field, "it must be longer than nothing".to_owned());
            }
        }
    }
    found
}
