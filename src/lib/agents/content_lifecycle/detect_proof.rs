//! Verdicts on what was acted on, from a look at nothing else.
//!
//! Such a look cannot tell that a row is gone from the platform's lists, and says nothing about what was not asked.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::checks::{
    CONTENT_EXPIRED, CONTENT_IDLE, CONTENT_ORPHANED, CONTENT_OVERSIZED, SPEC, THUMBNAIL_DEAD,
    THUMBNAIL_MISSING,
};
use super::detect_content::{expiry, no_thumbnail, size};
use super::detect_storage::idle;
use super::fault::{Fault, Replacement};
use super::settings::ContentLifecycle;
use super::snapshot::{ProofLook, RowLook, Thumbnail};
use crate::domain::diagnosis::Diagnosis;
use crate::domain::platform::{Asked, Roll};
use crate::domain::sight::Blind;
use crate::domain::subject::{CheckId, Key, SubjectKind};

const PARTIAL: &str = "only what was acted on was looked at";
const NO_CLOCK: &str = "the time on the platform's clock is not known";

/// The fault, if there is one, and when that was seen; `Err` where it could not be judged.
type Judged = Result<(Option<Fault>, Timestamp), String>;

/// Judges what was asked. `blind` tells why nothing could be seen, if so; `open` are the findings with an incident.
pub(super) fn proof<'k>(
    settings: &ContentLifecycle,
    look: &'k ProofLook,
    blind: Option<&str>,
    open: impl Iterator<Item = &'k Key>,
) -> Diagnosis<Fault> {
    let keys: Vec<&Key> = look.asked.iter().chain(open).collect();
    let scopes: BTreeSet<String> = keys.iter().map(|key| key.subject.scope().to_owned()).collect();
    let mut roll = Roll::new(&SPEC, keys);
    for check in SPEC.checks {
        roll.partial(&check.id, PARTIAL);
    }
    for key in &look.asked {
        let (check, subject) = (&key.check, key.subject.clone());
        match judge(settings, look, key) {
            Ok((Some(fault), at)) => roll.faulty(check, subject, fault, at),
            Ok((None, at)) => roll.healthy(check, subject, at),
            Err(why) => roll.unknown(check, subject, blind.unwrap_or(&why)),
        }
    }
    for check in SPEC.checks {
        for scope in &scopes {
            let unasked = |_: &_| Asked::Unseen(PARTIAL.to_owned());
            roll.settle(&check.id, scope, Timestamp::UNIX_EPOCH, unasked);
        }
    }
    roll.into_diagnosis(&scopes.into_iter().collect::<Vec<_>>())
}

fn judge(settings: &ContentLifecycle, look: &ProofLook, key: &Key) -> Judged {
    let unasked = || Err("it was not looked at".to_owned());
    if key.subject.kind() != SubjectKind::Content {
        return unasked();
    }
    match look.rows.get(&key.subject) {
        None => unasked(),
        Some(Err(Blind { why })) => Err(why.clone()),
        Some(Ok(None)) => Err("the platform no longer has it".to_owned()),
        Some(Ok(Some(row))) => Ok((of_row(settings, &key.check, row)?, row.at)),
    }
}

fn of_row(
    settings: &ContentLifecycle,
    check: &CheckId,
    row: &RowLook,
) -> Result<Option<Fault>, String> {
    let item = &row.item;
    if *check == CONTENT_IDLE {
        return Ok(idle(settings, item));
    }
    if !item.is_active() {
        return Ok(None);
    }
    let platform_now = || row.platform_now.ok_or_else(|| NO_CLOCK.to_owned());
    if *check == CONTENT_EXPIRED {
        let now = platform_now()?;
        return Ok(expiry(settings, item, now, |id| replacement(row, id, now)));
    }
    if *check == CONTENT_ORPHANED {
        return Ok(orphan(settings, row, platform_now()?));
    }
    if *check == CONTENT_OVERSIZED {
        return Ok(size(settings, item));
    }
    if *check == THUMBNAIL_MISSING {
        return Ok(no_thumbnail(item));
    }
    if *check == THUMBNAIL_DEAD && item.thumbnail == Thumbnail::None {
        return Ok(None);
    }
    Err("a look at a single piece of content does not tell".to_owned())
}

fn replacement(row: &RowLook, id: Option<&str>, platform_now: Timestamp) -> Replacement {
    let Some(id) = id else { return Replacement::None };
    let found = match &row.replacement {
        None => Err(PARTIAL),
        Some(Err(Blind { why })) => Err(why.as_str()),
        Some(Ok(found)) => Ok(found.as_ref()),
    };
    Replacement::of(id, found, platform_now)
}

/// What was judged an orphan by a look at everything is still one while it is active and no playlist holds it: the act did
/// not take effect. Whether something else refers to it by now is for the next look at everything.
fn orphan(settings: &ContentLifecycle, row: &RowLook, platform_now: Timestamp) -> Option<Fault> {
    let item = &row.item;
    let detail = item.detail.as_ref()?;
    let cleared =
        item.template || row.held || detail.global || !settings.aged(item.created_at, platform_now);
    (!cleared).then(|| Fault::Orphaned {
        name: item.name.clone(),
        created_at: item.created_at,
        replacement: detail.replacement.clone(),
    })
}
