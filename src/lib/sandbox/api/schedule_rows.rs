//! Schedules in the shapes in which they are sent.

use serde::Serialize;
use serde_json::Value;

use super::display_rows::{WholeRow, group_row, whole_row};
use super::playlists::PlaylistRow;
use crate::sandbox::model::schedule::Schedule;
use crate::sandbox::model::tenant::Tenant;
use crate::sandbox::options::Dialect;
use crate::sandbox::time::Stamp;

/// The row alone.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ScheduleRow<'a> {
    id: &'a str,
    name: &'a str,
    description: Option<&'a str>,
    start_date: Stamp,
    end_date: Option<Stamp>,
    start_time: Option<i64>,
    end_time: Option<i64>,
    days_of_week: &'a [i64],
    priority: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_active: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    active: Option<bool>,
    created_at: Stamp,
    updated_at: Stamp,
    organization_id: &'a str,
    playlist_id: &'a str,
    display_id: Option<&'a str>,
    display_group_id: Option<&'a str>,
}

pub(super) fn schedule_row<'a>(
    tenant: &'a Tenant,
    schedule: &'a Schedule,
    dialect: Dialect,
) -> ScheduleRow<'a> {
    ScheduleRow {
        id: &schedule.id,
        name: &schedule.name,
        description: schedule.description.as_deref(),
        start_date: schedule.start,
        end_date: schedule.end,
        start_time: schedule.start_time,
        end_time: schedule.end_time,
        days_of_week: &schedule.days,
        priority: schedule.priority,
        is_active: (dialect == Dialect::Vizora).then_some(schedule.is_active),
        active: (dialect == Dialect::Reference).then_some(schedule.is_active),
        created_at: schedule.created,
        updated_at: schedule.updated,
        organization_id: &tenant.organisation.id,
        playlist_id: &schedule.playlist_id,
        display_id: schedule.display_id.as_deref(),
        display_group_id: schedule.group_id.as_deref(),
    }
}

/// The row with what it names.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FullRow<'a> {
    #[serde(flatten)]
    row: ScheduleRow<'a>,
    playlist: Option<Shown<'a>>,
    display: Option<WholeRow<'a>>,
    display_group: Option<Value>,
}

#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    row: PlaylistRow<'a>,
    #[serde(rename = "_count", skip_serializing_if = "Option::is_none")]
    count: Option<Items>,
}

#[derive(Serialize)]
struct Items {
    items: usize,
}

/// The row with what it names; only a list counts the playlist's items.
pub(super) fn full_row<'a>(
    tenant: &'a Tenant,
    schedule: &'a Schedule,
    dialect: Dialect,
    now: Stamp,
    counted: Counted,
) -> FullRow<'a> {
    let playlist = tenant.playlists.get(&schedule.playlist_id).map(|list| Shown {
        row: PlaylistRow::of(tenant, list),
        count: (counted == Counted::Yes).then_some(Items { items: list.items.len() }),
    });
    let display = schedule.display_id.as_ref().and_then(|id| tenant.displays.get(id));
    let group = schedule.group_id.as_ref().and_then(|id| tenant.groups.get(id));
    FullRow {
        row: schedule_row(tenant, schedule, dialect),
        playlist,
        display: display.map(|display| whole_row(tenant, display, now)),
        display_group: group.map(|group| group_row(tenant, group)),
    }
}

/// Whether a playlist's items are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counted {
    Yes,
    No,
}
