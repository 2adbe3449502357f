//! The client: the platform's eyes and hands.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::ask::{Asker, Question};
use super::evidence::details;
use super::failure::Failure;
use super::listed::Memory;
use super::options::PlatformOptions;
use super::rows::{Full, Listed};
use super::single::{self, Singles};
use super::tenant::Tenant;
use super::thumbnail::thumbnails;
use super::walk::walk;
use super::wire::StorageWire;
use super::{send, state};
use crate::domain::operation::Operation;
use crate::domain::platform::{
    ContentDetail, ContentRow, ContentState, Details, Dialect, DisplayRow, GroupRow, Listing,
    PlaylistRow, RowKind, RowRef, RowState, ScheduleRow, Storage, TenantStanding, Thumbnails,
    Wanted,
};
use crate::domain::sight::{Blind, Sight};
use crate::ports::Pending;
use crate::ports::platform::{Platform, PlatformControl};
use crate::ports::processes::ActFailure;

/// A client of one platform, for one run.
pub struct PlatformClient {
    asker: Arc<Asker>,
    memory: Memory,
    singles: Singles,
}

impl fmt::Debug for PlatformClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlatformClient")
            .field("options", &self.asker.options)
            .finish_non_exhaustive()
    }
}

impl PlatformClient {
    /// A client. Nothing is opened before the first question.
    #[must_use]
    pub fn new(options: PlatformOptions) -> Self {
        let asker = Arc::new(Asker::new(options));
        Self { asker, memory: Memory::default(), singles: Singles::default() }
    }

    pub(super) const fn asker(&self) -> &Arc<Asker> {
        &self.asker
    }

    fn tenant(&self, name: &str) -> Sight<&Arc<Tenant>> {
        self.asker.tenant(name)
    }

    async fn full_rows(&self, tenant: &str, layouts: bool) -> Sight<Listing<Full>> {
        let table = self.asker.table;
        let (route, what) =
            if layouts { (table.layouts, "layouts") } else { (table.content, "content") };
        let listing = walk::<Full>(&self.asker, self.tenant(tenant)?, route, what).await?;
        let seen = listing.items.iter();
        let seen = seen.map(|full| (full.row.id.clone(), full.row.updated_at, full.detail.clone()));
        self.memory.note(tenant, seen);
        Ok(listing)
    }

    async fn list<R: Listed>(
        &self,
        tenant: &str,
        route: super::dialect::Route,
        what: &str,
    ) -> Sight<Listing<R>> {
        walk(&self.asker, self.tenant(tenant)?, route, what).await
    }

    async fn stored(&self, tenant: &str) -> Result<Storage, Failure> {
        #[derive(Deserialize)]
        struct Inside {
            storage: StorageWire,
        }
        let (asker, table) = (&self.asker, self.asker.table);
        let tenant = asker.tenant(tenant).map_err(|blind| Failure::Impossible(blind.why))?;
        let pace = asker.limiter.route(table.storage, 1);
        let question = Question { route: table.storage, id: "", query: "" };
        let answer = asker.get(tenant, &pace, question).await?;
        let wire = if table.storage_is_inside {
            answer.data::<Inside>("storage")?.storage
        } else {
            answer.data::<StorageWire>("storage")?
        };
        Ok(Storage { used_bytes: wire.used_bytes, quota_bytes: wire.quota_bytes })
    }

    async fn state(&self, row: &RowRef) -> Sight<Option<RowState>> {
        let tenant = self.tenant(&row.tenant)?;
        let (asker, id) = (&self.asker, row.id.as_str());
        Ok(match row.kind {
            RowKind::Content => {
                single::content(asker, tenant, id).await?.map(|full| state::of_content(row, &full))
            }
            RowKind::Display => {
                let found = single::row(asker, tenant, asker.table.display, id, "one display");
                found.await?.map(|display| state::of_display(row, &display))
            }
            RowKind::Schedule => {
                let found = self.singles.schedule(asker, tenant, id).await?;
                found.map(|schedule| state::of_schedule(row, &schedule))
            }
        })
    }
}

/// A list without the rows themselves.
fn emptied<R>(listing: Listing<R>) -> (Vec<R>, Listing<IgnoredAny>) {
    let Listing { items, cut_short, total, platform_now, at } = listing;
    (items, Listing { items: Vec::new(), cut_short, total, platform_now, at })
}

fn filled<R>(items: Vec<R>, frame: Listing<IgnoredAny>) -> Listing<R> {
    let Listing { cut_short, total, platform_now, at, .. } = frame;
    Listing { items, cut_short, total, platform_now, at }
}

impl Platform for PlatformClient {
    fn dialect(&self) -> Dialect {
        self.asker.options.dialect
    }

    fn until(&self, deadline: Duration) {
        self.asker.until(deadline);
    }

    fn tenants(&self) -> Vec<String> {
        self.asker.tenants.iter().map(|tenant| tenant.name().to_owned()).collect()
    }

    fn displays<'a>(&'a self, tenant: &'a str) -> Pending<'a, Sight<Listing<DisplayRow>>> {
        Box::pin(self.list(tenant, self.asker.table.displays, "displays"))
    }

