//! From a snapshot to verdicts: one for every subject that the settings or an open incident know.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::checks::{AGENT, CERTIFICATE_ENDING, SERVICE_DEGRADED, SERVICE_DOWN, SPEC, UPLINK_DOWN};
use super::detect_machine::machine;
use super::detect_process::processes;
use super::fault::Fault;
use super::judge::{Judgement, judge};
use super::settings::{HealthGuardian, Probe, Service};
use super::snapshot::Snapshot;
use crate::domain::diagnosis::{
    CheckFindings, Coverage, Diagnosis, Evidence, Finding, Origin, Verdict,
};
use crate::domain::run::Recall;
use crate::domain::sight::Sight;
use crate::domain::subject::{CheckId, Key, Subject, SubjectKind};
use crate::ports::probe::{ProbeAnswer, ProbeReading};

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
            let unseen = Finding::unknown(why.clone());
            of_check.findings.insert(incident.key.subject.clone(), unseen);
        }
    }
}

/// Records one finding.
pub(super) fn put(
    diagnosis: &mut Diagnosis<Fault>,
    check: &CheckId,
    subject: Subject,
    finding: Finding<Fault>,
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
        None => Finding::unknown("the uplink was not looked at"),
        Some(look) => match &look.up {
            Err(blind) => Finding::unknown(blind.why.clone()),
            Ok(true) => Finding::healthy(Evidence::once(Origin::Edge, look.at)),
            Ok(false) => Finding::faulty(Fault::UplinkDown, Evidence::once(Origin::Edge, look.at)),
        },
    };
    put(diagnosis, &UPLINK_DOWN, subject, finding);
}

fn services(
    settings: &HealthGuardian,
    snapshot: &Snapshot,
    now: Timestamp,
    diagnosis: &mut Diagnosis<Fault>,
) {
    let down: BTreeSet<Key> = settings
        .probes()
        .filter(|(service, probe)| {
            matches!(judged(snapshot, service, probe), Ok((Judgement::Down(_), _)))
        })
        .map(|(service, probe)| service_key(snapshot, service, probe))
        .collect();
    for (service, probe) in settings.probes() {
        let subject = subject_of(snapshot, service, probe);
        let seen = judged(snapshot, service, probe);
        let cause = || cause_of(settings, snapshot, service, &down, diagnosis);
        let down_finding = down_verdict(service, probe, &seen, cause);
        put(diagnosis, &SERVICE_DOWN, subject.clone(), down_finding);
        if !probe.degraded.is_empty() {
            let finding = degraded_verdict(service, &seen, service_key(snapshot, service, probe));
            put(diagnosis, &SERVICE_DEGRADED, subject.clone(), finding);
        }
        if probe.url.starts_with("https:") {
            let finding = certificate_verdict(settings, snapshot, service, probe, now);
            put(diagnosis, &CERTIFICATE_ENDING, subject, finding);
        }
    }
}

fn subject_of(snapshot: &Snapshot, service: &Service, probe: &Probe) -> Subject {
    Subject::new(SubjectKind::Service, &snapshot.host, &probe.subject_id(&service.name))
}

fn service_key(snapshot: &Snapshot, service: &Service, probe: &Probe) -> Key {
    Key::new(AGENT, SERVICE_DOWN, subject_of(snapshot, service, probe))
}

/// The newest judgement of a probe with its evidence, or why there is none.
pub(super) fn judged(
    snapshot: &Snapshot,
    service: &Service,
    probe: &Probe,
) -> Sight<(Judgement, Evidence)> {
    use crate::domain::sight::Blind;
    let origin = probe.origin();
    let uplink_is_down = snapshot.uplink.as_ref().is_some_and(|look| !matches!(look.up, Ok(true)));
    if origin == Origin::Edge && uplink_is_down {
        return Err(Blind::because("this host's own uplink is down or unknown"));
    }
    let readings = match snapshot.probes.get(&probe.subject_id(&service.name)) {
        None => return Err(Blind::because("it was not looked at in this pass")),
        Some(Err(blind)) => return Err(blind.clone()),
        Some(Ok(readings)) => readings,
    };
    let kind = |reading: &ProbeReading| std::mem::discriminant(&judge(probe, reading));
    match tail(readings, origin, |reading| reading.at, kind) {
        None => Err(Blind::because("it was not looked at in this pass")),
        Some((newest, evidence)) => Ok((judge(probe, newest), evidence)),
    }
}

const THROTTLED: &str = "it answered 429: a limiter speaks, not the service";

