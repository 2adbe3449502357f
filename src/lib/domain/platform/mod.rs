//! The platform as opswarden knows it: tenants with displays, content, playlists, schedules and groups.
//!
//! Only what judgement needs is kept of a row: an answer may hold tokens, and nothing that is not named here is ever
//! stored, logged or recorded.

mod content;
mod dialect;
mod display;
mod effective;
mod listing;
mod population;
mod roll;
mod row;
mod schedule;
mod timeline;

pub use content::{ContentDetail, ContentRow, ContentStatus, PlaylistItem, PlaylistRow, Zone};
pub use dialect::Dialect;
pub use display::{DisplayRow, DisplayStatus, GroupRow};
pub use effective::{Ahead, Catalogue, Effective, Playable, Programme, Shelf, Unlisted};
pub use listing::{
    Acceptance, Account, Details, Listing, Storage, TenantStanding, Thumbnails, Wanted,
};
pub use population::{Population, Tally};
pub use roll::{Asked, Roll};
pub use row::{Change, Field, RowKind, RowRef, RowState};
pub use schedule::{LastMinute, ScheduleRow};
pub use timeline::{moments, overlap};
