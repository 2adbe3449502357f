//! How often a target was tried: whatever complains about it, the limit is its own.

use jiff::Timestamp;

use super::incident::{Incident, Remediation, RemediationState};
use super::ledger::LedgerView;
use super::operation::Target;
use super::policy::Policy;
use super::subject::Key;

/// Attempts on a target that findings other than one asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ForOthers {
    /// How many.
    pub(super) made: u32,
    /// The latest.
    pub(super) last: Option<Timestamp>,
}

impl ForOthers {
    /// Those on `target` that count for the finding `key`: for as long as the episode that they belong to lasts, and
    /// then for as long as its relapse would continue them. A person who ends an incident of the target wants a fresh
    /// start.
    pub(super) fn of(
        target: Target<'_>,
        key: &Key,
        view: &LedgerView,
        policy: &Policy,
        now: Timestamp,
    ) -> Self {
        // That one kind of upkeep does not help says nothing about another.
        if matches!(target, Target::Data(_)) {
            return Self::default();
        }
        let on_it = |found: &&Remediation| found.operation.target().overlaps(&target);
        let tried: Vec<&Remediation> = view.remediations.iter().filter(on_it).collect();
        let concerns = |one: &Incident| {
            one.key == *key || tried.iter().any(|found| found.incident == Some(one.id))
        };
        let fresh_start = view.fresh_start(concerns);
        let counts = |found: &&&Remediation| {
            found.key != *key
                && found.state != RemediationState::Withdrawn
                && fresh_start.is_none_or(|start| found.intended_at >= start)
                && lasts(found, view, policy, now)
        };
        tried.iter().filter(counts).fold(Self::default(), |sum, found| Self {
            made: sum.made.saturating_add(1),
            last: sum.last.max(Some(found.intended_at)),
        })
    }
}

fn lasts(found: &Remediation, view: &LedgerView, policy: &Policy, now: Timestamp) -> bool {
    let of = |one: &&Incident| Some(one.id) == found.incident;
    if view.active.iter().any(|one| of(&one)) {
        return true;
    }
    let ended = view.resolved.iter().find(of).and_then(Incident::ended_at);
    let until = ended.and_then(|at| at.checked_add(policy.relapse_window.get()).ok());
    until.is_some_and(|until| now <= until)
}
