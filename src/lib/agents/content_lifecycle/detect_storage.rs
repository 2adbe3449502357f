//! Verdicts on what a tenant stores, and what could lower it.
//!
//! Archiving frees space in one dialect only, and there it is believed only while it is measured: where the last act of
//! ours did not lower what is stored, nothing more is put away for it.

use jiff::Timestamp;

use super::checks::{STORAGE_HIGH, STORAGE_SERIES};
use super::fault::{Fault, Relief};
use super::seen::Seen;
use super::settings::ContentLifecycle;
use super::size::readable;
use super::snapshot::{Item, StorageLook};
use crate::domain::diagnosis::Sample;
use crate::domain::operation::{Operation, Target};
use crate::domain::platform::{Asked, ContentStatus, Dialect, Roll, Storage};
use crate::domain::run::Recall;
use crate::domain::sight::{Blind, Sight};
use crate::domain::subject::{Subject, SubjectKind};

/// What findings about a tenant's storage are about.
pub(super) fn subject(tenant: &str) -> Subject {
    Subject::new(SubjectKind::Tenant, tenant, "storage")
}

/// The fault of a tenant that stores too much, if that is one; `Err` where no share can be told.
pub(super) fn level(
    settings: &ContentLifecycle,
    tenant: &str,
    storage: Storage,
    relief: impl FnOnce(bool) -> Relief,
) -> Result<Option<Fault>, &'static str> {
    if storage.quota_bytes == 0 {
        return Err("its quota is given as zero");
    }
    let above = |limit: u8| {
        u128::from(storage.used_bytes) * 100 > u128::from(storage.quota_bytes) * u128::from(limit)
    };
    let (limit, critical) = if above(settings.storage_critical_percent) {
        (settings.storage_critical_percent, true)
    } else if above(settings.storage_percent) {
        (settings.storage_percent, false)
    } else {
        return Ok(None);
    };
    let relief = relief(critical);
    let (tenant, quota_bytes) = (tenant.to_owned(), storage.quota_bytes);
    Ok(Some(Fault::StorageHigh { tenant, quota_bytes, limit, critical, relief }))
}

/// What a tenant's storage is judged with.
pub(super) struct StorageJudge<'a> {
    pub(super) settings: &'a ContentLifecycle,
    pub(super) dialect: Dialect,
    pub(super) tenant: &'a str,
    pub(super) look: &'a Sight<StorageLook>,
    /// Its content; `Err` where that could not be seen.
    pub(super) content: Result<&'a Seen<'a>, &'a str>,
    pub(super) recall: &'a Recall,
}

