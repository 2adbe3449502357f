//! Whether a remediation helped: the same check on newer evidence, and the operation's own mark on the target.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::diagnosis::{Diagnosis, Evidence, Standing, Symptom};
use super::event::RemediationOutcome;
use super::incident::Remediation;
use super::moment;
use super::operation::{Mark, TargetState};
use super::sight::Sight;
use super::spec::Spec;
use super::subject::Key;

/// What a look after an act proves.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Proof {
    /// Verified, failed or unknown.
    pub outcome: RemediationOutcome,
    /// What it rests on.
    pub observed: String,
}

/// Judges one remediation by what an agent concluded after it.
///
/// `gone` are the findings whose subjects the run's look at everything did not find any more: a look that is taken for
/// a proof asks only for what it expects, and cannot tell.
#[must_use]
pub fn prove_by(
    spec: &Spec,
    remediation: &Remediation,
    diagnosis: &Diagnosis<Symptom>,
    gone: &BTreeSet<Key>,
    after: &Sight<TargetState>,
    now: Timestamp,
) -> Proof {
    let key = &remediation.key;
    let Some(check) = spec.check(&key.check) else {
        return failed("this version has no such check; nothing is said about health".to_owned());
    };
    if remediation.undo_of.is_some() {
        return prove_undo(remediation, after, now);
    }
    let seen = diagnosis.standing(&key.check, &key.subject);
    let standing = match seen {
        Standing::Unknown { .. } if gone.contains(key) => Standing::Gone,
        seen => seen,
    };
    let proof = prove(remediation, check.raise, &standing, after, now);
    let waited = remediation.sent_at().checked_add(LONGEST_WAIT);
    if proof.outcome == RemediationOutcome::Unknown && waited.is_ok_and(|end| end <= now) {
        return failed(format!("no answer could be found for a day: {}", proof.observed));
    }
    proof
}

/// Judges what took a remediation back: its finding is as wrong as it was before, so only its mark tells.
#[must_use]
pub fn prove_undo(remediation: &Remediation, after: &Sight<TargetState>, now: Timestamp) -> Proof {
    let after = match after {
        Ok(after) => after,
        Err(blind) => return unknown(format!("the target cannot be seen: {}", blind.why)),
    };
    let target = after.summary();
    match remediation.operation.mark(&remediation.before, after) {
        Mark::Left => Proof {
            outcome: RemediationOutcome::Verified,
            observed: format!("the target is {target}"),
        },
        Mark::Absent if now >= remediation.horizon_ends() || remediation.acted_at.is_some() => {
            failed(format!("it had no effect: the target is {target}"))
        }
        Mark::Absent | Mark::Unreadable | Mark::None => {
            unknown(format!("no effect is seen yet: the target is {target}"))
        }
    }
}

/// An answer that cannot be found any more (the settings look elsewhere by now, a manager is gone for good) must not
/// hold its finding for ever.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(24);

/// Judges one remediation by what was seen after it.
///
/// `raise` is how many agreeing samples the check asks for; `after` is the target as read now. `standing` and `after`
/// are of a look that was taken after the act, or after its run had died.
fn prove(
    remediation: &Remediation,
    raise: u32,
    standing: &Standing<'_, Symptom>,
    after: &Sight<TargetState>,
    now: Timestamp,
) -> Proof {
    let evidence = match standing {
        Standing::Healthy(evidence) | Standing::Faulty(_, evidence) => evidence,
        Standing::Gone => return failed("its subject no longer exists".to_owned()),
        Standing::Excused { why } => {
            return failed(format!("nothing is asked of its subject any more: {why}"));
        }
        Standing::Unknown { why } => return unknown(format!("it was not seen: {why}")),
    };
    if let Some(why) = weak(evidence, remediation, raise, now) {
        return unknown(why);
    }
    let after = match after {
        Ok(after) => after,
        Err(blind) => return unknown(format!("the target cannot be seen: {}", blind.why)),
    };
    let effect = Effect {
        mark: remediation.operation.mark(&remediation.before, after),
        answered: remediation.acted_at.is_some(),
        settled: now >= remediation.horizon_ends(),
        target: format!("the target is {}", after.summary()),
    };
    match standing {
        Standing::Faulty(symptom, _) => effect.faulty(&symptom.message),
        Standing::Healthy(_)
        | Standing::Gone
        | Standing::Excused { .. }
        | Standing::Unknown { .. } => effect.healthy(evidence),
    }
}

