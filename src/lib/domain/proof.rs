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
