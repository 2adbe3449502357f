//! From a snapshot to verdicts: one for every subject that the settings or an open incident know.

use jiff::Timestamp;

use super::checks::{AGENT, SPEC, UPLINK_DOWN};
use super::detect_machine::machine;
use super::detect_process::processes;
use super::detect_service::services;
use super::fault::Fault;
use super::settings::HealthGuardian;
use super::snapshot::Snapshot;
use crate::domain::diagnosis::{CheckFindings, Coverage, Diagnosis, Evidence, Origin, Verdict};
use crate::domain::run::Recall;
use crate::domain::subject::{CheckId, Subject, SubjectKind};

/// Judges everything.
pub(super) fn detect(
    settings: &HealthGuardian,
    snapshot: &Snapshot,
    recall: &Recall,
    now: Timestamp,
) -> Diagnosis<Fault> {
    let mut diagnosis = Diagnosis::default();
    for check in SPEC.checks {
        let coverage = match &snapshot.partial {
            None => Coverage::Whole,
            Some(why) => Coverage::Partial { why: why.clone() },
        };
        diagnosis.checks.insert(check.id.clone(), CheckFindings::new(coverage));
    }
    processes(settings, snapshot, recall, &mut diagnosis);
    machine(settings, snapshot, &mut diagnosis);
    uplink(settings, snapshot, &mut diagnosis);
    services(settings, snapshot, now, &mut diagnosis);
    never_silent(recall, &mut diagnosis);
    diagnosis
}

/// Every subject of an active incident has a verdict, unless a whole listing shows that it is gone.
fn never_silent(recall: &Recall, diagnosis: &mut Diagnosis<Fault>) {
    for incident in recall.incidents.iter().filter(|incident| incident.key.agent == AGENT) {
        if let Some(of_check) = diagnosis.checks.get_mut(&incident.key.check)
            && let Coverage::Partial { why } = &of_check.coverage
            && !of_check.findings.contains_key(&incident.key.subject)
        {
            let unseen = Verdict::unknown(why.clone());
            of_check.findings.insert(incident.key.subject.clone(), unseen);
        }
    }
}

/// Records one finding.
pub(super) fn put(
    diagnosis: &mut Diagnosis<Fault>,
    check: &CheckId,
    subject: Subject,
    finding: Verdict<Fault>,
) {
    if let Some(of_check) = diagnosis.checks.get_mut(check) {
        of_check.findings.insert(subject, finding);
    }
}

/// Turns a check's coverage to partial.
pub(super) fn cut_short(diagnosis: &mut Diagnosis<Fault>, check: &CheckId, why: &str) {
    if let Some(of_check) = diagnosis.checks.get_mut(check) {
        of_check.coverage = Coverage::Partial { why: why.to_owned() };
    }
}

/// The newest judgement, and the evidence of the looks in a row that agree with it in kind.
pub(super) fn tail<T, K: PartialEq>(
    all: &[T],
    origin: Origin,
    at: impl Fn(&T) -> Timestamp,
    kind: impl Fn(&T) -> K,
) -> Option<(&T, Evidence)> {
    let newest = all.last()?;
    let wanted = kind(newest);
    let agreeing: Vec<&T> = all.iter().rev().take_while(|look| kind(look) == wanted).collect();
    let oldest = agreeing.last().map_or_else(|| at(newest), |look| at(look));
    let count = |many: usize| u32::try_from(many).unwrap_or(u32::MAX);
    let (samples, looks) = (count(agreeing.len()), count(all.len()));
    Some((newest, Evidence { origin, oldest, newest: at(newest), samples, looks }))
}

fn uplink(settings: &HealthGuardian, snapshot: &Snapshot, diagnosis: &mut Diagnosis<Fault>) {
    if settings.uplink.is_empty() {
        return;
    }
    let subject = Subject::new(SubjectKind::Uplink, &snapshot.host, "network");
    let finding = match &snapshot.uplink {
        None => Verdict::unknown("the uplink was not looked at"),
        Some(look) => match &look.up {
            Err(blind) => Verdict::unknown(blind.why.clone()),
            Ok(true) => Verdict::Healthy(Evidence::once(Origin::Edge, look.at)),
            Ok(false) => Verdict::Faulty(Fault::UplinkDown, Evidence::once(Origin::Edge, look.at)),
        },
    };
    put(diagnosis, &UPLINK_DOWN, subject, finding);
}

/// Whether a verdict of `check` on `subject` is faulty.
pub(super) fn is_faulty(diagnosis: &Diagnosis<Fault>, check: &CheckId, subject: &Subject) -> bool {
    diagnosis
        .checks
        .get(check)
        .and_then(|of_check| of_check.findings.get(subject))
        .is_some_and(|verdict| matches!(verdict, Verdict::Faulty(..)))
}
