//! The live platform.

use super::table::{Body, Deed, Route, Table};
use crate::domain::platform::Dialect;

pub(super) static TABLE: Table = Table {
    displays: Route::get("/displays"),
    content: Route::get("/content"),
    content_is_full: false,
    layouts: Route::get("/content/layouts"),
    playlists: Route::get("/playlists"),
    schedules: Route::get("/schedules"),
    schedule_flag: "isActive",
    groups: Route::get("/display-groups"),
    storage: Route::get("/organizations/storage"),
    storage_is_inside: false,
    display: Route::get("/displays/:id"),
    one_content: Route::get("/content/:id"),
    schedule: Route::get("/schedules/:id"),
    ping: Deed::Absent("the vizora platform has no ping"),
    reload: Deed::call(Route::post("/fleet/commands"), Body::Command("reload")),
    reset: Deed::call(
        Route::patch("/displays/:id"),
        Body::Word("status", Dialect::Vizora.reset_status()),
    ),
    assign: Deed::call(Route::patch("/displays/:id"), Body::Given("currentPlaylistId")),
    archive: Deed::call(Route::post("/content/:id/archive"), Body::Nothing),
    restore: Deed::Call {
        route: Route::post("/content/:id/restore"),
        body: Body::Nothing,
        only: Some("active"),
    },
    deactivate: Deed::call(Route::patch("/schedules/:id"), Body::Flag("isActive", false)),
    activate: Deed::call(Route::patch("/schedules/:id"), Body::Flag("isActive", true)),
};
