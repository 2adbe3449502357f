//! The wording of the design: states are plain fields, lists show whole rows, a silent display is pinged.

use super::table::{Body, Deed, Route, Table};
use crate::domain::platform::Dialect;

pub(super) static TABLE: Table = Table {
    displays: Route::get("/displays"),
    content: Route::get("/content"),
    content_is_full: true,
    layouts: Route::get("/content/layouts"),
    playlists: Route::get("/playlists"),
    schedules: Route::get("/schedules"),
    schedule_flag: "active",
    groups: Route::get("/display-groups"),
    storage: Route::get("/health"),
    storage_is_inside: true,
    display: Route::get("/displays/:id"),
    one_content: Route::get("/content/:id"),
    schedule: Route::get("/schedules/:id"),
    ping: Deed::Socket,
    reload: Deed::Absent("the reference platform has no fleet commands"),
    reset: Deed::call(
        Route::patch("/displays/:id"),
        Body::Word("status", Dialect::Reference.reset_status()),
    ),
    assign: Deed::call(Route::patch("/displays/:id"), Body::Given("currentPlaylistId")),
    archive: Deed::call(Route::patch("/content/:id"), Body::Word("status", "archived")),
    restore: Deed::call(Route::patch("/content/:id"), Body::Given("status")),
    deactivate: Deed::call(Route::patch("/schedules/:id"), Body::Flag("active", false)),
    activate: Deed::call(Route::patch("/schedules/:id"), Body::Flag("active", true)),
};
