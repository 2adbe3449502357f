//! What this process has used so far, as the kernel counts it.

use std::collections::BTreeMap;

/// Processor time in milliseconds (`cpu_ms`) and the highest resident memory (`rss_bytes`); a figure that the
/// kernel does not tell is left out.
#[must_use]
pub fn own_usage() -> BTreeMap<String, u64> {
    let cpu = std::fs::read_to_string("/proc/self/stat").ok().and_then(|stat| cpu_ms(&stat));
    let rss =
        std::fs::read_to_string("/proc/self/status").ok().and_then(|status| rss_bytes(&status));
    let named = [("cpu_ms", cpu), ("rss_bytes", rss)];
    named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// Fields 14 and 15 of the stat line, in clock ticks; the second field may hold spaces and ends with `)`.
fn cpu_ms(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some((user + system) * 1000 / rustix::param::clock_ticks_per_second())
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
    fn the_kernel_lines_are_read_and_a_name_with_spaces_does_not_shift_them() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 0 1 2 3 4 30 20 0 0 20";
        assert_eq!(cpu_ms(stat), Some(50 * 1000 / rustix::param::clock_ticks_per_second()));
        assert_eq!(rss_bytes("VmPeak: 9 kB\nVmHWM:\t    8 kB\n"), Some(8192));
        assert_eq!(cpu_ms("garbage"), None);
        assert!(own_usage().contains_key("rss_bytes"));
    }
}
