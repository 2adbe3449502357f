//! Why a letter was not taken, and what that means for the next attempt.

use std::error::Error as _;

use lettre::transport::smtp;

use super::progress::{Phase, Progress};
use super::reply::Reply;
use super::secrets::Secrets;
use crate::adapters::channel::failure::{self, Trouble};
use crate::ports::channel::Delivery;

/// Why it ended before its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// It surely did not arrive, and may the next time.
    Passing(String),
    /// It surely did not arrive, and something must be changed.
    Lasting(String),
    /// It may have arrived.
    Unsure(String),
}

impl Stop {
    pub(super) fn delivery(self, host: &str) -> Delivery {
        let told = |why: String| format!("{host}: {why}");
        match self {
            Self::Passing(why) => Delivery::Later { why: told(why), retry_after: None },
            Self::Lasting(why) => Delivery::Refused { why: told(why) },
            Self::Unsure(why) => Delivery::Unknown { why: told(why) },
        }
    }

    /// What a broken connection means before the letter.
    pub(super) fn of_io(error: &std::io::Error, phase: Phase) -> Self {
        match failure::cause(error) {
            Some(Trouble::Passing(why)) => Self::Passing(why),
            Some(Trouble::Lasting(why)) => Self::Lasting(why),
            None => Self::Passing(format!("{} came to nothing", phase.question())),
        }
    }

    /// What a "no" means before the letter.
    pub(super) fn of_reply(reply: &Reply, phase: Phase, secrets: &Secrets) -> Self {
        Self::of_code(reply.code, &secrets.fragment(&reply.text), phase)
    }

    /// What an error of the dialogue means.
    pub(super) fn of_smtp(error: &smtp::Error, progress: &Progress, secrets: &Secrets) -> Self {
        let phase = progress.phase();
        if let Some(code) = error.status() {
            let text = error.source().map(ToString::to_string).unwrap_or_default();
            return Self::of_code(u16::from(code), &secrets.fragment(&text), phase);
        }
        if progress.may_have_arrived() {
            let cause =
                failure::cause(error).map_or_else(|| "no whole answer came".into(), Trouble::text);
            return Self::Unsure(format!("it was sent the whole letter, and then: {cause}"));
        }
        if error.is_client() && phase == Phase::LoggingIn {
            return Self::Lasting(
                "it offers no login by PLAIN or LOGIN; name another server".to_owned(),
            );
        }
        failure::cause(error).map_or_else(
            || Self::Passing(format!("{} came to nothing", phase.question())),
            |trouble| Self::Passing(trouble.text()),
        )
    }

    fn of_code(code: u16, said: &str, phase: Phase) -> Self {
        const LASTING: std::ops::RangeInclusive<u16> = 500..=599;
        let why = format!("it answered {} with {code} {said}", phase.question());
        if LASTING.contains(&code) {
            Self::Lasting(format!("{why}; {}", advice(code, phase)))
        } else {
            Self::Passing(why)
        }
    }
}

fn advice(code: u16, phase: Phase) -> &'static str {
    match (code, phase) {
        (530 | 534 | 535 | 538, _) | (_, Phase::LoggingIn) => {
            "check the user and the password; some servers want a password made for this program"
        }
        (552 | 523, _) => {
            "the letter, or the mailbox, is too full: empty the mailbox or name another"
        }
        (_, Phase::Addressing) => "check the addresses of the sender and the receivers",
        (_, Phase::Handing) => "ask the administrator of the mail server what it does not like",
        (_, Phase::Connecting | Phase::Greeting | Phase::Encrypting) => {
            "check the name and the port of the server"
        }
    }
}
