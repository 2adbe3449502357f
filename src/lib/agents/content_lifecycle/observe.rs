//! How content-lifecycle looks: lists first, then a closer look at single pieces of content, the most urgent ones first.
//!
//! How many closer looks a run has is not known here: limits and time end them wherever they end, and what is known
//! already costs none. So what is asked first is what somebody waits for.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::{join, join_all, join4};

use super::checks::AGENT;
use super::settings::ContentLifecycle;
use super::snapshot::{
    ContentLook, Item, Look, ProofLook, References, RowLook, Snapshot, StorageLook, TenantLook,
    Thumbnail,
};
use crate::agent::Scope;
use crate::domain::platform::{
    ContentDetail, ContentRow, ContentStatus, Listing, PlaylistRow, Thumbnails, Wanted, Zone,
};
use crate::domain::run::Recall;
use crate::domain::sight::{Blind, Sight};
use crate::domain::subject::{Key, Subject, SubjectKind};
use crate::ports::platform::Platform;
use crate::ports::sensors::Sensors;

/// Looks at what `scope` asks for.
pub(super) async fn observe(
    settings: &ContentLifecycle,
    sensors: &Sensors,
    scope: &Scope,
    recall: &Recall,
) -> Snapshot {
    let platform = match &sensors.platform {
        Ok(platform) => platform.as_ref(),
        Err(blind) => {
            let look = match scope {
                Scope::Everything => Look::Everything(BTreeMap::new()),
                Scope::Proof(keys) => {
                    Look::Proof(ProofLook { asked: keys.clone(), ..ProofLook::default() })
                }
            };
            return Snapshot { dialect: Err(blind.clone()), look };
        }
    };
    let pass = Pass { settings, sensors, recall, platform };
    let look = match scope {
        Scope::Everything => {
            let tenants = platform.tenants();
            // Side by side, so that a tenant that does not answer costs no other one its time.
            let looks = join_all(tenants.iter().map(|tenant| pass.tenant(tenant))).await;
            Look::Everything(tenants.iter().cloned().zip(looks).collect())
        }
        Scope::Proof(keys) => Look::Proof(pass.proof(keys).await),
    };
    Snapshot { dialect: Ok(platform.dialect()), look }
}

struct Pass<'a> {
    settings: &'a ContentLifecycle,
    sensors: &'a Sensors,
    recall: &'a Recall,
    platform: &'a dyn Platform,
}

