//! One run of one agent, from its first look to its report.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::judge::{Setting, judged};
use super::progress::Progress;
use super::tape::{Pass, Recording, Tape};
use super::tell::Telling;
use crate::agent::{Agent, Scope};
use crate::domain::diagnosis::{Diagnosis, Symptom};
use crate::domain::event::{Event, RemediationOutcome};
use crate::domain::incident::{Remediation, RemediationState, RunId};
use crate::domain::ledger::LedgerView;
use crate::domain::merge::{MergeInput, Merged, merge};
use crate::domain::plan::Plan;
use crate::domain::report::Report;
use crate::domain::run::{Acted, Claim, Recall, RunState, Trigger};
use crate::domain::spec::{CheckClass, Spec};
use crate::ports::actuators::Actuators;
use crate::ports::clock::Clock;
use crate::ports::recorder::Recorder;
use crate::ports::sensors::Sensors;
use crate::ports::store::{Batch, Note, Scope as Rows, Store, StoreError};

/// What a run may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Everything that the gate lets pass.
    Act,
    /// A dry run: the plan is computed and reported; nothing is written and nothing is sent.
    Plan,
}

/// Everything that a run needs besides its agent.
pub struct Engine {
    /// The ledger, or why it cannot be used: then nothing is acted on.
    pub store: Result<Arc<dyn Store>, StoreError>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Where tapes go.
    pub recorder: Arc<dyn Recorder>,
    /// How people are told; `None` where nobody is.
    pub telling: Option<Telling>,
    /// Eyes.
    pub sensors: Sensors,
    /// Hands.
    pub hands: Actuators,
    /// What judgement shares.
    pub setting: Setting,
    /// This run.
    pub run: RunId,
    /// What started it.
    pub trigger: Trigger,
    /// The slot that is its own; `None` for a run that a person asked for.
    pub claim: Option<Claim>,
    /// Host and pid, for the run's row.
    pub owner: String,
    /// What it may do.
    pub mode: Mode,
    /// When, on [`Clock::elapsed`], the run must have ended.
    pub deadline: Duration,
    /// Settings as they may be kept: without secrets.
    pub discreet: Arc<dyn Fn(&Value) -> Value + Send + Sync>,
    /// What the process has used so far: `cpu_ms`, `rss_bytes`.
    pub usage: fn() -> BTreeMap<String, u64>,
    /// What this run decided from, so far.
    pub recording: Recording,
}

/// What the first look at everything led to.
struct First {
    plan: Plan,
    diagnosis: Diagnosis<Symptom>,
}

/// Acting and waiting for a proof ends where a fifth of the run's time is left; looking for it, where a tenth is.
pub(super) const RESERVE: u32 = 5;

impl Engine {
    /// Runs `agent` once.
    pub async fn run<A: Agent>(&self, agent: &A) -> Report {
        let spec = &A::SPEC;
        let mut progress = self.progress(spec, self.clock.now());
        if let Err(error) = &self.store {
            progress.ledger_failed(error);
        }
        if self.mode == Mode::Act && progress.ledger_works() {
            let begun = self.begin(spec, &progress).await;
            tried(&mut progress, begun);
        }
        let recall = self.recall(spec, &mut progress).await;
        self.platform_until(self.sensors.deadline);
        self.recording.start(self.new_tape(agent, &recall));
        let first = self.first_pass(agent, &recall, &mut progress).await;
        self.recording.keep(self.so_far(&progress));
        self.own_checks(spec, &mut progress).await;
        let known = self.standing();
        // What is left of the run is for acting and proving.
        self.platform_until(self.until(2 * RESERVE));
        if self.mode == Mode::Act && progress.ledger_works() {
            self.remediate(spec, &first.plan, &mut progress).await;
            // Whether an account may act is known once it did.
            if self.standing() != known {
                self.own_checks(spec, &mut progress).await;
            }
        }
        // What could not be recorded is settled by a later run.
        if self.mode == Mode::Act && progress.ledger_works() {
            self.second_pass(agent, &recall, &first.diagnosis, &mut progress).await;
        }
        self.finish(spec, progress).await
    }

    /// A run that has done nothing yet.
    pub(super) fn progress(&self, spec: &Spec, started_at: Timestamp) -> Progress {
        let new = Progress::new(spec, self.run.clone(), self.trigger, &self.owner, started_at);
        Progress { claim: self.claim.clone(), ..new }
    }

    fn platform_until(&self, deadline: Duration) {
        if let Ok(platform) = &self.sensors.platform {
            platform.until(deadline);
        }
    }

    /// The store, or why there is none.
    pub(super) fn store(&self) -> Result<&Arc<dyn Store>, StoreError> {
        self.store.as_ref().map_err(Clone::clone)
    }

