//! What happens, in words for the log and for who looks on.

use std::fmt;
use std::time::Duration;

use crate::domain::duration::HumanDuration;
use crate::domain::moment;
use crate::domain::planner::{Jump, Start, Verdict};
use crate::domain::subject::AgentName;
use crate::ports::runner::{Ended, How};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// An agent was started for a slot.
    Started {
        /// Which.
        agent: AgentName,
        /// For what.
        start: Start,
        /// As which process.
        pid: u32,
    },
    /// Slots were not run, and that was written down.
    Settled {
        /// Whose.
        agent: AgentName,
        /// What was decided.
        verdicts: Vec<Verdict>,
    },
    /// An agent ended.
    Ended {
        /// Which.
        agent: AgentName,
        /// How.
        ended: Ended,
        /// After how long.
        took: Duration,
    },
    /// An agent could not be started.
    CouldNotStart {
        /// Which.
        agent: AgentName,
        /// Why.
        why: String,
    },
    /// An agent went on after its deadline, and is ended.
    Overdue {
        /// Which.
        agent: AgentName,
    },
    /// A run of an earlier scheduler is attended to.
    Adopted {
        /// Whose.
        agent: AgentName,
        /// Its process.
        pid: u32,
    },
    /// The clock was set.
    Jumped(Jump),
    /// The ledger cannot be used.
    Blind {
        /// Why.
        why: String,
    },
    /// The ledger can be used again.
    Sees,
    /// Other schedules are in effect.
    Reloaded {
        /// Agents whose schedule is another one, or new.
        changed: Vec<AgentName>,
        /// Agents without a schedule from now on.
        removed: Vec<AgentName>,
    },
    /// No more is started; what is at work may end.
    Draining {
        /// How many are at work.
        working: usize,
    },
    /// What is at work is ended.
    Ending {
        /// How many are at work.
        working: usize,
    },
}

impl News {
    /// What an agent printed that found something, or could not look.
    #[must_use]
    pub fn report(&self) -> Option<&str> {
        match self {
            Self::Ended { ended, .. }
                if ended.how != How::Exited(0) && ended.how != How::Exited(75) =>
            {
                Some(ended.printed.as_str()).filter(|printed| !printed.trim().is_empty())
            }
            _ => None,
        }
    }

    /// Whether an admin should look at it.
    #[must_use]
    pub fn is_trouble(&self) -> bool {
        match self {
            Self::CouldNotStart { .. } | Self::Overdue { .. } | Self::Blind { .. } => true,
            Self::Jumped(jump) => *jump != Jump::Steady,
            Self::Ended { ended, .. } => is_bad(ended),
            _ => false,
        }
    }
}

/// Codes that say that an agent did its work, found something open, or found nothing to do.
const GOOD: [i32; 3] = [0, 1, 75];

fn is_bad(ended: &Ended) -> bool {
    let good = matches!(ended.how, How::Exited(code) if GOOD.contains(&code));
    !(good || ended.how == How::Unseen) || !ended.left.is_empty()
}

impl fmt::Display for News {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started { agent, start, pid } => {
                let slot = moment::full(start.slot);
                write!(f, "{agent} is started for {slot} as pid {pid}: {}", start.why)
            }
            Self::Settled { agent, verdicts } => {
                let words: Vec<String> = verdicts.iter().map(ToString::to_string).collect();
                write!(f, "{agent}: {}", words.join("; "))
            }
            Self::Ended { agent, ended, took } => of_end(f, agent, ended, *took),
            Self::CouldNotStart { agent, why } => write!(f, "{agent} could not be started: {why}"),
            Self::Overdue { agent } => {
                write!(
                    f,
                    "{agent} went on after its deadline; it is ended with all that it started"
                )
            }
            Self::Adopted { agent, pid } => {
                write!(f, "{agent} runs since before this scheduler, as pid {pid}")
            }
            Self::Jumped(Jump::Steady) => f.write_str("the clock goes on"),
            Self::Jumped(Jump::Forward(by)) => {
                write!(f, "the clock was set forward by {}", HumanDuration::from(*by))
            }
            Self::Jumped(Jump::Backward(by)) => {
                write!(f, "the clock was set back by {}", HumanDuration::from(*by))
            }
            Self::Blind { why } => {
                write!(f, "the ledger cannot be used, agents are started all the same: {why}")
            }
            Self::Sees => f.write_str("the ledger can be used again"),
            Self::Reloaded { changed, removed } if changed.is_empty() && removed.is_empty() => {
                f.write_str("the settings were read anew; no schedule changed")
            }
            Self::Reloaded { changed, removed } => {
                let list = |agents: &[AgentName]| {
                    agents.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
                };
                f.write_str("the settings were read anew")?;
                if !changed.is_empty() {
                    write!(f, "; changed: {}", list(changed))?;
                }
                if !removed.is_empty() {
                    write!(f, "; no longer scheduled: {}", list(removed))?;
                }
                Ok(())
            }
            Self::Draining { working: 0 } => f.write_str("ends"),
            Self::Draining { working } => {
                write!(f, "ends; {working} at work may end first, and nothing more is started")
            }
            Self::Ending { working } => write!(f, "{working} still at work: ended now"),
        }
    }
}

fn of_end(
    f: &mut fmt::Formatter<'_>,
    agent: &AgentName,
    ended: &Ended,
    took: Duration,
) -> fmt::Result {
    match ended.how {
        How::Exited(code) => write!(f, "{agent} ended with {code}")?,
        How::Signalled(signal) => write!(f, "{agent} was killed by signal {signal}")?,
        How::Unseen => write!(f, "{agent} has ended")?,
    }
    write!(
        f,
        " after {}",
        HumanDuration::from(Duration::from_millis(
            u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        ))
    )?;
    if !ended.left.is_empty() {
        write!(f, "; processes that nothing could end: {:?}", ended.left)?;
    }
    let last = ended.printed.lines().rev().map(str::trim).find(|line| !line.is_empty());
    match last {
        Some(last) if is_bad(ended) => write!(f, "; its last words: {last}"),
        _ => Ok(()),
    }
}
