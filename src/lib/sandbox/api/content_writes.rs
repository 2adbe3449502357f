//! Changes of content.

use serde_json::{Value, json};

use super::answer::complaint;
use super::call::{Call, not_found};
use super::content_rows::{patched_row, raw_row};
use crate::sandbox::model::content::{Content, ContentStatus};
use crate::sandbox::model::jobs::swap_in_playlists;
use crate::sandbox::options::{Dialect, Validation};
use crate::sandbox::serve::reply::Reply;
use crate::sandbox::time::Stamp;

fn word(status: ContentStatus) -> String {
    json!(status).as_str().unwrap_or_default().to_owned()
}

/// What a change of status is called.
fn named(status: ContentStatus) -> String {
    match status {
        ContentStatus::Archived => "archive content".to_owned(),
        ContentStatus::Active => "restore content".to_owned(),
        other => format!("set status {}", word(other)),
    }
}

/// Writes a status, and what it does to the storage where archiving frees any.
fn set_status(call: &mut Call<'_>, id: &str, status: ContentStatus) -> bool {
    let (now, frees) = (call.now, call.dialect() == Dialect::Reference);
    let tenant = call.tenant();
    let Some(content) = tenant.content.get_mut(id) else { return false };
    let before = content.status;
    content.status = status;
    content.updated = now;
    let size = content.size_bytes;
    let archived = |status| i64::from(status == ContentStatus::Archived);
    if frees {
        tenant.organisation.used_bytes += size * (archived(before) - archived(status));
    }
    call.did(id, named(status), &word(before), &word(status));
    true
}

fn raw(call: &mut Call<'_>, id: &str) -> Reply {
    let tenant = &*call.tenant();
    match tenant.content.get(id) {
        Some(content) => Reply::ok(&raw_row(tenant, content)),
        None => not_found("Content"),
    }
}

pub(super) fn archive(call: &mut Call<'_>) -> Reply {
    let id = call.id().to_owned();
    set_status(call, &id, ContentStatus::Archived);
    raw(call, &id)
}

pub(super) fn restore(call: &mut Call<'_>) -> Reply {
    let id = call.id().to_owned();
    set_status(call, &id, ContentStatus::Active);
    raw(call, &id)
}

fn set_all(call: &mut Call<'_>, status: ContentStatus, told: &str) -> Reply {
    let ids = call.ids("ids");
    let tenant = call.tenant();
    if ids.iter().any(|id| tenant.content.get(id).is_none()) {
        return Reply::error(400, "One or more content items were not found");
    }
    let done = ids.iter().filter(|id| set_status(call, id, status)).count();
    Reply::ok(&json!({ told: done }))
}

pub(super) fn archive_all(call: &mut Call<'_>) -> Reply {
    set_all(call, ContentStatus::Archived, "archived")
}

pub(super) fn restore_all(call: &mut Call<'_>) -> Reply {
    set_all(call, ContentStatus::Active, "restored")
}

/// The database refuses a pointer to nothing, and nobody turns that into a kind word.
fn dangling(call: &Call<'_>) -> Reply {
    let constraint = "Content_replacementContentId_fkey (index)";
    let told = format!("Foreign key constraint violated: `{constraint}`");
    match call.options.validation {
        Validation::Production => Reply::failure("Internal server error"),
        Validation::Development => Reply::raw(
            500,
            &json!({"statusCode": 500, "message": told, "error": "Internal Server Error"}),
        ),
    }
}

