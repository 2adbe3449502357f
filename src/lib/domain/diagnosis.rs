//! What an agent concluded from a snapshot: per check its coverage, per subject a verdict with its evidence.
//!
//! Truth has three values. A subject that was not seen is [`Verdict::Unknown`], never healthy, and a subject
//! that is not listed at all is gone only where the check's coverage was whole.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::operation::Target;
use super::platform::Population;
use super::severity::Severity;
use super::subject::{CheckId, Key, Subject};

/// Where evidence was taken. Only the first two license a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// This machine asked itself, over loopback or from the kernel.
    Loopback,
    /// The process manager spoke about that very process.
    Manager,
    /// Another machine of the same private network.
    Lan,
    /// The public way in: proxies, TLS and DNS lie between.
    Edge,
    /// The platform's own records: they are what its rows are, and say nothing about processes.
    Platform,
    /// A data store spoke about what it holds itself.
    Store,
}

impl Origin {
    /// The word used in files and messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Loopback => "loopback",
            Self::Manager => "manager",
            Self::Lan => "lan",
            Self::Edge => "edge",
            Self::Platform => "the platform",
            Self::Store => "the store",
        }
    }

    /// Whether evidence from there may lead to an act on a target, and prove one.
    #[must_use]
    pub const fn licenses(self, target: Target<'_>) -> bool {
        match target {
            Target::Process(_) => matches!(self, Self::Loopback | Self::Manager),
            Target::Row(_) => matches!(self, Self::Platform),
            Target::Data(_) => matches!(self, Self::Store),
        }
    }
}

/// When, where and how often a verdict's subject was looked at. Only samples that agree with the verdict count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Where it was taken.
    pub origin: Origin,
    /// The time of the first agreeing sample.
    pub oldest: Timestamp,
    /// The time of the last agreeing sample.
    pub newest: Timestamp,
    /// How many samples in a row, up to the newest, agree.
    pub samples: u32,
    /// How many samples were taken in all. Where these are more, one before the row said something else.
    pub looks: u32,
}

impl Evidence {
    /// A single look at `at`.
    #[must_use]
    pub const fn once(origin: Origin, at: Timestamp) -> Self {
        Self { origin, oldest: at, newest: at, samples: 1, looks: 1 }
    }

    /// Whether every sample that was taken agrees.
    #[must_use]
    pub const fn is_unanimous(&self) -> bool {
        self.samples == self.looks
    }
}

/// The judgement on one subject, with what it rests on. Nothing is judged without evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict<F> {
    /// Looked at, and well.
    Healthy(Evidence),
    /// Looked at, and not well.
    Faulty(F, Evidence),
    /// Not seen, or not judged; never the same as well.
    Unknown {
        /// A fragment that says what could not be seen.
        why: String,
    },
}

impl<F> Verdict<F> {
    /// Not judged, because of `why`.
    #[must_use]
    pub fn unknown(why: impl Into<String>) -> Self {
        Self::Unknown { why: why.into() }
    }
}

/// Whether a check looked at its whole population.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Coverage {
    /// Every subject that exists is listed.
    Whole,
    /// Subjects may be missing from the list.
    Partial {
        /// What was left out, and why.
        why: String,
    },
}

/// A population that was listed completely and is plausible.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Census {
    /// How many subjects there are.
    pub seen: u64,
    /// How many of them are known to be well for this check.
    pub well: u64,
}

/// One check's findings.
///
/// Of a large population only what somebody may ask for is listed: faults, doubts, and every subject with an active
/// incident. The rest is counted in the census.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckFindings<F> {
    /// Whether the list of subjects is the whole population.
    pub coverage: Coverage,
    /// The verdicts.
    pub findings: BTreeMap<Subject, Verdict<F>>,
    /// The size of each scope's population, where its operations are bounded by it: only such scopes are here that were
    /// listed completely.
    #[serde(default)]
    pub census: BTreeMap<String, Census>,
    /// Subjects that are not asked about any more, for all that coverage may be partial for others. Only those are here that
    /// an incident or a proof waits for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub absent: BTreeMap<Subject, Absence>,
}

/// Why a subject is not asked about any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Absence {
    /// A whole listing does not have it.
    Gone,
    /// It is there, and somebody switched it off or the like.
    Excused {
        /// Why.
        why: String,
    },
}

impl<F> CheckFindings<F> {
    /// No findings yet, under `coverage`.
    #[must_use]
    pub const fn new(coverage: Coverage) -> Self {
        Self {
            coverage,
            findings: BTreeMap::new(),
            census: BTreeMap::new(),
            absent: BTreeMap::new(),
        }
    }
}

/// A measured value that a later run wants to compare with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// The series' name, as the agent's spec declares it.
    pub series: String,
    /// What was measured.
    pub subject: Subject,
    /// When.
    pub at: Timestamp,
    /// The value, in the unit that the series' name ends with.
    pub value: f64,
}

