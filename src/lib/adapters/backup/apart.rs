//! Backups looked at and tended on a thread of their own: a file system that does not answer holds that thread alone.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::domain::operation::{DataRef, DataState, Upkeep};
use crate::domain::sight::{Blind, Sight};
use crate::domain::upkeep::BackupSetLook;
use crate::ports::Pending;
use crate::ports::clock::Clock;
use crate::ports::data_store::{BackupStore, DataStoreControl};
use crate::ports::processes::ActFailure;

/// So long may a look take in all: enough to read some hundred gigabytes, and less than half of what a run has.
const LOOK: Duration = Duration::from_mins(45);
/// So long may it take to learn what is there.
const STATE: Duration = Duration::from_mins(1);

/// Backups, on a thread of their own.
pub struct Apart<S> {
    set: Arc<S>,
    clock: Arc<dyn Clock>,
}

impl<S> Apart<S> {
    /// The same backups.
    pub fn new(set: S, clock: Arc<dyn Clock>) -> Self {
        Self { set: Arc::new(set), clock }
    }

    async fn sight<T, W>(
        &self,
        time: Duration,
        work: impl FnOnce(Arc<S>) -> W + Send + 'static,
    ) -> Sight<T>
    where
        S: Send + Sync + 'static,
        W: Future<Output = Sight<T>>,
        T: Send + 'static,
    {
        let set = Arc::clone(&self.set);
        let looked = pin!(on_its_own(move || work(set)));
        match select(looked, self.clock.sleep(time)).await {
            Either::Left((Some(found), _)) => found,
            Either::Left((None, _)) => Err(Blind::because("the look was broken off")),
            Either::Right(_) => Err(Blind::because(format!(
                "it was not read within {} s: does its file system answer?",
                time.as_secs()
            ))),
        }
    }
}

impl<S: BackupStore + Send + Sync + 'static> BackupStore for Apart<S> {
    fn look(&self) -> Pending<'_, Sight<BackupSetLook>> {
        Box::pin(self.sight(LOOK, |set: Arc<S>| async move { set.look().await }))
    }
}

impl<S: DataStoreControl + Send + Sync + 'static> DataStoreControl for Apart<S> {
    fn read<'a>(&'a self, data: &'a DataRef) -> Pending<'a, Sight<Option<DataState>>> {
        let data = data.clone();
        Box::pin(self.sight(STATE, |set: Arc<S>| async move { set.read(&data).await }))
    }

    fn carry_out<'a>(
        &'a self,
        verb: Upkeep,
        data: &'a DataRef,
        time: Duration,
    ) -> Pending<'a, Result<String, ActFailure>> {
        let (set, data) = (Arc::clone(&self.set), data.clone());
        Box::pin(async move {
            let acted = on_its_own(move || async move { set.carry_out(verb, &data, time).await });
            let broken_off = || Err(ActFailure::Unknown("it was broken off".to_owned()));
            acted.await.unwrap_or_else(broken_off)
        })
    }
}

/// Does `work` on a thread of its own, unless it breaks. Who stops waiting has given it up: it ends there too, as soon as it
/// waits for anything.
async fn on_its_own<T, W>(work: impl FnOnce() -> W + Send + 'static) -> Option<T>
where
    W: Future<Output = T>,
    T: Send + 'static,
{
    let (_waits, given_up) = oneshot::channel::<()>();
    let runtime = Handle::current();
    let worked = tokio::task::spawn_blocking(move || {
        runtime.block_on(async {
            match select(pin!(work()), given_up).await {
                Either::Left((found, _)) => Some(found),
                Either::Right(_) => None,
            }
        })
    });
    worked.await.ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Dropped(Option<oneshot::Sender<()>>);

    impl Drop for Dropped {
        fn drop(&mut self) {
            let _nobody = self.0.take().map(|told| told.send(()));
        }
    }

    #[tokio::test]
    async fn work_that_holds_its_thread_holds_nobody_else() {
        let (release, held) = std::sync::mpsc::channel::<()>();
        let stuck = on_its_own(move || async move { held.recv().is_ok() });
        let mut stuck = pin!(stuck);
        let other = on_its_own(|| async { 7 });
        assert!(matches!(select(&mut stuck, pin!(other)).await, Either::Right((Some(7), _))));
        release.send(()).unwrap();
        assert_eq!(stuck.await, Some(true));
    }

    #[tokio::test]
    async fn what_nobody_waits_for_is_given_up() {
        let (told, dropped) = oneshot::channel();
        let (begun, begins) = oneshot::channel();
        let guard = Dropped(Some(told));
        let work = on_its_own(move || async move {
            let _guard = guard;
            begun.send(()).unwrap();
            std::future::pending::<()>().await;
        });
        let mut work = Box::pin(work);
        assert!(matches!(select(&mut work, begins).await, Either::Right((Ok(()), _))));
        drop(work);
        dropped.await.unwrap();
    }

    #[tokio::test]
    async fn work_that_breaks_is_broken_off() {
        assert_eq!(on_its_own(|| async { assert_eq!(1, 2, "broken") }).await, None);
    }
}
