//! One look at a tenant: everything that what-is-on-glass depends on, each part with how complete it is.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::platform::{
    Catalogue, ContentDetail, ContentState, ContentStatus, Details, Dialect, DisplayRow, GroupRow,
    Listing, PlaylistRow, ScheduleRow, Shelf, Unlisted, Wanted, Zone,
};
use crate::domain::sight::{Blind, Sight};
use crate::ports::platform::Platform;

/// What was seen of one tenant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TenantLook {
    /// The tenant.
    pub tenant: String,
    /// Its displays.
    pub displays: Sight<Listing<DisplayRow>>,
    /// Its groups.
    pub groups: Sight<Listing<GroupRow>>,
    /// Its schedules.
    pub schedules: Sight<Listing<ScheduleRow>>,
    /// Its playlists.
    pub playlists: Sight<Listing<PlaylistRow>>,
    /// What of its content a playlist or a layout names.
    pub shelf: ShelfLook,
}

/// What was seen of the content that is in use.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ShelfLook {
    /// The state of each piece, as far as it was listed.
    pub content: BTreeMap<String, ContentStatus>,
    /// Whether all content was listed, with everything that zones name: only then what is not here is gone.
    pub whole: bool,
    /// What is known of single pieces.
    pub details: BTreeMap<String, ContentDetail>,
    /// Why something is not known, if so.
    pub cut_short: Option<String>,
}

impl TenantLook {
    /// Looks at everything of `tenant`.
    pub async fn at(platform: &dyn Platform, tenant: &str) -> Self {
        // What names something before what is named: else what was made between the two would be taken for gone. And the
        // longest list last, so that where limits end the look the displays were seen.
        let layouts = platform.layouts(tenant).await;
        let rows = join(platform.displays(tenant), platform.groups(tenant));
        let plans = join(platform.schedules(tenant), platform.playlists(tenant));
        let ((displays, groups), (schedules, playlists)) = join(rows, plans).await;
        let content = platform.content_states(tenant).await;
        let shelf = ShelfLook::at(platform, tenant, &playlists, content, layouts).await;
        Self { tenant: tenant.to_owned(), displays, groups, schedules, playlists, shelf }
    }

    /// The playlists with until when each can be delivered.
    #[must_use]
    pub fn catalogue(&self, dialect: Dialect) -> Catalogue<'_> {
        let ShelfLook { content, whole: all, details, .. } = &self.shelf;
        let listed = whole(&self.playlists, "playlists");
        let known = Shelf { content, whole: *all, details, playlists: listed.is_ok() };
        let unlisted = match (listed, dialect) {
            (Ok(()), Dialect::Reference) => Unlisted::Gone,
            // The live platform takes what names a playlist away with it: one that is not listed was made meanwhile.
            (Ok(()), Dialect::Vizora) => {
                Unlisted::Unknown("a playlist was made while the lists were read".to_owned())
            }
            (Err(why), _) => Unlisted::Unknown(why),
        };
        Catalogue::new(rows(&self.playlists), known, unlisted)
    }

    /// Why the schedules of a display are not known for sure, if they are not.
    #[must_use]
    pub fn programme_doubt(&self) -> Option<String> {
        whole(&self.schedules, "schedules").and_then(|()| whole(&self.groups, "groups")).err()
    }
}

/// A list's rows, whatever is known of them.
#[must_use]
pub fn rows<T>(list: &Sight<Listing<T>>) -> &[T] {
    list.as_ref().map_or(&[], |list| &list.items)
}

/// Whether a list is whole.
///
/// # Errors
///
/// It is not, and why.
pub fn whole<T>(list: &Sight<Listing<T>>, what: &str) -> Result<(), String> {
    match list {
        Ok(Listing { cut_short: None, .. }) => Ok(()),
        Ok(Listing { cut_short: Some(why), .. }) => {
            Err(format!("not all {what} were listed: {why}"))
        }
        Err(Blind { why }) => Err(format!("the {what} cannot be seen: {why}")),
    }
}

impl ShelfLook {
    async fn at(
        platform: &dyn Platform,
        tenant: &str,
        playlists: &Sight<Listing<PlaylistRow>>,
        content: Sight<Listing<ContentState>>,
        layouts: Sight<Listing<(String, ContentDetail)>>,
    ) -> Self {
        let doubts = [whole(&content, "content").err(), whole(&layouts, "layouts").err()];
        let listed = doubts.iter().all(Option::is_none);
        let known: BTreeMap<String, ContentDetail> =
            layouts.map(|list| list.items.into_iter().collect()).unwrap_or_default();
        let used = in_use(rows(playlists), &known);
        let mut states = BTreeMap::new();
        let mut wanted = Vec::new();
        for row in content.map(|list| list.items).unwrap_or_default() {
            if !used.contains(row.id.as_str()) {
                continue;
            }
            states.insert(row.id.clone(), row.status);
            if row.status == ContentStatus::Active && !known.contains_key(&row.id) {
                wanted.push(Wanted { id: row.id, updated_at: row.updated_at });
            }
        }
        let read = if wanted.is_empty() {
            Ok(Details::default())
        } else {
            platform.details(tenant, &wanted).await
        };
        let (mut details, unread) = match read {
            Ok(read) => (read.known, read.cut_short),
            Err(Blind { why }) => (BTreeMap::new(), Some(why)),
        };
        // A layout that only a single look showed may name content that was not kept.
        let followed = named_by(&details).all(|content| used.contains(content));
        details.extend(known);
        let cut_short = doubts.into_iter().flatten().next().or(unread);
        Self { content: states, whole: listed && followed, details, cut_short }
    }
}

/// The content that playlists and the zones of layouts name.
fn in_use(
    playlists: &[PlaylistRow],
    layouts: &BTreeMap<String, ContentDetail>,
) -> BTreeSet<String> {
    let items = playlists.iter().flat_map(|playlist| &playlist.items);
    let items = items.map(|item| item.content.as_str());
    items.chain(named_by(layouts)).map(str::to_owned).collect()
}

/// The content that zones name.
fn named_by(details: &BTreeMap<String, ContentDetail>) -> impl Iterator<Item = &str> {
    details.values().flat_map(|detail| &detail.zones).filter_map(|zone| match zone {
        Zone::Content(content) => Some(content.as_str()),
        Zone::Playlist(_) | Zone::Widget(_) => None,
    })
}

/// One row that was looked at for a proof, with when that was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RowLook<T> {
    /// The tenant.
    pub tenant: String,
    /// Its id.
    pub id: String,
    /// The row; `None` where the platform has no such row.
    pub row: Sight<Option<T>>,
    /// When, on the platform's own clock, as far as that is known.
    pub platform_now: Option<Timestamp>,
    /// When, on ours.
    pub at: Timestamp,
}
