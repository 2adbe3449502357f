//! Single looks at many rows: first at what was kept, then as far as limits and time allow, so that every run goes on
//! where the last one ended. A row that cannot be read waits behind all others for its next turn.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use jiff::Timestamp;
use tokio::task::JoinHandle;

use super::ask::Asker;
use super::cache::{Kept, Shown, Sort};
use super::failure::Failure;
use super::limiter::Share;
use crate::domain::platform::Wanted;
use crate::domain::sight::{Blind, Sight};

/// How many looks are under way at once.
const IN_FLIGHT: usize = 8;
/// So many looks are kept in one go.
const LOT: usize = 200;
/// After so many passing failures in a row an origin is not well, and what else it has is left to a later run.
const FAILURES: u32 = 5;

/// What a look showed.
pub(super) enum Look {
    /// This, as it is kept.
    Doc(Option<String>),
    /// That there is no such row any more.
    Gone,
}

/// What is known after a sweep.
pub(super) struct Swept {
    /// What looks showed, by id, as it is kept.
    pub(super) known: BTreeMap<String, Option<String>>,
    pub(super) gone: BTreeSet<String>,
    pub(super) cut_short: Option<String>,
}

/// What is swept.
pub(super) struct Sweep<'a> {
    pub(super) asker: &'a Asker,
    pub(super) tenant: &'a str,
    pub(super) sort: Sort,
    /// What the looks are called in messages.
    pub(super) what: &'a str,
    /// How much of the limits it may use up.
    pub(super) share: Share,
    /// Who is asked about a row; empty for the platform itself. One that is not well does not stop looks at the others.
    pub(super) origin: &'a (dyn Fn(usize) -> &'a str + Sync),
}

/// Why no more looks are begun.
#[derive(Default)]
struct Reasons {
    /// At anybody.
    all: Option<Failure>,
    /// At this origin.
    at: BTreeMap<String, Failure>,
}

#[derive(Default)]
struct Stop(Mutex<Reasons>);

impl Stop {
    fn reasons(&self) -> MutexGuard<'_, Reasons> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn asked(&self, origin: &str) -> bool {
        let reasons = self.reasons();
        reasons.all.is_some() || reasons.at.contains_key(origin)
    }

    fn ask(&self, failure: Failure) {
        self.reasons().all.get_or_insert(failure);
    }

    fn ask_at(&self, origin: &str, failure: Failure) {
        self.reasons().at.entry(origin.to_owned()).or_insert(failure);
    }

    fn into_why(self) -> Option<Failure> {
        let Reasons { all, at } = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        all.or_else(|| at.into_values().next())
    }
}

/// What a sweep gathers.
#[derive(Default)]
struct Gathered {
    lot: Vec<(String, Kept)>,
    /// Passing failures since the last answer, by origin.
    in_a_row: BTreeMap<String, u32>,
    /// Why one row could not be read, for the message.
    unclear: Option<Failure>,
}

/// A row that was just looked at.
struct Looked<'a> {
    wanted: &'a Wanted,
    origin: &'a str,
    at: Timestamp,
}

