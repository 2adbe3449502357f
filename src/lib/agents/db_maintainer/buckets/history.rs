//! What buckets held, run by run, as it was kept.

use jiff::Timestamp;

use super::super::checks::{BUCKET_BYTES, BUCKET_OBJECTS};
use crate::domain::run::Recall;
use crate::domain::subject::Subject;

/// What a bucket held when it was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// When.
    pub at: Timestamp,
    /// How many objects.
    pub objects: u64,
    /// Their sizes together, in bytes.
    pub size_bytes: u64,
}

/// What a bucket held at earlier looks, newest first. A look that did not see all of it left nothing.
#[must_use]
pub fn history(recall: &Recall, bucket: &Subject) -> Vec<Usage> {
    let of = |series: &str| recall.series.get(series).and_then(|of| of.get(bucket));
    let (Some(objects), Some(bytes)) = (of(BUCKET_OBJECTS), of(BUCKET_BYTES)) else {
        return Vec::new();
    };
    let both = bytes.iter().filter_map(|bytes| {
        let objects = objects.iter().find(|objects| objects.at == bytes.at)?;
        let (objects, size_bytes) = (whole(objects.value), whole(bytes.value));
        Some(Usage { at: bytes.at, objects, size_bytes })
    });
    both.collect()
}

/// A count as it was kept.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it was a whole number, and below 2^53 it is the same one again"
)]
fn whole(value: f64) -> u64 {
    value.round() as u64
}
