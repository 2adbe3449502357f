//! What an HTTP status means for a message, where the receiver's own words do not say more.

use super::address::Address;
use super::courier::{Answer, Exchange};
use super::failure::Trouble;
use crate::ports::channel::Delivery;

/// The answer, or what becomes of the message without one.
pub(super) fn answered(to: &Address, exchange: Exchange) -> Result<Answer, Delivery> {
    let host = to.host();
    match exchange {
        Exchange::Answered(answer) => Ok(answer),
        Exchange::NotSent(Trouble::Passing(why)) => Err(Delivery::Later {
            why: format!("{host} was not reached: {why}"),
            retry_after: None,
        }),
        Exchange::NotSent(Trouble::Lasting(why)) => {
            Err(Delivery::Refused { why: format!("{host} was not reached: {why}") })
        }
        Exchange::Lost(why) => Err(Delivery::Unknown {
            why: format!("{host} was sent the message, and there is no answer: {why}"),
        }),
    }
}

/// What a status that is no success means; `None` for a success. `advice` is what to change after a refusal.
pub(super) fn refusal(to: &Address, answer: &Answer, advice: &str) -> Option<Delivery> {
    let said = format!("{} answered {}", to.host(), told(to, answer));
    match answer.status {
        200..=299 => None,
        // A gateway speaks for a receiver that it did not hear, and 408 comes at a moment that nobody knows.
        408 | 502 | 504 => Some(Delivery::Unknown { why: said }),
        425 | 429 | 500..=599 => {
            Some(Delivery::Later { why: said, retry_after: answer.retry_after })
        }
        300..=399 => Some(Delivery::Refused {
            why: format!("{said}; no redirect is followed: write the address that it leads to"),
        }),
        _ => Some(Delivery::Refused { why: format!("{said}; {advice}") }),
    }
}

/// The status, and what was said with it.
pub(super) fn told(to: &Address, answer: &Answer) -> String {
    match to.said(&answer.body) {
        said if said.is_empty() => answer.status.to_string(),
        said => format!("{}: {said}", answer.status),
    }
}