impl Sweep<'_> {
    /// What is kept of these rows, and which must be read: first those of which nothing is known as they are now, in the
    /// order given, then those that were read too long ago or could not be read, the longest ago first.
    pub(super) async fn begin(&self, wanted: &[Wanted]) -> Sight<(Swept, Vec<usize>)> {
        let kept = self.asker.cache.evidence(self.sort, self.tenant).await;
        let mut kept = kept.map_err(Blind::because)?;
        let now = self.asker.clock().now().as_millisecond();
        let age = i64::try_from(self.asker.options.evidence_age.as_millis()).unwrap_or(i64::MAX);
        let mut swept = Swept { known: BTreeMap::new(), gone: BTreeSet::new(), cut_short: None };
        let (mut never, mut again) = (Vec::new(), Vec::new());
        let mut named = BTreeSet::new();
        for (index, wanted) in wanted.iter().enumerate() {
            if !named.insert(wanted.id.as_str()) {
                continue;
            }
            // What another origin said, or did not say, is nothing about this one.
            let found = kept.remove(&wanted.id).filter(|kept| kept.origin == (self.origin)(index));
            let Some(Kept { updated_at, looked_at, shown, .. }) = found else {
                never.push(index);
                continue;
            };
            match shown {
                Shown::Doc(_) if updated_at != wanted.updated_at.as_microsecond() => {
                    never.push(index);
                }
                // What was read in the future was read before the clock was set back.
                Shown::Doc(doc) if (0..age).contains(&(now - looked_at)) => {
                    swept.known.insert(wanted.id.clone(), doc);
                }
                // What failed also where it was written since: a row that is written all the time may fail all the time.
                Shown::Nothing | Shown::Doc(_) => again.push((looked_at, index)),
            }
        }
        again.sort_unstable();
        never.extend(again.into_iter().map(|(_, index)| index));
        Ok((swept, never))
    }

    /// Looks at the unread ones.
    pub(super) async fn go_on<L, F>(
        &self,
        mut swept: Swept,
        (wanted, unread): (&[Wanted], Vec<usize>),
        look: L,
    ) -> Swept
    where
        L: Fn(usize) -> F,
        F: Future<Output = Result<Look, Failure>>,
    {
        self.tell_ahead(unread.len());
        let stop = Stop::default();
        let asked = swept.known.len() + unread.len();
        let one = |index: usize| {
            let (stop, look, origin) = (&stop, &look, (self.origin)(index));
            async move { if stop.asked(origin) { None } else { Some((index, look(index).await)) } }
        };
        let mut looks = stream::iter(unread).map(one).buffer_unordered(IN_FLIGHT);
        let mut gathered = Gathered::default();
        let mut keeping = Vec::new();
        while let Some(looked) = looks.next().await {
            let Some((index, result)) = looked else { continue };
            let at = self.asker.clock().now();
            let looked = Looked { wanted: &wanted[index], origin: (self.origin)(index), at };
            gathered.take(&mut swept, &stop, &looked, result);
            if gathered.lot.len() >= LOT {
                keeping.extend(self.keep(&mut gathered.lot));
            }
        }
        drop(looks);
        keeping.extend(self.keep(&mut gathered.lot));
        for kept in keeping {
            if let Err(error) = kept.await {
                tracing::warn!(%error, "what was read of the platform could not be kept");
            }
        }
        swept.cut_short = self.cut_short(&swept, asked, stop.into_why().or(gathered.unclear));
        swept
    }

    /// Keeps a lot in a task of its own. Were it waited for here, a look that is under way and holds the cache would not be
    /// asked to go on, and both would wait for ever.
    fn keep(&self, lot: &mut Vec<(String, Kept)>) -> Option<JoinHandle<()>> {
        if lot.is_empty() {
            return None;
        }
        let (lot, cache) = (std::mem::take(lot), Arc::clone(&self.asker.cache));
        let (sort, tenant) = (self.sort, self.tenant.to_owned());
        Some(tokio::spawn(async move {
            // Without it the next run reads the same again; this one has what it needs.
            if let Err(error) = cache.keep(sort, &tenant, &lot).await {
                tracing::warn!(%error, "what was read of the platform could not be kept");
            }
        }))
    }

    fn cut_short(&self, swept: &Swept, asked: usize, why: Option<Failure>) -> Option<String> {
        let unread = asked - swept.known.len() - swept.gone.len();
        let why = why?;
        if unread == 0 {
            return None;
        }
        let told = format!("{unread} of {asked} {} are still unread: {why}", self.what);
        let outlook = matches!(why, Failure::Held(_)).then(|| self.outlook(unread, asked));
        Some(format!("{told}{}", outlook.unwrap_or_default()))
    }

    /// Says at the start that the limits do not allow a whole sweep.
    fn tell_ahead(&self, unread: usize) {
        let what = self.what;
        if let Some(each) = self.asker.each_run(self.share).filter(|each| *each < count(unread)) {
            let runs = count(unread).div_ceil(each);
            tracing::warn!(
                "{unread} {what} are to be read, and the limits allow {each} in a run: all are read in about {runs} runs"
            );
        }
    }

    /// In how many runs everything will have been read.
    fn outlook(&self, unread: usize, asked: usize) -> String {
        let options = &self.asker.options;
        let Some(each) = self.asker.each_run(self.share) else {
            return String::new();
        };
        let runs = count(unread).div_ceil(each);
        let remembered = runs_in(options.evidence_age, options.interval).saturating_mul(each);
        if remembered < count(asked) {
            return format!(
                "; within the age of evidence the limits allow {remembered} looks, so a sweep is never whole: raise \
                 the limits or the age"
            );
        }
        format!("; the sweep is whole in about {runs} more runs")
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn runs_in(age: Duration, interval: Duration) -> u64 {
    age.as_secs().checked_div(interval.as_secs()).unwrap_or(u64::MAX)
}

impl Looked<'_> {
    fn kept(&self, shown: Shown) -> (String, Kept) {
        let kept = Kept::new(self.wanted.updated_at, self.at, self.origin, shown);
        (self.wanted.id.clone(), kept)
    }
}

