//! How long a receiver wants to be left alone.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{HeaderMap, RETRY_AFTER};

/// A longer wait is cut to this one: a receiver must not silence us for good.
const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// The longest wait that the headers ask for, in seconds or as a date; `None` where none does.
pub(crate) fn wait(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let texts = headers.get_all(RETRY_AFTER).iter().filter_map(|value| value.to_str().ok());
    texts.filter_map(|text| read(text.trim(), now)).max().map(|wait| wait.min(LONGEST_WAIT))
}

fn read(text: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Some(Duration::try_from(date.duration_since(now)).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates_are_understood_and_bounded() {
        let now: Timestamp = "2026-11-25T12:00:00Z".parse().unwrap();
        let cases: [(&[&str], Option<u64>); 9] = [
            (&["30"], Some(30)),
            (&[" 0 "], Some(0)),
            (&["Wed, 25 Nov 2026 12:00:42 GMT"], Some(42)),
            (&["Wed, 25 Nov 2026 11:00:00 GMT"], Some(0)),
            (&["5", "70", "soon"], Some(70)),
            (&["999999999999"], Some(86_400)),
            (&["-5"], None),
            (&["1.5"], None),
            (&[], None),
        ];
        for (values, expected) in cases {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(RETRY_AFTER, value.parse().unwrap());
            }
            assert_eq!(wait(&headers, now), expected.map(Duration::from_secs), "{values:?}");
        }
    }
}