/// Everything an agent concluded from one snapshot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Diagnosis<F> {
    /// The findings, per check. Every check of the agent's spec is present.
    pub checks: BTreeMap<CheckId, CheckFindings<F>>,
    /// Values to remember for the next runs.
    pub samples: Vec<Sample>,
    /// How many rows of the platform were seen.
    #[serde(default)]
    pub populations: Vec<Population>,
}

impl<F> Default for Diagnosis<F> {
    fn default() -> Self {
        Self { checks: BTreeMap::new(), samples: Vec::new(), populations: Vec::new() }
    }
}

/// Where a subject stands for a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing<'a, F> {
    /// Seen well.
    Healthy(&'a Evidence),
    /// Seen ill.
    Faulty(&'a F, &'a Evidence),
    /// Absent from a whole listing. It may close an incident; it never verifies a remediation.
    Gone,
    /// There, and nothing is asked of it any more. Like one that is gone it may close an incident, and it never verifies a
    /// remediation.
    Excused {
        /// Why.
        why: &'a str,
    },
    /// Not judged.
    Unknown {
        /// Why.
        why: &'a str,
    },
}

impl<F> Diagnosis<F> {
    /// Where `subject` stands for `check`.
    #[must_use]
    pub fn standing(&self, check: &CheckId, subject: &Subject) -> Standing<'_, F> {
        let Some(of_check) = self.checks.get(check) else {
            return Standing::Unknown { why: "the check was not evaluated" };
        };
        match of_check.findings.get(subject) {
            Some(Verdict::Healthy(evidence)) => Standing::Healthy(evidence),
            Some(Verdict::Faulty(fault, evidence)) => Standing::Faulty(fault, evidence),
            Some(Verdict::Unknown { why }) => Standing::Unknown { why },
            None => match (of_check.absent.get(subject), &of_check.coverage) {
                (Some(Absence::Excused { why }), _) => Standing::Excused { why },
                (Some(Absence::Gone), _) | (None, Coverage::Whole) => Standing::Gone,
                (None, Coverage::Partial { why }) => Standing::Unknown { why },
            },
        }
    }
}

impl<F> Diagnosis<F> {
    /// Those of `keys` whose subjects are absent from a whole listing.
    #[must_use]
    pub fn gone<'k>(&self, keys: impl IntoIterator<Item = &'k Key>) -> BTreeSet<Key> {
        let is_gone =
            |key: &&Key| matches!(self.standing(&key.check, &key.subject), Standing::Gone);
        keys.into_iter().filter(is_gone).cloned().collect()
    }
}

/// What the engine needs to know of a fault of any type.
pub trait Fault: Clone + Serialize {
    /// How bad it is.
    fn severity(&self) -> Severity;
    /// One sentence for people, true for as long as the fault lasts: no counters, no clock times.
    fn message(&self) -> String;
    /// The facts whose change makes it news: name → value.
    fn facts(&self) -> BTreeMap<String, String>;
    /// The finding that explains this one, if one does.
    fn caused_by(&self) -> Option<Key>;
    /// Why nothing is done about it at this moment, where the moment is all that is wrong: a chore waits for a better one.
    fn not_now(&self) -> Option<&str> {
        None
    }
}

/// A fault as everyone but its own agent sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Symptom {
    /// How bad it is.
    pub severity: Severity,
    /// One sentence for people.
    pub message: String,
    /// The facts whose change makes it news.
    pub facts: BTreeMap<String, String>,
    /// The finding that explains this one.
    pub caused_by: Option<Key>,
    /// Why a chore waits for a better moment, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_now: Option<String>,
}

impl Symptom {
    /// The plain view of a typed fault.
    #[must_use]
    pub fn of<F: Fault>(fault: &F) -> Self {
        Self {
            severity: fault.severity(),
            message: fault.message(),
            facts: fault.facts(),
            caused_by: fault.caused_by(),
            not_now: fault.not_now().map(str::to_owned),
        }
    }
}

impl<F: Fault> Diagnosis<F> {
    /// The same diagnosis with plain symptoms instead of typed faults.
    #[must_use]
    pub fn plain(&self) -> Diagnosis<Symptom> {
        let plain_verdict = |verdict: &Verdict<F>| match verdict {
            Verdict::Healthy(evidence) => Verdict::Healthy(*evidence),
            Verdict::Faulty(fault, evidence) => Verdict::Faulty(Symptom::of(fault), *evidence),
            Verdict::Unknown { why } => Verdict::Unknown { why: why.clone() },
        };
        let plain_check = |of_check: &CheckFindings<F>| CheckFindings {
            coverage: of_check.coverage.clone(),
            census: of_check.census.clone(),
            absent: of_check.absent.clone(),
            findings: of_check
                .findings
                .iter()
                .map(|(subject, verdict)| (subject.clone(), plain_verdict(verdict)))
                .collect(),
        };
        Diagnosis {
            checks: self
                .checks
                .iter()
                .map(|(check, of_check)| (check.clone(), plain_check(of_check)))
                .collect(),
            samples: self.samples.clone(),
            populations: self.populations.clone(),
        }
    }
}
