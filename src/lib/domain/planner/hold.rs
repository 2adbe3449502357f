//! What keeps a slot from being started when it is due.

use std::fmt;

use jiff::Timestamp;

use crate::domain::moment;
use crate::domain::subject::AgentName;

/// What holds a slot back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hold {
    /// The agent's own run.
    OwnRun {
        /// When it started.
        since: Timestamp,
    },
    /// Another agent with a mutex in common.
    Mutex {
        /// Which.
        agent: AgentName,
    },
    /// The spread of late slots after a start of the host.
    Boot,
}

impl Hold {
    /// In one word, for whoever is started once it is over.
    #[must_use]
    pub fn code(&self) -> String {
        match self {
            Self::OwnRun { since } => format!("run={since}"),
            Self::Mutex { agent } => format!("mutex={agent}"),
            Self::Boot => "boot".to_owned(),
        }
    }

    /// From that word.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        match code.split_once('=') {
            Some(("run", since)) => Some(Self::OwnRun { since: since.parse().ok()? }),
            Some(("mutex", agent)) => {
                Some(Self::Mutex { agent: AgentName::try_from(agent.to_owned()).ok()? })
            }
            None if code == "boot" => Some(Self::Boot),
            _ => None,
        }
    }
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OwnRun { since } => write!(f, "the run of {} goes on", moment::full(*since)),
            Self::Mutex { agent } => write!(f, "{agent} runs, and both have a mutex in common"),
            Self::Boot => f.write_str("late slots are spread after a start"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hold_is_handed_on_in_one_word() {
        let since: Timestamp = "2026-11-20T10:00:00.5Z".parse().unwrap();
        let agent = AgentName::of("fleet-manager");
        for hold in [Hold::OwnRun { since }, Hold::Mutex { agent }, Hold::Boot] {
            assert_eq!(Hold::from_code(&hold.code()), Some(hold));
        }
        for nonsense in ["", "run", "run=now", "mutex=", "mutex=A B", "wait=x"] {
            assert_eq!(Hold::from_code(nonsense), None, "{nonsense}");
        }
    }
}
