//! Whether a remediation helped: the same check on newer evidence, and the operation's own mark on the target.

use jiff::Timestamp;

use super::diagnosis::{Evidence, Origin, Standing, Symptom};
use super::event::RemediationOutcome;
use super::incident::Remediation;
use super::moment;
use super::operation::TargetState;
use super::sight::Sight;

/// What a look after an act proves.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Proof {
    /// Verified, failed or unknown.
    pub outcome: RemediationOutcome,
    /// What it rests on.
    pub observed: String,
}

/// Judges one remediation by what was seen after it.
///
/// `raise` is how many agreeing samples the check asks for; `after` is the target as read now.
#[must_use]
pub fn prove(
    remediation: &Remediation,
    raise: u32,
    standing: &Standing<'_, Symptom>,
    after: &Sight<TargetState>,
    now: Timestamp,
) -> Proof {
    let sent = remediation.acted_at.unwrap_or(remediation.intended_at);
    let mark = match after {
        Ok(after) => remediation.operation.took_effect(&remediation.before, after),
        Err(_) => None,
    };
    let seen_target = after.as_ref().map_or_else(
        |blind| format!("the target cannot be seen: {}", blind.why),
        |after| format!("the target is {}", after.summary()),
    );
    let settled = now >= remediation.horizon_ends();
    match standing {
        Standing::Healthy(evidence) => match weak(evidence, sent, raise) {
            Some(why) => unknown(why),
            None if after.is_err() => unknown(format!("it is healthy, but {seen_target}")),
            None => healthy(mark, settled, evidence, &seen_target),
        },
        Standing::Faulty(symptom, evidence) => match weak(evidence, sent, raise) {
            Some(why) => unknown(why),
            None => faulty(mark, settled, &symptom.message, &seen_target),
        },
        Standing::Gone => failed("its subject no longer exists".to_owned()),
        Standing::Unknown { why } => unknown(format!("it was not seen: {why}")),
    }
}

/// Why evidence proves nothing, if it does not.
fn weak(evidence: &Evidence, sent: Timestamp, raise: u32) -> Option<String> {
    if evidence.oldest <= sent {
        return Some("the evidence is older than the act".to_owned());
    }
    let usable = matches!(evidence.origin, Origin::Loopback | Origin::Manager);
    if !usable {
        return Some(format!("evidence from {} proves nothing here", evidence.origin.as_str()));
    }
    (evidence.samples < raise)
        .then(|| format!("{} of {raise} agreeing looks were taken", evidence.samples))
}

fn healthy(mark: Option<bool>, settled: bool, evidence: &Evidence, target: &str) -> Proof {
    match mark {
        Some(true) | None => Proof {
            outcome: RemediationOutcome::Verified,
            observed: format!(
                "healthy in {} looks {}; {target}",
                evidence.samples,
                moment::span(evidence.oldest, evidence.newest)
            ),
        },
        Some(false) if settled => {
            failed(format!("it is healthy, but not by this: the operation left no mark; {target}"))
        }
        Some(false) => {
            unknown(format!("it is healthy, and the operation has left no mark yet; {target}"))
        }
    }
}

fn faulty(mark: Option<bool>, settled: bool, message: &str, target: &str) -> Proof {
    match mark {
        Some(true) | None => failed(format!("the operation took effect and {message}; {target}")),
        Some(false) if settled => failed(format!("the operation had no effect; {target}")),
        Some(false) => {
            unknown(format!("no effect is seen, and one may still be on its way; {target}"))
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
        }
    }

    fn looks(oldest: i64, samples: u32, origin: Origin) -> Evidence {
        Evidence { origin, oldest: at(oldest), newest: at(oldest + 10), samples }
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
