//! Tells the log, the service manager, the terminal and the file of the sign of life.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use super::beat::{Beat, Refused};
use super::manager;
use super::terminal::Terminal;
use crate::app::out;
use crate::ports::clock::Clock;
use crate::scheduler::{News, Pass, Reporter};

/// Who looks on.
pub(super) struct Audience {
    /// The sign of life.
    pub(super) beat: PathBuf,
    /// The settings file.
    pub(super) config: PathBuf,
    /// Since when this scheduler runs.
    pub(super) since: Timestamp,
    /// Settings that were not taken.
    pub(super) refused: Arc<Mutex<Option<Refused>>>,
    /// A person at a terminal.
    pub(super) terminal: Option<Arc<Terminal>>,
    /// The time.
    pub(super) clock: Arc<dyn Clock>,
}

impl Reporter for Audience {
    fn told(&self, news: &News) {
        if news.is_trouble() {
            tracing::warn!("{news}");
        } else {
            tracing::info!("{news}");
        }
        if let Some(terminal) = &self.terminal {
            terminal.tell(news, self.clock.now());
        } else {
            out::complain(&news.to_string());
            // What a timer's run leaves in the journal stands there for the daemon's, too.
            if let Some(report) = news.report() {
                out::complain(report);
            }
        }
        match news {
            News::Draining { .. } => manager::stopping(),
            News::Reloaded { .. } => manager::ready(),
            _ => {}
        }
    }

    fn passed(&self, pass: &Pass) {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let status = status(pass, refused.is_some());
        match pass.blind {
            None => manager::healthy(&status),
            Some(_) => manager::ill(&status),
        }
        if let Some(terminal) = &self.terminal {
            terminal.keep(pass);
        }
        let beat = Beat::new(&self.config, self.since, pass, refused);
        if let Err(error) = beat.write(&self.beat) {
            tracing::warn!("{} could not be written: {error}", self.beat.display());
        }
    }
}

/// What `systemctl status` shows.
fn status(pass: &Pass, refused: bool) -> String {
    let mut text = match (&pass.blind, pass.due.first()) {
        (Some(why), _) => format!("the ledger cannot be used: {why}"),
        (None, Some(next)) => format!(
            "{} at work; next: {} at {}",
            pass.working.len(),
            next.agent,
            crate::domain::moment::clock(next.at)
        ),
        (None, None) => "no agent is scheduled".to_owned(),
    };
    if refused {
        text.push_str("; changed settings were refused");
    }
    text
}
