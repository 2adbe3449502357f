//! Single looks at many rows: first at what was kept, then as far as limits and time allow, so that every run goes on
//! where the last one ended.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use tokio::task::JoinHandle;

use super::ask::Asker;
use super::cache::{Kept, Sort};
use super::failure::Failure;
use super::limiter::Share;
use crate::domain::platform::Wanted;
use crate::domain::sight::{Blind, Sight};

/// How many looks are under way at once.
const IN_FLIGHT: usize = 8;
/// So many looks are kept in one go.
const LOT: usize = 200;
/// After so many failures in a row the platform is not well, and the rest is left to a later run.
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
}

/// Why no more looks are begun.
#[derive(Default)]
struct Stop {
    why: Mutex<Option<Failure>>,
}

impl Stop {
    fn asked(&self) -> bool {
        self.why.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn ask(&self, failure: Failure) {
        self.why.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(failure);
    }

    fn into_why(self) -> Option<Failure> {
        self.why.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a sweep gathers.
#[derive(Default)]
struct Gathered {
    lot: Vec<(String, Kept)>,
    in_a_row: u32,
    /// Why one row could not be read, for the message.
    unclear: Option<Failure>,
}

impl Sweep<'_> {
    /// What is kept of these rows, and which must be read: first those of which nothing is known, in the order given, then
    /// those that were looked at too long ago.
    pub(super) async fn begin(&self, wanted: &[Wanted]) -> Sight<(Swept, Vec<usize>)> {
        let kept = self.asker.cache.evidence(self.sort, self.tenant).await;
        let mut kept = kept.map_err(Blind::because)?;
        let now = self.asker.clock().now().as_millisecond();
        let age = i64::try_from(self.asker.options.evidence_age.as_millis()).unwrap_or(i64::MAX);
        let mut swept = Swept { known: BTreeMap::new(), gone: BTreeSet::new(), cut_short: None };
        let (mut never, mut aged) = (Vec::new(), Vec::new());
        let mut named = BTreeSet::new();
        for (index, wanted) in wanted.iter().enumerate() {
            if !named.insert(wanted.id.as_str()) {
                continue;
            }
            match kept.remove(&wanted.id) {
                Some(found) if found.updated_at == wanted.updated_at.as_microsecond() => {
                    // What was read in the future was read before the clock was set back.
                    if (0..age).contains(&(now - found.read_at)) {
                        swept.known.insert(wanted.id.clone(), found.doc);
                    } else {
                        aged.push(index);
                    }
                }
                _ => never.push(index),
            }
        }
        never.append(&mut aged);
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
            let (stop, look) = (&stop, &look);
            async move { if stop.asked() { None } else { Some((index, look(index).await)) } }
        };
        let mut looks = stream::iter(unread).map(one).buffer_unordered(IN_FLIGHT);
        let mut gathered = Gathered::default();
        let mut keeping = Vec::new();
        while let Some(looked) = looks.next().await {
            let Some((index, result)) = looked else { continue };
            let now = self.asker.clock().now();
            gathered.take(&mut swept, &stop, (&wanted[index], now), result);
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

impl Gathered {
    fn take(
        &mut self,
        swept: &mut Swept,
        stop: &Stop,
        (wanted, now): (&Wanted, jiff::Timestamp),
        result: Result<Look, Failure>,
    ) {
        let failure = match result {
            Ok(Look::Doc(doc)) => {
                let kept = Kept::new(wanted.updated_at, now, doc.clone());
                self.lot.push((wanted.id.clone(), kept));
                swept.known.insert(wanted.id.clone(), doc);
                self.in_a_row = 0;
                return;
            }
            Ok(Look::Gone) => {
                swept.gone.insert(wanted.id.clone());
                self.in_a_row = 0;
                return;
            }
            Err(failure) => failure,
        };
        let for_all = matches!(failure, Failure::Held(_) | Failure::Account(_))
            || failure.is_drift()
            || matches!(failure, Failure::Said(401 | 403, _));
        if for_all {
            stop.ask(failure);
            return;
        }
        self.in_a_row += 1;
        if self.in_a_row >= FAILURES && failure.is_passing() {
            stop.ask(failure);
        } else {
            self.unclear.get_or_insert(failure);
        }
    }
}
