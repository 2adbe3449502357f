//! Verdicts on processes and their managers.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;

use super::checks::{
    AGENT, MANAGER_UNREADABLE, PROCESS_DOWN, PROCESS_MEMORY, RESTART_STORM, RESTARTS_SERIES,
};
use super::detect::{is_faulty, put, tail};
use super::fault::{Fault, ProcessFault};
use super::settings::{HealthGuardian, Service};
use super::snapshot::{ManagerLook, Snapshot, over_limit};
use crate::domain::diagnosis::{Diagnosis, Evidence, Origin, Sample, Verdict};
use crate::domain::operation::Target;
use crate::domain::process::{ManagerKind, ProcessReading, ProcessRef, ProcessStatus};
use crate::domain::run::Recall;
use crate::domain::sight::Scan;
use crate::domain::subject::{CheckId, Key, Subject, SubjectKind};

/// The checks whose subjects are processes.
const OF_PROCESSES: [&CheckId; 3] = [&PROCESS_DOWN, &PROCESS_MEMORY, &RESTART_STORM];

/// A count that is older than this is no measure of what happens now.
const STORM_WINDOW: SignedDuration = SignedDuration::from_hours(1);

/// Judges every manager that the settings use, and every process that they name.
pub(super) fn processes(
    settings: &HealthGuardian,
    snapshot: &Snapshot,
    recall: &Recall,
    diagnosis: &mut Diagnosis<Fault>,
) {
    for kind in ManagerKind::ALL {
        let names: BTreeSet<&str> = settings
            .services
            .iter()
            .filter(|service| service.manager == kind && !service.process.is_empty())
            .map(|service| service.process.as_str())
            .collect();
        if names.is_empty() {
            continue;
        }
        let looks = snapshot.managers.get(&kind).map_or(&[][..], Vec::as_slice);
        let judge = ManagerJudge { settings, snapshot, recall, kind, looks };
        judge.manager(diagnosis);
        for name in names {
            judge.name(name, diagnosis);
        }
    }
}

/// The process finding that explains why `service` fails, if one does: its process is down, or is restarted over and
/// over. A process that somebody stopped does not hide that its service is down.
pub(super) fn cause_of(
    snapshot: &Snapshot,
    service: &Service,
    diagnosis: &Diagnosis<Fault>,
) -> Option<Key> {
    if service.process.is_empty() {
        return None;
    }
    let bare =
        ProcessRef { manager: service.manager, name: service.process.clone(), instance: None };
    let (subject, prefix) = (bare.subject(&snapshot.host), format!("{bare}#"));
    let own = |found: &Subject| {
        found.scope() == snapshot.host && (*found == subject || found.id().starts_with(&prefix))
    };
    let stopped = |verdict: &Verdict<Fault>| {
        matches!(verdict, Verdict::Faulty(Fault::ProcessDown(fault), _)
            if fault.reading.as_ref().map(|row| row.status) == Some(ProcessStatus::Stopped))
    };
    [PROCESS_DOWN, RESTART_STORM].into_iter().find_map(|check| {
        let of_check = diagnosis.checks.get(&check)?;
        let mut faulty = of_check.findings.iter().filter(|(found, finding)| {
            own(found) && is_faulty(diagnosis, &check, found) && !stopped(finding)
        });
        faulty.next().map(|(found, _)| Key::new(AGENT, check.clone(), found.clone()))
    })
}

struct ManagerJudge<'a> {
    settings: &'a HealthGuardian,
    snapshot: &'a Snapshot,
    recall: &'a Recall,
    kind: ManagerKind,
    looks: &'a [ManagerLook],
}

