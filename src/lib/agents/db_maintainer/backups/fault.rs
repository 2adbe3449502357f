//! What can be wrong with declared backups, or due.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::domain::duration::HumanDuration;
use crate::domain::moment::full;
use crate::domain::severity::Severity;
use crate::domain::upkeep::Flaw;

/// Something that is wrong, or due.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BackupsFault {
    /// They cannot be looked at.
    Unseen {
        /// Why.
        why: String,
    },
    /// The newest is no good.
    Bad {
        /// Which.
        name: String,
        /// What is wrong with it.
        flaws: Vec<Flaw>,
    },
    /// A new one is due.
    Due {
        /// When the newest that is good was taken.
        last: Option<Timestamp>,
        /// Whether one lies there that is no good.
        bad: bool,
        /// Whether it is late by more than the grace.
        overdue: bool,
        /// Whether we make them.
        make: bool,
        /// What lies there and is not looked at, where others make them.
        passed_over: Vec<String>,
    },
    /// The newest is not in all places that should hold it, and we put it there.
    CopyDue {
        /// Where it is missing.
        missing: Vec<String>,
    },
    /// A restore for a proof is due.
    ProofDue {
        /// When the last good one was.
        last: Option<Timestamp>,
        /// Whether it is late by more than the grace.
        overdue: bool,
        /// Whether the newest is known to be no good: it would be restored in vain.
        in_vain: bool,
        /// Whether the newest is unlike those before, and nobody knows yet whether that is a flaw.
        doubted: bool,
    },
    /// None can be restored here.
    Unprovable {
        /// How far it was looked at, and why no further.
        why: String,
    },
    /// There are more than are kept.
    Many {
        /// How many there are.
        count: usize,
        /// How many are kept.
        kept: u32,
    },
    /// There are fewer copies than three, on two media, one of them elsewhere.
    Copies {
        /// What is missing.
        missing: Vec<String>,
        /// Whether a declared place lacks the newest, or cannot be looked at.
        lost: bool,
    },
    /// A recovery takes longer, or loses more, than it may.
    Recovery {
        /// How long the last restore took, where that is longer than it may.
        took: Option<HumanDuration>,
        /// How long it may take.
        within: HumanDuration,
        /// How much would be lost, where that is more than may be.
        loses: Option<HumanDuration>,
        /// How much may be.
        at_most: HumanDuration,
    },
}

impl BackupsFault {
    pub(in super::super) const fn severity(&self) -> Severity {
        match self {
            Self::Unseen { .. }
            | Self::Bad { .. }
            | Self::Due { overdue: true, .. }
            | Self::ProofDue { overdue: true, .. }
            | Self::Copies { lost: true, .. }
            | Self::Recovery { took: Some(_), .. } => Severity::Warning,
            Self::Due { .. }
            | Self::CopyDue { .. }
            | Self::ProofDue { .. }
            | Self::Unprovable { .. }
            | Self::Many { .. }
            | Self::Copies { .. }
            | Self::Recovery { .. } => Severity::Info,
        }
    }

    pub(in super::super) fn message(&self) -> String {
        let since = |last: &Option<Timestamp>| match last {
            Some(at) => format!("the last is of {}", full(*at)),
            None => "there is none".to_owned(),
        };
        match self {
            Self::Unseen { why } | Self::Unprovable { why } => why.clone(),
            Self::Bad { name, flaws } => {
                let told = flaws.iter().map(ToString::to_string).collect::<Vec<_>>();
                format!("the backup {name} is no good: {}", told.join("; "))
            }
            Self::Due { last: None, bad: true, .. } => {
                "a backup is due: there is none that is good".to_owned()
            }
            Self::Due { last, passed_over, .. } => {
                let due = format!("a backup is due: {}", since(last));
                match &passed_over[..] {
                    [] => due,
                    [one] => format!("{due}; {one}, which is not looked at"),
                    several => {
                        format!("{due}; {}: none of them is looked at", several.join(" and "))
                    }
                }
            }
            Self::ProofDue { last, doubted, .. } => {
                let why = if *doubted { ", as the newest is unlike those before" } else { "" };
                format!("a restore for a proof is due{why}: {}", since(last))
            }
            Self::Many { kept, .. } => {
                format!("there are more backups than the {kept} that are to be kept")
            }
            Self::CopyDue { missing } | Self::Copies { missing, .. } => missing.join("; "),
            Self::Recovery { took, within, loses, at_most } => {
                let took = took.map(|took| format!("a restore took {took}, and may take {within}"));
                let loses = loses
                    .map(|loses| format!("a recovery may lose {loses}, and {at_most} is allowed"));
                took.into_iter().chain(loses).collect::<Vec<_>>().join("; ")
            }
        }
    }

    pub(in super::super) fn facts(&self) -> BTreeMap<String, String> {
        let fact = |name: &str, value: String| (name.to_owned(), value);
        let moment = |at: &Option<Timestamp>| at.map_or("never".to_owned(), |at| at.to_string());
        let facts = match self {
            Self::Unseen { why } | Self::Unprovable { why } => vec![fact("why", why.clone())],
            Self::Bad { name, flaws } => {
                let told = flaws.iter().map(ToString::to_string).collect::<Vec<_>>();
                vec![fact("name", name.clone()), fact("flaws", told.join("; "))]
            }
            Self::Due { last, overdue, .. } | Self::ProofDue { last, overdue, .. } => {
                vec![fact("last", moment(last)), fact("overdue", overdue.to_string())]
            }
            Self::Many { count, .. } => vec![fact("count", count.to_string())],
            Self::CopyDue { missing } | Self::Copies { missing, .. } => {
                vec![fact("missing", missing.join("; "))]
            }
            // How long it took differs a little every time, and is no news.
            Self::Recovery { took, loses, .. } => {
                vec![
                    fact("too_long", took.is_some().to_string()),
                    fact("too_much", loses.is_some().to_string()),
                ]
            }
        };
        facts.into_iter().collect()
    }
}
