//! The pace of one series of requests: it takes slots in small lots and hands out one for each request.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::Mutex;

use super::cache::{Reserved, USE_MS};
use super::failure::Failure;
use super::limiter::{Limiter, Share, Windows};

/// Slots for requests to one bucket.
pub(super) struct Pace<'a> {
    limiter: &'a Limiter,
    bucket: String,
    share: Share,
    state: Mutex<State>,
}

struct State {
    /// How many requests are still foreseen.
    foreseen: usize,
    /// Slots that were taken, by row and moment.
    slots: VecDeque<(i64, i64)>,
    /// Slots that were too old to be used.
    unused: Vec<(i64, i64)>,
}

enum Step {
    Go,
    /// A slot so many milliseconds from now.
    At(i64, (i64, i64)),
    /// Look again then, because of this.
    Later(i64, String),
}

impl<'a> Pace<'a> {
    pub(super) fn new(limiter: &'a Limiter, bucket: String, share: Share, foreseen: usize) -> Self {
        let state = State { foreseen, slots: VecDeque::new(), unused: Vec::new() };
        Self { limiter, bucket, share, state: Mutex::new(state) }
    }

    pub(super) fn bucket(&self) -> &str {
        &self.bucket
    }

    /// So many more requests will follow.
    pub(super) async fn foresee(&self, more: usize) {
        self.state.lock().await.foreseen = more;
    }

    /// Waits until one request may be sent.
    ///
    /// # Errors
    ///
    /// That would be after `deadline`.
    pub(super) async fn next(&self, deadline: Duration) -> Result<(), Failure> {
        loop {
            self.in_time(deadline, Duration::ZERO, "the run's deadline")?;
            let step = self.step().await.map_err(Failure::Unreached)?;
            let (wait_ms, why) = match &step {
                Step::Go => return Ok(()),
                Step::At(wait_ms, _) => (*wait_ms, "the run's deadline"),
                Step::Later(wait_ms, why) => (*wait_ms, why.as_str()),
            };
            let wait = Duration::from_millis(u64::try_from(wait_ms).unwrap_or(0).max(1));
            self.in_time(deadline, wait, why)?;
            self.limiter.clock.sleep(wait).await;
            if let Step::At(_, slot) = step {
                if self.now() <= slot.1 + USE_MS {
                    return Ok(());
                }
                self.state.lock().await.unused.push(slot);
            }
        }
    }

    fn now(&self) -> i64 {
        self.limiter.clock.now().as_millisecond()
    }

    fn in_time(&self, deadline: Duration, wait: Duration, why: &str) -> Result<(), Failure> {
        if self.limiter.clock.elapsed() + wait < deadline {
            return Ok(());
        }
        // A second's limit is waited for in any run: what ended is the run.
        let why = if why.ends_with("per second") { "the run's deadline" } else { why };
        Err(Failure::Held(why.to_owned()))
    }

    async fn step(&self) -> Result<Step, String> {
        let windows = self.limiter.windows(&self.bucket, self.share);
        if windows.are_none() {
            return Ok(Step::Go);
        }
        let mut state = self.state.lock().await;
        loop {
            if let Some(step) = state.next(self.now()) {
                return Ok(step);
            }
            match self.reserve(&windows, &mut state).await? {
                Reserved::Slots(slots) => state.slots.extend(slots),
                Reserved::Full { until_ms, why } => {
                    return Ok(Step::Later(until_ms - self.now(), why));
                }
            }
        }
    }

    async fn reserve(&self, windows: &Windows, state: &mut State) -> Result<Reserved, String> {
        let foreseen = u32::try_from(state.foreseen).unwrap_or(u32::MAX).max(1);
        // What one second allows and no more, so that others are not kept waiting by slots that lie about.
        let wanted = foreseen.min(windows.per_second().unwrap_or(1));
        let unused = std::mem::take(&mut state.unused);
        self.limiter.cache.reserve(&self.bucket, &windows.own, &windows.all, wanted, &unused).await
    }
}

impl State {
    /// The next slot that is not too old.
    fn next(&mut self, now: i64) -> Option<Step> {
        while let Some(slot) = self.slots.pop_front() {
            if slot.1 + USE_MS < now {
                self.unused.push(slot);
                continue;
            }
            self.foreseen = self.foreseen.saturating_sub(1);
            return Some(if slot.1 <= now { Step::Go } else { Step::At(slot.1 - now, slot) });
        }
        None
    }
}

#[cfg(test)]
mod tests;
