//! `state/scheduler.json`: what the scheduler does, for whoever looks from outside.

use std::io;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::adapters::private_file;
use crate::domain::moment;
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

    /// Whether nobody has looked for longer than a scheduler at work lets pass.
    #[must_use]
    pub fn is_silent(&self, now: Timestamp) -> bool {
        now.duration_since(self.at) > SILENT
    }

    /// What an admin should know of it; nothing where all is well. `is_changed` says that the settings file is another one than
    /// the scheduler accepted.
    #[must_use]
    pub fn notes(&self, now: Timestamp, is_changed: bool) -> Vec<String> {
        if self.is_silent(now) {
            return vec![format!(
                "the scheduler (pid {}) has been silent since {} and starts no agent",
                self.pid,
                moment::full(self.at)
            )];
        }
        let refused = self.refused.as_ref().map(|refused| {
            format!(
                "the scheduler refused the settings at {} and goes on with the old ones: {}",
                moment::full(refused.at),
                refused.why.lines().next().unwrap_or_default()
            )
        });
        let unread = (is_changed && refused.is_none()).then(|| {
            format!(
                "the settings were changed and are not in effect: tell the scheduler, `kill -HUP {}` or `systemctl reload \
                 opswarden`",
                self.pid
            )
        });
        let blind =
            self.blind.as_ref().map(|why| format!("the scheduler cannot use the ledger: {why}"));
        [refused, unread, blind].into_iter().flatten().collect()
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

/// A scheduler looks at everything every ten seconds.
const SILENT: SignedDuration = SignedDuration::from_secs(60);
/// So many of what is looked at next are listed.
const SHOWN: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn beat(at: &str) -> Beat {
        Beat {
            version: VERSION,
            pid: 7,
            config: "/etc/opswarden/agents.toml".to_owned(),
            since: at.parse().unwrap(),
            at: at.parse().unwrap(),
            blind: None,
            draining: false,
            refused: None,
            due: Vec::new(),
            working: Vec::new(),
        }
    }

    #[test]
    fn an_admin_is_told_of_silence_of_refused_settings_and_of_settings_that_wait() {
        let now: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        let well = beat("2026-11-20T09:59:55Z");
        assert_eq!(well.notes(now, false), Vec::<String>::new());
        assert!(well.notes(now, true)[0].contains("kill -HUP 7"));
        let silent = beat("2026-11-20T09:50:00Z").notes(now, true);
        assert_eq!(silent.len(), 1);
        assert!(silent[0].contains("(pid 7) has been silent since 2026-11-20 09:50:00 UTC"));
        let why = "agents.toml:3:1: unknown\n  hint".to_owned();
        let refused = Beat { refused: Some(Refused { at: now, why }), ..well.clone() };
        let notes = refused.notes(now, true);
        assert!(notes.len() == 1 && notes[0].ends_with("agents.toml:3:1: unknown"), "{notes:?}");
        let blind = Beat { blind: Some("it is gone".to_owned()), ..well };
        assert_eq!(blind.notes(now, false), ["the scheduler cannot use the ledger: it is gone"]);
    }
}
