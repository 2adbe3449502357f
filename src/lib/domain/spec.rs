//! What an agent is: its name, its schedule, its checks. One constant per agent, from which units, settings,
//! documents and tests are derived.

use std::time::Duration;

use super::severity::Severity;
use super::subject::{AgentName, CheckId};

/// How a check's faults are treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckClass {
    /// A fault is an incident.
    Incident,
    /// A fault is an incident that a person alone can mend, in their own time: as a warning it makes the run red that has news of
    /// it, and not every run until then. As a critical one it does.
    Advice,
    /// A fault is routine work that fell due; it becomes an incident when it stays undone beyond its grace.
    Chore,
}

/// A named question asked of subjects.
#[derive(Clone, Debug)]
pub struct CheckSpec {
    /// Its id; also the name of its runbook.
    pub id: CheckId,
    /// The question, as a statement of what is wrong when it fails.
    pub summary: &'static str,
    /// The worst severity it can report; an unknown verdict of a check at warning or above ends a run with 2.
    pub worst: Severity,
    /// How its faults are treated.
    pub class: CheckClass,
    /// How many agreeing samples in a row raise an incident. The same number verifies a remediation.
    pub raise: u32,
    /// How many healthy samples in a row resolve an incident.
    pub clear: u32,
    /// How long after an action the subject is left alone before it is looked at again.
    pub settle: Duration,
}

/// What an agent is.
#[derive(Clone, Debug)]
pub struct Spec {
    /// Its name; also its binary, its stanza and its unit.
    pub name: AgentName,
    /// One line for help and docs.
    pub summary: &'static str,
    /// Five-field cron in UTC unless settings name a zone.
    pub cron: &'static str,
    /// Its checks.
    pub checks: &'static [CheckSpec],
    /// The series that it wants to recall, and how many samples of each subject.
    pub series: &'static [(&'static str, u32)],
    /// Whether it is told how every agent ran lately.
    pub watches: bool,
}

impl Spec {
    /// The check called `id`, if it is one of this agent's.
    #[must_use]
    pub fn check(&self, id: &CheckId) -> Option<&'static CheckSpec> {
        self.checks.iter().find(|check| check.id == *id)
    }
}
