//! The machine itself: CPU, memory, swap, load, disks.

use serde::{Deserialize, Serialize};

use super::Pending;
use crate::domain::sight::{Scan, Sight};

/// What the machine says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HostReading {
    /// Share of CPU time in use between two looks, 0 to 100, all cores together; `None` where only one look was
    /// possible.
    pub cpu_percent: Option<f64>,
    /// How many logical CPUs.
    pub cpus: u32,
    /// Memory in all.
    pub memory_total_bytes: u64,
    /// Memory that can be had without swapping.
    pub memory_available_bytes: u64,
    /// Swap in all.
    pub swap_total_bytes: u64,
    /// Swap in use.
    pub swap_used_bytes: u64,
    /// Runnable tasks, averaged over five minutes.
    pub load_five: f64,
    /// Mounted file systems that hold data.
    pub disks: Scan<DiskReading>,
}

/// One mounted file system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskReading {
    /// Where it is mounted.
    pub mount: String,
    /// Its size.
    pub total_bytes: u64,
    /// What an unprivileged process can still write.
    pub available_bytes: u64,
}

/// The sense for the machine itself.
pub trait HostReader: Send + Sync {
    /// One reading.
    fn read(&self) -> Pending<'_, Sight<HostReading>>;
}