impl Pass<'_> {
    async fn tenant(&self, tenant: &str) -> TenantLook {
        let (content, layouts, playlists, storage) = join4(
            self.platform.content(tenant),
            self.platform.layouts(tenant),
            self.platform.playlists(tenant),
            self.storage(tenant),
        )
        .await;
        let (layouts, known) = match layouts {
            Ok(listing) => {
                let (references, known) = of_layouts(listing);
                (Ok(references), known)
            }
            Err(blind) => (Err(blind), BTreeMap::new()),
        };
        let content = match content {
            Ok(listing) => Ok(self.closer(tenant, listing, known).await),
            Err(blind) => Err(blind),
        };
        TenantLook { content, playlists: playlists.map(of_playlists), layouts, storage }
    }

    async fn storage(&self, tenant: &str) -> Sight<StorageLook> {
        let storage = self.platform.storage(tenant).await?;
        Ok(StorageLook { at: self.sensors.now(), storage })
    }

    /// A closer look at every row whose details `known` does not hold.
    async fn closer(
        &self,
        tenant: &str,
        listing: Listing<ContentRow>,
        known: BTreeMap<String, ContentDetail>,
    ) -> ContentLook {
        let wanted = self.wanted(tenant, &listing.items, &known);
        let addresses = self.addresses(&listing.items);
        let (details, thumbnails) = join(
            self.platform.details(tenant, &wanted),
            self.platform.thumbnails(tenant, &addresses),
        )
        .await;
        drop((wanted, addresses));
        let (mut details, details_cut) = unless_blind(details, |details| details.cut_short.clone());
        let (thumbnails, thumbnails_cut) =
            unless_blind(thumbnails, |thumbnails: &Thumbnails| thumbnails.cut_short.clone());
        details.known.extend(known);
        let thumbnails_foreign = foreign(&thumbnails);
        let fates = fates(thumbnails);
        let mut zones = BTreeSet::new();
        let mut items = Vec::with_capacity(listing.items.len());
        for row in listing.items {
            if details.gone.contains(&row.id) {
                continue;
            }
            let mut item = Item::new(row);
            if let Some(detail) = details.known.remove(&item.id) {
                zones.extend(detail.zones.iter().filter_map(content_of).cloned());
                item.detail = Some(detail.into());
            }
            if item.thumbnail == Thumbnail::Unasked {
                item.thumbnail = fates.get(&item.id).copied().unwrap_or(Thumbnail::Unasked);
            }
            items.push(item);
        }
        ContentLook {
            at: listing.at,
            platform_now: listing.platform_now,
            cut_short: listing.cut_short,
            items,
            zones,
            details_cut,
            thumbnails_cut: if self.settings.probe_thumbnails {
                thumbnails_cut
            } else {
                Some("probe_thumbnails is switched off".to_owned())
            },
            thumbnails_foreign,
        }
    }

    /// What to look at closely: active content with an open incident, other active content, the rest, and what was put
    /// away last; the oldest of each first, for that is the one to be expired or forgotten.
    fn wanted(
        &self,
        tenant: &str,
        rows: &[ContentRow],
        known: &BTreeMap<String, ContentDetail>,
    ) -> Vec<Wanted> {
        let troubled: BTreeSet<&str> = self
            .recall
            .incidents
            .iter()
            .filter(|incident| incident.key.subject.scope() == tenant)
            .map(|incident| incident.key.subject.id())
            .collect();
        let rank = |row: &ContentRow| match row.status {
            ContentStatus::Active if troubled.contains(row.id.as_str()) => 0,
            ContentStatus::Active => 1,
            ContentStatus::Archived => 3,
            _ => 2,
        };
        let mut rows: Vec<&ContentRow> =
            rows.iter().filter(|row| !known.contains_key(&row.id)).collect();
        rows.sort_by_key(|row| (rank(row), row.created_at, row.id.as_str()));
        rows.into_iter().map(wanted).collect()
    }

    /// The addresses of the thumbnails of active content, where they are to be asked.
    fn addresses(&self, rows: &[ContentRow]) -> Vec<(Wanted, String)> {
        if !self.settings.probe_thumbnails {
            return Vec::new();
        }
        let of = |row: &ContentRow| {
            let address = row.thumbnail.as_ref().filter(|address| !address.trim().is_empty())?;
            (row.status == ContentStatus::Active).then(|| (wanted(row), address.clone()))
        };
        let mut addresses: Vec<(Wanted, String)> = rows.iter().filter_map(of).collect();
        addresses.sort();
        addresses
    }

    async fn proof(&self, keys: &BTreeSet<Key>) -> ProofLook {
        let asked: BTreeSet<Key> = keys.iter().filter(|key| key.agent == AGENT).cloned().collect();
        let of_content = |subject: &&Subject| subject.kind() == SubjectKind::Content;
        let rows: BTreeSet<&Subject> =
            asked.iter().map(|key| &key.subject).filter(of_content).collect();
        let looks = join_all(rows.iter().map(|row| self.row(row.scope(), row.id()))).await;
        ProofLook { rows: rows.into_iter().cloned().zip(looks).collect(), asked }
    }

    async fn row(&self, tenant: &str, id: &str) -> Sight<Option<RowLook>> {
        let Some((row, detail, playlists)) = self.platform.one_content(tenant, id).await? else {
            return Ok(None);
        };
        let (at, platform_now) = (self.sensors.now(), self.platform.platform_now());
        let item = Item::looked_at(row, detail);
        let replacement = match replacement_of(&item, platform_now) {
            None => None,
            Some(replacement) => {
                let read = self.platform.one_content(tenant, replacement).await;
                Some(read.map(|found| found.map(|(row, detail, _)| Item::looked_at(row, detail))))
            }
        };
        Ok(Some(RowLook { at, platform_now, item, held: !playlists.is_empty(), replacement }))
    }
}

