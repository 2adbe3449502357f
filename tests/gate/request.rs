//! What the gate is asked: a request that passes all doors, to be spoilt.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use opswarden::domain::diagnosis::{Census, Coverage, Origin};
use opswarden::domain::gate::GateInput;
use opswarden::domain::incident::{
    Control, Incident, IncidentId, Remediation, RemediationId, RemediationState, RunId,
};
use opswarden::domain::ledger::LedgerView;
use opswarden::domain::operation::{Guard, Inverse, Operation, Target, TargetState};
use opswarden::domain::platform::Dialect;
use opswarden::domain::policy::{Budgets, Policy};
use opswarden::domain::process::{ManagerKind, ProcessRef};
use opswarden::domain::severity::Severity;
use opswarden::domain::spec::CheckClass;
use opswarden::domain::subject::{AgentName, CheckId, Key};

/// A request, and everything that the gate asks about it.
pub(crate) struct Request {
    pub(crate) agent: AgentName,
    pub(crate) key: Key,
    pub(crate) operation: Operation,
    pub(crate) facts: BTreeMap<String, String>,
    pub(crate) guard: Guard,
    pub(crate) not_undoable: Option<String>,
    pub(crate) origin: Origin,
    pub(crate) coverage: Coverage,
    pub(crate) census: Option<Census>,
    pub(crate) dialect: Option<Dialect>,
    pub(crate) policy: Policy,
    pub(crate) budgets: Budgets,
    pub(crate) view: LedgerView,
    pub(crate) run_so_far: Vec<Operation>,
    pub(crate) observe_only: bool,
    pub(crate) unrecorded: usize,
    pub(crate) now: Timestamp,
}

pub(crate) fn process(name: &str) -> ProcessRef {
    ProcessRef { manager: ManagerKind::Pm2, name: name.to_owned(), instance: None }
}

pub(crate) fn restart(name: &str) -> Operation {
    Operation::RestartProcess(process(name))
}

impl Request {
    /// One that passes every door: a first attempt on an open incident.
    pub(crate) fn good() -> Self {
        let agent = AgentName::of("health-guardian");
        let subject = process("shop").subject("host-a");
        let key = Key::new(agent, CheckId::of("process_down"), subject);
        Self::of(key, restart("shop"), Origin::Manager)
    }

    /// An act on a row that passes every door, in a tenant of a hundred rows of which ninety are well.
    pub(crate) fn of_row(agent: &'static str, check: &'static str, operation: Operation) -> Self {
        let Target::Row(row) = operation.target() else { panic!("{operation} is no act on a row") };
        let key = Key::new(AgentName::of(agent), CheckId::of(check), row.subject());
        let census = Some(Census { seen: 100, well: 90 });
        let mut all = Self::of(key, operation, Origin::Platform);
        (all.census, all.dialect) = (census, Some(Dialect::Vizora));
        all
    }

    fn of(key: Key, operation: Operation, origin: Origin) -> Self {
        let now: Timestamp = "2026-11-20T12:00:00Z".parse().expect("a time");
        let incident = Incident {
            id: IncidentId(1),
            key: key.clone(),
            severity: Severity::Critical,
            message: "it is down".to_owned(),
            facts: BTreeMap::new(),
            opened_at: now,
            relapse_of: None,
            attempts: 0,
            last_attempt_at: None,
            last_operation: None,
            escalated: None,
            acknowledged: None,
            resolved: None,
        };
        Self {
            agent: key.agent.clone(),
            key,
            operation,
            facts: BTreeMap::new(),
            guard: Guard::SameRow { fields: BTreeMap::new() },
            not_undoable: None,
            origin,
            coverage: Coverage::Whole,
            census: None,
            dialect: None,
            policy: Policy::default(),
            budgets: Budgets::default(),
            view: LedgerView { active: vec![incident], ..LedgerView::default() },
            run_so_far: Vec::new(),
            observe_only: false,
            unrecorded: 0,
            now,
        }
    }

    pub(crate) fn input(&self) -> GateInput<'_> {
        GateInput {
            agent: &self.agent,
            key: &self.key,
            operation: &self.operation,
            facts: &self.facts,
            guard: &self.guard,
            not_undoable: self.not_undoable.as_deref(),
            class: CheckClass::Incident,
            origin: self.origin,
            coverage: &self.coverage,
            census: self.census,
            policy: &self.policy,
            budgets: &self.budgets,
            view: &self.view,
            run_so_far: &self.run_so_far,
            unrecorded: self.unrecorded,
            only_looks: self.observe_only.then_some("this run was asked to observe only"),
            dialect: self.dialect,
            seed: 1,
            now: self.now,
        }
    }

    pub(crate) fn incident(&mut self) -> &mut Incident {
        &mut self.view.active[0]
    }

    pub(crate) fn control(&mut self, key: &str, minutes: Option<i64>) {
        let expires_at = minutes.map(|n| self.now + jiff::SignedDuration::from_mins(n));
        let found = Control {
            key: key.to_owned(),
            on: true,
            reason: "work".to_owned(),
            set_by: "human:test".to_owned(),
            set_at: self.now,
            expires_at,
            facts: BTreeMap::new(),
        };
        self.view.controls.insert(key.to_owned(), found);
    }

    /// Failed attempts on the same process, for another finding that is still open.
    pub(crate) fn tried_for_another(&mut self, count: u64, minutes_ago: u64) {
        self.done(count, RemediationState::Failed);
        let mut other = self.view.active[0].clone();
        other.id = IncidentId(2);
        other.key.check = CheckId::of("service_down");
        for found in &mut self.view.remediations {
            found.key = other.key.clone();
            found.incident = Some(other.id);
            found.operation = self.operation.clone();
            found.intended_at = self.now - Duration::from_mins(minutes_ago);
        }
        self.view.active.push(other);
    }

    /// Restarts for other findings ten minutes ago.
    pub(crate) fn done(&mut self, count: u64, state: RemediationState) {
        for number in 0..count {
            let subject = process(&format!("other{number}")).subject("host-a");
            let key = Key::new(self.agent.clone(), CheckId::of("process_down"), subject);
            self.sent(key, restart(&format!("other{number}")), state, Duration::from_mins(10));
        }
    }

    /// An act that was sent so long ago.
    pub(crate) fn sent(
        &mut self,
        key: Key,
        operation: Operation,
        state: RemediationState,
        ago: Duration,
    ) {
        let number = u64::try_from(self.view.remediations.len()).expect("a short list");
        self.view.remediations.push(Remediation {
            id: RemediationId(number + 1),
            key,
            incident: None,
            run: RunId("run".to_owned()),
            operation,
            reason: "x".to_owned(),
            attempt: 1,
            state,
            before: TargetState::Missing,
            after: None,
            inverse: Inverse::None { why: "x".to_owned() },
            intended_at: self.now - ago,
            acted_at: None,
            verify_at: None,
            finished_at: None,
            outcome: None,
            evidence: Vec::new(),
            undo_of: None,
            undone: None,
            approval: None,
        });
    }
}
