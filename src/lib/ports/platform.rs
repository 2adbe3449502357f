//! The platform: eyes and hands are two traits. Every list comes with its completeness; an answer that is not understood
//! is blindness, never an empty list.

use std::time::Duration;

use super::Pending;
use super::processes::ActFailure;
use crate::domain::operation::Operation;
use crate::domain::platform::{
    ContentDetail, ContentRow, ContentState, Details, Dialect, DisplayRow, GroupRow, Listing,
    PlaylistRow, RowRef, RowState, ScheduleRow, Storage, TenantStanding, Thumbnails, Wanted,
};
use crate::domain::sight::Sight;

/// A piece of content as lists show it, with its details and the ids of the playlists that hold it.
pub type WholeContent = (ContentRow, ContentDetail, Vec<String>);

/// The eyes on the platform. Each tenant has a session of its own, opened at the first question and kept until
/// [`Platform::release`].
pub trait Platform: Send + Sync {
    /// How the platform is spoken to.
    fn dialect(&self) -> Dialect;

    /// Sets when, on the run's clock, nothing more is asked or sent: looking must leave time for acting.
    fn until(&self, deadline: Duration);

    /// The tenants that settings name, in their order.
    fn tenants(&self) -> Vec<String>;

    /// Every display of a tenant.
    fn displays<'a>(&'a self, tenant: &'a str) -> Pending<'a, Sight<Listing<DisplayRow>>>;

    /// Every piece of content of a tenant, as lists show it.
    fn content<'a>(&'a self, tenant: &'a str) -> Pending<'a, Sight<Listing<ContentRow>>>;

    /// Every piece of content of a tenant, with no more than decides whether it can be shown.
    fn content_states<'a>(&'a self, tenant: &'a str) -> Pending<'a, Sight<Listing<ContentState>>>;

    /// Every layout of a tenant with its details, by content id.
    fn layouts<'a>(
        &'a self,
        tenant: &'a str,
    ) -> Pending<'a, Sight<Listing<(String, ContentDetail)>>>;

    /// Every playlist of a tenant.
    fn playlists<'a>(&'a self, tenant: &'a str) -> Pending<'a, Sight<Listing<PlaylistRow>>>;

    /// Every schedule of a tenant.
    fn schedules<'a>(&'a self, tenant: &'a str) -> Pending<'a, Sight<Listing<ScheduleRow>>>;

    /// Every group of displays of a tenant.
    fn groups<'a>(&'a self, tenant: &'a str) -> Pending<'a, Sight<Listing<GroupRow>>>;

    /// What the tenant stores.
    fn storage<'a>(&'a self, tenant: &'a str) -> Pending<'a, Sight<Storage>>;

    /// Details of these pieces of content: from what was kept of earlier looks where the list says that nothing was
    /// written since, by asking for the rest as far as limits and time allow. The first ones are asked for first.
    fn details<'a>(&'a self, tenant: &'a str, wanted: &'a [Wanted]) -> Pending<'a, Sight<Details>>;

    /// Whether the thumbnails at these addresses answer, as far as limits and time allow. Kept like details.
    fn thumbnails<'a>(
        &'a self,
        tenant: &'a str,
        wanted: &'a [(Wanted, String)],
    ) -> Pending<'a, Sight<Thumbnails>>;

    /// One display as it is now; `None` where the platform has no such row.
    fn display<'a>(
        &'a self,
        tenant: &'a str,
        id: &'a str,
    ) -> Pending<'a, Sight<Option<DisplayRow>>>;

    /// One piece of content as it is now.
    fn one_content<'a>(
        &'a self,
        tenant: &'a str,
        id: &'a str,
    ) -> Pending<'a, Sight<Option<WholeContent>>>;

    /// One schedule as it is now.
    fn schedule<'a>(
        &'a self,
        tenant: &'a str,
        id: &'a str,
    ) -> Pending<'a, Sight<Option<ScheduleRow>>>;

    /// The time on the platform's own clock, as its last answer told it, carried on to now; `None` before the first.
    fn platform_now(&self) -> Option<jiff::Timestamp>;

    /// What is known of the tenants' accounts and sessions.
    fn standing(&self) -> Vec<TenantStanding>;

    /// Ends every session, and makes sure of it. Returns what could not be ended, by tenant; later questions open new
    /// ones.
    fn release(&self) -> Pending<'_, Vec<(String, String)>>;
}

/// The hands on the platform.
pub trait PlatformControl: Send + Sync {
    /// The row as it is now, with the fields that may be compared; `None` where the platform has no such row.
    fn read<'a>(&'a self, row: &'a RowRef) -> Pending<'a, Sight<Option<RowState>>>;

    /// Sends one operation on a row. Returns the platform's answer in words; an answer is not yet a proof.
    fn send<'a>(&'a self, operation: &'a Operation) -> Pending<'a, Result<String, ActFailure>>;
}
