//! `state/scheduler.json`: what the scheduler does, for whoever looks from outside.

use std::io;
use std::path::Path;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::adapters::private_file;
use crate::scheduler::Pass;

/// The scheduler's sign of life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Beat {
    /// The form of this file.
    pub version: u32,
    /// The scheduler's process.
    pub pid: u32,
    /// The settings file.
    pub config: String,
    /// Since when it runs.
    pub since: Timestamp,
    /// When it looked at everything last.
    pub at: Timestamp,
    /// Why the ledger cannot be read, if it cannot.
    pub blind: Option<String>,
    /// Whether it is about to end.
    pub draining: bool,
    /// Settings that were not taken, so that the old ones are still in effect.
    pub refused: Option<Refused>,
    /// What is looked at next, soonest first.
    pub due: Vec<BeatDue>,
    /// What is at work.
    pub working: Vec<BeatWorking>,
}

/// Settings that were not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Refused {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub why: String,
}

/// An agent that is waited for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BeatDue {
    /// Which.
    pub agent: String,
    /// When it is looked at next.
    pub at: Timestamp,
}

/// An agent at work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BeatWorking {
    /// Which.
    pub agent: String,
    /// Its run.
    pub run: String,
    /// Its process.
    pub pid: u32,
    /// Its slot, where it is known.
    pub slot: Option<Timestamp>,
    /// Since when.
    pub since: Timestamp,
}

/// The form of the file.
const VERSION: u32 = 1;

impl Beat {
    /// After a look.
    #[must_use]
    pub fn new(config: &Path, since: Timestamp, pass: &Pass, refused: Option<Refused>) -> Self {
        let due = pass.due.iter().take(SHOWN);
        Self {
            version: VERSION,
            pid: std::process::id(),
            config: config.display().to_string(),
            since,
            at: pass.at,
            blind: pass.blind.clone(),
            draining: pass.draining,
            refused,
            due: due.map(|due| BeatDue { agent: due.agent.to_string(), at: due.at }).collect(),
            working: pass
                .working
                .iter()
                .map(|one| BeatWorking {
                    agent: one.agent.to_string(),
                    run: one.run.0.clone(),
                    pid: one.pid,
                    slot: one.slot,
                    since: one.since,
                })
                .collect(),
        }
    }

    /// Writes it, whole or not at all.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn write(&self, file: &Path) -> io::Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        private_file::replace(file, text.as_bytes())
    }

    /// Reads what a scheduler wrote; none where none ever ran here.
    ///
    /// # Errors
    ///
    /// The file is there and cannot be read.
    pub fn read(file: &Path) -> io::Result<Option<Self>> {
        match std::fs::read(file) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// So many of what is looked at next are listed.
const SHOWN: usize = 20;
