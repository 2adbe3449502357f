//! What this process has used so far, as the kernel counts it.

use std::collections::BTreeMap;

use rustix::time::{ClockId, clock_gettime};

/// Processor time in milliseconds (`cpu_ms`) and the highest resident memory (`rss_bytes`); a figure that the
/// kernel does not tell is left out.
#[must_use]
pub fn own_usage() -> BTreeMap<String, u64> {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    let cpu = u64::try_from(used.tv_sec * 1000 + used.tv_nsec / 1_000_000).ok();
    let rss =
        std::fs::read_to_string("/proc/self/status").ok().and_then(|status| rss_bytes(&status));
    let named = [("cpu_ms", cpu), ("rss_bytes", rss)];
    named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

fn rss_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_line_is_read_and_both_figures_are_there() {
        assert_eq!(rss_bytes("VmPeak: 9 kB\nVmHWM:\t    8 kB\n"), Some(8192));
        assert_eq!(rss_bytes("garbage"), None);
        let used = own_usage();
        assert!(used.contains_key("rss_bytes") && used.contains_key("cpu_ms"));
    }
}
