//! What the kernel says of a pid, for commands that tell no more than that.

use std::fs::read_to_string;

use jiff::Timestamp;
use rustix::process::{Pid, test_kill_process};

use crate::adapters::proc_stat::ProcStat;

/// A process as the kernel knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// It lives.
    Alive {
        /// `pid@start`, with the start in clock ticks since boot.
        identity: String,
        /// When it was started.
        started_at: Option<Timestamp>,
        /// Resident memory.
        memory_bytes: Option<u64>,
    },
    /// It died and nobody has asked for its end.
    Zombie,
    /// No process has this pid.
    Gone,
    /// It is there, and its details are hidden from us.
    Hidden,
}

/// Looks at a pid.
pub(super) fn look(pid: u32) -> Seen {
    let Some(id) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return Seen::Gone };
    match ProcStat::of(pid) {
        Some(stat) if stat.is_gone() => Seen::Zombie,
        Some(stat) => Seen::Alive {
            identity: format!("{pid}@{}", stat.start),
            started_at: started_at(stat.start),
            memory_bytes: resident_bytes(pid),
        },
        None if matches!(test_kill_process(id), Err(rustix::io::Errno::SRCH)) => Seen::Gone,
        None => Seen::Hidden,
    }
}

fn started_at(start: u64) -> Option<Timestamp> {
    let boot = boot_seconds(&read_to_string("/proc/stat").ok()?)?;
    let ticks = rustix::param::clock_ticks_per_second().max(1);
    let ms = start.checked_mul(1_000)? / ticks;
    Timestamp::from_millisecond(boot.checked_mul(1_000)?.checked_add(i64::try_from(ms).ok()?)?).ok()
}

fn boot_seconds(stat: &str) -> Option<i64> {
    stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}

fn resident_bytes(pid: u32) -> Option<u64> {
    let statm = read_to_string(format!("/proc/{pid}/statm")).ok()?;
    let pages: u64 = statm.split_whitespace().nth(1)?.parse().ok()?;
    pages.checked_mul(u64::try_from(rustix::param::page_size()).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_very_process_is_alive_with_memory_and_a_start() {
        let Seen::Alive { identity, started_at, memory_bytes } = look(std::process::id()) else {
            panic!("we are alive");
        };
        assert!(identity.starts_with(&format!("{}@", std::process::id())));
        assert!(started_at.is_some() && memory_bytes.is_some_and(|bytes| bytes > 100_000));
    }

    #[test]
    fn a_pid_that_cannot_be_is_gone() {
        assert_eq!(look(u32::MAX), Seen::Gone);
        assert_eq!(look(0), Seen::Gone);
    }
}
