//! Moments and spans as people read them.

use std::time::Duration;

use jiff::Timestamp;

/// `2 min ago`, `in 3 h`, `just now`: how far `at` is from `now`, in its largest unit.
#[must_use]
pub fn relative(at: Timestamp, now: Timestamp) -> String {
    let past = at <= now;
    let distance = if past { now.duration_since(at) } else { at.duration_since(now) };
    let distance = Duration::try_from(distance).unwrap_or_default();
    if distance < Duration::from_secs(2) {
        return "just now".to_owned();
    }
    let text = largest_unit(distance);
    if past { format!("{text} ago") } else { format!("in {text}") }
}

/// A span in its largest unit, to the nearest.
#[must_use]
pub fn largest_unit(span: Duration) -> String {
    let seconds = span.as_secs();
    let nearest = |unit: u64| (seconds + unit / 2) / unit;
    match seconds {
        0..90 => format!("{seconds} s"),
        90..5_400 => format!("{} min", nearest(60)),
        5_400..172_800 => format!("{} h", nearest(3_600)),
        _ => format!("{} days", nearest(86_400)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_unit_is_told_and_the_side_of_now() {
        let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        let at = |text: &str| relative(text.parse().unwrap(), now);
        assert_eq!(at("2026-11-20T12:00:00Z"), "just now");
        assert_eq!(at("2026-11-20T11:59:20Z"), "40 s ago");
        assert_eq!(at("2026-11-20T11:48:00Z"), "12 min ago");
        assert_eq!(at("2026-11-20T15:00:00Z"), "in 3 h");
        assert_eq!(at("2026-11-10T12:00:00Z"), "10 days ago");
        assert_eq!(at("2026-11-20T13:59:58Z"), "in 2 h");
    }
}
