//! A way to people: it takes a message and tells what became of it.

use std::time::Duration;

use super::Pending;
use crate::domain::notice::Message;

/// An earlier message about the same thing, as its receiver calls it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Earlier {
    /// The receiver's own name for it, as it was given in [`Delivery::Sent`].
    pub reference: String,
    /// Whether it tells of this one thing only, so that it may be edited.
    pub alone: bool,
}

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The receiver took it.
    Sent {
        /// The receiver's own name for it, where there is one.
        reference: Option<String>,
        /// Its answer, in words.
        answer: String,
    },
    /// It surely did not arrive, and another attempt may.
    Later {
        /// Why.
        why: String,
        /// How long the receiver wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// It surely did not arrive, and no other attempt will until somebody changes something.
    Refused {
        /// Why, and what to change.
        why: String,
    },
    /// It may have arrived: it was sent, and there was no whole answer, or one by somebody who does not know.
    Unknown {
        /// What happened.
        why: String,
    },
}

/// A way to people. It keeps its own deadline: an attempt ends within the time that it was given.
pub trait Channel: Send + Sync {
    /// Hands `message` over, within `deadline`. `earlier` is the last message about the same thing on this route.
    fn deliver<'a>(
        &'a self,
        message: &'a Message,
        earlier: Option<&'a Earlier>,
        deadline: Duration,
    ) -> Pending<'a, Delivery>;
}
