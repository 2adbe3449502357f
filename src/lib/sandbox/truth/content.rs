//! What is wrong with content and its storage.

use std::collections::HashSet;

use super::acts;
use super::derive::Scene;
use super::entry::TruthEntry;
use crate::sandbox::model::content::{Content, ContentStatus};
use crate::sandbox::model::tenant::Tenant;
use crate::sandbox::options::Dialect;
use crate::sandbox::time::{DAY, HOUR, MINUTE};

const AGENT: &str = "content-lifecycle";
/// The platform's own expiry has an hour, and a little more.
const LEFT_BEHIND: i64 = HOUR + 5 * MINUTE;
/// What nobody uses may be new.
const ORPHAN_AGE: i64 = 30 * DAY;
/// More than this is too much for one file.
pub(crate) const OVERSIZED_BYTES: i64 = 100 * 1024 * 1024;
/// Storage above this is reported.
const HIGH_PERCENT: i64 = 80;
/// Storage above this may be eased, where archiving frees any.
const FULL_PERCENT: i64 = 90;

pub(super) fn faults(scene: &Scene<'_>) -> Vec<TruthEntry> {
    let referenced = referenced(scene.tenant);
    let mut found: Vec<TruthEntry> = Vec::new();
    for content in scene.tenant.content.iter() {
        if content.status == ContentStatus::Active {
            of_active(scene, content, &referenced, &mut found);
        }
    }
    found.extend(storage(scene));
    found.extend(idle(scene));
    found
}

fn of_active(
    scene: &Scene<'_>,
    content: &Content,
    referenced: &HashSet<&str>,
    found: &mut Vec<TruthEntry>,
) {
    let id = content.id.as_str();
    let mut add = |check, allowed| found.push(scene.entry(AGENT, check, "content", id, allowed));
    if content.expires.is_some_and(|end| scene.now.since(end) > LEFT_BEHIND) {
        let replacement = content.replacement.as_deref();
        add("content_expired", acts::archive_for(scene.dialect, id, replacement));
    }
    let old = scene.now.since(content.created) > ORPHAN_AGE;
    if old && !content.is_global && !referenced.contains(id) {
        add("content_orphaned", acts::archive(scene.dialect, id));
    }
    match &content.thumbnail {
        None => add("thumbnail_missing", Vec::new()),
        Some(path) if scene.dead_thumbnails.contains(path) => add("thumbnail_dead", Vec::new()),
        Some(_) => {}
    }
    if content.size_bytes > OVERSIZED_BYTES {
        add("content_oversized", Vec::new());
    }
}

/// Every content id that anything names.
pub(crate) fn referenced(tenant: &Tenant) -> HashSet<&str> {
    let shown = tenant.playlists.iter().flat_map(|list| &list.items);
    let mut named: HashSet<&str> = shown.map(|item| item.content_id.as_str()).collect();
    for content in tenant.content.iter() {
        named.extend(content.replacement.as_deref());
        named.extend(content.previous_version.as_deref());
        named.extend(content.zone_ids("contentId"));
        named.extend(content.zone_ids("widgetId"));
    }
    named
}

/// Whether more than so many percent of a tenant's quota are used.
fn over(tenant: &Tenant, percent: i64) -> bool {
    let organisation = &tenant.organisation;
    i128::from(organisation.used_bytes) * 100
        > i128::from(organisation.quota_bytes) * i128::from(percent)
}

fn storage(scene: &Scene<'_>) -> Option<TruthEntry> {
    let subject = format!("tenant:{}/storage", scene.tenant.name);
    over(scene.tenant, HIGH_PERCENT).then(|| TruthEntry {
        agent: AGENT.to_owned(),
        check: "storage_high".to_owned(),
        subject,
        allowed: Vec::new(),
        optional: false,
    })
}

/// What a full tenant could spare: the oldest must be named, and how many of the next ones is a matter of judgement.
fn idle(scene: &Scene<'_>) -> Vec<TruthEntry> {
    if scene.dialect != Dialect::Reference || !over(scene.tenant, FULL_PERCENT) {
        return Vec::new();
    }
    let spared = |content: &&Content| {
        let at_work = [ContentStatus::Active, ContentStatus::Archived, ContentStatus::Processing];
        !at_work.contains(&content.status) && !content.is_global && content.size_bytes > 0
    };
    let mut spared: Vec<&Content> = scene.tenant.content.iter().filter(spared).collect();
    spared.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
    let mut oldest_first = Vec::new();
    for content in spared {
        let allowed = acts::archive(scene.dialect, &content.id);
        let mut entry = scene.entry(AGENT, "content_idle", "content", &content.id, allowed);
        entry.optional = !oldest_first.is_empty();
        oldest_first.push(entry);
    }
    oldest_first
}
