//! Writes. Each is sent once: what became of one whose answer was lost is found out by reading, never by sending again.

use std::sync::Arc;

use serde_json::json;

use super::answer::Answer;
use super::ask::{Asker, Question};
use super::dialect::{Body, Deed};
use super::failure::Failure;
use super::ping;
use super::tenant::Tenant;
use super::wire::CommandWire;
use crate::domain::operation::Operation;
use crate::domain::platform::{Acceptance, RowRef};
use crate::ports::processes::ActFailure;

/// A write: how, to which row, and the value that the operation names.
struct Write<'a> {
    deed: Deed,
    row: &'a RowRef,
    given: &'a str,
}

/// `None` for an operation that is not the platform's.
fn write<'a>(asker: &Asker, operation: &'a Operation) -> Option<Write<'a>> {
    let table = asker.table;
    let (deed, row, given) = match operation {
        Operation::RestartProcess(_) | Operation::ReloadProcess(_) | Operation::Upkeep { .. } => {
            return None;
        }
        Operation::PingDisplay(row) => (table.ping, row, ""),
        Operation::ReloadDisplay(row) => (table.reload, row, ""),
        Operation::ResetDisplay(row) => (table.reset, row, ""),
        Operation::ArchiveContent(row) => (table.archive, row, ""),
        Operation::RestoreContent { content, status } => (table.restore, content, status.as_str()),
        Operation::DeactivateSchedule(row) => (table.deactivate, row, ""),
        Operation::ActivateSchedule(row) => (table.activate, row, ""),
        Operation::AssignPlaylist { display, playlist } => {
            (table.assign, display, playlist.as_deref().unwrap_or_default())
        }
    };
    Some(Write { deed, row, given })
}

/// The row of an operation of the platform.
pub(super) fn row(operation: &Operation) -> Option<&RowRef> {
    match operation.target() {
        crate::domain::operation::Target::Row(row) => Some(row),
        crate::domain::operation::Target::Process(_)
        | crate::domain::operation::Target::Data(_) => None,
    }
}

fn refused(why: impl Into<String>) -> ActFailure {
    ActFailure::Refused(why.into())
}

/// Sends an operation.
pub(super) async fn send(asker: &Arc<Asker>, operation: &Operation) -> Result<String, ActFailure> {
    let Some(Write { deed, row, given }) = write(asker, operation) else {
        return Err(refused("it is no operation of the platform"));
    };
    let tenant = asker.tenant(&row.tenant).map_err(|blind| refused(blind.why))?;
    let (route, body, only) = match deed {
        Deed::Absent(why) => return Err(refused(why)),
        Deed::Socket => {
            may_write(asker, tenant, operation).await?;
            return ping::ping(asker, tenant, &row.id).await;
        }
        Deed::Call { route, body, only } => (route, body, only),
    };
    if let Some(only) = only
        && given != only
    {
        return Err(refused(format!("the platform can restore content to {only} alone")));
    }
    may_write(asker, tenant, operation).await?;
    let json = json(body, &row.id, given);
    let pace = asker.limiter.route(route, 1);
    let question = Question { route, id: &row.id, query: "" };
    let answer = asker.once(tenant, &pace, question, json.as_deref()).await;
    let answer = answer.inspect_err(|failure| barred(tenant, operation, failure));
    let said = answer.and_then(|answer| told(body, &answer)).map_err(Failure::of_act)?;
    tenant.accepts(operation, Acceptance::Given);
    Ok(said)
}

/// A good answer in words.
fn told(body: Body, answer: &Answer) -> Result<String, Failure> {
    let status = answer.status;
    if matches!(body, Body::Command(_)) {
        let CommandWire { online, queued, delivered } = answer.data("the command")?;
        return Ok(format!(
            "the platform answered {status}: {online} online, {delivered} delivered, {queued} queued"
        ));
    }
    answer.data::<serde::de::IgnoredAny>("the change")?;
    Ok(format!("the platform answered {status}"))
}

/// The platform refuses an account, or the tenant behind it, with one status, whatever row is named: what follows would
/// fare no better.
fn barred(tenant: &Tenant, operation: &Operation, failure: &Failure) {
    if !matches!(failure, Failure::Said(403, _)) {
        return;
    }
    let what = if operation.is_command() { "command to a display" } else { "change" };
    let why = format!(
        "the platform takes no {what} from the account ({failure}); renew the tenant's subscription, or give the account a role that may"
    );
    tenant.accepts(operation, Acceptance::Refused { why });
}

/// Opens the session, which tells whether the account may write at all.
async fn may_write(
    asker: &Arc<Asker>,
    tenant: &Arc<Tenant>,
    operation: &Operation,
) -> Result<(), ActFailure> {
    let opened = tenant.session(asker, None).await;
    opened.map_err(|failure| ActFailure::NotSent(failure.to_string()))?;
    match tenant.standing().bars(operation) {
        Some(why) => Err(ActFailure::NotSent(why.to_owned())),
        None => Ok(()),
    }
}

fn json(body: Body, id: &str, given: &str) -> Option<Vec<u8>> {
    let json = match body {
        Body::Nothing => return None,
        Body::Flag(field, value) => json!({ field: value }),
        Body::Word(field, word) => json!({ field: word }),
        Body::Given(field) => json!({ field: given }),
        Body::Command(command) => {
            json!({ "command": command, "target": { "type": "device", "id": id } })
        }
    };
    Some(json.to_string().into_bytes())
}
