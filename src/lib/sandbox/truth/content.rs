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

fn storage(scene: &Scene<'_>) -> Option<TruthEntry> {
    let organisation = &scene.tenant.organisation;
    let over = |percent: i64| {
        i128::from(organisation.used_bytes) * 100
            > i128::from(organisation.quota_bytes) * i128::from(percent)
    };
    let subject = format!("tenant:{}/storage", scene.tenant.name);
    let eases = scene.dialect == Dialect::Reference && over(FULL_PERCENT);
    let idle = |content: &&Content| {
        !matches!(content.status, ContentStatus::Active | ContentStatus::Archived)
    };
    let allowed = scene.tenant.content.iter().filter(|_| eases).filter(idle);
    let allowed = allowed.flat_map(|content| acts::archive(scene.dialect, &content.id)).collect();
    over(HIGH_PERCENT).then(|| TruthEntry {
        agent: AGENT.to_owned(),
        check: "storage_high".to_owned(),
        subject,
        allowed,
    })
}
