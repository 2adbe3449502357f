//! What could be done about a fault. Whether it may be done is the gate's.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::detect_process::newest_readings;
use super::detect_service::seen_healthy;
use super::fault::{Fault, ProcessFault};
use super::judge::Blame;
use super::settings::{HealthGuardian, Service};
use super::snapshot::Snapshot;
use crate::agent::{Remedy, Step};
use crate::domain::operation::{Guard, Operation};
use crate::domain::process::{ManagerKind, ProcessReading, ProcessStatus, Startable};
use crate::domain::subject::Subject;

/// Proposes a remedy.
pub(super) fn remedy(
    settings: &HealthGuardian,
    subject: &Subject,
    fault: &Fault,
    snapshot: &Snapshot,
    now: Timestamp,
) -> Remedy {
    match fault {
        Fault::ProcessDown(fault) => process_down(fault),
        Fault::ProcessMemory { fault, .. } => process_memory(fault),
        Fault::ServiceDown { blame, .. } => match blame {
            Blame::Service => service_down(settings, subject, snapshot, now),
            Blame::Certificate => leave("alert only: a restart does not change its certificate"),
            Blame::Way => leave("alert only: the way to it fails, and no restart changes that"),
            Blame::Page => leave(
                "alert only: its page names nothing that could be followed, so it cannot be told whether it works",
            ),
        },
        Fault::ServiceDegraded { .. } => {
            leave("it still works; a restart could end that. Its own report says what is missing")
        }
        Fault::CertificateEnding { .. } => leave("a certificate is renewed by whoever issues it"),
        Fault::RestartStorm { .. } => leave(
            "its manager restarts it already and it keeps dying; one more restart cannot help",
        ),
        Fault::ManagerUnreadable { .. } if subject.id() == ManagerKind::Command.as_str() => leave(
            "without an answer of its status command nothing can be seen or restarted; repair that command",
        ),
        Fault::ManagerUnreadable { .. } => {
            leave("without its manager nothing can be seen or restarted; start the manager")
        }
        Fault::Machine { .. } | Fault::Disk { .. } => {
            leave("what uses it up must be found by a person; no process is singled out")
        }
        Fault::UplinkDown => leave("the network is outside this host's reach"),
    }
}

fn leave(why: impl Into<String>) -> Remedy {
    Remedy::Leave { why: why.into() }
}

fn process_down(fault: &ProcessFault) -> Remedy {
    let Some(reading) = &fault.reading else {
        return leave("its manager does not know it; what was never started cannot be restarted");
    };
    match reading.status {
        ProcessStatus::Stopped => {
            leave("somebody stopped it, or it was meant to end; starting it is theirs to decide")
        }
        ProcessStatus::WaitingRestart => leave("its manager is about to start it again"),
        ProcessStatus::Crashed | ProcessStatus::Errored => restart(
            reading,
            &[ProcessStatus::Crashed, ProcessStatus::Errored],
            format!("it is {}, and its manager does not start it again", reading.status.as_str()),
        ),
        status @ (ProcessStatus::Online | ProcessStatus::Starting | ProcessStatus::Stopping) => {
            leave(format!("it is {}", status.as_str()))
        }
    }
}

fn process_memory(fault: &ProcessFault) -> Remedy {
    let Some(reading) = &fault.reading else {
        return leave("its manager no longer knows it");
    };
    if reading.status != ProcessStatus::Online {
        return leave(format!("it is {}, which is a finding of its own", reading.status.as_str()));
    }
    let why = "it is about to be killed at its own memory limit".to_owned();
    if reading.can_reload {
        return act(
            reading,
            Operation::ReloadProcess(reading.process.clone()),
            &[ProcessStatus::Online],
            why,
        );
    }
    restart(reading, &[ProcessStatus::Online], why)
}