    fn content<'a>(&'a self, tenant: &'a str) -> Pending<'a, Sight<Listing<ContentRow>>> {
        Box::pin(async move {
            if !self.asker.table.content_is_full {
                return self.list(tenant, self.asker.table.content, "content").await;
            }
            let (items, frame) = emptied(self.full_rows(tenant, false).await?);
            Ok(filled(items.into_iter().map(|full| full.row).collect(), frame))
        })
    }

    fn content_states<'a>(&'a self, tenant: &'a str) -> Pending<'a, Sight<Listing<ContentState>>> {
        Box::pin(async move {
            if !self.asker.table.content_is_full {
                return self.list(tenant, self.asker.table.content, "content").await;
            }
            let (items, frame) = emptied(self.full_rows(tenant, false).await?);
            Ok(filled(items.into_iter().map(|full| full.row.into()).collect(), frame))
        })
    }

    fn layouts<'a>(
        &'a self,
        tenant: &'a str,
    ) -> Pending<'a, Sight<Listing<(String, ContentDetail)>>> {
        Box::pin(async move {
            let (items, frame) = emptied(self.full_rows(tenant, true).await?);
            let items = items.into_iter().map(|full| (full.row.id, full.detail)).collect();
            Ok(filled(items, frame))
        })
    }

    fn playlists<'a>(&'a self, tenant: &'a str) -> Pending<'a, Sight<Listing<PlaylistRow>>> {
        Box::pin(self.list(tenant, self.asker.table.playlists, "playlists"))
    }

    fn schedules<'a>(&'a self, tenant: &'a str) -> Pending<'a, Sight<Listing<ScheduleRow>>> {
        Box::pin(self.list(tenant, self.asker.table.schedules, "schedules"))
    }

    fn groups<'a>(&'a self, tenant: &'a str) -> Pending<'a, Sight<Listing<GroupRow>>> {
        Box::pin(self.list(tenant, self.asker.table.groups, "groups"))
    }

    fn storage<'a>(&'a self, tenant: &'a str) -> Pending<'a, Sight<Storage>> {
        Box::pin(async move {
            self.stored(tenant).await.map_err(|failure| Blind::because(failure.to_string()))
        })
    }

    fn details<'a>(&'a self, tenant: &'a str, wanted: &'a [Wanted]) -> Pending<'a, Sight<Details>> {
        Box::pin(
            async move { details(&self.asker, self.tenant(tenant)?, &self.memory, wanted).await },
        )
    }

    fn thumbnails<'a>(
        &'a self,
        tenant: &'a str,
        wanted: &'a [(Wanted, String)],
    ) -> Pending<'a, Sight<Thumbnails>> {
        Box::pin(async move { thumbnails(&self.asker, self.tenant(tenant)?.name(), wanted).await })
    }

    fn display<'a>(
        &'a self,
        tenant: &'a str,
        id: &'a str,
    ) -> Pending<'a, Sight<Option<DisplayRow>>> {
        Box::pin(async move {
            let route = self.asker.table.display;
            single::row(&self.asker, self.tenant(tenant)?, route, id, "one display").await
        })
    }

    fn one_content<'a>(
        &'a self,
        tenant: &'a str,
        id: &'a str,
    ) -> Pending<'a, Sight<Option<(ContentRow, ContentDetail, Vec<String>)>>> {
        Box::pin(async move {
            let found = single::content(&self.asker, self.tenant(tenant)?, id).await?;
            Ok(found.map(|full| (full.row, full.detail, full.playlists)))
        })
    }

    fn schedule<'a>(
        &'a self,
        tenant: &'a str,
        id: &'a str,
    ) -> Pending<'a, Sight<Option<ScheduleRow>>> {
        Box::pin(async move { self.singles.schedule(&self.asker, self.tenant(tenant)?, id).await })
    }

    fn platform_now(&self) -> Option<Timestamp> {
        self.asker.transport.platform_now()
    }

    fn standing(&self) -> Vec<TenantStanding> {
        self.asker.tenants.iter().map(|tenant| tenant.standing()).collect()
    }

    fn release(&self) -> Pending<'_, Vec<(String, String)>> {
        Box::pin(async move {
            let each = self.asker.tenants.iter().map(|tenant| async {
                let ended = tenant.release(&self.asker).await;
                ended.err().map(|why| (tenant.name().to_owned(), why))
            });
            let failed = join_all(each).await.into_iter().flatten().collect();
            self.asker.cache.close().await;
            failed
        })
    }
}

impl PlatformControl for PlatformClient {
    fn read<'a>(&'a self, row: &'a RowRef) -> Pending<'a, Sight<Option<RowState>>> {
        Box::pin(self.state(row))
    }

    fn send<'a>(&'a self, operation: &'a Operation) -> Pending<'a, Result<String, ActFailure>> {
        Box::pin(async move {
            let result = send::send(&self.asker, operation).await;
            if let Some(row) = send::row(operation) {
                self.singles.sent(row, self.asker.clock().elapsed());
            }
            result
        })
    }
}
