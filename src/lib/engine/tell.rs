//! The last phase of a run: who is still to hear of something hears of it.
//!
//! Outside of every lock, each channel beside the others, and within a bound: a receiver that hangs costs its own channel
//! time, and nobody else.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, join_all, select};

use super::run::Engine;
use crate::domain::incident::RunId;
use crate::ports::channel::{Channel, Delivery};
use crate::ports::clock::Clock;
use crate::ports::outbox::{Claim, Outbox, Parcel, Wanted};
use crate::ports::store::StoreError;

/// So long may all telling of one run take.
const BOUND: Duration = Duration::from_secs(25);
/// So long may one attempt take.
const ATTEMPT: Duration = Duration::from_secs(10);
/// A claim that was not answered in an attempt's time and this is nobody's any more.
const LEASE: Duration = Duration::from_secs(20);
/// So often an answer is written down, at most, and so long is waited in between: together within the claim.
const WRITES: u32 = 3;
const BETWEEN_WRITES: Duration = Duration::from_secs(1);
/// What is left of a run for its own end.
const OWN_END: Duration = Duration::from_secs(3);

/// The ways to people, and what is still to be told.
#[derive(Clone)]
pub struct Telling {
    /// What is still to be told.
    pub outbox: Arc<dyn Outbox>,
    /// The channels of the settings, by name; or why one cannot be used.
    pub channels: BTreeMap<String, Result<Arc<dyn Channel>, String>>,
}

/// What kept somebody from being told.
pub(super) enum Untold {
    /// A fault on this side: the run is not whole.
    Ours(String),
    /// A receiver that took nothing: the run is as good as it was, and whoever reads about it should know.
    Receiver(String),
}

impl Engine {
    /// Decides what time has made due, and sends what is due, as far as the bound allows; what stays is the next run's.
    pub(super) async fn tell_people(&self, wanted: Wanted) -> Vec<Untold> {
        let Some(telling) = &self.telling else { return Vec::new() };
        if let Err(error) = telling.outbox.decide(self.clock.now(), &wanted).await {
            return vec![Untold::Ours(format!("failed to decide who is told of what: {error}"))];
        }
        let end = (self.clock.elapsed() + BOUND).min(self.deadline.saturating_sub(OWN_END));
        let clock = self.clock.as_ref();
        let feeds = telling.channels.keys().map(|name| telling.feed(clock, &self.run, name, end));
        let untold = |fed: Result<Option<String>, String>| match fed {
            Ok(refused) => refused.map(Untold::Receiver),
            Err(why) => Some(Untold::Ours(why)),
        };
        join_all(feeds).await.into_iter().filter_map(untold).collect()
    }
}

impl Telling {
    /// Sends what is due on one channel, until `end` on the clock's [`Clock::elapsed`]. The answer is what the channel last did
    /// not take, and why.
    ///
    /// # Errors
    ///
    /// What is to be told cannot be taken out of the ledger, or what became of it not be written down.
    pub async fn feed(
        &self,
        clock: &dyn Clock,
        run: &RunId,
        name: &str,
        end: Duration,
    ) -> Result<Option<String>, String> {
        let mut refused = None;
        while clock.elapsed() + ATTEMPT <= end {
            let claimed = self.outbox.claim(clock.now(), name, run, LEASE).await;
            match claimed {
                Err(error) => {
                    return Err(format!("failed to take out what {name} is to be told: {error}"));
                }
                Ok(Claim::Nothing) => break,
                Ok(Claim::RestsUntil(until)) => {
                    let wait = until.duration_since(clock.now());
                    let wait = Duration::try_from(wait).unwrap_or_default();
                    if clock.elapsed() + wait + ATTEMPT > end {
                        break;
                    }
                    clock.sleep(wait).await;
                }
                Ok(Claim::Parcel(parcel)) => {
                    let unwritten = |error| {
                        format!("failed to write down what became of a message to {name}: {error}")
                    };
                    refused = self.hand_over(clock, name, &parcel).await.map_err(unwritten)?;
                }
            }
        }
        Ok(refused)
    }

    /// Hands one message over. The answer is why it was not taken, if it was not.
    async fn hand_over(
        &self,
        clock: &dyn Clock,
        name: &str,
        parcel: &Parcel,
    ) -> Result<Option<String>, StoreError> {
        let delivery = match self.channels.get(name) {
            Some(Ok(channel)) => {
                let delivery = channel.deliver(&parcel.message, parcel.earlier.as_ref(), ATTEMPT);
                // A channel keeps its own deadline; one that does not is no reason to hang.
                let patience = clock.sleep(ATTEMPT + Duration::from_secs(1));
                match select(delivery, patience).await {
                    Either::Left((delivery, _)) => delivery,
                    Either::Right(((), _)) => {
                        Delivery::Unknown { why: "there was no answer in time".to_owned() }
                    }
                }
            }
            Some(Err(why)) => Delivery::Refused { why: why.clone() },
            None => Delivery::Refused { why: format!("settings have no channel {name}") },
        };
        let kind = parcel.message.kind.as_str();
        let refused = match &delivery {
            Delivery::Sent { .. } => {
                tracing::info!("told {name}: {kind}");
                None
            }
            Delivery::Later { why, .. } | Delivery::Refused { why } | Delivery::Unknown { why } => {
                let refused = format!("failed to tell {name} ({kind}): {why}");
                tracing::warn!("{refused}");
                Some(refused)
            }
        };
        self.write_down(clock, parcel, &delivery).await?;
        Ok(refused)
    }

    /// An answer that is not written down makes a repeat of what arrived, so a ledger that is busy is asked again.
    async fn write_down(
        &self,
        clock: &dyn Clock,
        parcel: &Parcel,
        delivery: &Delivery,
    ) -> Result<(), StoreError> {
        let mut written = self.outbox.settle(clock.now(), parcel, delivery).await;
        for _ in 1..WRITES {
            let Err(error) = &written else { break };
            tracing::warn!("failed to write down what became of a message: {error}");
            clock.sleep(BETWEEN_WRITES).await;
            written = self.outbox.settle(clock.now(), parcel, delivery).await;
        }
        written
    }
}
