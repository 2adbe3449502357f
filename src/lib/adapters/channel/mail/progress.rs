//! How far the handing over came: it decides what a broken connection and a passed deadline mean.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use super::stop::Stop;

/// Where the dialogue stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Phase {
    Connecting,
    Greeting,
    Encrypting,
    LoggingIn,
    Addressing,
    /// The letter, its last dot and the answer to that.
    Handing,
}

const PHASES: [Phase; 6] = [
    Phase::Connecting,
    Phase::Greeting,
    Phase::Encrypting,
    Phase::LoggingIn,
    Phase::Addressing,
    Phase::Handing,
];

impl Phase {
    /// What was not answered.
    pub(super) const fn question(self) -> &'static str {
        match self {
            Self::Connecting => "the connection",
            Self::Greeting => "our greeting",
            Self::Encrypting => "the demand for encryption",
            Self::LoggingIn => "the login",
            Self::Addressing => "the sender and the receivers",
            Self::Handing => "the letter",
        }
    }
}

/// Shared between the dialogue and its socket.
#[derive(Debug, Default)]
pub(super) struct Progress {
    phase: AtomicU8,
    /// The socket did not take what it was last given, or not all of it.
    stuck: AtomicBool,
}

impl Progress {
    pub(super) fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Release);
    }

    pub(super) fn phase(&self) -> Phase {
        PHASES[usize::from(self.phase.load(Ordering::Acquire)).min(PHASES.len() - 1)]
    }

    pub(super) fn set_stuck(&self, stuck: bool) {
        self.stuck.store(stuck, Ordering::Release);
    }

    /// Whether the letter may have arrived. Its dot comes last, so while anything waits for the socket the dot does.
    pub(super) fn may_have_arrived(&self) -> bool {
        self.phase() == Phase::Handing && !self.stuck.load(Ordering::Acquire)
    }

    /// What it means that the deadline passed.
    pub(super) fn at_the_end(&self) -> Stop {
        let why = format!("it did not answer {} in time", self.phase().question());
        if self.may_have_arrived() { Stop::Unsure(why) } else { Stop::Passing(why) }
    }
}
