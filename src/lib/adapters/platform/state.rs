//! A row's comparable fields as text.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::rows::Full;
use crate::domain::platform::{DisplayRow, Field, RowRef, RowState, ScheduleRow};

fn time(at: Option<Timestamp>) -> Option<String> {
    at.map(|at| at.to_string())
}

fn state<const N: usize>(
    row: &RowRef,
    name: &str,
    fields: [(Field, Option<String>); N],
) -> RowState {
    RowState { row: row.clone(), name: name.to_owned(), fields: BTreeMap::from(fields) }
}

pub(super) fn of_content(row: &RowRef, full: &Full) -> RowState {
    let fields = [
        (Field::Status, Some(full.row.status.as_str().to_owned())),
        (Field::ExpiresAt, time(full.detail.expires_at)),
        (Field::Replacement, full.detail.replacement.clone()),
        (Field::Playlists, Some(full.playlists.join(","))),
        (Field::Global, Some(full.detail.global.to_string())),
        (Field::UpdatedAt, time(Some(full.row.updated_at))),
    ];
    state(row, &full.row.name, fields)
}

pub(super) fn of_display(row: &RowRef, display: &DisplayRow) -> RowState {
    let fields = [
        (Field::Status, Some(display.status.as_str().to_owned())),
        (Field::LastHeartbeat, time(display.last_heartbeat)),
        (Field::CurrentPlaylist, display.playlist.clone()),
        (Field::Disabled, Some(display.disabled.to_string())),
    ];
    state(row, &display.name, fields)
}

pub(super) fn of_schedule(row: &RowRef, schedule: &ScheduleRow) -> RowState {
    let fields = [
        (Field::Active, Some(schedule.active.to_string())),
        (Field::StartDate, time(Some(schedule.starts_at))),
        (Field::EndDate, time(schedule.ends_at)),
        (Field::Playlist, schedule.playlist.clone()),
        (Field::Display, schedule.display.clone()),
        (Field::Group, schedule.group.clone()),
    ];
    state(row, &schedule.name, fields)
}