impl ManagerJudge<'_> {
    fn manager(&self, diagnosis: &mut Diagnosis<Fault>) {
        let subject = Subject::new(SubjectKind::Manager, &self.snapshot.host, self.kind.as_str());
        let readable = |look: &ManagerLook| look.seen.is_ok();
        let finding = match tail(self.looks, Origin::Loopback, |look| look.at, readable) {
            None => Verdict::unknown("it was not looked at in this pass"),
            Some((ManagerLook { seen: Ok(_), .. }, evidence)) => Verdict::Healthy(evidence),
            Some((ManagerLook { seen: Err(blind), .. }, evidence)) => {
                Verdict::Faulty(Fault::ManagerUnreadable { why: blind.why.clone() }, evidence)
            }
        };
        put(diagnosis, &MANAGER_UNREADABLE, subject, finding);
    }

    fn name(&self, name: &str, diagnosis: &mut Diagnosis<Fault>) {
        let unseen = match self.looks.last().map(|look| &look.seen) {
            None => Some("it was not looked at in this pass".to_owned()),
            Some(Err(blind)) => Some(blind.why.clone()),
            Some(Ok(scan)) => {
                let known = scan.items.iter().any(|reading| reading.process.name == name);
                scan.cut_short.clone().filter(|_| !known)
            }
        };
        if let Some(why) = unseen {
            return self.unknown(name, &why, diagnosis);
        }
        let rows = self.instances(name);
        if let Some(why) = self.cut_within_names() {
            let seen = |subject: &Subject| {
                rows.iter().any(|row| row.subject(&self.snapshot.host) == *subject)
            };
            for key in self.open_of(name).filter(|key| !seen(&key.subject)) {
                put(diagnosis, &key.check, key.subject.clone(), Verdict::unknown(why));
            }
        }
        if rows.is_empty() {
            let process = ProcessRef { manager: self.kind, name: name.to_owned(), instance: None };
            return self.process(&process, diagnosis);
        }
        for process in rows {
            self.process(&process, diagnosis);
        }
    }

    /// Every subject that this name has, or had when an incident was opened, is unknown. The population of these checks
    /// is what the settings name, so that one manager's silence takes nothing from what is known of the others.
    fn unknown(&self, name: &str, why: &str, diagnosis: &mut Diagnosis<Fault>) {
        let mut any_down = false;
        for key in self.open_of(name) {
            put(diagnosis, &key.check, key.subject.clone(), Verdict::unknown(why));
            any_down |= key.check == PROCESS_DOWN;
        }
        if !any_down {
            let bare = ProcessRef { manager: self.kind, name: name.to_owned(), instance: None };
            let subject = bare.subject(&self.snapshot.host);
            put(diagnosis, &PROCESS_DOWN, subject, Verdict::unknown(why));
        }
    }

    /// The keys of open incidents about processes of this name.
    fn open_of(&self, name: &str) -> impl Iterator<Item = &Key> {
        let bare = ProcessRef { manager: self.kind, name: name.to_owned(), instance: None };
        let (subject, prefix) = (bare.subject(&self.snapshot.host), format!("{bare}#"));
        self.recall.incidents.iter().map(|incident| &incident.key).filter(move |key| {
            let of_name = key.subject == subject || key.subject.id().starts_with(&prefix);
            of_name && OF_PROCESSES.contains(&&key.check)
        })
    }

    /// Why the list may lack some of a name's processes although it shows others.
    fn cut_within_names(&self) -> Option<&str> {
        let newest = self.looks.last().and_then(|look| look.seen.as_ref().ok());
        newest.and_then(|scan| scan.cut_short.as_deref()).filter(|_| self.kind.has_instances())
    }

    /// Whether it is open since an earlier run, or was opened in this one and is to be proved.
    fn is_open(&self, check: &CheckId, subject: &Subject) -> bool {
        let of_it = |key: &Key| key.check == *check && key.subject == *subject;
        let open = self.recall.incidents.iter().map(|incident| &incident.key);
        open.chain(&self.snapshot.asked).any(of_it)
    }

    fn instances(&self, name: &str) -> BTreeSet<ProcessRef> {
        let newest = self.looks.last().and_then(|look| look.seen.as_ref().ok());
        let rows = newest.iter().flat_map(|scan| &scan.items);
        rows.filter(|row| row.process.name == name).map(|row| row.process.clone()).collect()
    }

    /// What each look said of one process; a look that saw nothing breaks the row.
    fn seen<'b>(
        &'b self,
        process: &ProcessRef,
    ) -> Vec<(&'b ManagerLook, Option<&'b ProcessReading>)> {
        let of_look = |look: &'b ManagerLook| {
            let scan = look.seen.as_ref().ok()?;
            Some((look, scan.items.iter().find(|row| row.process == *process)))
        };
        let newest_first: Vec<_> = self.looks.iter().rev().map_while(of_look).collect();
        newest_first.into_iter().rev().collect()
    }

    fn process(&self, process: &ProcessRef, diagnosis: &mut Diagnosis<Fault>) {
        let seen = self.seen(process);
        let subject = process.subject(&self.snapshot.host);
        let asked = || self.snapshot.asked.iter().any(|key| key.subject == subject);
        if self.snapshot.partial.is_some() && !asked() {
            // Two looks that were taken for another process prove nothing about this one.
            return;
        }
        let state = |(_, row): &(_, Option<&ProcessReading>)| {
            row.map(|row| (row.status, row.identity.clone()))
        };
        let Some(((_, row), evidence)) = tail(&seen, Origin::Manager, |(look, _)| look.at, state)
        else {
            return self.unknown(&process.name, "it was not looked at", diagnosis);
        };
        let finding = down_verdict(process, *row, evidence);
        put(diagnosis, &PROCESS_DOWN, subject.clone(), finding);
        if let Some(row) = row {
            self.memory(row, &seen, &subject, diagnosis);
            if self.snapshot.partial.is_some() {
                calm_after(&seen, &subject, evidence, diagnosis);
            } else {
                self.storm(row, &subject, evidence, diagnosis);
            }
        }
    }

    /// A process whose own limit is unknown has no verdict to give: the check does not apply to it. Neither does one
    /// that does not run, unless it was near its limit before: dying did not make it well.
    fn memory(
        &self,
        row: &ProcessReading,
        seen: &[(&ManagerLook, Option<&ProcessReading>)],
        subject: &Subject,
        diagnosis: &mut Diagnosis<Fault>,
    ) {
        let percent = self.settings.memory_percent;
        let dead = matches!(row.status, ProcessStatus::Crashed | ProcessStatus::Errored);
        let died = dead && self.is_open(&PROCESS_MEMORY, subject);
        let applies = row.memory_limit_bytes.is_some() && row.status == ProcessStatus::Online;
        if !applies && !died {
            return;
        }
        let cause = died.then(|| Key::new(AGENT, PROCESS_DOWN, subject.clone()));
        let kind = |(_, row): &(_, Option<&ProcessReading>)| {
            row.map(|row| (row.status, over_limit(row, percent), row.identity.clone()))
        };
        let Some((_, evidence)) = tail(seen, Origin::Manager, |(look, _)| look.at, kind) else {
            return;
        };
        let fault = ProcessFault { process: row.process.clone(), reading: Some(row.clone()) };
        let finding = match (row.memory_bytes, died || over_limit(row, percent)) {
            (_, true) => Verdict::Faulty(Fault::ProcessMemory { fault, cause }, evidence),
            (None, false) => Verdict::unknown("its manager tells no memory use"),
            (Some(_), false) => Verdict::Healthy(evidence),
        };
        put(diagnosis, &PROCESS_MEMORY, subject.clone(), finding);
    }

    /// Compares the restart count with the last run's. Our own restarts are not the world's doing.
    fn storm(
        &self,
        row: &ProcessReading,
        subject: &Subject,
        evidence: Evidence,
        diagnosis: &mut Diagnosis<Fault>,
    ) {
        let Some(restarts) = row.restarts else { return };
        #[expect(clippy::cast_precision_loss, reason = "a restart count stays far below 2^52")]
        let now = restarts as f64;
        let series = self.recall.series.get(RESTARTS_SERIES);
        let before = series.and_then(|of| of.get(subject)).and_then(|samples| samples.first());
        // A count from the future was kept by a clock that has been set back since.
        let of_now = |before: &&Sample| {
            let age = evidence.newest.duration_since(before.at);
            (SignedDuration::ZERO..=STORM_WINDOW).contains(&age)
        };
        if let Some(before) = before.filter(of_now) {
            let ours = self.recall.acted.iter().filter(|acted| {
                acted.target_lived
                    && acted.operation.target().overlaps(&Target::Process(&row.process))
                    && acted.at >= before.at
            });
            #[expect(clippy::cast_precision_loss, reason = "a handful of acts")]
            let ours = ours.count() as f64;
            let grown = now - before.value - ours;
            let once = Evidence::once(evidence.origin, evidence.newest);
            let finding = if grown >= f64::from(self.settings.restart_storm) {
                Verdict::Faulty(storm_of(row, subject), once)
            } else {
                Verdict::Healthy(once)
            };
            put(diagnosis, &RESTART_STORM, subject.clone(), finding);
        } else if before.is_some() && self.is_open(&RESTART_STORM, subject) {
            let why = "its last count of restarts is too old to compare with";
            put(diagnosis, &RESTART_STORM, subject.clone(), Verdict::unknown(why));
        }
        diagnosis.samples.push(Sample {
            series: RESTARTS_SERIES.to_owned(),
            subject: subject.clone(),
            at: evidence.newest,
            value: now,
        });
    }
}

