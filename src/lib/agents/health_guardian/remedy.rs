//! What could be done about a fault. Whether it may be done is the gate's.

use std::collections::BTreeSet;

use super::detect::seen_healthy;
use super::detect_process::newest_readings;
use super::fault::{Fault, ProcessFault};
use super::settings::{HealthGuardian, Service};
use super::snapshot::Snapshot;
use crate::agent::{Remedy, Step};
use crate::domain::operation::{Guard, Operation};
use crate::domain::process::{ProcessReading, ProcessStatus, Startable};
use crate::domain::subject::Subject;

/// Proposes a remedy.
pub(super) fn remedy(
    settings: &HealthGuardian,
    subject: &Subject,
    fault: &Fault,
    snapshot: &Snapshot,
) -> Remedy {
    match fault {
        Fault::ProcessDown(fault) => process_down(fault),
        Fault::ProcessMemory(fault) => process_memory(fault),
        Fault::ServiceDown { .. } => service_down(settings, subject, snapshot),
        Fault::ServiceDegraded { .. } => {
            leave("it still works; a restart could end that. Its own report says what is missing")
        }
        Fault::CertificateEnding { .. } => leave("a certificate is renewed by whoever issues it"),
        Fault::RestartStorm { .. } => leave(
            "its manager restarts it already and it keeps dying; one more restart cannot help",
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
        ProcessStatus::Stopped => leave("somebody stopped it; starting it is theirs to decide"),
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
    let why = "it is about to be killed at its own memory limit".to_owned();
    if reading.can_reload && reading.process.instance.is_some() {
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
fn service_down(settings: &HealthGuardian, subject: &Subject, snapshot: &Snapshot) -> Remedy {
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
    let Some(dependencies) = &service.dependencies else {
        return leave(
            "alert only: its dependencies are not declared, so it cannot be told whether a restart \
             would help; set `dependencies`, `[]` if there are none",
        );
    };
    for name in dependencies {
        let seen = match settings.service(name) {
            None => Err(format!("{name} is not a service of the settings")),
            Some(dependency) => seen_healthy(snapshot, dependency),
        };
        if let Err(why) = seen {
            return leave(format!("alert only: a restart cannot help while its dependency {why}"));
        }
    }
    let because = match dependencies.len() {
        0 => "it has no dependencies".to_owned(),
        _ => format!("its dependencies ({}) are healthy", dependencies.join(", ")),
    };
    restart(
        reading,
        &[ProcessStatus::Online],
        format!("its process runs, {because}, and it still does not answer as it should"),
    )
}

fn service_of<'a>(settings: &'a HealthGuardian, subject: &Subject) -> Option<&'a Service> {
    settings
        .probes()
        .find(|(service, probe)| probe.subject_id(&service.name) == subject.id())
        .map(|(service, _)| service)
}

fn living_process<'a>(
    service: &Service,
    snapshot: &'a Snapshot,
) -> Result<&'a ProcessReading, String> {
    let readings = newest_readings(snapshot, service)?;
    let mut rows = readings.into_values();
    match (rows.next(), rows.next()) {
        (None, _) => Err("its manager does not know its process".to_owned()),
        (Some(only), None) if only.status == ProcessStatus::Online => Ok(only),
        (Some(only), None) => Err(format!("its process is {}", only.status.as_str())),
        (Some(_), Some(_)) => {
            Err("its process has several instances, and a probe cannot tell which of them is ill"
                .to_owned())
        }
    }
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
