//! What the gate is asked.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::domain::diagnosis::{Census, Coverage, Origin};
use crate::domain::incident::{Remediation, RemediationState};
use crate::domain::ledger::LedgerView;
use crate::domain::operation::{Guard, Operation};
use crate::domain::platform::Dialect;
use crate::domain::policy::{Budgets, Policy};
use crate::domain::proposal::Proposal;
use crate::domain::spec::CheckClass;
use crate::domain::subject::{AgentName, Key};

/// Everything that doors 1 to 9 ask about one action.
#[derive(Clone, Copy, Debug)]
pub struct GateInput<'a> {
    /// The agent that wants to act.
    pub agent: &'a AgentName,
    /// The finding that it answers.
    pub key: &'a Key,
    /// What it wants to do.
    pub operation: &'a Operation,
    /// What must still hold of its target.
    pub guard: &'a Guard,
    /// Why it cannot be taken back exactly, where it would have to be; `None` also where that is not known yet.
    pub not_undoable: Option<&'a str>,
    /// The facts of the finding.
    pub facts: &'a BTreeMap<String, String>,
    /// What its check asks for.
    pub class: CheckClass,
    /// Where the evidence comes from.
    pub origin: Origin,
    /// Whether the check looked at its whole population.
    pub coverage: &'a Coverage,
    /// The population of the row's tenant, where that was listed completely.
    pub census: Option<Census>,
    /// How the platform is spoken to, where there is one.
    pub dialect: Option<Dialect>,
    /// The agent's policy.
    pub policy: &'a Policy,
    /// Budgets of all agents.
    pub budgets: &'a Budgets,
    /// The ledger: incident, controls, remediations.
    pub view: &'a LedgerView,
    /// Operations that this run has planned or carried out already.
    pub run_so_far: &'a [Operation],
    /// How many of these `view` does not hold yet, because they are only planned.
    pub unrecorded: usize,
    /// Why this run acts on nothing, where it does not.
    pub only_looks: Option<&'a str>,
    /// What the back-off's jitter is derived from.
    pub seed: u64,
    /// Now.
    pub now: Timestamp,
}

impl GateInput<'_> {
    /// What a person would approve.
    pub(super) fn proposal(&self) -> Proposal {
        Proposal {
            key: self.key.clone(),
            operation: self.operation.clone(),
            guard: self.guard.clone(),
            facts: self.facts.clone(),
        }
    }

    /// Operations that this run has planned or carried out already and that are like this one.
    pub(super) fn alike<'b>(
        &'b self,
        like: impl Fn(&Operation) -> bool + 'b,
    ) -> impl Iterator<Item = &'b Operation> {
        self.run_so_far.iter().filter(move |done| like(done))
    }

    /// Such operations of all agents that the ledger holds and that were sent within `window`. What a person took back by
    /// one is no act of an agent.
    fn recorded(
        &self,
        window: Duration,
        like: impl Fn(&Operation) -> bool,
    ) -> impl Iterator<Item = &Remediation> {
        let since = self.now.checked_sub(window).unwrap_or(Timestamp::MIN);
        self.view.remediations.iter().filter(move |found| {
            found.intended_at > since
                && found.state != RemediationState::Withdrawn
                && found.undo_of.is_none()
                && like(&found.operation)
        })
    }

    /// How many such operations stand: nobody has taken them back.
    pub(super) fn standing(&self, window: Duration, like: impl Fn(&Operation) -> bool) -> usize {
        self.recorded(window, like).filter(|found| found.undone.is_none()).count()
    }

    /// The same, those that are only planned included.
    pub(super) fn within(&self, window: Duration, like: impl Fn(&Operation) -> bool) -> usize {
        let planned = if self.unrecorded == 0 { 0 } else { self.alike(&like).count() };
        self.recorded(window, like).count() + planned
    }
}
