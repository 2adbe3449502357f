//! Verdicts on the machine itself: found and told, never acted on.

use super::checks::{HOST_CPU, HOST_DISK, HOST_LOAD, HOST_MEMORY, HOST_SWAP};
use super::detect::{cut_short, put};
use super::fault::Fault;
use super::settings::HealthGuardian;
use super::snapshot::{MachineLook, Snapshot};
use crate::domain::diagnosis::{Diagnosis, Evidence, Origin, Verdict};
use crate::domain::subject::{CheckId, Subject, SubjectKind};
use crate::ports::host::HostReading;

/// Judges processors, memory, swap, load and disks.
pub(super) fn machine(
    settings: &HealthGuardian,
    snapshot: &Snapshot,
    diagnosis: &mut Diagnosis<Fault>,
) {
    let subject = || Subject::new(SubjectKind::Host, &snapshot.host, "machine");
    let (look, reading) = match &snapshot.machine {
        Some(look @ MachineLook { seen: Ok(reading), .. }) => (look, reading),
        Some(MachineLook { seen: Err(blind), .. }) => {
            return blind_to(diagnosis, &blind.why, subject);
        }
        None => return blind_to(diagnosis, "the machine was not looked at in this pass", subject),
    };
    let evidence = Evidence::once(Origin::Loopback, look.at);
    for (check, resource, used, limit) in gauges(settings, reading) {
        let finding = match used {
            None => Verdict::unknown("no figure could be read"),
            Some(used) if used > f64::from(limit) => {
                Verdict::Faulty(Fault::Machine { resource, limit }, evidence)
            }
            Some(_) => Verdict::Healthy(evidence),
        };
        put(diagnosis, &check, subject(), finding);
    }
    disks(settings, snapshot, reading, evidence, diagnosis);
}

fn blind_to(diagnosis: &mut Diagnosis<Fault>, why: &str, subject: impl Fn() -> Subject) {
    for check in [&HOST_CPU, &HOST_MEMORY, &HOST_SWAP, &HOST_LOAD] {
        put(diagnosis, check, subject(), Verdict::unknown(why));
    }
    cut_short(diagnosis, &HOST_DISK, why);
}

/// What is measured, as a share in percent, with its limit.
fn gauges(
    settings: &HealthGuardian,
    reading: &HostReading,
) -> [(CheckId, &'static str, Option<f64>, u32); 4] {
    let limits = &settings.limits;
    let used_memory = reading.memory_total_bytes.saturating_sub(reading.memory_available_bytes);
    [
        (HOST_CPU, "processor time", reading.cpu_percent, u32::from(limits.cpu_percent)),
        (
            HOST_MEMORY,
            "memory",
            percent(used_memory, reading.memory_total_bytes),
            u32::from(limits.memory_percent),
        ),
        (
            HOST_SWAP,
            "swap",
            // A machine without swap has none in use.
            Some(percent(reading.swap_used_bytes, reading.swap_total_bytes).unwrap_or(0.0)),
            u32::from(limits.swap_percent),
        ),
        (
            HOST_LOAD,
            "run queue",
            Some(reading.load_five * 100.0 / f64::from(reading.cpus.max(1))),
            limits.load_percent,
        ),
    ]
}

fn disks(
    settings: &HealthGuardian,
    snapshot: &Snapshot,
    reading: &HostReading,
    evidence: Evidence,
    diagnosis: &mut Diagnosis<Fault>,
) {
    if let Some(why) = &reading.disks.cut_short {
        cut_short(diagnosis, &HOST_DISK, why);
    }
    for disk in &reading.disks.items {
        let subject = Subject::new(SubjectKind::Disk, &snapshot.host, &disk.mount);
        let used = percent(disk.total_bytes.saturating_sub(disk.available_bytes), disk.total_bytes);
        let finding = match used {
            None => Verdict::unknown("its size is given as zero"),
            Some(used) => match Fault::of_disk(&disk.mount, used, &settings.limits) {
                Some(fault) => Verdict::Faulty(fault, evidence),
                None => Verdict::Healthy(evidence),
            },
        };
        put(diagnosis, &HOST_DISK, subject, finding);
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share in percent needs no 64-bit precision")]
fn percent(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 * 100.0 / whole as f64)
}
