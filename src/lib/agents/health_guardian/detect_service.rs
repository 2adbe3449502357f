//! Verdicts on services, probe by probe, and what explains a failing one.

use jiff::Timestamp;

use super::checks::{AGENT, CERTIFICATE_ENDING, SERVICE_DEGRADED, SERVICE_DOWN};
use super::detect::{is_faulty, put, tail};
use super::detect_process;
use super::fault::Fault;
use super::judge::{Blame, Down, Judgement, judge};
use super::settings::{HealthGuardian, Probe, Service};
use super::snapshot::Snapshot;
use crate::domain::diagnosis::{Diagnosis, Evidence, Origin, Verdict};
use crate::domain::sight::{Blind, Sight};
use crate::domain::subject::{Key, Subject, SubjectKind};
use crate::ports::probe::{ProbeAnswer, ProbeReading};

/// Judges every probe of every service.
pub(super) fn services(
    settings: &HealthGuardian,
    snapshot: &Snapshot,
    now: Timestamp,
    diagnosis: &mut Diagnosis<Fault>,
) {
    let looks: Vec<Look<'_>> = settings
        .probes()
        .enumerate()
        .map(|(place, (service, probe))| {
            let subject = Subject::new(
                SubjectKind::Service,
                &snapshot.host,
                &probe.subject_id(&service.name),
            );
            Look { place, service, probe, subject, seen: judged(snapshot, service, probe) }
        })
        .collect();
    for look in &looks {
        if look.probe.url.starts_with("https:") {
            let finding = certificate_verdict(settings, snapshot, look, now);
            put(diagnosis, &CERTIFICATE_ENDING, look.subject.clone(), finding);
        }
    }
    for look in &looks {
        let cause = look.down().and_then(|down| look.cause(down, snapshot, &looks, diagnosis));
        put(diagnosis, &SERVICE_DOWN, look.subject.clone(), look.down_verdict(cause));
        if !look.probe.degraded.is_empty() {
            put(diagnosis, &SERVICE_DEGRADED, look.subject.clone(), look.degraded_verdict());
        }
    }
}

/// The newest judgement of a probe with its evidence, or why there is none. A row of failing looks is blamed on the
/// service only where each of them is.
pub(super) fn judged(
    snapshot: &Snapshot,
    service: &Service,
    probe: &Probe,
) -> Sight<(Judgement, Evidence)> {
    let origin = probe.origin();
    let uplink_is_down = snapshot.uplink.as_ref().is_some_and(|look| !matches!(look.up, Ok(true)));
    if origin == Origin::Edge && uplink_is_down {
        return Err(Blind::because("this host's own uplink is down or unknown"));
    }
    let readings = readings(snapshot, service, probe)?;
    let kind = |reading: &ProbeReading| std::mem::discriminant(&judge(probe, reading));
    let Some((newest, evidence)) = tail(readings, origin, |reading| reading.at, kind) else {
        return Err(Blind::because(NOT_LOOKED_AT));
    };
    let agreeing = readings.iter().rev().take(evidence.samples as usize);
    let elsewhere = agreeing.map(|reading| judge(probe, reading)).find(
        |judgement| matches!(judgement, Judgement::Down(down) if down.blame != Blame::Service),
    );
    Ok((elsewhere.unwrap_or_else(|| judge(probe, newest)), evidence))
}

const NOT_LOOKED_AT: &str = "it was not looked at in this pass";
const THROTTLED: &str = "it answered 429: a limiter speaks, not the service";

fn readings<'a>(
    snapshot: &'a Snapshot,
    service: &Service,
    probe: &Probe,
) -> Sight<&'a [ProbeReading]> {
    match snapshot.probes.get(&probe.subject_id(&service.name)) {
        None => Err(Blind::because(NOT_LOOKED_AT)),
        Some(Err(blind)) => Err(blind.clone()),
        Some(Ok(readings)) => Ok(readings),
    }
}

/// One probe of one service, and what was seen.
struct Look<'a> {
    place: usize,
    service: &'a Service,
    probe: &'a Probe,
    subject: Subject,
    seen: Sight<(Judgement, Evidence)>,
}