impl Gathered {
    fn take(
        &mut self,
        swept: &mut Swept,
        stop: &Stop,
        looked: &Looked<'_>,
        result: Result<Look, Failure>,
    ) {
        let id = || looked.wanted.id.clone();
        match result {
            Ok(Look::Doc(doc)) => {
                self.in_a_row.remove(looked.origin);
                self.lot.push(looked.kept(Shown::Doc(doc.clone())));
                swept.known.insert(id(), doc);
            }
            Ok(Look::Gone) => {
                self.in_a_row.remove(looked.origin);
                swept.gone.insert(id());
            }
            Err(failure) => {
                if failure.was_tried() {
                    self.lot.push(looked.kept(Shown::Nothing));
                }
                self.fail(stop, looked.origin, failure);
            }
        }
    }

    fn fail(&mut self, stop: &Stop, origin: &str, failure: Failure) {
        let for_all = matches!(failure, Failure::Held(_) | Failure::Account(_))
            || failure.is_drift()
            || matches!(failure, Failure::Said(401 | 403, _));
        if for_all {
            stop.ask(failure);
            return;
        }
        if !failure.is_passing() {
            // It lies with this row: the origin is there and answers.
            self.in_a_row.remove(origin);
            self.unclear.get_or_insert(failure);
            return;
        }
        let in_a_row = self.in_a_row.entry(origin.to_owned()).or_default();
        *in_a_row += 1;
        if *in_a_row >= FAILURES {
            stop.ask_at(origin, failure);
        } else {
            self.unclear.get_or_insert(failure);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether looks at `a` and at `b` go on after these results.
    fn go_on(results: Vec<(&str, Result<Look, Failure>)>) -> [bool; 2] {
        let (mut gathered, stop) = (Gathered::default(), Stop::default());
        let mut swept = Swept { known: BTreeMap::new(), gone: BTreeSet::new(), cut_short: None };
        let at = Timestamp::UNIX_EPOCH;
        let wanted = Wanted { id: "c".to_owned(), updated_at: at };
        for (origin, result) in results {
            let looked = Looked { wanted: &wanted, origin, at };
            gathered.take(&mut swept, &stop, &looked, result);
        }
        ["a", "b"].map(|origin| !stop.asked(origin))
    }

    fn lost() -> Result<Look, Failure> {
        Err(Failure::Lost(None, "no whole answer came".to_owned()))
    }

    #[test]
    fn what_lies_with_a_row_says_nothing_about_the_rest() {
        let odd = || Err(Failure::Shape("x".to_owned()));
        let mut results: Vec<(&str, Result<Look, Failure>)> =
            (0..FAILURES).map(|_| ("a", odd())).collect();
        results.push(("a", lost()));
        assert_eq!(go_on(results), [true, true]);
    }

    #[test]
    fn an_origin_that_is_not_well_stops_no_look_at_another() {
        let dead = || (0..FAILURES).map(|_| ("a", lost()));
        let answers = || ("a", Ok(Look::Gone));
        assert_eq!(go_on(dead().collect()), [false, true]);
        assert_eq!(go_on(dead().skip(1).collect()), [true, true]);
        assert_eq!(go_on(dead().skip(1).chain([answers(), ("a", lost())]).collect()), [true, true]);
        let elsewhere = dead().map(|(_, result)| ("b", result)).skip(1);
        assert_eq!(go_on(elsewhere.chain(dead().skip(1)).collect()), [true, true]);
    }

    #[test]
    fn what_forbids_to_ask_stops_every_look() {
        let held = Err(Failure::Held("the deadline".to_owned()));
        assert_eq!(go_on(vec![("a", held)]), [false, false]);
        assert_eq!(go_on(vec![("a", Err(Failure::Said(403, String::new())))]), [false, false]);
    }
}