/// The replacement of a row that is still active beyond its expiry: only then does it matter.
fn replacement_of(item: &Item, platform_now: Option<jiff::Timestamp>) -> Option<&str> {
    let detail = item.detail.as_ref().filter(|_| item.is_active())?;
    detail.replacement.as_deref().filter(|_| platform_now.is_some_and(|at| detail.expired(at)))
}

fn wanted(row: &ContentRow) -> Wanted {
    Wanted { id: row.id.clone(), updated_at: row.updated_at }
}

/// The fate of each thumbnail, by content id.
fn fates(thumbnails: Thumbnails) -> BTreeMap<String, Thumbnail> {
    let mut fates = BTreeMap::new();
    for of_origin in thumbnails.answered.into_values() {
        // Where not a single one answers, more likely the address is wrong than every picture gone. Another origin, or a
        // picture that is its own address, tells nothing about this one.
        let any = of_origin.values().any(|answers| *answers);
        let not_there = if any { Thumbnail::Dead } else { Thumbnail::Doubted };
        let fate = |answers| if answers { Thumbnail::Answers } else { not_there };
        fates.extend(of_origin.into_iter().map(|(id, answers)| (id, fate(answers))));
    }
    fates.extend(thumbnails.inline.into_iter().map(|id| (id, Thumbnail::Answers)));
    let foreign = thumbnails.foreign.into_values().flatten();
    fates.extend(foreign.map(|id| (id, Thumbnail::Foreign)));
    fates
}

/// So many hosts are named that may not be asked; of the others there may be as many as rows.
const NAMED: usize = 3;

/// Why some thumbnails may not be asked, if so.
fn foreign(thumbnails: &Thumbnails) -> Option<String> {
    let of_origins = thumbnails.foreign.iter();
    let mut most: Vec<(usize, &str)> =
        of_origins.map(|(origin, ids)| (ids.len(), origin.as_str())).collect();
    let all: usize = most.iter().map(|(many, _)| many).sum();
    most.sort_by_key(|(many, _)| std::cmp::Reverse(*many));
    let rest = most.split_off(most.len().min(NAMED));
    let mut told: Vec<String> =
        most.iter().map(|(many, origin)| format!("{many} at {origin}")).collect();
    let others: usize = rest.iter().map(|(many, _)| many).sum();
    if others > 0 {
        told.push(format!("{others} elsewhere"));
    }
    (all > 0).then(|| {
        format!(
            "{all} thumbnails are not asked, for `thumbnail_origins` under [platform] does not name their hosts: {}",
            told.join(", ")
        )
    })
}

/// What was answered, or nothing; and why it is not all.
fn unless_blind<T: Default>(
    sight: Sight<T>,
    cut_short: impl Fn(&T) -> Option<String>,
) -> (T, Option<String>) {
    match sight {
        Ok(seen) => {
            let why = cut_short(&seen);
            (seen, why)
        }
        Err(Blind { why }) => (T::default(), Some(why)),
    }
}

/// What a zone shows, where that is content: a widget is stored as content, too.
const fn content_of(zone: &Zone) -> Option<&String> {
    match zone {
        Zone::Content(id) | Zone::Widget(id) => Some(id),
        Zone::Playlist(_) => None,
    }
}

fn count(many: usize) -> u64 {
    u64::try_from(many).unwrap_or(u64::MAX)
}

fn of_playlists(listing: Listing<PlaylistRow>) -> References {
    let rows = count(listing.items.len());
    let content = listing.items.into_iter().flat_map(|playlist| playlist.items);
    References {
        content: content.map(|item| item.content).collect(),
        rows,
        cut_short: listing.cut_short,
        at: listing.at,
    }
}

/// What layouts refer to, and their details.
fn of_layouts(
    listing: Listing<(String, ContentDetail)>,
) -> (References, BTreeMap<String, ContentDetail>) {
    let zones = listing.items.iter().flat_map(|(_, detail)| &detail.zones);
    let references = References {
        content: zones.filter_map(content_of).cloned().collect(),
        rows: count(listing.items.len()),
        cut_short: listing.cut_short,
        at: listing.at,
    };
    (references, listing.items.into_iter().collect())
}