/// Why evidence proves nothing, if it does not.
fn weak(
    evidence: &Evidence,
    remediation: &Remediation,
    raise: u32,
    now: Timestamp,
) -> Option<String> {
    let sent = remediation.sent_at();
    // An act that stands in the future was recorded before the clock was set back, and so before this look.
    if evidence.oldest <= sent && sent <= now {
        return Some("the evidence is older than the act".to_owned());
    }
    if !evidence.origin.licenses(remediation.operation.target()) {
        return Some(format!("evidence from {} proves nothing here", evidence.origin.as_str()));
    }
    (evidence.samples < raise)
        .then(|| format!("{} of {raise} agreeing looks were taken", evidence.samples))
}

/// What is known of the operation's own effect.
struct Effect {
    mark: Mark,
    /// Whether the operation was answered; where not, it may never have been sent.
    answered: bool,
    /// Whether nothing of it can be on its way any more.
    settled: bool,
    target: String,
}

impl Effect {
    fn healthy(&self, evidence: &Evidence) -> Proof {
        let target = &self.target;
        match self.mark {
            Mark::Left => self.verified(evidence),
            Mark::None if self.answered => self.verified(evidence),
            Mark::Absent | Mark::Unreadable | Mark::None if self.settled => {
                failed(format!("it is healthy, but not by this: {}; {target}", self.not_seen()))
            }
            Mark::Absent | Mark::Unreadable | Mark::None => {
                unknown(format!("it is healthy, and so far {}; {target}", self.not_seen()))
            }
        }
    }

    fn verified(&self, evidence: &Evidence) -> Proof {
        let span = moment::span(evidence.oldest, evidence.newest);
        let observed = format!("healthy in {} looks {span}; {}", evidence.samples, self.target);
        Proof { outcome: RemediationOutcome::Verified, observed }
    }

    fn faulty(&self, message: &str) -> Proof {
        let target = &self.target;
        match self.mark {
            Mark::Left => failed(format!("the operation took effect and {message}; {target}")),
            Mark::None if self.answered => {
                failed(format!("the operation was answered and {message}; {target}"))
            }
            Mark::Absent | Mark::Unreadable | Mark::None if self.settled => {
                failed(format!("the operation had no effect: {}; {target}", self.not_seen()))
            }
            Mark::Absent | Mark::Unreadable | Mark::None => {
                unknown(format!("no effect is seen, and one may still be on its way; {target}"))
            }
        }
    }

    /// Why no effect of the operation is seen.
    const fn not_seen(&self) -> &'static str {
        match self.mark {
            Mark::Left => "it left its mark",
            Mark::Absent => "the operation left no mark",
            Mark::Unreadable => "nothing tells whether the operation took effect",
            Mark::None => "it was never answered, and such a target shows no mark",
        }
    }
}

const fn failed(observed: String) -> Proof {
    Proof { outcome: RemediationOutcome::Failed, observed }
}

