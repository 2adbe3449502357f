//! Work that gives way: while a statement is at work, another session looks whether anybody waits because of it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::{Either, select};
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;

use super::Postgres;
use super::session::{APPLICATION, LOOK, code, end, told};
use super::statements::{CANCEL, PID, WAITERS, WAITERS_FOR_US};
use crate::ports::processes::ActFailure;

/// So often it is looked.
const BETWEEN: Duration = Duration::from_millis(250);
/// Whoever waits at so many looks in a row is let through: before the server looks for deadlocks, after a second, and ends one of
/// the two, which may be the other.
const PATIENT_LOOKS: u32 = 3;

/// The first server that tells at once what a statement did.
const TELLS_AT_ONCE: u32 = 150_000;
/// Those before it gather statistics in a process of its own, and answer from a file that may be half a second old.
const GATHERING: Duration = Duration::from_secs(1);

const CANCELLED: &str = "57014";
const LOCKED: &str = "55P03";

/// How a statement ended.
enum Ended {
    ByItself(Result<(), sqlx::Error>),
    GaveWay(Result<(), sqlx::Error>),
}

impl Postgres {
    /// Carries one statement out, for at most `time`, which waits for locks for at most `lock`, and ends it where anybody waits
    /// because of it.
    pub(super) async fn giving_way(
        &self,
        statement: AssertSqlSafe<String>,
        lock: Duration,
        time: Duration,
    ) -> Result<(), ActFailure> {
        let worker = self.session_that_waits(lock, time).await;
        let mut worker = worker.map_err(ActFailure::NotSent)?;
        let mut watcher = self.session(LOOK).await.map_err(ActFailure::NotSent)?;
        let pid = pid(&mut worker).await.map_err(|error| ActFailure::NotSent(told(&error)))?;
        let ended = self.watched(&mut worker, &mut watcher, statement, pid).await;
        end(watcher).await;
        if worker.server_version_num().is_some_and(|version| version < TELLS_AT_ONCE) {
            self.clock.sleep(GATHERING).await;
        }
        end(worker).await;
        match ended {
            Ended::ByItself(Ok(())) | Ended::GaveWay(Ok(())) => Ok(()),
            Ended::GaveWay(Err(_)) => {
                Err(ActFailure::NotSent("others waited for it, so it gave way".to_owned()))
            }
            Ended::ByItself(Err(error)) => Err(failure(&error)),
        }
    }

    async fn watched(
        &self,
        worker: &mut PgConnection,
        watcher: &mut PgConnection,
        statement: AssertSqlSafe<String>,
        pid: i32,
    ) -> Ended {
        let work =
            Box::pin(async { sqlx::raw_sql(statement).execute(&mut *worker).await.map(drop) });
        // The end that was asked for may be there before the answer of who asked for it.
        let asked_to_end = AtomicBool::new(false);
        let watch = Box::pin(self.someone_waits(watcher, pid, &asked_to_end));
        match select(work, watch).await {
            Either::Left((done, _)) if asked_to_end.load(Ordering::Relaxed) => Ended::GaveWay(done),
            Either::Left((done, _)) => Ended::ByItself(done),
            Either::Right(((), work)) => Ended::GaveWay(work.await),
        }
    }

    /// Ends once somebody has waited because of any session of ours, for whoever gives way then, and not before.
    ///
    /// # Errors
    ///
    /// Nobody can look whether anybody waits.
    pub(crate) async fn until_others_wait(&self) -> Result<(), String> {
        let mut watcher = self.session(LOOK).await?;
        let mut in_a_row = 0;
        while in_a_row < PATIENT_LOOKS {
            self.clock.sleep(BETWEEN).await;
            let asked = sqlx::query_as(WAITERS_FOR_US).persistent(false).bind(APPLICATION);
            in_a_row = patience(asked.fetch_one(&mut watcher).await, in_a_row);
        }
        end(watcher).await;
        Ok(())
    }

    /// Ends once somebody has waited because of `pid` and it was told to end.
    async fn someone_waits(&self, watcher: &mut PgConnection, pid: i32, asked_to_end: &AtomicBool) {
        let mut in_a_row = 0;
        loop {
            self.clock.sleep(BETWEEN).await;
            let asked = sqlx::query_as(WAITERS).persistent(false).bind(pid);
            in_a_row = patience(asked.fetch_one(&mut *watcher).await, in_a_row);
            if in_a_row >= PATIENT_LOOKS {
                asked_to_end.store(true, Ordering::Relaxed);
                let ended = sqlx::query(CANCEL).persistent(false).bind(pid).execute(watcher).await;
                if let Err(error) = ended {
                    tracing::warn!("failed to end what others wait for: {}", told(&error));
                }
                return;
            }
        }
    }
}

/// At how many looks in a row somebody has waited. Whoever cannot see whether it is in the way is in the way.
fn patience(waiting: Result<(i64,), sqlx::Error>, in_a_row: u32) -> u32 {
    if waiting.is_ok_and(|(many,)| many == 0) { 0 } else { in_a_row + 1 }
}

async fn pid(session: &mut PgConnection) -> Result<i32, sqlx::Error> {
    let (pid,): (i32,) = sqlx::query_as(PID).persistent(false).fetch_one(session).await?;
    Ok(pid)
}

/// What an error says about the work: what did not come to it says nothing about whether it helps.
fn failure(error: &sqlx::Error) -> ActFailure {
    match (code(error).as_deref(), error) {
        (Some(LOCKED), _) => {
            ActFailure::NotSent("others hold it, and it waits for nobody".to_owned())
        }
        (Some(CANCELLED), _) => ActFailure::NotSent(format!("it was ended: {}", told(error))),
        (Some(_), _) => ActFailure::Refused(told(error)),
        (None, error) => ActFailure::Unknown(told(error)),
    }
}
