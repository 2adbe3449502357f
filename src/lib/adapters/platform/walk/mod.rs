//! A walk over the pages of a list that knows whether it saw everything.
//!
//! Pages are cut by offset out of an order that need not be total: rows that tie may come twice or never, and rows shift
//! when others come and go. So a count of rows proves nothing. A walk is whole when the different ids are as many as the
//! platform says, the platform said the same on every page, the first page shows the same when it is read again, and none
//! of the rows was made while the walk went on. Then what was seen is what was there when it began.

mod outlook;
mod parts;
mod seams;

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::stream::{self, StreamExt as _};
use jiff::{SignedDuration, Timestamp};

use self::parts::Part;
use self::seams::{Seams, around};
use super::ask::{Asker, Question};
use super::dialect::Route;
use super::failure::Failure;
use super::limiter::Share;
use super::pace::Pace;
use super::rows::{Listed, Seen};
use super::tenant::Tenant;
use super::wire::Page;
use crate::domain::platform::Listing;
use crate::domain::sight::{Blind, Sight};

/// The sizes of pages, one for each pass: the largest that the platform gives, then sizes that cut elsewhere. Rows that
/// tie are found by cutting between them at many places.
const SIZES: [u64; 10] = [100, 50, 77, 33, 97, 61, 89, 71, 99, 83];
/// A list that changes while it is read is read anew so often.
const ANEW: usize = 4;
/// Room is made for so many rows at most.
const MOST_RESERVED: u64 = 200_000;
/// How many pages are asked for at once.
const IN_FLIGHT: usize = 4;
/// The platform's date is cut to seconds.
const DATE_STEP: SignedDuration = SignedDuration::from_secs(1);

/// What a walk has seen so far.
struct Walk<R> {
    seen: Vec<Seen<R>>,
    total: u64,
    /// When its first page was read, on the platform's clock.
    began: Timestamp,
    /// The youngest row of its first page.
    youngest: Option<Timestamp>,
    /// How many passes added to it.
    passes: u32,
    /// Why some rows can be read by no page, and how many.
    unreadable: Option<(u64, Failure)>,
}

/// Why a pass was not enough.
enum Doubt {
    /// The number of rows changed, or a row was made: what was seen belongs to different states.
    Moved(String),
    /// Rows were missed.
    Missed(String),
    /// No more pages can be read.
    Ended(Failure),
}

struct Walker<'a> {
    asker: &'a Arc<Asker>,
    tenant: &'a Arc<Tenant>,
    route: Route,
    what: &'a str,
    pace: Pace<'a>,
}

/// Walks a list of a tenant.
pub(super) async fn walk<R: Listed>(
    asker: &Arc<Asker>,
    tenant: &Arc<Tenant>,
    route: Route,
    what: &str,
) -> Sight<Listing<R>> {
    let pace = asker.limiter.route(route, 1);
    let walker = Walker { asker, tenant, route, what, pace };
    let mut walk: Option<Walk<R>> = None;
    let mut why = String::new();
    for (pass, size) in SIZES.into_iter().enumerate() {
        match walker.pass(&mut walk, size).await {
            Ok(()) => return Ok(walker.listing(walk, None)),
            Err(Doubt::Moved(what)) => {
                why = what;
                if pass + 1 >= ANEW {
                    break;
                }
                walk = None;
            }
            Err(Doubt::Missed(what)) => why = what,
            Err(Doubt::Ended(failure)) => {
                let Some(seen) = &walk else { return Err(Blind::because(failure.to_string())) };
                let left = seen.total.saturating_sub(seen.count());
                why = match failure {
                    Failure::Held(limit) => walker.held(seen.total, left, &limit),
                    other => format!("{left} of {} rows were not read: {other}", seen.total),
                };
                break;
            }
        }
    }
    Ok(walker.listing(walk, Some(why)))
}

impl<R: Listed> Walk<R> {
    fn count(&self) -> u64 {
        u64::try_from(self.seen.len()).unwrap_or(u64::MAX)
    }

    /// Makes room for a pass at once: a vector that grows by doubling holds a large list twice. What the platform counts is
    /// believed only so far.
    fn reserve(&mut self, size: u64) {
        let rows = self.total.saturating_add(2 * size).min(MOST_RESERVED);
        let more = usize::try_from(rows).unwrap_or_default();
        self.seen.reserve_exact(more.saturating_sub(self.seen.len()));
    }

    /// Some rows of a page could not be read.
    fn leaves(&mut self, unreadable: Option<(u64, Failure)>) {
        if let Some((more, failure)) = unreadable {
            let many = self.unreadable.as_ref().map_or(0, |(many, _)| *many);
            self.unreadable = Some((many + more, failure));
        }
    }