    /// The rows that a decision of this agent needs.
    pub(super) fn scope(&self, spec: &Spec, now: Timestamp) -> Rows {
        const HOUR: Duration = Duration::from_hours(1);
        const DAY: Duration = Duration::from_hours(24);
        let policy = &self.setting.policy;
        // Quiet changes of rows are counted over a day; chores come once a day and remember some of them.
        let chores = spec.checks.iter().any(|check| check.class == CheckClass::Chore);
        let counted = match (chores, &self.setting.dialect) {
            (true, _) => 10 * DAY,
            (false, Some(_)) => DAY,
            (false, None) => HOUR,
        };
        let recent = policy.flap_window.get().max(policy.relapse_window.get()).max(counted);
        Rows { agent: Some(spec.name.clone()), about: None, recent, now }
    }

    /// Writes the run's row, and marks what earlier runs left unfinished: a run whose process is gone is lost,
    /// and an intent of such a run is unknown until it is settled by looking. The agent's lock is held, so none
    /// of them can still be alive.
    async fn begin(&self, spec: &Spec, progress: &Progress) -> Result<(), StoreError> {
        let store = self.store()?;
        let lost = store.unfinished_runs(&spec.name, &self.run).await?;
        let now = self.clock.now();
        let mut decide = |view: &LedgerView| {
            let orphans = view
                .open_of(&spec.name)
                .filter(|found| found.state == RemediationState::Intended && found.run != self.run);
            let events = orphans.map(|orphan| Event::RemediationCompleted {
                remediation: orphan.id,
                incident: orphan.incident,
                outcome: RemediationOutcome::Unknown,
                observed: "its run ended before its outcome was recorded".to_owned(),
                after: None,
            });
            let events = events.map(|event| self.new_event(spec, now, event)).collect();
            let ended = lost.iter().cloned().map(|mut run| {
                run.state = RunState::Lost;
                run.ended_at = Some(now);
                Note::Run(Box::new(run))
            });
            let own = Note::Run(Box::new(progress.row(&self.setting.host)));
            let disabled = &self.setting.policy.disabled_checks;
            let asked = spec.checks.iter().filter(|check| !disabled.contains(check.id.as_str()));
            let checks = asked.map(|check| check.id.clone()).collect();
            let awaited = Note::Awaited { agent: spec.name.clone(), checks, since: now };
            Batch { events, notes: ended.chain([own, awaited]).collect() }
        };
        store.commit(self.scope(spec, now), &mut decide).await?;
        if lost.is_empty() { store.catch_up(now).await } else { store.publish(now).await }
    }

    async fn recall(&self, spec: &Spec, progress: &mut Progress) -> Recall {
        let Ok(store) = self.store() else { return Recall::default() };
        let now = self.clock.now();
        let recalled = store.recall(&spec.name, spec.series).await;
        let Some(mut recall) = tried(progress, recalled) else { return Recall::default() };
        if spec.watches {
            let histories = store.histories().await;
            recall.histories = tried(progress, histories).unwrap_or_default();
        }
        if let Some(view) = tried(progress, store.view(self.scope(spec, now)).await) {
            // Not what the manager refused, and not what was never sent.
            let may_have_acted = |found: &&Remediation| {
                found.acted_at.is_some() || found.state == RemediationState::Unknown
            };
            recall.acted = view
                .remediations
                .iter()
                .filter(may_have_acted)
                .map(|found| Acted {
                    operation: found.operation.clone(),
                    at: found.intended_at,
                    target_lived: found.before.lived(),
                })
                .collect();
        }
        recall
    }

    fn new_tape<A: Agent>(&self, agent: &A, recall: &Recall) -> Tape {
        Tape {
            tape_version: super::tape::TAPE_VERSION,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            agent: A::SPEC.name,
            run: self.run.clone(),
            stanza: (self.discreet)(&serde_json::to_value(agent).unwrap_or_default()),
            setting: self.setting.clone(),
            recall: recall.clone(),
            passes: Vec::new(),
            own: None,
        }
    }

