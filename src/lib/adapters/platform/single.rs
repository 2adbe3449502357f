//! One row as it is now.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::ask::{Asker, Question};
use super::dialect::Route;
use super::failure::Failure;
use super::rows::{Full, Listed};
use super::tenant::Tenant;
use super::walk::walk;
use crate::domain::platform::{Listing, RowKind, RowRef, ScheduleRow};
use crate::domain::sight::{Blind, Sight};

/// A list of schedules serves for so long after its walk began, so that several schedules that are looked at in one go cost
/// one walk; what guards an act is so old at most.
const LIST_AGE: Duration = Duration::from_secs(2);

/// A list, and when its walk began, on the clock's elapsed time.
struct Recent {
    began: Duration,
    listing: Listing<ScheduleRow>,
}

/// What single looks must know of each other.
#[derive(Default)]
pub(super) struct Singles {
    /// The platform does not know the route of one schedule.
    no_schedule_route: AtomicBool,
    lists: tokio::sync::Mutex<BTreeMap<String, Recent>>,
    /// When something was last sent to a row.
    sent: Mutex<BTreeMap<RowRef, Duration>>,
}

async fn one<R: Listed>(
    asker: &Arc<Asker>,
    tenant: &Arc<Tenant>,
    route: Route,
    id: &str,
    what: &str,
) -> Result<Option<R>, Failure> {
    let pace = asker.limiter.route(route, 1);
    let question = Question { route, id, query: "" };
    let answer = match asker.get(tenant, &pace, question).await {
        Err(failure) if failure.is_gone() => return Ok(None),
        answer => answer?,
    };
    let wire = answer.data::<R::Wire>(what)?;
    let row = R::read(wire, asker.table).map_err(Failure::Shape)?.row;
    if row.id() != id {
        return Err(Failure::Shape("the platform answered about another row".to_owned()));
    }
    Ok(Some(row))
}

fn blind(failure: Failure) -> Blind {
    Blind::because(failure.to_string())
}

/// One row with a route of its own.
pub(super) async fn row<R: Listed>(
    asker: &Arc<Asker>,
    tenant: &Arc<Tenant>,
    route: Route,
    id: &str,
    what: &str,
) -> Sight<Option<R>> {
    one(asker, tenant, route, id, what).await.map_err(blind)
}

/// One piece of content.
pub(super) async fn content(
    asker: &Arc<Asker>,
    tenant: &Arc<Tenant>,
    id: &str,
) -> Sight<Option<Full>> {
    row(asker, tenant, asker.table.one_content, id, "one piece of content").await
}

impl Singles {
    /// Something was sent to a row.
    pub(super) fn sent(&self, row: &RowRef, at: Duration) {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.insert(row.clone(), at);
    }

    /// Whether a list shows a row as it is after everything that was sent to it.
    fn serves(&self, recent: &Recent, row: &RowRef, now: Duration) -> bool {
        let sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        let after = sent.get(row).is_none_or(|sent| recent.began > *sent);
        after && now.saturating_sub(recent.began) <= LIST_AGE
    }

    /// One schedule: by its own route, or out of the list where the platform has no such route.
    pub(super) async fn schedule(
        &self,
        asker: &Arc<Asker>,
        tenant: &Arc<Tenant>,
        id: &str,
    ) -> Sight<Option<ScheduleRow>> {
        if !self.no_schedule_route.load(Ordering::Relaxed) {
            let found = one(asker, tenant, asker.table.schedule, id, "one schedule").await;
            match found {
                Err(failure) if failure.is_drift() => {
                    self.no_schedule_route.store(true, Ordering::Relaxed);
                }
                found => return found.map_err(blind),
            }
        }
        let row = RowRef::new(RowKind::Schedule, tenant.name(), id);
        let mut lists = self.lists.lock().await;
        let now = asker.clock().elapsed();
        if !lists.get(tenant.name()).is_some_and(|recent| self.serves(recent, &row, now)) {
            let listing = walk(asker, tenant, asker.table.schedules, "schedules").await?;
            let recent = Recent { began: now, listing };
            lists.insert(tenant.name().to_owned(), recent);
        }
        let Some(Recent { listing, .. }) = lists.get(tenant.name()) else {
            return Err(Blind::because("the list of schedules was lost"));
        };
        if let Some(found) = listing.items.iter().find(|found| found.id == id) {
            return Ok(Some(found.clone()));
        }
        match &listing.cut_short {
            None => Ok(None),
            Some(why) => Err(Blind::because(format!("it was not listed, and not all were: {why}"))),
        }
    }
}