impl Look<'_> {
    fn down(&self) -> Option<&Down> {
        match &self.seen {
            Ok((Judgement::Down(down), _)) => Some(down),
            Ok((
                Judgement::Well
                | Judgement::Degraded(_)
                | Judgement::Throttled
                | Judgement::NotAsked(_),
                _,
            ))
            | Err(_) => None,
        }
    }

    fn key(&self) -> Key {
        Key::new(AGENT, SERVICE_DOWN, self.subject.clone())
    }

    fn down_verdict(&self, cause: Option<Key>) -> Verdict<Fault> {
        match &self.seen {
            Err(blind) => Verdict::unknown(blind.why.clone()),
            Ok((Judgement::Throttled, _)) => Verdict::unknown(THROTTLED),
            Ok((Judgement::NotAsked(why), _)) => Verdict::unknown(why.clone()),
            Ok((Judgement::Well | Judgement::Degraded(_), evidence)) => Verdict::Healthy(*evidence),
            Ok((Judgement::Down(down), evidence)) => Verdict::Faulty(
                Fault::ServiceDown {
                    service: self.probe.subject_id(&self.service.name),
                    url: self.probe.shown_url().to_owned(),
                    why: down.why.clone(),
                    blame: down.blame,
                    cause,
                },
                *evidence,
            ),
        }
    }

    fn degraded_verdict(&self) -> Verdict<Fault> {
        let fault = |why: &str, cause| Fault::ServiceDegraded {
            service: self.probe.subject_id(&self.service.name),
            why: why.to_owned(),
            cause,
        };
        match &self.seen {
            Err(blind) => Verdict::unknown(blind.why.clone()),
            Ok((Judgement::Throttled, _)) => Verdict::unknown(THROTTLED),
            Ok((Judgement::NotAsked(why), _)) => Verdict::unknown(why.clone()),
            Ok((Judgement::Well, evidence)) => Verdict::Healthy(*evidence),
            Ok((Judgement::Degraded(why), evidence)) => {
                Verdict::Faulty(fault(why, None), *evidence)
            }
            Ok((Judgement::Down(_), evidence)) => {
                Verdict::Faulty(fault("it is down", Some(self.key())), *evidence)
            }
        }
    }

    /// What explains a failing probe: the service's own process, its certificate, a dependency that is down too, or
    /// another probe of the same service that says more.
    fn cause(
        &self,
        down: &Down,
        snapshot: &Snapshot,
        looks: &[Look<'_>],
        diagnosis: &Diagnosis<Fault>,
    ) -> Option<Key> {
        let certificate = || {
            let ill = down.blame == Blame::Certificate
                && is_faulty(diagnosis, &CERTIFICATE_ENDING, &self.subject);
            ill.then(|| Key::new(AGENT, CERTIFICATE_ENDING, self.subject.clone()))
        };
        let dependency = || {
            // Seen from as near, and by its own fault: a public probe that finds no way hides no local outage.
            let explains = |other: &&Look<'_>| {
                other.down().is_some_and(|down| down.blame == Blame::Service)
                    && other.probe.origin() <= self.probe.origin()
            };
            let down = |name: &String| {
                let of_name = looks.iter().filter(|other| other.service.name == *name);
                of_name.filter(explains).min_by_key(|other| other.rank()).map(Look::key)
            };
            self.service.needed().find_map(down)
        };
        let sibling = || {
            let same = |other: &&Look<'_>| other.service.name == self.service.name;
            let failing = looks.iter().filter(same).filter(|other| other.down().is_some());
            let first = failing.min_by_key(|other| other.rank())?;
            (first.place != self.place).then(|| first.key())
        };
        detect_process::cause_of(snapshot, self.service, diagnosis)
            .or_else(certificate)
            .or_else(dependency)
            .or_else(sibling)
    }

    /// Of several failing probes of one service the one that stands for the outage comes first: one that blames the
    /// service, seen from as near as possible.
    fn rank(&self) -> (bool, Origin, usize) {
        let elsewhere = self.down().is_none_or(|down| down.blame != Blame::Service);
        (elsewhere, self.probe.origin(), self.place)
    }
}

fn certificate_verdict(
    settings: &HealthGuardian,
    snapshot: &Snapshot,
    look: &Look<'_>,
    now: Timestamp,
) -> Verdict<Fault> {
    let readings = match readings(snapshot, look.service, look.probe) {
        Ok(readings) => readings,
        Err(blind) => return Verdict::unknown(blind.why),
    };
    let newest = readings.iter().rev().find_map(|reading| match &reading.answer {
        ProbeAnswer::Http { certificate_ends: Some(ends), .. }
        | ProbeAnswer::Untrusted { ended: Some(ends), .. } => Some((reading.at, *ends)),
        _ => None,
    });
    let Some((at, ends)) = newest else {
        return Verdict::unknown("no certificate was seen");
    };
    let evidence = Evidence::once(look.probe.origin(), at);
    let hours_left = ends.duration_since(now).as_hours();
    let within = |days: u32| hours_left < i64::from(days) * 24;
    if !within(settings.certificate_warn_days) {
        return Verdict::Healthy(evidence);
    }
    Verdict::Faulty(
        Fault::CertificateEnding {
            url: look.probe.shown_url().to_owned(),
            ends: ends.strftime("%Y-%m-%d").to_string(),
            ended: ends <= now,
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
pub(super) fn seen_healthy(snapshot: &Snapshot, service: &Service) -> Result<(), String> {
    let name = &service.name;
    if service.probes.is_empty() {
        return Err(format!("{name} has no probe of its own"));
    }
    for probe in &service.probes {
        match judged(snapshot, service, probe) {
            Ok((Judgement::Well, _)) => {}
            Ok((Judgement::Degraded(why) | Judgement::Down(Down { why, .. }), _)) => {
                return Err(format!("{name} is not healthy: {why}"));
            }
            Ok((Judgement::Throttled, _)) => return Err(format!("{name} is unknown: {THROTTLED}")),
            Ok((Judgement::NotAsked(why), _)) => return Err(format!("{name} is unknown: {why}")),
            Err(blind) => return Err(format!("{name} is unknown: {}", blind.why)),
        }
    }
    Ok(())
}
