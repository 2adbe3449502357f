//! Verdicts on content that nothing refers to.
//!
//! That nothing refers to a piece of content is said only where everything that could was seen: every playlist, every
//! layout, and every piece of content with its pointers, whatever its state. One page that is missing may be the one that
//! refers to it, and lists come newest first, so it is the old ones that a short list lacks.

use std::collections::BTreeSet;

use super::checks::CONTENT_ORPHANED;
use super::fault::Fault;
use super::seen::Seen;
use super::settings::ContentLifecycle;
use super::snapshot::{Item, References, TenantLook};
use crate::domain::platform::{Asked, Roll};
use crate::domain::sight::{Blind, Sight};

/// Why a list is not whole, or is not believed; `Err` where it could not be seen at all.
pub(super) type Completeness = Sight<Option<String>>;

/// Judges what nothing refers to. `playlists` tells how complete their list is.
pub(super) fn orphans(
    settings: &ContentLifecycle,
    seen: &Seen<'_>,
    look: &TenantLook,
    playlists: &Completeness,
    roll: &mut Roll<Fault>,
) {
    let universe = Universe { settings, seen, referenced: referenced(seen, look) };
    let layouts = look.layouts.as_ref().map(|layouts| layouts.cut_short.clone());
    let layouts = layouts.map_err(Clone::clone);
    let incomplete = universe.incomplete(playlists, &layouts);
    if incomplete.is_none() {
        for item in seen.active() {
            if let Some(fault) = universe.fault(item) {
                roll.faulty(&CONTENT_ORPHANED, seen.subject(item), fault, seen.look.at);
            }
        }
    }
    seen.settle(roll, &CONTENT_ORPHANED, |item| universe.stands(item, incomplete.as_deref()));
    match (&incomplete, playlists.as_ref().and(layouts.as_ref())) {
        (_, Err(Blind { why })) => roll.blind(&CONTENT_ORPHANED, seen.tenant, why),
        (Some(why), Ok(_)) => roll.partial(&CONTENT_ORPHANED, why),
        (None, Ok(_)) => seen.census(roll, &CONTENT_ORPHANED),
    }
}

/// Every id of content that anything refers to, as far as that was seen.
fn referenced<'a>(seen: &Seen<'a>, look: &'a TenantLook) -> BTreeSet<&'a str> {
    let lists = [&look.playlists, &look.layouts].into_iter().filter_map(|list| list.as_ref().ok());
    let held = lists.flat_map(|References { content, .. }| content).map(String::as_str);
    let pointers = seen.look.items.iter().filter_map(|item| item.detail.as_ref());
    let pointers = pointers.flat_map(|detail| [&detail.replacement, &detail.previous_version]);
    let zones = seen.look.zones.iter().map(String::as_str);
    held.chain(zones).chain(pointers.filter_map(|pointer| pointer.as_deref())).collect()
}

struct Universe<'a> {
    settings: &'a ContentLifecycle,
    seen: &'a Seen<'a>,
    referenced: BTreeSet<&'a str>,
}

impl Universe<'_> {
    /// Why something may refer to content that was not seen to, if so.
    fn incomplete(&self, playlists: &Completeness, layouts: &Completeness) -> Option<String> {
        if let Some(why) = &self.seen.cut_short {
            return Some(why.clone());
        }
        for (what, list) in [("playlists", playlists), ("layouts", layouts)] {
            match list {
                Err(Blind { why }) | Ok(Some(why)) => {
                    return Some(format!("the list of {what} is not whole: {why}"));
                }
                Ok(None) => {}
            }
        }
        let unread = self.seen.look.items.iter().any(|item| item.detail.is_none());
        unread.then(|| format!("what content refers to is not known: {}", self.seen.unread()))
    }

    /// Why it is no orphan, whatever else may be unseen.
    fn is_cleared(&self, item: &Item) -> bool {
        let platform_now = self.seen.look.platform_now;
        item.template
            || self.referenced.contains(item.id.as_str())
            || !self.settings.aged(item.created_at, platform_now)
            || item.detail.as_ref().is_some_and(|detail| detail.global)
    }

    /// Whether it has expired: that is a finding of its own, or the platform's to end, and the cause is one.
    fn has_expired(&self, item: &Item) -> bool {
        item.detail.as_ref().is_some_and(|detail| detail.expired(self.seen.look.platform_now))
    }

    /// The fault of an active item, where everything was seen.
    fn fault(&self, item: &Item) -> Option<Fault> {
        let detail = item.detail.as_ref()?;
        if self.is_cleared(item) || self.has_expired(item) {
            return None;
        }
        Some(Fault::Orphaned {
            name: item.name.clone(),
            created_at: item.created_at,
            replacement: detail.replacement.clone(),
        })
    }

    fn stands(&self, item: &Item, incomplete: Option<&str>) -> Asked {
        if self.is_cleared(item) {
            return Asked::Well;
        }
        if self.has_expired(item) {
            return Asked::Unseen("it has expired, which is judged on its own".to_owned());
        }
        incomplete.map_or(Asked::Well, |why| Asked::Unseen(why.to_owned()))
    }
}
