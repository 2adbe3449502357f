//! Moments as sentences tell them: to the second, in UTC, and saying so.

use jiff::Timestamp;

/// `12:00:44 UTC`: for what happened within a run.
#[must_use]
pub fn clock(at: Timestamp) -> String {
    at.strftime("%H:%M:%S UTC").to_string()
}

/// `2026-11-20 12:00:44 UTC`: for what may lie on another day.
#[must_use]
pub fn full(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// `from 12:00:42 to 12:00:44 UTC`, or `at 12:00:44 UTC` where both are the same to the second.
#[must_use]
pub fn span(from: Timestamp, to: Timestamp) -> String {
    let (first, last) = (clock(from), clock(to));
    if first == last {
        return format!("at {last}");
    }
    format!("from {} to {last}", first.trim_end_matches(" UTC"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_told_to_the_second_and_name_their_zone() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        assert_eq!(full(at("2026-11-20T12:00:44.07Z")), "2026-11-20 12:00:44 UTC");
        let span = |from: &str, to: &str| span(at(from), at(to));
        assert_eq!(
            span("2026-11-20T12:00:42.9Z", "2026-11-20T12:00:44.07Z"),
            "from 12:00:42 to 12:00:44 UTC"
        );
        assert_eq!(span("2026-11-20T12:00:44.1Z", "2026-11-20T12:00:44.9Z"), "at 12:00:44 UTC");
    }
}
