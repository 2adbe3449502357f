//! The outbox: who is still to hear of what.
//!
//! A notification is written in the transaction of the event that causes it. It leaves in two short transactions around the
//! sending, which happens outside every lock: one takes it, for a time, and one writes down what became of it. Whoever dies
//! in between leaves a notification whose time runs out; it may have arrived, and is sent once more, marked as such.

mod claim;
mod decide;
mod doubt;
mod episodes;
mod gather;
mod other;
mod rows;
mod settle;
mod weigh;

use jiff::Timestamp;
use sqlx::SqliteConnection;

pub(super) use self::decide::reconcile_touched;
use super::commit::{begin_alone, closed};
use super::connection::unwritten;
use super::open::SqliteStore;
use crate::domain::incident::{Incident, RunId};
use crate::domain::notice::{ChannelState, Notification, Rules};
use crate::ports::Pending;
use crate::ports::channel::Delivery;
use crate::ports::outbox::{Claim, Outbox, Parcel, Reasoned, Wanted};
use crate::ports::store::StoreError;

/// What every step needs to know.
pub(super) struct Desk<'a> {
    pub(super) store: &'a SqliteStore,
    pub(super) rules: &'a Rules,
    pub(super) now: Timestamp,
}

/// Does one step inside one transaction, all or nothing.
macro_rules! step {
    ($store:expr, $now:expr, |$connection:ident, $desk:ident| $work:expr, $without:expr) => {
        Box::pin(async move {
            let Some(rules) = $store.options().notices.clone() else { return Ok($without) };
            $store.writable()?;
            let mut guard = $store.opened().await;
            let open = &mut guard.as_mut().ok_or_else(closed)?.connection;
            let mut transaction = begin_alone(open).await?;
            // Whoever waited for the ledger must not count from before that: a claim would be shorter than it says.
            let now = super::rows::cut($now.max($store.options().clock.now()));
            let $desk = Desk { store: $store, rules: &rules, now };
            let answer = {
                let $connection: &mut SqliteConnection = &mut *transaction;
                $work.await
            };
            match answer {
                Ok(answer) => {
                    transaction.commit().await.map_err(|error| $store.noticed(unwritten(error)))?;
                    Ok(answer)
                }
                Err(error) => {
                    let _taken_back = transaction.rollback().await;
                    Err($store.noticed(error))
                }
            }
        })
    };
}

impl Outbox for SqliteStore {
    fn decide<'a>(
        &'a self,
        now: Timestamp,
        wanted: &'a Wanted,
    ) -> Pending<'a, Result<(), StoreError>> {
        step!(self, now, |connection, desk| decide::everything(connection, &desk, wanted), ())
    }

    fn claim<'a>(
        &'a self,
        now: Timestamp,
        channel: &'a str,
        run: &'a RunId,
        lease: std::time::Duration,
    ) -> Pending<'a, Result<Claim, StoreError>> {
        let taker = claim::Taker { channel, run, lease };
        step!(self, now, |connection, desk| claim::next(connection, &desk, taker), Claim::Nothing)
    }

    fn settle<'a>(
        &'a self,
        now: Timestamp,
        parcel: &'a Parcel,
        delivery: &'a Delivery,
    ) -> Pending<'a, Result<(), StoreError>> {
        step!(self, now, |connection, desk| settle::settle(connection, &desk, parcel, delivery), ())
    }

    fn notifications<'a>(
        &'a self,
        about: Option<&'a str>,
        limit: u32,
    ) -> Pending<'a, Result<Vec<Notification>, StoreError>> {
        Box::pin(async move {
            let mut guard = self.opened().await;
            let open = &mut guard.as_mut().ok_or_else(closed)?.connection;
            rows::listed(open, about, limit).await
        })
    }

    fn why<'a>(
        &'a self,
        now: Timestamp,
        incident: &'a Incident,
    ) -> Pending<'a, Result<Vec<Reasoned>, StoreError>> {
        Box::pin(async move {
            let Some(rules) = self.options().notices.clone() else { return Ok(Vec::new()) };
            let mut guard = self.opened().await;
            let open = &mut guard.as_mut().ok_or_else(closed)?.connection;
            let desk = Desk { store: self, rules: &rules, now: super::rows::cut(now) };
            weigh::why(open, &desk, incident).await
        })
    }

    fn put_trial<'a>(
        &'a self,
        now: Timestamp,
        channel: &'a str,
        by: &'a str,
    ) -> Pending<'a, Result<String, StoreError>> {
        let none = String::new();
        step!(self, now, |connection, desk| other::trial(connection, &desk, channel, by), none)
    }

    fn fared<'a>(
        &'a self,
        now: Timestamp,
        name: &'a str,
        outcome: Result<(), &'a str>,
    ) -> Pending<'a, Result<(), StoreError>> {
        step!(self, now, |connection, desk| settle::fared(connection, &desk, name, outcome), ())
    }

    fn channels(&self) -> Pending<'_, Result<Vec<ChannelState>, StoreError>> {
        Box::pin(async move {
            let mut guard = self.opened().await;
            let open = &mut guard.as_mut().ok_or_else(closed)?.connection;
            rows::channels(open).await
        })
    }
}