/// A service that fails while its process lives is restarted only where nothing else can be to blame.
fn service_down(
    settings: &HealthGuardian,
    subject: &Subject,
    snapshot: &Snapshot,
    now: Timestamp,
) -> Remedy {
    let Some(service) = service_of(settings, subject) else {
        return leave("the settings no longer name this service");
    };
    if service.process.is_empty() {
        return leave(
            "alert only: no process is named for it; set `process` to let it be restarted",
        );
    }
    let reading = match living_process(service, snapshot) {
        Ok(reading) => reading,
        Err(why) => return leave(why),
    };
    if let Err(why) = old_enough(&reading, settings, now) {
        return leave(why);
    }
    let because = match nothing_else_to_blame(settings, service, snapshot) {
        Ok(because) => because,
        Err(why) => return leave(why),
    };
    let why = format!("its process runs, {because}, and it still does not answer as it should");
    // Of several processes a probe cannot tell which is ill: all are replaced, one after the other where that works.
    if reading.can_reload && has_several(service, snapshot) {
        let operation = Operation::ReloadProcess(reading.process.clone());
        return act(&reading, operation, &[ProcessStatus::Online], why);
    }
    restart(&reading, &[ProcessStatus::Online], why)
}

/// A service may need a while to start, and a process whose age is not known may just have been started.
fn old_enough(
    reading: &ProcessReading,
    settings: &HealthGuardian,
    now: Timestamp,
) -> Result<(), String> {
    let grace = settings.start_grace;
    if grace.get().is_zero() {
        return Ok(());
    }
    let Some(started_at) = reading.started_at else {
        return Err(
            "its manager does not tell when it was started, so it may be starting just now; set \
             `start_grace = \"0s\"` to restart it all the same"
                .to_owned(),
        );
    };
    match started_at.checked_add(grace.get()) {
        Ok(ready) if ready <= now => Ok(()),
        Ok(_) | Err(_) => {
            Err(format!("it was started less than {grace} ago and may still be starting"))
        }
    }
}

/// Why no dependency is to blame, or which one may be.
fn nothing_else_to_blame(
    settings: &HealthGuardian,
    service: &Service,
    snapshot: &Snapshot,
) -> Result<String, String> {
    let Some(dependencies) = &service.dependencies else {
        return Err(
            "alert only: its dependencies are not declared, so it cannot be told whether a restart \
             would help; set `dependencies`, `[]` if there are none"
                .to_owned(),
        );
    };
    for name in dependencies {
        let seen = match settings.service(name) {
            None => Err(format!("{name} is not a service of the settings")),
            Some(dependency) => seen_healthy(snapshot, dependency),
        };
        seen.map_err(|why| {
            format!("alert only: a restart cannot help while its dependency {why}")
        })?;
    }
    Ok(match dependencies.len() {
        0 => "it has no dependencies".to_owned(),
        1.. => format!("its dependencies ({}) are healthy", dependencies.join(", ")),
    })
}

fn service_of<'a>(settings: &'a HealthGuardian, subject: &Subject) -> Option<&'a Service> {
    settings
        .probes()
        .find(|(service, probe)| probe.subject_id(&service.name) == subject.id())
        .map(|(service, _)| service)
}

/// The processes of a service as one, where all of them run.
fn living_process(service: &Service, snapshot: &Snapshot) -> Result<ProcessReading, String> {
    let readings = newest_readings(snapshot, service)?;
    let rows: Vec<&ProcessReading> = readings.into_values().collect();
    if let Some(ill) = rows.iter().find(|row| row.status != ProcessStatus::Online) {
        return Err(format!("its process is {}", ill.status.as_str()));
    }
    ProcessReading::together(&rows)
        .ok_or_else(|| "its manager does not know its process".to_owned())
}

fn has_several(service: &Service, snapshot: &Snapshot) -> bool {
    newest_readings(snapshot, service).is_ok_and(|readings| readings.len() > 1)
}

fn restart(reading: &ProcessReading, states: &[ProcessStatus], why: String) -> Remedy {
    act(reading, Operation::RestartProcess(reading.process.clone()), states, why)
}

fn act(
    reading: &ProcessReading,
    operation: Operation,
    states: &[ProcessStatus],
    why: String,
) -> Remedy {
    if let Startable::Blocked { why } = &reading.startable {
        return leave(format!("it could not start again: {why}"));
    }
    let guard = Guard::SameProcess {
        status: states.iter().copied().collect::<BTreeSet<_>>(),
        identity: reading.identity.clone(),
    };
    Remedy::Act(Step { operation, guard, why })
}
