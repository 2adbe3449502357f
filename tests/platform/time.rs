//! A time that moves only when an agent waits or a test lets it pass. Pauses of the network stay real.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use opswarden::adapters::system_clock::SystemClock;
use opswarden::ports::Pending;
use opswarden::ports::clock::Clock;

/// The time of a test.
pub(crate) struct Time {
    state: Mutex<(Timestamp, Duration)>,
}

impl Time {
    pub(crate) fn from(start: Timestamp) -> Arc<Self> {
        Arc::new(Self { state: Mutex::new((start, Duration::ZERO)) })
    }

    /// Lets time pass.
    pub(crate) fn pass(&self, by: Duration) {
        let mut state = self.state.lock().unwrap();
        state.0 = state.0.checked_add(by).unwrap();
        state.1 += by;
    }
}

impl Clock for Time {
    fn now(&self) -> Timestamp {
        self.state.lock().unwrap().0
    }

    fn elapsed(&self) -> Duration {
        self.state.lock().unwrap().1
    }

    fn sleep(&self, duration: Duration) -> Pending<'_, ()> {
        Box::pin(async move {
            self.pass(duration);
            tokio::task::yield_now().await;
        })
    }
}

/// The time of one run: its `elapsed` begins with it.
pub(crate) struct RunTime {
    time: Arc<Time>,
    began: Duration,
}

impl RunTime {
    pub(crate) fn starts(time: &Arc<Time>) -> Arc<Self> {
        Arc::new(Self { time: Arc::clone(time), began: time.elapsed() })
    }
}

impl Clock for RunTime {
    fn now(&self) -> Timestamp {
        self.time.now()
    }

    fn elapsed(&self) -> Duration {
        self.time.elapsed().saturating_sub(self.began)
    }

    fn sleep(&self, duration: Duration) -> Pending<'_, ()> {
        self.time.sleep(duration)
    }
}

/// The platform's clock: the same time, but what its network waits for takes real time.
pub(crate) struct PlatformTime {
    time: Arc<Time>,
    real: SystemClock,
}

impl PlatformTime {
    pub(crate) fn of(time: &Arc<Time>) -> Arc<Self> {
        Arc::new(Self { time: Arc::clone(time), real: SystemClock::new() })
    }
}

impl Clock for PlatformTime {
    fn now(&self) -> Timestamp {
        self.time.now()
    }

    fn elapsed(&self) -> Duration {
        self.time.elapsed()
    }

    fn sleep(&self, duration: Duration) -> Pending<'_, ()> {
        self.real.sleep(duration)
    }
}
