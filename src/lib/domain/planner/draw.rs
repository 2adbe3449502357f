//! Numbers that look random and are not: the same for the same agent, host and purpose, on every day and after every
//! restart, so that nothing has to be stored and a restart cannot draw again.

use std::time::Duration;

/// A length of time below `limit`, the same for the same `parts`. Zero where there is no room.
pub(super) fn below(limit: Duration, parts: &[&str]) -> Duration {
    let limit_ms = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
    match scatter(parts).checked_rem(limit_ms) {
        Some(drawn) => Duration::from_millis(drawn),
        None => Duration::ZERO,
    }
}

/// FNV-1a over the parts, each with an end of its own, and the finish of murmur3, without which names that differ in
/// their last letter alone would be drawn close together.
fn scatter(parts: &[&str]) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    const END: &[u8] = &[0xff];
    let bytes = parts.iter().flat_map(|part| part.bytes().chain(END.iter().copied()));
    let hash = bytes.fold(OFFSET, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME));
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draw_is_fixed_below_its_limit_and_spread_over_hosts() {
        let minute = Duration::from_mins(1);
        let draw = |host: &str| below(minute, &["fleet-manager", host, "jitter"]);
        assert_eq!(draw("a"), draw("a"));
        assert_eq!(below(Duration::ZERO, &["a"]), Duration::ZERO);
        let hosts: Vec<Duration> = (0..600).map(|n| draw(&format!("host-{n}"))).collect();
        assert!(hosts.iter().all(|drawn| *drawn < minute));
        for tenth in 0..10 {
            let range = Duration::from_secs(tenth * 6)..Duration::from_secs(tenth * 6 + 6);
            let many = hosts.iter().filter(|drawn| range.contains(*drawn)).count();
            assert!((30..=90).contains(&many), "{many} of 600 hosts in {range:?}");
        }
        assert_ne!(below(minute, &["ab", "c"]), below(minute, &["a", "bc"]));
    }
}
