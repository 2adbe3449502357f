//! The outbox: decided in the ledger, sent outside of it.

use std::time::Duration;

use jiff::Timestamp;

use super::Pending;
use super::channel::{Delivery, Earlier};
use super::store::StoreError;
use crate::domain::incident::{Incident, RunId};
use crate::domain::notice::{ChannelState, Decision, Message, Notification};

/// What a pass of decisions is to look at beside the incidents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Whether the state of everything is sent to dashboards.
    pub dashboard: bool,
}

/// A message that was taken out, to be handed over.
#[derive(Clone, Debug, PartialEq)]
pub struct Parcel {
    /// The message.
    pub message: Message,
    /// The channel.
    pub channel: String,
    /// The last message about the same thing on the same route.
    pub earlier: Option<Earlier>,
    /// The notifications that leave with it.
    pub rows: Vec<String>,
    /// Until when it is this process's.
    pub until: Timestamp,
}

/// What there is for a channel.
#[derive(Clone, Debug, PartialEq)]
pub enum Claim {
    /// This.
    Parcel(Box<Parcel>),
    /// Something, once the channel has rested.
    RestsUntil(Timestamp),
    /// Nothing that is due.
    Nothing,
}

/// What a route was told of an incident, and what is decided about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Reasoned {
    /// The route's name.
    pub route: String,
    /// The channel that it leads to.
    pub channel: String,
    /// What is decided.
    pub decision: Decision,
    /// Until when its channel takes nothing, and why, where it has to rest.
    pub rests: Option<(Timestamp, String)>,
    /// Its notifications about the incident, oldest first.
    pub told: Vec<Notification>,
}

/// Who is still to hear of what.
pub trait Outbox: Send + Sync {
    /// Decides everything that time has made due: reminders, what waited for an hour or a window to end, what nobody took
    /// up, a change of the status, digests.
    fn decide<'a>(
        &'a self,
        now: Timestamp,
        wanted: &'a Wanted,
    ) -> Pending<'a, Result<(), StoreError>>;

    /// Takes out the most urgent message for a channel that is due, if one is. It is this process's for `lease`; after that
    /// it counts as sent without an answer. `run` may take what its own run caused; what another run caused that still goes
    /// on is left.
    fn claim<'a>(
        &'a self,
        now: Timestamp,
        channel: &'a str,
        run: &'a RunId,
        lease: Duration,
    ) -> Pending<'a, Result<Claim, StoreError>>;

    /// Writes down what became of it.
    fn settle<'a>(
        &'a self,
        now: Timestamp,
        parcel: &'a Parcel,
        delivery: &'a Delivery,
    ) -> Pending<'a, Result<(), StoreError>>;

    /// Notifications, newest first, of one thing (`INC-1`, `status`) or of all.
    fn notifications<'a>(
        &'a self,
        about: Option<&'a str>,
        limit: u32,
    ) -> Pending<'a, Result<Vec<Notification>, StoreError>>;

    /// What every route was told of an incident, and whether it is to hear of it now. Writes nothing.
    fn why<'a>(
        &'a self,
        now: Timestamp,
        incident: &'a Incident,
    ) -> Pending<'a, Result<Vec<Reasoned>, StoreError>>;

    /// Puts a trial in for a channel, and tells its id.
    fn put_trial<'a>(
        &'a self,
        now: Timestamp,
        channel: &'a str,
        by: &'a str,
    ) -> Pending<'a, Result<String, StoreError>>;

    /// Writes down how a way out has fared that no notification leaves by: a dead man's switch.
    fn fared<'a>(
        &'a self,
        now: Timestamp,
        name: &'a str,
        outcome: Result<(), &'a str>,
    ) -> Pending<'a, Result<(), StoreError>>;

    /// How every channel has fared that was ever used.
    fn channels(&self) -> Pending<'_, Result<Vec<ChannelState>, StoreError>>;
}