    /// Looks at everything, merges, plans.
    async fn first_pass<A: Agent>(
        &self,
        agent: &A,
        recall: &Recall,
        progress: &mut Progress,
    ) -> First {
        let spec = &A::SPEC;
        let snapshot = agent.observe(&self.sensors, &Scope::Everything, recall).await;
        let now = self.clock.now();
        let diagnosis = agent.detect(&snapshot, recall, now);
        let plain = diagnosis.plain();
        progress.saw(&plain, &self.setting.policy.disabled_checks);
        let (before_merge, merged) = self.merged(spec, &plain, now, progress).await;
        let mut before_plan = self.view_after(spec, &before_merge, &merged, now, progress).await;
        let mut setting = self.setting.clone();
        if !progress.ledger_works() {
            setting.only_looks =
                Some("the ledger cannot be used, so nothing is acted on".to_owned());
        }
        let judge = |view: &LedgerView| judged(agent, &setting, view, &snapshot, &diagnosis, now);
        let mut planned = judge(&before_plan);
        // What is asked changes what the gate knows, so it is planned again with that.
        if self.ask_people(spec, &planned, (&before_plan, now), progress).await {
            before_plan = self.view_after(spec, &before_merge, &merged, now, progress).await;
            planned = judge(&before_plan);
        }
        let planned = planned.plan;
        progress.planned(&planned);
        self.not_applied(&planned, &plain, progress);
        self.recording.with(|tape| {
            tape.setting = setting;
            tape.passes.push(Pass {
                now,
                snapshot: super::tape::bounded(&snapshot),
                targets: Vec::new(),
                proofs: Vec::new(),
                before_merge,
                merged,
                before_plan: Some(before_plan),
                plan: Some(planned.clone()),
            });
        });
        First { plan: planned, diagnosis: plain }
    }

    /// The ledger as the plan sees it: read again after a real commit, computed in a dry run.
    async fn view_after(
        &self,
        spec: &Spec,
        before: &LedgerView,
        merged: &Merged,
        now: Timestamp,
        progress: &mut Progress,
    ) -> LedgerView {
        if self.mode == Mode::Act
            && progress.ledger_works()
            && let Ok(store) = self.store()
        {
            let read = store.view(self.scope(spec, now)).await;
            if let Some(view) = tried(progress, read) {
                return view;
            }
        }
        let events: Vec<_> =
            merged.events.iter().map(|event| self.new_event(spec, now, event.clone())).collect();
        let mut after = before.after(&events).unwrap_or_else(|_| before.clone());
        for (key, streak) in &merged.streaks {
            match streak {
                Some(streak) => after.streaks.insert(key.clone(), streak.clone()),
                None => after.streaks.remove(key),
            };
        }
        after
    }

    /// Merges under the write lock, or, in a dry run and without a ledger, in memory.
    pub(super) async fn merged(
        &self,
        spec: &Spec,
        diagnosis: &Diagnosis<Symptom>,
        now: Timestamp,
        progress: &mut Progress,
    ) -> (LedgerView, Merged) {
        let compute = |view: &LedgerView| {
            merge(&MergeInput {
                spec,
                policy: &self.setting.policy,
                environment: self.setting.environment,
                view,
                diagnosis,
                now,
            })
        };
        let rows = self.scope(spec, now);
        if self.mode == Mode::Plan || !progress.ledger_works() {
            let view = match self.store() {
                Ok(store) => store.view(rows).await.unwrap_or_default(),
                Err(_) => LedgerView::default(),
            };
            let merged = compute(&view);
            if progress.ledger_works() {
                progress.changed(&merged.events);
            }
            return (view, merged);
        }
        let mut seen = (LedgerView::default(), Merged::default());
        let mut decide = |view: &LedgerView| {
            let merged = compute(view);
            seen = (view.clone(), merged.clone());
            let events = merged.events.into_iter();
            let streaks = merged.streaks.into_iter();
            Batch {
                events: events.map(|event| self.new_event(spec, now, event)).collect(),
                notes: streaks.map(|(key, streak)| Note::Streak { key, streak }).collect(),
            }
        };
        let committed = match self.store() {
            Ok(store) => store.commit(rows, &mut decide).await.map(drop),
            Err(error) => Err(error),
        };
        if tried(progress, committed).is_some() {
            progress.changed(&seen.1.events);
            if !seen.1.events.is_empty() {
                self.publish(progress).await;
            }
        }
        seen
    }

    /// Publishes the view. A view that cannot be written is a trouble; the ledger is intact.
    pub(super) async fn publish(&self, progress: &mut Progress) {
        let Ok(store) = self.store() else { return };
        if let Err(error) = store.publish(self.clock.now()).await {
            tracing::error!("{error}");
            progress.trouble(error.to_string());
        }
    }

    /// What is left for acting and for waiting.
    pub(super) fn time_left(&self) -> Duration {
        self.until(RESERVE).saturating_sub(self.clock.elapsed())
    }

    /// When a part of the run's time is left.
    pub(super) fn until(&self, part: u32) -> Duration {
        self.deadline.saturating_sub(self.deadline / part)
    }
}

/// Notes a failure of the ledger as a trouble of the run.
pub(super) fn tried<T>(progress: &mut Progress, result: Result<T, StoreError>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(error) => {
            tracing::error!("{error}");
            progress.ledger_failed(&error);
            None
        }
    }
}
