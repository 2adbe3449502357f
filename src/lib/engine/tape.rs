//! The tape: everything a run decided from, and what it decided, so that it can be judged again.
//!
//! A replay computes the same decisions from the same inputs, without network and without writes, and compares
//! them byte for byte. What cannot be replayed says why.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::judge::{Setting, plan};
use super::own_checks::OwnPass;
use crate::agent::Agent;
use crate::domain::diagnosis::{Diagnosis, Symptom};
use crate::domain::incident::{RemediationId, RunId};
use crate::domain::ledger::LedgerView;
use crate::domain::merge::{MergeInput, Merged, merge};
use crate::domain::operation::TargetState;
use crate::domain::plan::Plan;
use crate::domain::proof::{Proof, prove_by};
use crate::domain::run::{AgentRun, Recall};
use crate::domain::sight::Sight;
use crate::domain::subject::AgentName;
use crate::ports::store::Note;

/// The version of the tape's form.
pub const TAPE_VERSION: u64 = 1;
/// A snapshot larger than this is left out.
pub const SNAPSHOT_LIMIT_BYTES: usize = 16 * 1024 * 1024;

/// One run's tape.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tape {
    /// The version of this form.
    pub tape_version: u64,
    /// The version of opswarden that wrote it.
    pub version: String,
    /// The agent.
    pub agent: AgentName,
    /// The run.
    pub run: RunId,
    /// The agent's own settings.
    pub stanza: Value,
    /// The settings that judgement shares.
    pub setting: Setting,
    /// What the agent was told about its past.
    pub recall: Recall,
    /// The passes, in order: the first looks at everything, a second one proves.
    pub passes: Vec<Pass>,
    /// What the run found out about opswarden itself, where it got that far.
    pub own: Option<OwnPass>,
}

/// What the run that an engine is in the middle of leaves behind. It survives a run that is stopped before its end.
#[derive(Debug, Default)]
pub struct Recording(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    tape: Option<Tape>,
    so_far: Option<SoFar>,
}

/// The run's row and the operational rows as they would stand if it ended now.
#[derive(Clone, Debug)]
pub(super) struct SoFar {
    pub(super) row: AgentRun,
    pub(super) notes: Vec<Note>,
}

impl Recording {
    pub(super) fn start(&self, tape: Tape) {
        self.held().tape = Some(tape);
    }

    pub(super) fn with(&self, change: impl FnOnce(&mut Tape)) {
        if let Some(tape) = self.held().tape.as_mut() {
            change(tape);
        }
    }

    pub(super) fn take(&self) -> Option<Tape> {
        self.held().tape.take()
    }

    pub(super) fn keep(&self, so_far: SoFar) {
        self.held().so_far = Some(so_far);
    }

    pub(super) fn take_so_far(&self) -> Option<SoFar> {
        self.held().so_far.take()
    }

    /// A writer that panicked left a whole value behind: passes are pushed whole.
    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One pass: what was seen, what the ledger said, what was decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pass {
    /// The time that judgement was given.
    pub now: Timestamp,
    /// What was seen; `None` where it was too large to keep.
    pub snapshot: Option<Value>,
    /// The targets of remediations that were to be proved, as read after the look.
    pub targets: Vec<Target>,
    /// What was proved.
    pub proofs: Vec<(RemediationId, Proof)>,
    /// The ledger before the merge.
    pub before_merge: LedgerView,
    /// What the merge wanted written.
    pub merged: Merged,
    /// The ledger before the plan, where this pass planned.
    pub before_plan: Option<LedgerView>,
    /// The plan.
    pub plan: Option<Plan>,
}

/// A remediation's target, as read for its proof.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// The remediation as it stood.
    pub remediation: crate::domain::incident::Remediation,
    /// The target.
    pub after: Sight<TargetState>,
}

/// A tape that cannot be judged again, or was judged differently.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// Not a tape.
    #[error("this is not a tape of opswarden: {0}")]
    NotATape(String),
    /// Another form.
    #[error("the tape has form {found}, this opswarden reads {TAPE_VERSION}")]
    Form {
        /// The tape's form.
        found: u64,
    },
    /// Another agent's.
    #[error("the tape is {found}'s; replay it with that agent's binary")]
    Agent {
        /// The tape's agent.
        found: AgentName,
    },
    /// Left out when it was written.
    #[error(
        "a snapshot was larger than 16 MiB and was left out of the tape; it cannot be judged again"
    )]
    LeftOut,
    /// Does not fit the agent's types.
    #[error("the tape does not fit this version's {what}: {why}")]
    Misfit {
        /// What does not fit.
        what: &'static str,
        /// How.
        why: String,
    },
}