    /// Takes rows in; of two readings of a row the later one stays.
    fn take(&mut self, rows: Vec<Seen<R>>) {
        self.seen.extend(rows);
    }

    fn sort(&mut self) {
        self.seen.sort_by(|one, another| one.row.id().cmp(another.row.id()));
        self.seen.dedup_by(|later, earlier| {
            let same = later.row.id() == earlier.row.id();
            if same {
                std::mem::swap(later, earlier);
            }
            same
        });
    }

    fn knows(&self, id: &str) -> bool {
        self.seen.binary_search_by(|seen| seen.row.id().cmp(id)).is_ok()
    }

    /// Whether a row was made after the walk began. Rows that are older than one of the first page cannot have been, and a
    /// row from the future tells that its clock is not the one that dates answers.
    fn grew(&self, now: Timestamp) -> bool {
        let after = |seen: &Seen<R>| {
            seen.created_at >= self.began
                && seen.created_at <= now
                && self.youngest.is_some_and(|youngest| seen.created_at > youngest)
        };
        self.seen.iter().any(after)
    }
}

impl Walker<'_> {
    /// The platform's clock; ours where the platform never told.
    fn now(&self) -> Timestamp {
        self.asker.transport.platform_now().unwrap_or_else(|| self.asker.clock().now())
    }

    async fn page<R: Listed>(&self, page: u64, size: u64) -> Result<(Vec<Seen<R>>, u64), Failure> {
        let query = format!("?page={page}&limit={size}");
        let question = Question { route: self.route, id: "", query: &query };
        let answer = self.asker.get(self.tenant, &self.pace, question).await?;
        let Page { data, meta } = answer.data::<Page<R::Wire>>(self.what)?;
        if u64::try_from(data.len()).unwrap_or(u64::MAX) > size {
            let why = format!("a page of {} holds more rows than were asked for", self.what);
            return Err(Failure::Shape(why));
        }
        let read = |wire| R::read(wire, self.asker.table);
        let rows: Result<Vec<_>, String> = data.into_iter().map(read).collect();
        let rows = rows.map_err(|why| {
            Failure::Shape(format!("the answer about {} has an unknown shape: {why}", self.what))
        })?;
        Ok((rows, meta.total))
    }

    /// Reads every page once, adding to what earlier passes saw.
    async fn pass<R: Listed>(&self, walk: &mut Option<Walk<R>>, size: u64) -> Result<(), Doubt> {
        let before = walk.as_ref().map(|walk| walk.total);
        let Part { rows, total, unreadable } =
            self.whole_page::<R>(1, size).await.map_err(Doubt::Ended)?;
        if before.is_some_and(|before| before != total) {
            // Nothing of the earlier passes can be used; this page begins anew.
            *walk = None;
        }
        let first: BTreeSet<String> = rows.iter().map(|seen| seen.row.id().to_owned()).collect();
        let walk = walk.get_or_insert_with(|| Walk {
            seen: Vec::new(),
            total,
            began: self.now(),
            youngest: rows.iter().map(|seen| seen.created_at).max(),
            passes: 0,
            unreadable: None,
        });
        walk.passes += 1;
        walk.unreadable = None;
        walk.leaves(unreadable);
        walk.reserve(size);
        let mut seams = Seams::after(1, first.clone());
        walk.take(rows);
        let pages = total.div_ceil(size).max(1);
        // The first page once more at the end.
        self.pace.foresee(usize::try_from(pages).unwrap_or(usize::MAX)).await;
        let result = self.rest(walk, pages, size, &mut seams).await;
        walk.sort();
        result?;
        if let Some((_, failure)) = &walk.unreadable {
            // Other pages would show no more.
            return Err(Doubt::Ended(failure.clone()));
        }
        if walk.count() < walk.total {
            self.mend(walk, &seams, size).await?;
        }
        self.verify(walk, &first, size).await
    }

    async fn rest<R: Listed>(
        &self,
        walk: &mut Walk<R>,
        pages: u64,
        size: u64,
        seams: &mut Seams,
    ) -> Result<(), Doubt> {
        self.tell_ahead(walk.total);
        let begin = self.begin(pages, size).await;
        let order: Vec<u64> = (begin..=pages).chain(2..begin).collect();
        let mut read = 0;
        let ended = self.each(walk, &order, size, (&mut read, seams)).await;
        // Only now: a question under way that nobody waits for any more may hold the cache.
        if let Err(Doubt::Ended(Failure::Held(_))) = &ended {
            self.go_on_at(order.get(read).copied(), size).await;
        }
        ended
    }

    /// Reads these pages in their order, and counts them.
    async fn each<R: Listed>(
        &self,
        walk: &mut Walk<R>,
        order: &[u64],
        size: u64,
        (read, seams): (&mut usize, &mut Seams),
    ) -> Result<(), Doubt> {
        let pages = stream::iter(order.to_vec());
        let mut rest = pages.map(|page| self.whole_page::<R>(page, size)).buffered(IN_FLIGHT);
        while let Some(page) = rest.next().await {
            let Part { rows, total, unreadable } = page.map_err(Doubt::Ended)?;
            walk.leaves(unreadable);
            let ids = rows.iter().map(|seen| seen.row.id().to_owned()).collect();
            seams.next(order.get(*read).copied().unwrap_or_default(), ids);
            *read += 1;
            walk.take(rows);
            self.same(walk, total)?;
        }
        Ok(())
    }

    /// Reads once more around each seam at which a row came twice: the row that was left out for it ties with it, and so
    /// stands there. A page that is cut elsewhere and holds the seam in its middle shows both.
    async fn mend<R: Listed>(
        &self,
        walk: &mut Walk<R>,
        seams: &Seams,
        size: u64,
    ) -> Result<(), Doubt> {
        let around = seams.twice.iter().map(|page| around(page * size));
        let mut rest = stream::iter(around.collect::<Vec<_>>())
            .map(|(page, size)| self.page::<R>(page, size))
            .buffered(IN_FLIGHT);
        while let Some(page) = rest.next().await {
            let (rows, total) = page.map_err(Doubt::Ended)?;
            walk.take(rows);
            self.same(walk, total)?;
        }
        walk.sort();
        Ok(())
    }

    /// The page after the first one: where limits ended the last walk, so that none is left out for ever.
    async fn begin(&self, pages: u64, size: u64) -> u64 {
        if size != SIZES[0] || self.asker.each_run(Share::Whole).is_none() {
            return 2;
        }
        match self.asker.cache.cursor(self.tenant.name(), self.route.pattern).await {
            Ok(page) => page.filter(|page| (2..=pages).contains(page)).unwrap_or(2),
            Err(error) => {
                tracing::debug!("where the last walk ended is not known: {error}");
                2
            }
        }
    }

    async fn go_on_at(&self, page: Option<u64>, size: u64) {
        let Some(page) = page.filter(|_| size == SIZES[0]) else { return };
        let kept = self.asker.cache.set_cursor(self.tenant.name(), self.route.pattern, page).await;
        if let Err(error) = kept {
            tracing::warn!("where this walk ended cannot be kept: {error}");
        }
    }

    fn same<R>(&self, walk: &Walk<R>, total: u64) -> Result<(), Doubt> {
        if total == walk.total {
            return Ok(());
        }
        let (what, before) = (self.what, walk.total);
        Err(Doubt::Moved(format!("the number of {what} went from {before} to {total} meanwhile")))
    }

    async fn verify<R: Listed>(
        &self,
        walk: &mut Walk<R>,
        first: &BTreeSet<String>,
        size: u64,
    ) -> Result<(), Doubt> {
        let (count, total) = (walk.count(), walk.total);
        if count < total {
            return Err(Doubt::Missed(format!("{count} of {total} rows were seen, others twice")));
        }
        if count > total {
            let why = format!("{count} rows were seen where the platform counts {total}");
            return Err(Doubt::Moved(why));
        }
        let (rows, total) = self.page::<R>(1, size).await.map_err(Doubt::Ended)?;
        self.same(walk, total)?;
        if walk.grew(self.now().saturating_add(DATE_STEP).unwrap_or(Timestamp::MAX)) {
            return Err(Doubt::Moved(format!("{} came while they were read", self.what)));
        }
        if rows.iter().any(|seen| !walk.knows(seen.row.id())) {
            return Err(Doubt::Moved(format!("{} shifted while they were read", self.what)));
        }
        // Rows that tie may change places for no reason. A second pass that saw nothing else either is enough.
        let same =
            rows.len() == first.len() && rows.iter().all(|seen| first.contains(seen.row.id()));
        if !same && walk.passes < 2 {
            return Err(Doubt::Missed(format!(
                "{} changed places while they were read",
                self.what
            )));
        }
        walk.take(rows);
        walk.sort();
        Ok(())
    }

    fn listing<R: Listed>(&self, walk: Option<Walk<R>>, cut_short: Option<String>) -> Listing<R> {
        let (seen, total, began) = match walk {
            Some(Walk { seen, total, began, .. }) => (seen, total, began),
            None => (Vec::new(), 0, self.now()),
        };
        Listing {
            items: seen.into_iter().map(|seen| seen.row).collect(),
            cut_short,
            total,
            // A row of the first page is as old as the walk: what is counted from its end would be too long a time.
            platform_now: began,
            at: self.asker.clock().now(),
        }
    }
}
