//! What every connection of one sandbox shares.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::faults::Faults;
use super::throttle::Throttles;
use crate::sandbox::model::jobs::catch_up;
use crate::sandbox::model::world::World;
use crate::sandbox::options::Options;
use crate::sandbox::time::{Stamp, WorldClock};
use crate::sandbox::truth::{Found, Score, TruthEntry, derive, score};

/// The state behind one lock, and what needs none.
pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) clock: WorldClock,
    pub(crate) inner: Mutex<Inner>,
    /// True as soon as everything must end.
    pub(crate) closing: watch::Receiver<bool>,
}

/// The state.
pub(crate) struct Inner {
    pub(crate) world: World,
    pub(crate) throttles: Throttles,
    pub(crate) faults: Faults,
    /// What was wrong at the start, worked out when somebody asks or something changes.
    planted: Option<Vec<TruthEntry>>,
    /// What came to be wrong since.
    later: Vec<TruthEntry>,
}

impl Shared {
    pub(crate) fn new(options: Options, clock: WorldClock, closing: watch::Receiver<bool>) -> Self {
        let world = crate::sandbox::scenario::build(&options, clock.now());
        let inner = Inner {
            world,
            throttles: Throttles::default(),
            faults: Faults::new(options.seed),
            planted: None,
            later: Vec::new(),
        };
        Self { options, clock, inner: Mutex::new(inner), closing }
    }

    /// The state, with everything done that fell due.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        let now = self.clock.now();
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.world.next_expiry <= now {
            inner.note_truth(&self.options, now);
        }
        catch_up(&mut inner.world, now, self.options.expiry_job);
        inner
    }

    pub(crate) fn now(&self) -> Stamp {
        self.clock.now()
    }

    /// Logins that nobody has ended.
    pub(crate) fn sessions_open(&self) -> usize {
        let now = self.now();
        self.lock().world.sessions.open_rows(now)
    }

    /// Everything that a careful caller would have taken, expected, avoided or ended.
    pub(crate) fn leftovers(&self) -> Vec<String> {
        let mut found = self.lock().world.effects.leftovers();
        let open = self.sessions_open();
        if open > 0 {
            found.push(format!("{open} sessions are still open"));
        }
        found
    }

    /// Moves the time on and does what falls due.
    pub(crate) fn advance(&self, by: std::time::Duration) {
        self.lock().planted(&self.options);
        self.clock.advance(by);
        let now = self.now();
        self.lock().note_truth(&self.options, now);
    }

    /// What was wrong at the start.
    pub(crate) fn planted(&self) -> Vec<TruthEntry> {
        self.lock().planted(&self.options).to_vec()
    }

    /// What is wrong now.
    pub(crate) fn truth_now(&self) -> Vec<TruthEntry> {
        derive(&self.lock().world, self.options.dialect, self.now())
    }

    pub(crate) fn score(&self, found: &[Found]) -> Score {
        let now = self.now();
        let mut inner = self.lock();
        inner.note_truth(&self.options, now);
        let effects = inner.world.effects.all().to_vec();
        let planted = inner.planted.as_deref().unwrap_or(&[]);
        score(planted, &inner.later, found, &effects)
    }
}

impl Inner {
    pub(crate) fn planted(&mut self, options: &Options) -> &[TruthEntry] {
        let began = self.world.began;
        self.planted.get_or_insert_with(|| derive(&self.world, options.dialect, began))
    }

    /// Keeps what has come to be true, before it is repaired or moves out of sight.
    pub(crate) fn note_truth(&mut self, options: &Options, now: Stamp) {
        self.planted(options);
        let mut fresh = derive(&self.world, options.dialect, now);
        let known: HashSet<&TruthEntry> =
            self.planted.iter().flatten().chain(&self.later).collect();
        fresh.retain(|entry| !known.contains(entry));
        self.later.extend(fresh);
    }
}
