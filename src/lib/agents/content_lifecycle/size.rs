//! Sizes as people read them.

const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];

/// `1.5 GiB`: one digit after the point, in the largest unit that leaves a number of 1 or more.
pub(super) fn readable(bytes: u64) -> String {
    let mut shown = format!("{bytes} bytes");
    let mut unit_bytes: u64 = 1;
    for unit in UNITS {
        unit_bytes *= 1024;
        if bytes < unit_bytes {
            break;
        }
        let tenths = u128::from(bytes) * 10 / u128::from(unit_bytes);
        shown = format!("{}.{} {unit}", tenths / 10, tenths % 10);
    }
    shown
}

/// `percent` of `whole`.
pub(super) fn share(whole: u64, percent: u8) -> u64 {
    let part = u128::from(whole) * u128::from(percent) / 100;
    u64::try_from(part).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short_and_never_rounded_up() {
        let shown = [0, 1023, 1024, 1536, 1024 * 1024 - 1, 5 * 1024 * 1024 * 1024].map(readable);
        assert_eq!(shown, ["0 bytes", "1023 bytes", "1.0 KiB", "1.5 KiB", "1023.9 KiB", "5.0 GiB"]);
        assert_eq!(readable(u64::MAX), "16383.9 PiB");
        assert_eq!(share(1000, 90), 900);
    }
}
