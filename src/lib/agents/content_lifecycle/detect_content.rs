//! Verdicts on single pieces of content that need nothing but the piece itself: expiry, thumbnails, size.

use std::collections::BTreeSet;

use super::checks::{CONTENT_EXPIRED, CONTENT_OVERSIZED, THUMBNAIL_DEAD, THUMBNAIL_MISSING};
use super::fault::{Fault, Replacement};
use super::seen::Seen;
use super::settings::ContentLifecycle;
use super::snapshot::{Item, Thumbnail};
use crate::domain::platform::{Asked, Roll};

/// The fault of content that is active although its expiry is past by more than the grace, if that is one.
pub(super) fn expiry<'i>(
    settings: &ContentLifecycle,
    item: &'i Item,
    platform_now: jiff::Timestamp,
    replacement: impl FnOnce(Option<&'i str>) -> Replacement,
) -> Option<Fault> {
    let detail = item.detail.as_ref().filter(|_| item.is_active())?;
    let expires_at = detail.expires_at.filter(|end| settings.overdue(*end, platform_now))?;
    let replacement = replacement(detail.replacement.as_deref());
    Some(Fault::Expired { name: item.name.clone(), expires_at, replacement })
}

/// The fault of content that is larger than the limit, if that is one. Without a size there is no file.
pub(super) fn size(settings: &ContentLifecycle, item: &Item) -> Option<Fault> {
    let limit_bytes = settings.oversized_bytes();
    let size_bytes = item.size_bytes.filter(|size| item.is_active() && *size > limit_bytes)?;
    Some(Fault::Oversized { name: item.name.clone(), size_bytes, limit_bytes })
}

/// The fault of content without a thumbnail, if that is one.
pub(super) fn no_thumbnail(item: &Item) -> Option<Fault> {
    let missing = item.is_active() && item.thumbnail == Thumbnail::None;
    missing.then(|| Fault::ThumbnailMissing { name: item.name.clone() })
}

/// Judges expiry.
pub(super) fn expired(settings: &ContentLifecycle, seen: &Seen<'_>, roll: &mut Roll<Fault>) {
    for item in seen.active() {
        let replacement = |id| seen.replacement(id);
        if let Some(fault) = expiry(settings, item, seen.look.platform_now, replacement) {
            roll.faulty(&CONTENT_EXPIRED, seen.subject(item), fault, seen.look.at);
        }
    }
    seen.settle(roll, &CONTENT_EXPIRED, |item| match item.detail {
        Some(_) => Asked::Well,
        None => Asked::Unseen(seen.unread().to_owned()),
    });
    // What was read is judged all the same: another piece's expiry changes nothing about this one.
    if seen.active().any(|item| item.detail.is_none()) {
        roll.partial(&CONTENT_EXPIRED, seen.unread());
    }
    seen.cover(roll, &CONTENT_EXPIRED);
}

/// Judges what lists show: sizes, and whether there is a thumbnail.
pub(super) fn listed(settings: &ContentLifecycle, seen: &Seen<'_>, roll: &mut Roll<Fault>) {
    for item in seen.active() {
        if let Some(fault) = size(settings, item) {
            roll.faulty(&CONTENT_OVERSIZED, seen.subject(item), fault, seen.look.at);
        }
        if let Some(fault) = no_thumbnail(item) {
            roll.faulty(&THUMBNAIL_MISSING, seen.subject(item), fault, seen.look.at);
        }
    }
    for check in [&CONTENT_OVERSIZED, &THUMBNAIL_MISSING] {
        seen.settle(roll, check, |_| Asked::Well);
        seen.cover(roll, check);
    }
}

/// Why no thumbnail of an origin is called gone.
const NONE_ANSWERS: &str =
    "no thumbnail answers: is `thumbnails` under [platform] the address that they are relative to?";

/// Judges whether thumbnails answer.
pub(super) fn thumbnails(seen: &Seen<'_>, roll: &mut Roll<Fault>) {
    for item in seen.active().filter(|item| item.thumbnail == Thumbnail::Dead) {
        let fault = Fault::ThumbnailDead { name: item.name.clone() };
        roll.faulty(&THUMBNAIL_DEAD, seen.subject(item), fault, seen.look.at);
    }
    seen.settle(roll, &THUMBNAIL_DEAD, |item| match unclear(seen, item) {
        None => Asked::Well,
        Some(why) => Asked::Unseen(why.to_owned()),
    });
    let whys: BTreeSet<&str> = seen.active().filter_map(|item| unclear(seen, item)).collect();
    if !whys.is_empty() {
        let whys: Vec<&str> = whys.into_iter().collect();
        roll.partial(&THUMBNAIL_DEAD, &whys.join("; "));
    }
    seen.cover(roll, &THUMBNAIL_DEAD);
}

/// Why it is not known whether a thumbnail is there, if so.
fn unclear<'s>(seen: &'s Seen<'_>, item: &Item) -> Option<&'s str> {
    match item.thumbnail {
        Thumbnail::None | Thumbnail::Answers | Thumbnail::Dead => None,
        Thumbnail::Doubted => Some(NONE_ANSWERS),
        Thumbnail::Foreign => {
            let foreign = seen.look.thumbnails_foreign.as_deref();
            Some(foreign.unwrap_or("its thumbnail may not be asked"))
        }
        Thumbnail::Unasked => {
            let cut = seen.look.thumbnails_cut.as_deref();
            Some(cut.unwrap_or("not every thumbnail was asked"))
        }
    }
}