pub(super) fn patch(call: &mut Call<'_>) -> Reply {
    let id = call.id().to_owned();
    let now = call.now;
    if call.tenant().content.get(&id).is_none() {
        return not_found("Content");
    }
    let replacement = call.pointer("replacementContentId");
    if let Some(Some(target)) = &replacement
        && call.tenant().content.get(target).is_none()
    {
        return dangling(call);
    }
    let status = call.body.get("status").cloned();
    if let Some(status) = status.and_then(|word| serde_json::from_value(word).ok()) {
        set_status(call, &id, status);
        if let (ContentStatus::Archived, Some(Some(target))) = (status, &replacement) {
            swap_in_playlists(call.tenant(), &id, Some(target), now);
        }
    }
    if let Some(target) = replacement {
        let before = call.tenant().content.get_mut(&id).map(|content| {
            std::mem::replace(&mut content.replacement, target.clone()).unwrap_or_default()
        });
        let target = target.unwrap_or_default();
        let what = format!("set replacement {target}");
        call.did(&id, what, &before.unwrap_or_default(), &target);
    }
    set_plain(call, &id);
    let tenant = &*call.tenant();
    tenant
        .content
        .get(&id)
        .map_or_else(|| not_found("Content"), |content| Reply::ok(&patched_row(tenant, content)))
}

/// The fields that mean nothing to any agent.
fn set_plain(call: &mut Call<'_>, id: &str) {
    let (now, body) = (call.now, call.body.clone());
    let Some(content) = call.tenant().content.get_mut(id) else { return };
    content.updated = now;
    let mut changed = Vec::new();
    let fields = body.as_object().into_iter().flatten();
    for (name, value) in fields.filter(|(name, _)| !MEANT.contains(&name.as_str())) {
        let before = set_field(content, name, value);
        changed.push((name.clone(), before, value.to_string()));
    }
    for (name, before, after) in changed {
        call.did(id, format!("set {name}"), &before, &after);
    }
}

/// The fields that [`patch`] sets itself.
const MEANT: [&str; 2] = ["status", "replacementContentId"];

/// Sets one field, and says what it was.
fn set_field(content: &mut Content, name: &str, value: &Value) -> String {
    let text = value.as_str().map(str::to_owned);
    let told = |old: &Option<String>| json!(old).to_string();
    match name {
        "name" => json!(std::mem::replace(&mut content.name, text.unwrap_or_default())).to_string(),
        "type" => json!(std::mem::replace(&mut content.kind, text.unwrap_or_default())).to_string(),
        "url" => json!(std::mem::replace(&mut content.url, text.unwrap_or_default())).to_string(),
        "mimeType" => {
            json!(std::mem::replace(&mut content.mime, text.unwrap_or_default())).to_string()
        }
        "description" => told(&std::mem::replace(&mut content.description, text)),
        "thumbnail" => told(&std::mem::replace(&mut content.thumbnail, text)),
        "templateOrientation" => told(&std::mem::replace(&mut content.orientation, text)),
        "duration" => json!(std::mem::replace(&mut content.duration, value.as_i64())).to_string(),
        "fileSize" => {
            let size = value.as_i64().unwrap_or(content.size_bytes);
            json!(std::mem::replace(&mut content.size_bytes, size)).to_string()
        }
        "metadata" => std::mem::replace(&mut content.metadata, value.clone()).to_string(),
        "expiresAt" => {
            json!(std::mem::replace(&mut content.expires, value.as_i64().map(Stamp))).to_string()
        }
        _ => String::new(),
    }
}

pub(super) fn expiration(call: &mut Call<'_>) -> Reply {
    let id = call.id().to_owned();
    if call.number("expiresAt").is_none_or(|at| at <= call.now.0) {
        return Reply::error(400, "expiresAt must be in the future");
    }
    if call.body.get("replacementContentId").is_some_and(|id| id.as_str() == Some("")) {
        return complaint(call, "replacementContentId should not be empty");
    }
    let reply = patch(call);
    if reply.status == 200 { raw(call, &id) } else { reply }
}

pub(super) fn clear_expiration(call: &mut Call<'_>) -> Reply {
    let (id, now) = (call.id().to_owned(), call.now);
    if let Some(content) = call.tenant().content.get_mut(&id) {
        content.expires = None;
        content.updated = now;
        call.did(&id, "clear expiration", "", "");
    }
    raw(call, &id)
}

pub(super) fn delete(call: &mut Call<'_>) -> Reply {
    let id = call.id().to_owned();
    if !call.tenant().remove_content(&id) {
        return not_found("Content");
    }
    call.did(&id, "delete content", "there", "gone");
    Reply::ok(&json!({ "id": id }))
}