impl StorageJudge<'_> {
    pub(super) fn judge(&self, roll: &mut Roll<Fault>) {
        let StorageLook { at, storage } = match self.look {
            Ok(look) => *look,
            Err(Blind { why }) => return roll.blind(&STORAGE_HIGH, self.tenant, why),
        };
        let subject = subject(self.tenant);
        let relief = |critical| self.relief(storage, critical);
        match level(self.settings, self.tenant, storage, relief) {
            Err(why) => roll.unknown(&STORAGE_HIGH, subject.clone(), why),
            Ok(Some(fault)) => roll.faulty(&STORAGE_HIGH, subject.clone(), fault, at),
            Ok(None) => roll.healthy(&STORAGE_HIGH, subject.clone(), at),
        }
        roll.settle(&STORAGE_HIGH, self.tenant, at, |_| Asked::Gone);
        if let Ok(seen) = self.content
            && seen.cut_short.is_none()
        {
            seen.census(roll, &STORAGE_HIGH);
        }
        #[expect(clippy::cast_precision_loss, reason = "a measure to compare needs no exact bytes")]
        let value = storage.used_bytes as f64;
        roll.diagnosis().samples.push(Sample {
            series: STORAGE_SERIES.to_owned(),
            subject,
            at,
            value,
        });
    }

    fn relief(&self, storage: Storage, critical: bool) -> Relief {
        match self.relieving(storage, critical) {
            Ok(item) => Relief::Archive { id: item.id.clone(), status: item.status },
            Err(why) => Relief::None { why },
        }
    }

    /// The piece of content to put away for space, or why there is none.
    fn relieving(&self, storage: Storage, critical: bool) -> Result<&Item, String> {
        let critical_percent = self.settings.storage_critical_percent;
        if self.dialect == Dialect::Vizora {
            return Err(format!(
                "archiving frees no space on this platform, and nothing is ever deleted here; \
                 raise the quota, or let a person delete what is not needed{}",
                self.inactive_total()
            ));
        }
        if !critical {
            return Err(format!(
                "only above {critical_percent} % content is archived for space; until then it is \
                 a person's to choose"
            ));
        }
        self.archiving_helps(storage)?;
        let seen = self.content.map_err(|why| format!("its content could not be seen: {why}"))?;
        if let Some(why) = &seen.cut_short {
            return Err(format!("which content is the oldest is not known: {why}"));
        }
        let oldest = oldest_inactive(seen)
            .map_err(|why| format!("which content is the oldest is not known: {why}"))?;
        oldest.ok_or_else(|| {
            "no content with a file is inactive, and what is active is not put away for space; \
             raise the quota, or let a person choose"
                .to_owned()
        })
    }

    /// `Err` where the last archiving of ours was measured, and lowered nothing.
    fn archiving_helps(&self, storage: Storage) -> Result<(), String> {
        let Some(last) = self.last_archived() else { return Ok(()) };
        let samples = self.recall.series.get(STORAGE_SERIES);
        let samples =
            samples.and_then(|of| of.get(&subject(self.tenant))).map_or(&[][..], Vec::as_slice);
        // Newest first: the ones nearest to the act are the least blurred by what people store meanwhile.
        let before = samples.iter().find(|sample| sample.at <= last);
        let after = samples.iter().rev().find(|sample| sample.at > last);
        let Some(before) = before else { return Ok(()) };
        #[expect(clippy::cast_precision_loss, reason = "a measure to compare needs no exact bytes")]
        let after = after.map_or(storage.used_bytes as f64, |sample| sample.value);
        if after < before.value {
            return Ok(());
        }
        Err("the last content that was archived freed no space, so no more is archived for it; \
             raise the quota, or let a person delete what is not needed"
            .to_owned())
    }

    /// When content of this tenant was last archived by us.
    fn last_archived(&self) -> Option<Timestamp> {
        let ours = self.recall.acted.iter().filter(|acted| {
            matches!(&acted.operation, Operation::ArchiveContent(_))
                && matches!(acted.operation.target(), Target::Row(row) if row.tenant == self.tenant)
        });
        ours.map(|acted| acted.at).max()
    }

    /// What a person could look at first.
    fn inactive_total(&self) -> String {
        let Ok(seen) = self.content else { return String::new() };
        let inactive: Vec<&Item> = inactive(seen).collect();
        let bytes = inactive.iter().filter_map(|item| item.size_bytes).fold(0, u64::saturating_add);
        let largest = inactive.iter().max_by_key(|item| (item.size_bytes, &item.id));
        match largest {
            None => String::new(),
            Some(largest) => format!(
                ": {} that are neither active nor archived hold {}, the largest is `{}`",
                inactive.len(),
                readable(bytes),
                largest.name
            ),
        }
    }
}

/// Content with a file that may be put away for space: not what plays, not what is put away, and nothing that the platform
/// is working on or whose state could not be named when it is given back.
fn inactive<'a>(seen: &'a Seen<'_>) -> impl Iterator<Item = &'a Item> {
    seen.look.items.iter().filter(|item| {
        let kept = match item.status {
            ContentStatus::Active
            | ContentStatus::Archived
            | ContentStatus::Processing
            | ContentStatus::Unrecognised => true,
            ContentStatus::Draft
            | ContentStatus::Flagged
            | ContentStatus::Rejected
            | ContentStatus::PendingApproval
            | ContentStatus::Expired
            | ContentStatus::Ready
            | ContentStatus::Error => false,
        };
        !kept && item.size_bytes.is_some_and(|size| size > 0)
    })
}

/// `Err` where an older one may be the one: whether every tenant sees a piece of content only a closer look tells.
fn oldest_inactive<'a>(seen: &'a Seen<'_>) -> Result<Option<&'a Item>, String> {
    let mut oldest_first: Vec<&Item> = inactive(seen).collect();
    oldest_first.sort_by_key(|item| (item.created_at, &item.id));
    for item in oldest_first {
        match &item.detail {
            None => return Err(seen.unread().to_owned()),
            Some(detail) if detail.global => {}
            Some(_) => return Ok(Some(item)),
        }
    }
    Ok(None)
}