/// While a repair is proved, the last run is no measure: a process whose count rests between the looks of this
/// pass is in no storm.
fn calm_after(
    seen: &[(&ManagerLook, Option<&ProcessReading>)],
    subject: &Subject,
    evidence: Evidence,
    diagnosis: &mut Diagnosis<Fault>,
) {
    let count = |(_, row): &(_, Option<&ProcessReading>)| row.and_then(|row| row.restarts);
    let (first, last) = (seen.first().and_then(count), seen.last().and_then(count));
    let finding = if seen.len() > 1 && first.is_some() && first == last {
        Verdict::Healthy(evidence)
    } else {
        Verdict::unknown("its restarts cannot be told to rest yet")
    };
    put(diagnosis, &RESTART_STORM, subject.clone(), finding);
}

/// A storm that ended because the manager gave up is that finding's effect, not one of its own.
fn storm_of(row: &ProcessReading, subject: &Subject) -> Fault {
    let given_up = matches!(row.status, ProcessStatus::Errored | ProcessStatus::Crashed);
    let cause = given_up.then(|| Key::new(AGENT, PROCESS_DOWN, subject.clone()));
    Fault::RestartStorm { process: row.process.clone(), cause }
}

fn down_verdict(
    process: &ProcessRef,
    row: Option<&ProcessReading>,
    evidence: Evidence,
) -> Verdict<Fault> {
    let fault = || {
        Verdict::Faulty(
            Fault::ProcessDown(ProcessFault { process: process.clone(), reading: row.cloned() }),
            evidence,
        )
    };
    match row.map(|row| row.status) {
        Some(ProcessStatus::Online) => Verdict::Healthy(evidence),
        Some(status @ (ProcessStatus::Starting | ProcessStatus::Stopping)) => {
            Verdict::unknown(format!("it is {}", status.as_str()))
        }
        None
        | Some(
            ProcessStatus::Stopped
            | ProcessStatus::Crashed
            | ProcessStatus::Errored
            | ProcessStatus::WaitingRestart,
        ) => fault(),
    }
}

/// The readings of one name in the newest look, by instance.
pub(super) fn newest_readings<'a>(
    snapshot: &'a Snapshot,
    service: &Service,
) -> Result<BTreeMap<ProcessRef, &'a ProcessReading>, String> {
    let newest = snapshot.managers.get(&service.manager).and_then(|looks| looks.last());
    match newest.map(|look| &look.seen) {
        None => Err("its process was not looked at".to_owned()),
        Some(Err(blind)) => Err(format!("its process cannot be seen: {}", blind.why)),
        Some(Ok(Scan { cut_short: Some(why), .. })) if service.manager.has_instances() => {
            Err(format!("not all of its processes may have been seen: {why}"))
        }
        Some(Ok(scan)) => Ok(scan
            .items
            .iter()
            .filter(|row| row.process.name == service.process)
            .map(|row| (row.process.clone(), row))
            .collect()),
    }
}
