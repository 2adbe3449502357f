//! Verdicts on what a tenant stores, and on inactive content whose space it lacks.
//!
//! Archiving frees space in one dialect only, and there it is believed only while it is measured: first one piece is put
//! away, then more of them as long as the last act of ours lowered what is stored.

use jiff::Timestamp;

use super::checks::{CONTENT_IDLE, STORAGE_HIGH, STORAGE_SERIES};
use super::fault::Fault;
use super::seen::Seen;
use super::settings::ContentLifecycle;
use super::size::{readable, share};
use super::snapshot::{Item, StorageLook};
use crate::domain::diagnosis::Sample;
use crate::domain::operation::Operation;
use crate::domain::platform::{Asked, ContentStatus, Dialect, Roll, Storage};
use crate::domain::run::{Acted, Recall};
use crate::domain::sight::{Blind, Sight};
use crate::domain::subject::{Subject, SubjectKind};

/// So many pieces are named in one look, at most: how much they really free is seen before the next ones.
const MOST_AT_ONCE: usize = 10;

/// What findings about a tenant's storage are about.
pub(super) fn subject(tenant: &str) -> Subject {
    Subject::new(SubjectKind::Tenant, tenant, "storage")
}

/// The limit that a tenant passes, and whether that is the critical one.
#[derive(Clone, Copy)]
struct Level {
    limit: u8,
    critical: bool,
}

/// The highest limit that is passed, if one is; `Err` where no share can be told.
fn level(settings: &ContentLifecycle, storage: Storage) -> Result<Option<Level>, &'static str> {
    if storage.quota_bytes == 0 {
        return Err("its quota is given as zero");
    }
    let above = |limit: u8| {
        u128::from(storage.used_bytes) * 100 > u128::from(storage.quota_bytes) * u128::from(limit)
    };
    Ok(if above(settings.storage_critical_percent) {
        Some(Level { limit: settings.storage_critical_percent, critical: true })
    } else if above(settings.storage_percent) {
        Some(Level { limit: settings.storage_percent, critical: false })
    } else {
        None
    })
}

/// The fault of content that holds space of a full tenant without being played, if it is that.
pub(super) fn idle(settings: &ContentLifecycle, item: &Item) -> Option<Fault> {
    let size_bytes = item.size_bytes.filter(|size| is_inactive(item) && *size > 0)?;
    let (name, limit) = (item.name.clone(), settings.storage_critical_percent);
    Some(Fault::Idle { name, status: item.status, size_bytes, limit })
}

