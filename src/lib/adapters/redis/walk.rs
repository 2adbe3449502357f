//! The hands on a server: a walk over its keys. A server lets an expired key go as soon as anybody comes upon it; until then it
//! takes room, for as long as its own samples do not meet it.

use std::collections::BTreeMap;
use std::time::Duration;

use redis::{RedisError, Value};

use super::bookmark::Place;
use super::info::Info;
use super::session::{Session, told};
use super::{RedisServer, commands};
use crate::domain::operation::{DataKind, DataRef, DataState, Measure, Upkeep};
use crate::domain::sight::{Blind, Sight};
use crate::ports::Pending;
use crate::ports::data_store::{DataStoreControl, no_such_verb};
use crate::ports::processes::ActFailure;

/// So many keys are asked for at once: the server does nothing else meanwhile. Measured during a walk over 1.5 million keys, a
/// third of them expired: others waited for 0.26 ms on average and for 3 ms at most.
const BATCH: u32 = 500;
/// The shortest rest between two of them.
const LEAST_REST: Duration = Duration::from_millis(1);

/// What a walk came to.
#[derive(Clone, Copy, Debug, Default)]
struct Walked {
    /// Keys that live. Letting so many go shrinks the server's table, and a walk over a table that shrinks may meet a key twice;
    /// it misses none.
    live: u64,
    /// Where its time was over before its end.
    cut_short: Option<u64>,
}

impl DataStoreControl for RedisServer {
    fn read<'a>(&'a self, data: &'a DataRef) -> Pending<'a, Sight<Option<DataState>>> {
        Box::pin(async move {
            if data.kind != DataKind::Keyspace {
                return Err(Blind::because("it is not read this way"));
            }
            let mut session = self.session().await.map_err(Blind::because)?;
            let info = session.info().await.map_err(|error| Blind::because(self.unread(&error)))?;
            let measures = measures(&info).map_err(Blind::because)?;
            Ok(Some(DataState { data: data.clone(), measures }))
        })
    }

    fn carry_out<'a>(
        &'a self,
        verb: Upkeep,
        _data: &'a DataRef,
        time: Duration,
    ) -> Pending<'a, Result<String, ActFailure>> {
        Box::pin(async move {
            match verb {
                Upkeep::ReclaimExpired => self.reclaim(time.min(self.reclaim_budget)).await,
                other => Err(no_such_verb(other, "a Redis server")),
            }
        })
    }
}

fn measures(info: &Info) -> Result<BTreeMap<Measure, String>, String> {
    let keys: u64 = info.databases()?.iter().map(|one| one.keys).sum();
    Ok(BTreeMap::from([
        (Measure::SizeBytes, info.text("used_memory")?.to_owned()),
        (Measure::Count, keys.to_string()),
        (Measure::ExpiredKeys, info.text("expired_keys")?.to_owned()),
    ]))
}

impl RedisServer {
    /// Walks over every database in which keys expire, for at most `time`, from where the last walk ended. What it tells to have
    /// gone is the growth of the server's own count, which has those too that the server let go by itself meanwhile: at most so many
    /// are the walk's.
    async fn reclaim(&self, time: Duration) -> Result<String, ActFailure> {
        let began = self.clock.elapsed();
        let mut session = self.session().await.map_err(ActFailure::NotSent)?;
        let unsent = |error: RedisError| ActFailure::NotSent(self.unread(&error));
        let before = session.info().await.map_err(unsent)?;
        if !before.is("role", "master") {
            return Err(ActFailure::NotSent("it follows another server by now".to_owned()));
        }
        let expired = |info: &Info| info.number::<u64>("expired_keys").map_err(ActFailure::Unknown);
        let run_id = before.text("run_id").map_err(ActFailure::NotSent)?;
        let first = self.bookmark.place(run_id).unwrap_or_default();
        let (mut live, mut place) = (0, None);
        for database in before.databases().map_err(ActFailure::NotSent)? {
            if database.expiring_keys == 0 || database.number < first.database {
                continue;
            }
            let from = if database.number == first.database { first.cursor } else { 0 };
            let end = began + time;
            let walked = self.walk(&mut session, (database.number, from), end).await;
            let walked = walked.map_err(|error| failure(&error))?;
            live += walked.live;
            if let Some(cursor) = walked.cut_short {
                let run_id = run_id.to_owned();
                place = Some(Place { run_id, database: database.number, cursor });
                break;
            }
        }
        self.bookmark.remember(place.as_ref());
        let after = session.info().await.map_err(|error| ActFailure::Unknown(told(&error)))?;
        let reclaimed = expired(&after)?.saturating_sub(expired(&before)?);
        let took = self.clock.elapsed().saturating_sub(began).as_secs_f64();
        let rest = match place {
            Some(_) => {
                "; its time was over before the end of the walk, and the next one goes on there"
            }
            None => "",
        };
        Ok(format!(
            "at most {reclaimed} expired keys let go, {live} that live passed, in {took:.1} s{rest}"
        ))
    }

    /// One database, from a place among its keys. The server has at least as much time for others as for us.
    async fn walk(
        &self,
        session: &mut Session,
        (database, from): (u64, u64),
        end: Duration,
    ) -> Result<Walked, RedisError> {
        let mut walked = Walked::default();
        let () = session.ask(commands::select(database)).await?;
        let mut cursor = from;
        loop {
            let began = self.clock.elapsed();
            if began >= end {
                return Ok(Walked { cut_short: Some(cursor), ..walked });
            }
            let (next, keys): (u64, Vec<Value>) =
                session.ask(commands::scan(cursor, BATCH)).await?;
            walked.live += keys.len() as u64;
            cursor = next;
            if cursor == 0 {
                return Ok(walked);
            }
            let took = self.clock.elapsed().saturating_sub(began);
            self.clock.sleep(took.max(LEAST_REST)).await;
        }
    }
}

/// What an error says about the walk.
fn failure(error: &RedisError) -> ActFailure {
    match error.code() {
        Some(_) => ActFailure::Refused(told(error)),
        None => ActFailure::Unknown(told(error)),
    }
}
