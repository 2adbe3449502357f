//! The pulse of the cron library: once a minute it says "look now", and nothing else. The scheduler's own timer wakes it as
//! well, so a pulse that stays away is told and costs nothing.

use tokio::sync::mpsc::Sender;
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};

use crate::scheduler::Word;

/// Every minute, in UTC: this library counts from the offset at its start where it is given a zone.
const EVERY_MINUTE: &str = "0 * * * * *";

/// A pulse that has been started.
pub(super) struct Pulse {
    library: JobScheduler,
}

impl Pulse {
    /// Starts it. One asynchronous job that is never changed: a synchronous one would block the thread, and more than one may be
    /// lost.
    ///
    /// # Errors
    ///
    /// The library cannot start.
    pub(super) async fn start(words: Sender<Word>) -> Result<Self, JobSchedulerError> {
        let library = JobScheduler::new().await?;
        let beat = Job::new_async(EVERY_MINUTE, move |_, _| {
            let words = words.clone();
            Box::pin(async move {
                // Whoever has words waiting is about to look anyway.
                let _full = words.try_send(Word::Look);
            })
        })?;
        library.add(beat).await?;
        library.start().await?;
        Ok(Self { library })
    }

    pub(super) async fn stop(mut self) {
        if let Err(error) = self.library.shutdown().await {
            tracing::debug!("the pulse did not end in order: {error}");
        }
    }
}