/// What could lower a tenant's use of storage.
enum Relief<'a> {
    /// To archive these, the oldest first.
    Archive(Vec<&'a Item>),
    /// Nothing that is ours to do: why, and what a person can do.
    None(String),
    /// Which pieces those are is not known, and why.
    Unknown(String),
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
            Err(Blind { why }) => {
                roll.blind(&STORAGE_HIGH, self.tenant, why);
                return roll.blind(&CONTENT_IDLE, self.tenant, why);
            }
        };
        let level = level(self.settings, storage);
        let relief = match level {
            Ok(Some(Level { critical: true, .. })) => self.relief(storage),
            Ok(_) => Relief::None("its tenant has space again".to_owned()),
            Err(why) => Relief::Unknown(why.to_owned()),
        };
        self.storage(storage, level, &relief, at, roll);
        match self.content {
            Ok(seen) => self.idle(seen, &relief, roll),
            Err(why) => roll.blind(&CONTENT_IDLE, self.tenant, why),
        }
    }

    fn storage(
        &self,
        storage: Storage,
        level: Result<Option<Level>, &str>,
        relief: &Relief<'_>,
        at: Timestamp,
        roll: &mut Roll<Fault>,
    ) {
        let subject = subject(self.tenant);
        match level {
            Err(why) => roll.unknown(&STORAGE_HIGH, subject.clone(), why),
            Ok(Some(level)) => {
                let fault = self.high(storage, level, relief);
                roll.faulty(&STORAGE_HIGH, subject.clone(), fault, at);
            }
            Ok(None) => roll.healthy(&STORAGE_HIGH, subject.clone(), at),
        }
        roll.settle(&STORAGE_HIGH, self.tenant, at, |_| Asked::Gone);
        #[expect(clippy::cast_precision_loss, reason = "a measure to compare needs no exact bytes")]
        let value = storage.used_bytes as f64;
        let series = STORAGE_SERIES.to_owned();
        roll.diagnosis().samples.push(Sample { series, subject, at, value });
    }

    fn high(&self, storage: Storage, level: Level, relief: &Relief<'_>) -> Fault {
        let relief = match relief {
            _ if !level.critical => format!(
                "only above {} % content is archived for space, where that frees any; until then \
                 it is a person's to choose{}",
                self.settings.storage_critical_percent,
                self.inactive_total()
            ),
            Relief::Archive(pieces) => format!(
                "archiving inactive content frees space; {} of it, the oldest, {} of {CONTENT_IDLE}",
                pieces.len(),
                if pieces.len() == 1 { "is a finding" } else { "are findings" }
            ),
            Relief::None(why) => why.clone(),
            Relief::Unknown(why) => format!("which content is the oldest is not known: {why}"),
        };
        Fault::StorageHigh {
            tenant: self.tenant.to_owned(),
            quota_bytes: storage.quota_bytes,
            limit: level.limit,
            critical: level.critical,
            relief,
        }
    }

    fn idle(&self, seen: &Seen<'_>, relief: &Relief<'_>, roll: &mut Roll<Fault>) {
        if let Relief::Archive(pieces) = relief {
            for item in pieces {
                if let Some(fault) = idle(self.settings, item) {
                    roll.faulty(&CONTENT_IDLE, seen.subject(item), fault, seen.look.at);
                }
            }
        }
        seen.settle_each(roll, &CONTENT_IDLE, |item| {
            if idle(self.settings, item).is_none() {
                return Asked::Well;
            }
            match relief {
                Relief::Archive(_) => Asked::Excused("older content is put away first".to_owned()),
                Relief::None(why) => Asked::Excused(why.clone()),
                Relief::Unknown(why) => Asked::Unseen(why.clone()),
            }
        });
        match (relief, &seen.cut_short) {
            (Relief::Unknown(why), _) | (_, Some(why)) => roll.partial(&CONTENT_IDLE, why),
            (_, None) => {
                let kept = seen.look.items.iter();
                let kept = kept.filter(|item| item.status != ContentStatus::Archived);
                roll.census(&CONTENT_IDLE, self.tenant, kept.count());
            }
        }
    }

    /// What could lower what is stored, above the critical limit.
    fn relief(&self, storage: Storage) -> Relief<'_> {
        if self.dialect == Dialect::Vizora {
            return Relief::None(format!(
                "archiving frees no space on this platform, and nothing is ever deleted here; \
                 raise the quota, or let a person delete what is not needed{}",
                self.inactive_total()
            ));
        }
        let measured = match self.archiving_freed(storage) {
            Some(false) => return Relief::None(
                "the last content that was archived freed no space, so no more is archived for \
                 it; raise the quota, or let a person delete what is not needed"
                    .to_owned(),
            ),
            Some(true) => true,
            None => false,
        };
        let seen = match self.content {
            Ok(seen) => seen,
            Err(why) => return Relief::Unknown(format!("its content could not be seen: {why}")),
        };
        if let Some(why) = &seen.cut_short {
            return Relief::Unknown(why.clone());
        }
        let enough = if measured { self.excess(storage) } else { 1 };
        match oldest_inactive(seen, enough) {
            Err(why) => Relief::Unknown(why),
            Ok(pieces) if pieces.is_empty() => Relief::None(
                "no content with a file is inactive, and what is active is not put away for \
                 space; raise the quota, or let a person choose"
                    .to_owned(),
            ),
            Ok(pieces) => Relief::Archive(pieces),
        }
    }

    /// So much is stored above the critical limit.
    fn excess(&self, storage: Storage) -> u64 {
        let limit = share(storage.quota_bytes, self.settings.storage_critical_percent);
        storage.used_bytes.saturating_sub(limit)
    }

    /// Whether less was stored after the last archiving of ours; `None` where that was not measured.
    fn archiving_freed(&self, storage: Storage) -> Option<bool> {
        let last = self.last_archived()?;
        let samples = self.recall.series.get(STORAGE_SERIES)?.get(&subject(self.tenant))?;
        // Newest first: the ones nearest to the act are the least blurred by what people store meanwhile.
        let before = samples.iter().find(|sample| sample.at <= last)?;
        let after = samples.iter().rev().find(|sample| sample.at > last);
        #[expect(clippy::cast_precision_loss, reason = "a measure to compare needs no exact bytes")]
        let after = after.map_or(storage.used_bytes as f64, |sample| sample.value);
        Some(after < before.value)
    }

    /// When content of this tenant was last archived by us, and stayed so: what was taken back tells nothing of what it
    /// freed.
    fn last_archived(&self) -> Option<Timestamp> {
        let acted = &self.recall.acted;
        let taken_back = |archived: &Acted| {
            acted.iter().any(|later| {
                matches!(&later.operation, Operation::RestoreContent { .. })
                    && later.operation.target() == archived.operation.target()
                    && later.at >= archived.at
            })
        };
        let ours = acted.iter().filter(|acted| {
            matches!(&acted.operation, Operation::ArchiveContent(row) if row.tenant == self.tenant)
        });
        ours.filter(|archived| !taken_back(archived)).map(|archived| archived.at).max()
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

/// Content with a file that may be put away for space.
fn inactive<'a>(seen: &'a Seen<'_>) -> impl Iterator<Item = &'a Item> {
    let of_size = |item: &&Item| item.size_bytes.is_some_and(|size| size > 0);
    seen.look.items.iter().filter(|item| is_inactive(item)).filter(of_size)
}

/// Not what plays, not what is put away, and nothing that the platform is working on or whose state could not be named when
/// it is given back.
const fn is_inactive(item: &Item) -> bool {
    match item.status {
        ContentStatus::Active
        | ContentStatus::Archived
        | ContentStatus::Processing
        | ContentStatus::Unrecognised => false,
        ContentStatus::Draft
        | ContentStatus::Flagged
        | ContentStatus::Rejected
        | ContentStatus::PendingApproval
        | ContentStatus::Expired
        | ContentStatus::Ready
        | ContentStatus::Error => true,
    }
}

/// The oldest inactive pieces that hold `enough` bytes together, or as many as are named at once; `Err` where not one can
/// be named, for an older one may be the one: whether every tenant sees a piece of content only a closer look tells.
fn oldest_inactive<'a>(seen: &'a Seen<'_>, enough: u64) -> Result<Vec<&'a Item>, String> {
    let mut oldest_first: Vec<&Item> = inactive(seen).collect();
    oldest_first.sort_by_key(|item| (item.created_at, &item.id));
    let (mut pieces, mut bytes) = (Vec::new(), 0_u64);
    for item in oldest_first {
        if bytes >= enough || pieces.len() == MOST_AT_ONCE {
            break;
        }
        match &item.detail {
            None if pieces.is_empty() => return Err(seen.unread().to_owned()),
            None => break,
            Some(detail) if detail.global => {}
            Some(_) => {
                bytes = bytes.saturating_add(item.size_bytes.unwrap_or(0));
                pieces.push(item);
            }
        }
    }
    Ok(pieces)
}