fn down_verdict(
    service: &Service,
    probe: &Probe,
    seen: &Sight<(Judgement, Evidence)>,
    cause: impl FnOnce() -> Option<Key>,
) -> Finding<Fault> {
    match seen {
        Err(blind) => Finding::unknown(blind.why.clone()),
        Ok((Judgement::Throttled, _)) => Finding::unknown(THROTTLED),
        Ok((Judgement::Well | Judgement::Degraded(_), evidence)) => Finding::healthy(*evidence),
        Ok((Judgement::Down(why), evidence)) => Finding::faulty(
            Fault::ServiceDown {
                service: probe.subject_id(&service.name),
                url: probe.shown_url().to_owned(),
                why: why.clone(),
                cause: cause(),
            },
            *evidence,
        ),
    }
}

fn degraded_verdict(
    service: &Service,
    seen: &Sight<(Judgement, Evidence)>,
    down: Key,
) -> Finding<Fault> {
    let fault = |why: &str, cause| Fault::ServiceDegraded {
        service: service.name.clone(),
        why: why.to_owned(),
        cause,
    };
    match seen {
        Err(blind) => Finding::unknown(blind.why.clone()),
        Ok((Judgement::Throttled, _)) => Finding::unknown(THROTTLED),
        Ok((Judgement::Well, evidence)) => Finding::healthy(*evidence),
        Ok((Judgement::Degraded(why), evidence)) => Finding::faulty(fault(why, None), *evidence),
        Ok((Judgement::Down(_), evidence)) => {
            Finding::faulty(fault("it is down", Some(down)), *evidence)
        }
    }
}

/// What explains a failing probe: the service's own process, else the first dependency that is down too.
fn cause_of(
    settings: &HealthGuardian,
    snapshot: &Snapshot,
    service: &Service,
    down: &BTreeSet<Key>,
    diagnosis: &Diagnosis<Fault>,
) -> Option<Key> {
    super::detect_process::cause_of(snapshot, service, diagnosis).or_else(|| {
        let dependencies = service.dependencies.iter().flatten();
        dependencies.filter_map(|name| settings.service(name)).find_map(|dependency| {
            let mut keys =
                dependency.probes.iter().map(|probe| service_key(snapshot, dependency, probe));
            keys.find(|key| down.contains(key))
        })
    })
}

fn certificate_verdict(
    settings: &HealthGuardian,
    snapshot: &Snapshot,
    service: &Service,
    probe: &Probe,
    now: Timestamp,
) -> Finding<Fault> {
    let readings = match snapshot.probes.get(&probe.subject_id(&service.name)) {
        Some(Ok(readings)) => readings,
        Some(Err(blind)) => return Finding::unknown(blind.why.clone()),
        None => return Finding::unknown("it was not looked at in this pass"),
    };
    let newest = readings.iter().rev().find_map(|reading| match &reading.answer {
        ProbeAnswer::Http { certificate_ends: Some(ends), .. } => Some((reading.at, *ends)),
        _ => None,
    });
    let Some((at, ends)) = newest else {
        return Finding::unknown("no certificate was seen");
    };
    let evidence = Evidence::once(probe.origin(), at);
    let hours_left = ends.duration_since(now).as_hours();
    let within = |days: u32| hours_left < i64::from(days) * 24;
    if !within(settings.certificate_warn_days) {
        return Finding::healthy(evidence);
    }
    Finding::faulty(
        Fault::CertificateEnding {
            url: probe.shown_url().to_owned(),
            ends: ends.strftime("%Y-%m-%d").to_string(),
            critical: within(settings.certificate_critical_days),
        },
        evidence,
    )
}

/// Whether a service of the settings is seen healthy by a check of its own.
///
/// # Errors
///
/// Why it is not: the text names what is missing.
pub(super) fn seen_healthy(snapshot: &Snapshot, diagnosis_of: &Service) -> Result<(), String> {
    let name = &diagnosis_of.name;
    if diagnosis_of.probes.is_empty() {
        return Err(format!("{name} has no probe of its own"));
    }
    for probe in &diagnosis_of.probes {
        match judged(snapshot, diagnosis_of, probe) {
            Ok((Judgement::Well, _)) => {}
            Ok((Judgement::Degraded(why) | Judgement::Down(why), _)) => {
                return Err(format!("{name} is not healthy: {why}"));
            }
            Ok((Judgement::Throttled, _)) => return Err(format!("{name} is unknown: {THROTTLED}")),
            Err(blind) => return Err(format!("{name} is unknown: {}", blind.why)),
        }
    }
    Ok(())
}

/// Whether a verdict of `check` on `subject` is faulty.
pub(super) fn is_faulty(diagnosis: &Diagnosis<Fault>, check: &CheckId, subject: &Subject) -> bool {
    diagnosis
        .checks
        .get(check)
        .and_then(|of_check| of_check.findings.get(subject))
        .is_some_and(|finding| matches!(finding.verdict, Verdict::Faulty(_)))
}