/// What a replay found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Replay {
    /// The agent.
    pub agent: AgentName,
    /// The run that was judged again.
    pub run: RunId,
    /// The version that wrote the tape.
    pub version: String,
    /// How many passes were judged.
    pub passes: usize,
    /// The plan of the first pass, as computed now.
    pub plan: Plan,
    /// Where the decisions differ; empty where every byte is the same.
    pub differences: Vec<String>,
}

/// Judges a tape again.
///
/// # Errors
///
/// The tape cannot be judged by this agent and version.
pub fn replay<A: Agent>(bytes: &[u8]) -> Result<Replay, ReplayError> {
    let form: Value =
        serde_json::from_slice(bytes).map_err(|error| ReplayError::NotATape(error.to_string()))?;
    match form.get("tape_version").and_then(Value::as_u64) {
        Some(TAPE_VERSION) => {}
        Some(found) => return Err(ReplayError::Form { found }),
        None => return Err(ReplayError::NotATape("it names no version".to_owned())),
    }
    let tape: Tape =
        serde_json::from_value(form).map_err(|error| ReplayError::NotATape(error.to_string()))?;
    if tape.agent != A::SPEC.name {
        return Err(ReplayError::Agent { found: tape.agent });
    }
    let misfit =
        |what| move |error: serde_json::Error| ReplayError::Misfit { what, why: error.to_string() };
    let agent: A = serde_json::from_value(tape.stanza.clone()).map_err(misfit("settings"))?;
    let mut differences = Vec::new();
    let mut first_plan = Plan::default();
    let mut first_look: Option<Diagnosis<Symptom>> = None;
    for (place, pass) in tape.passes.iter().enumerate() {
        let seen = pass.snapshot.clone().ok_or(ReplayError::LeftOut)?;
        let snapshot: A::Snapshot = serde_json::from_value(seen).map_err(misfit("snapshot"))?;
        let again = judge_pass(&agent, &tape, pass, &snapshot, first_look.as_ref());
        for (name, old, new) in [
            ("proofs", bytes_of(&pass.proofs), bytes_of(&again.proofs)),
            ("merge", bytes_of(&pass.merged), bytes_of(&again.merged)),
            ("plan", bytes_of(&pass.plan), bytes_of(&again.plan)),
        ] {
            if old != new {
                differences.push(format!("pass {}: the {name} differs", place + 1));
            }
        }
        if place == 0 {
            first_plan = again.plan.unwrap_or_default();
            first_look = Some(again.diagnosis);
        }
    }
    let own_differs = tape
        .own
        .as_ref()
        .is_some_and(|own| bytes_of(&own.merged) != bytes_of(&own.again(&A::SPEC, &tape.setting)));
    if own_differs {
        differences.push("what was found about opswarden itself differs".to_owned());
    }
    Ok(Replay {
        agent: tape.agent,
        run: tape.run,
        version: tape.version,
        passes: tape.passes.len(),
        plan: first_plan,
        differences,
    })
}

struct Again {
    diagnosis: Diagnosis<Symptom>,
    proofs: Vec<(RemediationId, Proof)>,
    merged: Merged,
    plan: Option<Plan>,
}

fn judge_pass<A: Agent>(
    agent: &A,
    tape: &Tape,
    pass: &Pass,
    snapshot: &A::Snapshot,
    first_look: Option<&Diagnosis<Symptom>>,
) -> Again {
    let diagnosis = agent.detect(snapshot, &tape.recall, pass.now);
    let plain = diagnosis.plain();
    let keys = pass.targets.iter().map(|target| &target.remediation.key);
    let gone = first_look.map(|first| first.gone(keys)).unwrap_or_default();
    let prove = |target: &Target| {
        let (found, after) = (&target.remediation, &target.after);
        (found.id, prove_by(&A::SPEC, found, &plain, &gone, after, pass.now))
    };
    let proofs = pass.targets.iter().map(prove).collect();
    let merged = merge(&MergeInput {
        spec: &A::SPEC,
        policy: &tape.setting.policy,
        environment: tape.setting.environment,
        view: &pass.before_merge,
        diagnosis: &plain,
        now: pass.now,
    });
    let planned = pass
        .before_plan
        .as_ref()
        .map(|view| plan(agent, &tape.setting, view, snapshot, &diagnosis, pass.now));
    Again { diagnosis: plain, proofs, merged, plan: planned }
}

fn bytes_of<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

/// A snapshot as the tape keeps it, or nothing where it is too large.
pub(super) fn bounded<S: Serialize>(snapshot: &S) -> Option<Value> {
    // Measured without being built: a snapshot of a large fleet takes many times its size as a tree.
    serde_json::to_writer(Counted { left: SNAPSHOT_LIMIT_BYTES }, snapshot).ok()?;
    serde_json::to_value(snapshot).ok()
}

/// Takes so many bytes and keeps none.
struct Counted {
    left: usize,
}

impl std::io::Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let left = self.left.checked_sub(bytes.len());
        self.left = left.ok_or_else(|| std::io::Error::other("too large to keep"))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
