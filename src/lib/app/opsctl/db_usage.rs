//! `opsctl db usage`: what the buckets held at the last look, and how they grew since the one before.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use super::{Desk, Told, Trouble};
use crate::adapters::store::Access;
use crate::agents::db_maintainer::buckets::{Usage, history};
use crate::agents::db_maintainer::checks::{AGENT, BUCKET_BYTES, BUCKET_UNREACHABLE, SPEC};
use crate::app::exit::Exit;
use crate::domain::incident::{Incident, IncidentId};
use crate::domain::moment::full;
use crate::domain::run::Recall;
use crate::domain::subject::Subject;
use crate::ports::store::Store;
use crate::render::page::Page;
use crate::render::style::Tone;

/// What one bucket held.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct BucketTold {
    /// The bucket, as findings name it.
    pub bucket: Subject,
    /// When all of it was last seen.
    pub seen_at: Timestamp,
    /// How many objects it held.
    pub objects: u64,
    /// Their sizes together, in bytes.
    pub size_bytes: u64,
    /// How it grew since the look before; `null` where there was none.
    pub growth: Option<Growth>,
    /// The incident that says that it cannot be seen now; `null` where it can.
    pub unseen: Option<IncidentId>,
}

/// How a bucket grew between two looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Growth {
    /// When the look before was.
    pub since: Timestamp,
    /// By how many objects; fewer where it is negative.
    pub objects: i64,
    /// By how many bytes.
    pub size_bytes: i64,
}

impl Desk<'_> {
    pub(super) async fn usage(&self) -> Result<Told, Trouble> {
        let store = self.store(Access::ReadOnly).await?;
        let recall = store.recall(&AGENT, SPEC.series).await?;
        let incidents = store.incidents(self.clock.now(), u32::MAX).await?;
        store.close().await?;
        let told = told(&recall, &incidents);
        let mut page = Page::new(self.style);
        if told.is_empty() {
            page.line("No bucket was looked at yet.");
        }
        for one in &told {
            let held = format!("{} objects, {}", one.objects, size(one.size_bytes));
            let tone = if one.unseen.is_some() { Tone::Warn } else { Tone::Good };
            page.item(tone, one.bucket.id(), &held);
            if let Some(growth) = one.growth {
                let sign = if growth.size_bytes < 0 { '-' } else { '+' };
                let bytes = size(growth.size_bytes.unsigned_abs());
                let since = full(growth.since);
                page.note(
                    "grew",
                    &format!("{:+} objects, {sign}{bytes}, since {since}", growth.objects),
                );
            }
            page.note("seen", &full(one.seen_at));
            if let Some(incident) = one.unseen {
                page.note("now", &format!("it cannot be seen: opsctl explain {incident}"));
            }
        }
        Ok(Told { text: page.into_text(), json: json!(told), exit: Exit::Clean })
    }
}

fn told(recall: &Recall, incidents: &[Incident]) -> Vec<BucketTold> {
    let buckets = recall.series.get(BUCKET_BYTES).into_iter().flatten();
    let told = buckets.filter_map(|(bucket, _)| {
        let known = history(recall, bucket);
        let newest = *known.first()?;
        let hides = |one: &&Incident| {
            let key = &one.key;
            one.is_active() && key.check == BUCKET_UNREACHABLE && key.subject == *bucket
        };
        Some(BucketTold {
            unseen: incidents.iter().find(hides).map(|one| one.id),
            bucket: bucket.clone(),
            seen_at: newest.at,
            objects: newest.objects,
            size_bytes: newest.size_bytes,
            growth: known.get(1).map(|before| growth(*before, newest)),
        })
    });
    told.collect()
}

fn growth(before: Usage, now: Usage) -> Growth {
    let more = |now: u64, before: u64| now.saturating_sub(before).try_into().unwrap_or(i64::MAX);
    let by = |now: u64, before: u64| -> i64 {
        if now >= before { more(now, before) } else { -more(before, now) }
    };
    Growth {
        since: before.at,
        objects: by(now.objects, before.objects),
        size_bytes: by(now.size_bytes, before.size_bytes),
    }
}

/// Bytes as people say them, cut and not rounded up.
fn size(bytes: u64) -> String {
    let units = [(40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")];
    let Some((shift, unit)) = units.into_iter().find(|(shift, _)| bytes >> shift > 0) else {
        return format!("{bytes} bytes");
    };
    let tenths = (u128::from(bytes) * 10) >> shift;
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_said_as_people_do() {
        for (bytes, said) in [
            (0, "0 bytes"),
            (1023, "1023 bytes"),
            (1024, "1.0 KiB"),
            (1_610_612_735, "1.4 GiB"),
            (u64::MAX, "16777215.9 TiB"),
        ] {
            assert_eq!(size(bytes), said);
        }
    }

    #[test]
    fn growth_has_a_sign() {
        let at = Timestamp::UNIX_EPOCH;
        let (small, large) = (
            Usage { at, objects: 1, size_bytes: 10 },
            Usage { at, objects: 3, size_bytes: u64::MAX },
        );
        assert_eq!(growth(small, large), Growth { since: at, objects: 2, size_bytes: i64::MAX });
        assert_eq!(growth(large, small), Growth { since: at, objects: -2, size_bytes: -i64::MAX });
    }
}
