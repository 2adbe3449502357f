//! Displays in the shapes in which they are sent. The whole row carries secrets, as the platform's does.

use serde::Serialize;
use serde_json::{Value, json};

use super::schedule_rows::{ScheduleRow, schedule_row};
use crate::sandbox::model::display::{Display, DisplayStatus, Group};
use crate::sandbox::model::tenant::Tenant;
use crate::sandbox::options::Dialect;
use crate::sandbox::time::Stamp;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListRow<'a> {
    id: &'a str,
    organization_id: &'a str,
    device_identifier: &'a str,
    nickname: &'a str,
    description: Option<&'a str>,
    location: Option<&'a str>,
    status: DisplayStatus,
    orientation: &'a str,
    resolution: &'a str,
    timezone: &'a str,
    last_heartbeat: Option<Stamp>,
    is_disabled: bool,
    current_playlist_id: Option<&'a str>,
    created_at: Stamp,
    updated_at: Stamp,
    paired_at: Option<Stamp>,
    unpaired_at: Option<Stamp>,
    tags: [(); 0],
}

pub(super) fn list_row<'a>(tenant: &'a Tenant, display: &'a Display, now: Stamp) -> ListRow<'a> {
    let seen = display.seen(now);
    ListRow {
        id: &display.id,
        organization_id: &tenant.organisation.id,
        device_identifier: &display.device,
        nickname: &display.nickname,
        description: display.description.as_deref(),
        location: display.location.as_deref(),
        status: seen.status,
        orientation: &display.orientation,
        resolution: &display.resolution,
        timezone: &display.timezone,
        last_heartbeat: seen.heartbeat,
        is_disabled: display.is_disabled,
        current_playlist_id: display.current_playlist.as_deref(),
        created_at: display.created,
        updated_at: seen.updated,
        paired_at: display.paired,
        unpaired_at: display.unpaired,
        tags: [],
    }
}

/// What a detail adds.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DetailRow<'a> {
    #[serde(flatten)]
    row: ListRow<'a>,
    metadata: &'a Value,
    last_screenshot: Option<()>,
    last_screenshot_at: Option<()>,
    groups: Vec<Value>,
    schedules: Vec<ScheduleRow<'a>>,
}

pub(super) fn detail_row<'a>(
    tenant: &'a Tenant,
    display: &'a Display,
    dialect: Dialect,
    now: Stamp,
) -> DetailRow<'a> {
    let member = |group: &&Group| group.displays.contains(&display.id);
    let groups =
        tenant.groups.iter().filter(member).map(
            |group| json!({"displayGroupId": group.id, "displayGroup": group_row(tenant, group)}),
        );
    let own = tenant
        .schedules
        .iter()
        .filter(|one| one.is_active && one.display_id.as_deref() == Some(display.id.as_str()));
    DetailRow {
        row: list_row(tenant, display, now),
        metadata: &display.metadata,
        last_screenshot: None,
        last_screenshot_at: None,
        groups: groups.collect(),
        schedules: own.map(|one| schedule_row(tenant, one, dialect)).collect(),
    }
}

/// The row as the database has it: nobody should keep it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WholeRow<'a> {
    id: &'a str,
    organization_id: &'a str,
    device_identifier: &'a str,
    nickname: &'a str,
    description: Option<&'a str>,
    location: Option<&'a str>,
    pairing_code: Option<&'a str>,
    pairing_code_expires_at: Option<Stamp>,
    jwt_token: &'a str,
    socket_id: Option<()>,
    status: DisplayStatus,
    orientation: &'a str,
    resolution: &'a str,
    last_heartbeat: Option<Stamp>,
    metadata: &'a Value,
    timezone: &'a str,
    last_screenshot: Option<()>,
    last_screenshot_at: Option<()>,
    is_disabled: bool,
    current_playlist_id: Option<&'a str>,
    created_at: Stamp,
    updated_at: Stamp,
    paired_at: Option<Stamp>,
    unpaired_at: Option<Stamp>,
}

pub(super) fn whole_row<'a>(tenant: &'a Tenant, display: &'a Display, now: Stamp) -> WholeRow<'a> {
    let seen = display.seen(now);
    WholeRow {
        id: &display.id,
        organization_id: &tenant.organisation.id,
        device_identifier: &display.device,
        nickname: &display.nickname,
        description: display.description.as_deref(),
        location: display.location.as_deref(),
        pairing_code: display.pairing_code.as_deref(),
        pairing_code_expires_at: display.pairing_expires,
        jwt_token: &display.token,
        socket_id: None,
        status: seen.status,
        orientation: &display.orientation,
        resolution: &display.resolution,
        last_heartbeat: seen.heartbeat,
        metadata: &display.metadata,
        timezone: &display.timezone,
        last_screenshot: None,
        last_screenshot_at: None,
        is_disabled: display.is_disabled,
        current_playlist_id: display.current_playlist.as_deref(),
        created_at: display.created,
        updated_at: seen.updated,
        paired_at: display.paired,
        unpaired_at: display.unpaired,
    }
}

/// A group's own row.
pub(super) fn group_row(tenant: &Tenant, group: &Group) -> Value {
    json!({
        "id": group.id, "name": group.name, "description": group.description,
        "organizationId": tenant.organisation.id,
        "createdAt": group.created, "updatedAt": group.updated,
    })
}