const fn unknown(observed: String) -> Proof {
    Proof { outcome: RemediationOutcome::Unknown, observed }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::diagnosis::Origin;
    use crate::domain::incident::{RemediationId, RemediationState, RunId};
    use crate::domain::operation::{Inverse, Operation};
    use crate::domain::process::{
        ManagerKind, ProcessReading, ProcessRef, ProcessStatus, Startable,
    };
    use crate::domain::severity::Severity;
    use crate::domain::sight::Blind;
    use crate::domain::subject::{AgentName, CheckId, Key};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + seconds).unwrap()
    }

    fn target(identity: &str) -> TargetState {
        let name = "shop".to_owned();
        TargetState::Process(ProcessReading {
            process: ProcessRef { manager: ManagerKind::Pm2, name, instance: None },
            status: ProcessStatus::Online,
            identity: Some(identity.to_owned()),
            started_at: None,
            restarts: None,
            last_exit: None,
            memory_bytes: None,
            memory_limit_bytes: None,
            can_reload: false,
            startable: Startable::Unprovable { why: String::new() },
            log_paths: Vec::new(),
        })
    }

    /// A restart that was sent at second 0.
    fn sent() -> Remediation {
        let process = ProcessRef { manager: ManagerKind::Pm2, name: "shop".into(), instance: None };
        let key = Key::new(AgentName::of("a"), CheckId::of("c"), process.subject("h"));
        Remediation {
            id: RemediationId(1),
            key,
            incident: None,
            run: RunId("r".into()),
            operation: Operation::RestartProcess(process),
            reason: String::new(),
            attempt: 1,
            state: RemediationState::Verifying,
            before: target("old"),
            after: None,
            inverse: Inverse::None { why: String::new() },
            intended_at: at(0),
            acted_at: Some(at(0)),
            verify_at: None,
            finished_at: None,
            outcome: None,
            evidence: Vec::new(),
            undo_of: None,
            undone: None,
            approval: None,
        }
    }

    fn looks(oldest: i64, samples: u32, origin: Origin) -> Evidence {
        Evidence { origin, oldest: at(oldest), newest: at(oldest + 10), samples, looks: samples }
    }

    fn judged(
        standing: &Standing<'_, Symptom>,
        after: &Sight<TargetState>,
        now: i64,
    ) -> RemediationOutcome {
        prove(&sent(), 3, standing, after, at(now)).outcome
    }

    #[test]
    fn only_newer_enough_and_near_evidence_with_the_mark_verifies() {
        use RemediationOutcome::{Failed, Unknown, Verified};
        let good = looks(30, 3, Origin::Loopback);
        let (new, old): (Sight<TargetState>, Sight<TargetState>) =
            (Ok(target("new")), Ok(target("old")));
        let unseen = Err(Blind::because("gone"));
        let cases = [
            (good, &new, 40, Verified, "newer, three looks, a new identity"),
            (looks(-5, 3, Origin::Loopback), &new, 40, Unknown, "a look from before the act"),
            (looks(0, 3, Origin::Loopback), &new, 40, Unknown, "a look from the moment of the act"),
            (looks(30, 2, Origin::Loopback), &new, 40, Unknown, "too few looks"),
            (looks(30, 3, Origin::Edge), &new, 40, Unknown, "seen from outside"),
            (good, &old, 40, Unknown, "healthy without the mark, which may still come"),
            (good, &old, 90, Failed, "healthy, but not by this"),
            (good, &unseen, 90, Unknown, "healthy, and the target cannot be read"),
        ];
        for (evidence, after, now, expected, case) in cases {
            assert_eq!(judged(&Standing::Healthy(&evidence), after, now), expected, "{case}");
        }
    }

    #[test]
    fn a_fault_after_the_act_fails_it_once_no_effect_can_be_on_its_way() {
        use RemediationOutcome::{Failed, Unknown};
        let symptom = Symptom {
            severity: Severity::Critical,
            message: "it is down".into(),
            facts: BTreeMap::new(),
            caused_by: None,
            not_now: None,
        };
        let evidence = looks(30, 3, Origin::Manager);
        let faulty = Standing::Faulty(&symptom, &evidence);
        assert_eq!(
            judged(&faulty, &Ok(target("new")), 40),
            Failed,
            "it took effect and did not help"
        );
        assert_eq!(judged(&faulty, &Ok(target("old")), 40), Unknown, "before the horizon");
        assert_eq!(judged(&faulty, &Ok(target("old")), 61), Failed, "after it");
        let stale = looks(-5, 3, Origin::Manager);
        let before = Standing::Faulty(&symptom, &stale);
        assert_eq!(
            judged(&before, &Ok(target("new")), 40),
            Unknown,
            "the fault is older than the act"
        );
        assert_eq!(judged(&Standing::Gone, &Ok(TargetState::Missing), 40), Failed);
        let unseen = Standing::Unknown { why: "blind" };
        assert_eq!(judged(&unseen, &Ok(target("new")), 900), Unknown, "not seen is never well");
    }
}
