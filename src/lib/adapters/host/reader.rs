//! The machine itself: what the kernel says of CPU, memory, load and file systems.
//!
//! A file system whose server is gone answers never. Each is asked on a thread of its own that is given up after a
//! while; the list then says whom it lacks.

use std::path::Path;
use std::time::Duration;

use sysinfo::{CpuRefreshKind, MINIMUM_CPU_UPDATE_INTERVAL, MemoryRefreshKind, System};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::mounts::{Mount, with_data};
use crate::adapters::system_clock::SystemClock;
use crate::domain::sight::{Blind, Scan, Sight};
use crate::ports::Pending;
use crate::ports::clock::Clock;
use crate::ports::host::{DiskReading, HostReader, HostReading};

/// How long one file system may take to answer.
const DISK: Duration = Duration::from_secs(2);
/// More file systems than this are not looked at.
const MOST_DISKS: usize = 256;
const MOUNT_TABLE: &str = "/proc/self/mountinfo";

/// This machine.
#[derive(Clone, Debug, Default)]
pub struct Host {
    clock: SystemClock,
}

impl Host {
    /// The machine that we run on.
    #[must_use]
    pub fn new() -> Self {
        Self { clock: SystemClock::new() }
    }

    async fn look(&self) -> Sight<HostReading> {
        let unseen =
            |what: &str, why: &dyn std::fmt::Display| Blind::because(format!("{what}: {why}"));
        let mut system = System::new().map_err(|why| unseen("the kernel's figures", &why))?;
        system.refresh_memory_specifics(MemoryRefreshKind::everything());
        system.refresh_cpu_list(CpuRefreshKind::nothing().with_usage());
        self.clock.sleep(MINIMUM_CPU_UPDATE_INTERVAL).await;
        system.refresh_cpu_usage();
        let cpus = u32::try_from(system.cpus().len()).unwrap_or(u32::MAX);
        if cpus == 0 || system.total_memory() == 0 {
            return Err(Blind::because("the kernel tells neither CPUs nor memory"));
        }
        let load = System::load_average().map_err(|why| unseen("the load", &why))?;
        let usage = f64::from(system.global_cpu_usage());
        Ok(HostReading {
            cpu_percent: usage.is_finite().then(|| usage.clamp(0.0, 100.0)),
            cpus,
            memory_total_bytes: system.total_memory(),
            memory_available_bytes: system.available_memory(),
            swap_total_bytes: system.total_swap(),
            swap_used_bytes: system.used_swap(),
            load_five: load.five,
            disks: disks().await,
        })
    }
}

async fn disks() -> Scan<DiskReading> {
    let mounts = match std::fs::read_to_string(MOUNT_TABLE) {
        Ok(table) => with_data(&table, |point| Path::new(point).is_dir()),
        Err(error) => {
            let why = format!("{MOUNT_TABLE} cannot be read: {error}");
            return Scan { items: Vec::new(), cut_short: Some(why) };
        }
    };
    let mut items = Vec::new();
    let mut missing = Vec::new();
    if mounts.len() > MOST_DISKS {
        missing.push(format!("more than {MOST_DISKS} file systems are mounted"));
    }
    let asked: Vec<_> =
        mounts.into_iter().take(MOST_DISKS).map(|mount| (ask(&mount), mount.point)).collect();
    for (answer, point) in asked {
        match timeout(DISK, answer).await {
            Ok(Ok(Ok(disk))) => items.push(disk),
            Ok(Ok(Err(error))) => missing.push(format!("{point}: {error}")),
            Ok(Err(_)) | Err(_) => missing.push(format!("{point} does not answer")),
        }
    }
    if items.is_empty() && missing.is_empty() {
        missing.push("no mounted disk was found".to_owned());
    }
    let cut_short = (!missing.is_empty()).then(|| missing.join("; "));
    Scan { items, cut_short }
}

/// Asks a file system on a thread of its own, which nobody waits for if it never comes back.
fn ask(mount: &Mount) -> oneshot::Receiver<Result<DiskReading, String>> {
    let (answer, question) = oneshot::channel();
    let point = mount.point.clone();
    let asked = std::thread::Builder::new().spawn(move || {
        let _given_up = answer.send(read(point));
    });
    // Where no thread can be had, the sender is gone and the question reads as unanswered.
    drop(asked);
    question
}

fn read(point: String) -> Result<DiskReading, String> {
    let stat = rustix::fs::statvfs(point.as_str()).map_err(|error| error.to_string())?;
    let total_bytes = stat.f_blocks.saturating_mul(stat.f_frsize);
    if total_bytes == 0 {
        return Err("it has no size".to_owned());
    }
    let available_bytes = stat.f_bavail.saturating_mul(stat.f_frsize);
    Ok(DiskReading { mount: point, total_bytes, available_bytes })
}

impl HostReader for Host {
    fn read(&self) -> Pending<'_, Sight<HostReading>> {
        Box::pin(self.look())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn this_machine_says_plausible_things_of_itself() {
        let host = Host::new().read().await.unwrap();
        assert!(host.cpu_percent.is_some_and(|percent| (0.0..=100.0).contains(&percent)));
        assert!(host.cpus > 0 && host.load_five >= 0.0);
        assert!(host.memory_available_bytes <= host.memory_total_bytes);
        assert!(host.swap_used_bytes <= host.swap_total_bytes);
        assert!(!host.disks.items.is_empty() || host.disks.cut_short.is_some());
        for disk in &host.disks.items {
            assert!(disk.available_bytes <= disk.total_bytes, "{disk:?}");
        }
    }

    #[test]
    fn a_file_system_without_a_size_is_no_disk() {
        assert!(read("/proc".to_owned()).is_err());
        assert!(read("/nowhere".to_owned()).is_err());
    }
}
