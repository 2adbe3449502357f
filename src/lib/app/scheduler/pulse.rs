//! The pulse of the cron library: once a minute it says "look now", and nothing else. The scheduler's own timer wakes it as
//! well, so a pulse that stays away is told and costs nothing.
//!
//! The library looks at its one job twice a second, whatever that job's time is. It does so on a thread of its own that may
//! be woken late: there a look is one wake-up, where exact timers make it two, and no start of an agent waits for it.

use std::num::NonZeroU64;

use rustix::thread::set_current_timer_slack;
use tokio::sync::mpsc::Sender;
use tokio::sync::oneshot;
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};

use crate::scheduler::Word;

/// Every minute, in UTC: this library counts from the offset at its start where it is given a zone.
const EVERY_MINUTE: &str = "0 * * * * *";
/// So late may the thread be woken, in nanoseconds. Longer than the 64 ms that the runtime's timers are sorted by, so that
/// the wake-up that would only sort a timer is the one that the timer is for.
const SLACK: Option<NonZeroU64> = NonZeroU64::new(250_000_000);
/// A look at one job needs little; a thread usually gets four times as much.
const STACK_BYTES: usize = 512 * 1024;

/// A pulse that has been started; it ends when this is dropped.
pub(super) struct Pulse {
    _ends_when_dropped: oneshot::Sender<()>,
}

impl Pulse {
    /// Starts it.
    ///
    /// # Errors
    ///
    /// A fragment: there is no thread for it, or the library cannot start.
    pub(super) async fn start(words: Sender<Word>) -> Result<Self, String> {
        Self::at(EVERY_MINUTE, words).await
    }

    async fn at(times: &'static str, words: Sender<Word>) -> Result<Self, String> {
        let (end, ended) = oneshot::channel();
        let (say, said) = oneshot::channel();
        let thread = std::thread::Builder::new().name("pulse".to_owned()).stack_size(STACK_BYTES);
        let started = thread.spawn(move || beat(times, words, say, ended));
        started.map_err(|error| error.to_string())?;
        said.await.unwrap_or_else(|_| Err("its thread ended at once".to_owned()))?;
        Ok(Self { _ends_when_dropped: end })
    }
}

/// What the thread does: says whether the library has started, and lets it go on until nobody wants it any more.
fn beat(
    times: &'static str,
    words: Sender<Word>,
    say: oneshot::Sender<Result<(), String>>,
    ended: oneshot::Receiver<()>,
) {
    if let Err(error) = set_current_timer_slack(SLACK) {
        tracing::debug!("the pulse is woken exactly: {error}");
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_time().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            // Whoever asked may have gone.
            let _gone = say.send(Err(error.to_string()));
            return;
        }
    };
    runtime.block_on(async {
        let mut library = match started(times, words).await {
            Ok(library) => library,
            Err(error) => {
                let _gone = say.send(Err(error.to_string()));
                return;
            }
        };
        let _gone = say.send(Ok(()));
        // Nothing is ever sent: the other end is dropped.
        let _dropped = ended.await;
        if let Err(error) = library.shutdown().await {
            tracing::debug!("the pulse did not end in order: {error}");
        }
    });
}

/// One asynchronous job that is never changed: a synchronous one would block the thread, and more than one may be lost.
async fn started(
    times: &'static str,
    words: Sender<Word>,
) -> Result<JobScheduler, JobSchedulerError> {
    let library = JobScheduler::new().await?;
    let beat = Job::new_async(times, move |_, _| {
        let words = words.clone();
        Box::pin(async move {
            // Whoever has words waiting is about to look anyway.
            let _full = words.try_send(Word::Look);
        })
    })?;
    library.add(beat).await?;
    library.start().await?;
    Ok(library)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::future::{Either, select};

    use super::*;
    use crate::adapters::system_clock::SystemClock;
    use crate::ports::clock::Clock as _;

    /// Whether this process has a thread of that name.
    fn lives(name: &str) -> bool {
        let mut tasks = std::fs::read_dir("/proc/self/task").unwrap().filter_map(Result::ok);
        tasks.any(|task| {
            let named = std::fs::read_to_string(task.path().join("comm"));
            named.is_ok_and(|named| named.trim() == name)
        })
    }

    #[tokio::test]
    async fn it_says_look_and_its_thread_ends_with_it() {
        let (say, mut words) = tokio::sync::mpsc::channel(1);
        let pulse = Pulse::at("* * * * * *", say).await.unwrap();
        let clock = SystemClock::new();
        let heard = select(Box::pin(words.recv()), clock.sleep(Duration::from_secs(30))).await;
        assert!(matches!(heard, Either::Left((Some(Word::Look), _))));
        assert!(lives("pulse"));
        drop(pulse);
        let until = clock.elapsed() + Duration::from_secs(5);
        while lives("pulse") {
            assert!(clock.elapsed() < until, "its thread goes on");
            clock.sleep(Duration::from_millis(10)).await;
        }
    }
}
