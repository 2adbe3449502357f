//! What the name of a log tells: whether it is one, and which logs are parts of one series.

use std::ops::Range;

/// What others have packed already.
const PACKED: [&str; 5] = [".gz", ".bz2", ".xz", ".zst", ".zip"];
/// What a file is called while its archive is proved and it is about to go.
pub const GOING: &str = ".going";
/// A number of ten digits counts seconds since 1970, or one of thirteen milliseconds, if it is of a time that logs are of: 2015 to
/// 2040. Numbers that somebody gave begin at 1000000000, which is 2001.
const EPOCH: Range<u64> = 1_420_070_400..2_208_988_800;
/// So many digits follow one another in the time of day, `030000`.
const TIME_DIGITS: usize = 6;
/// And so many in a part of a second, which stands behind a dot.
const FRACTION_DIGITS: usize = 9;

/// A pattern of file names: `*` stands for any bytes, `?` for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob(String);

impl Glob {
    /// The pattern.
    #[must_use]
    pub fn new(pattern: &str) -> Self {
        Self(pattern.to_owned())
    }

    /// Whether `name` is such a name. Each star is tried once more at every byte at most: no name takes long.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        let (pattern, name) = (self.0.as_bytes(), name.as_bytes());
        let (mut at, mut read) = (0, 0);
        let mut star: Option<(usize, usize)> = None;
        while read < name.len() {
            match pattern.get(at) {
                Some(b'*') => {
                    star = Some((at, read));
                    at += 1;
                }
                Some(&byte) if byte == b'?' || byte == name[read] => {
                    at += 1;
                    read += 1;
                }
                _ => match &mut star {
                    None => return false,
                    Some((place, from)) => {
                        *from += 1;
                        (at, read) = (*place + 1, *from);
                    }
                },
            }
        }
        pattern[at..].iter().all(|byte| *byte == b'*')
    }
}

/// Whether others have packed it already, so that there is nothing to win.
#[must_use]
pub fn is_packed(name: &str) -> bool {
    PACKED.iter().any(|ending| name.ends_with(ending))
}

/// What is the same in the names of all logs of one series: numbers of a rotation and dates are taken out. The number of a
/// process stays, because each process has a last log of its own.
#[must_use]
pub fn series(name: &str) -> String {
    let mut rest = name;
    loop {
        let before = rest;
        for ending in PACKED.into_iter().chain([GOING, ".old", ".part"]) {
            rest = rest.strip_suffix(ending).unwrap_or(rest);
        }
        rest = without_number(rest).unwrap_or(rest);
        if rest == before {
            break;
        }
    }
    without_moments(rest)
}

/// The name without `.1` at its end.
fn without_number(name: &str) -> Option<&str> {
    let (head, number) = name.rsplit_once('.')?;
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    (is_number && !head.is_empty() && !head.ends_with('/')).then_some(head)
}

fn without_moments(name: &str) -> String {
    let bytes = name.as_bytes();
    let mut kept: Vec<u8> = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let begins = bytes[at].is_ascii_digit() && (at == 0 || !bytes[at - 1].is_ascii_digit());
        match if begins { moment(&bytes[at..]) } else { 0 } {
            0 => {
                kept.push(bytes[at]);
                at += 1;
            }
            length => {
                while kept.last().is_some_and(|byte| b"-_.".contains(byte)) {
                    kept.pop();
                }
                at += length;
            }
        }
    }
    let text = String::from_utf8_lossy(&kept).into_owned();
    // A name that is nothing but a moment is a series of its own folder.
    if text.is_empty() { "#".to_owned() } else { text }
}

/// How long the date or moment is that begins here; 0 where none does.
fn moment(text: &[u8]) -> usize {
    let digits =
        |from: usize| text.iter().skip(from).take_while(|byte| byte.is_ascii_digit()).count();
    let year_month_day = || {
        let has_hyphens = text.get(4) == Some(&b'-') && text.get(7) == Some(&b'-');
        has_hyphens
            && [digits(0), digits(5), digits(8)] == [4, 2, 2]
            && is_date(&[&text[..4], &text[5..7], &text[8..10]].concat())
    };
    let mut length = match digits(0) {
        run if is_moment(&text[..run]) => run,
        _ if year_month_day() => 10,
        _ => 0,
    };
    // The time of day, and what else belongs to it.
    while length > 0 && text.get(length).is_some_and(|byte| b"-_:.T".contains(byte)) {
        let most = if text[length] == b'.' { FRACTION_DIGITS } else { TIME_DIGITS };
        match digits(length + 1) {
            0 => break,
            more if more > most => break,
            more => length += 1 + more,
        }
    }
    if length > 0 && text.get(length) == Some(&b'Z') { length + 1 } else { length }
}

/// Whether a row of digits is a date, a moment, or counts from 1970. Any other is the number of a process, a tenant or the like,
/// which has last words of its own.
fn is_moment(run: &[u8]) -> bool {
    match run.len() {
        8 => is_date(run),
        10 => is_date_and_time(run) || EPOCH.contains(&number(run)),
        12 | 14 | 17 => is_date_and_time(run),
        13 => EPOCH.contains(&(number(run) / 1000)),
        _ => false,
    }
}

/// `20261120`.
fn is_date(run: &[u8]) -> bool {
    let (year, month, day) = (number(&run[..4]), number(&run[4..6]), number(&run[6..8]));
    (1900..2100).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day)
}

/// `2026112003`, and as many more parts of the time as there are.
fn is_date_and_time(run: &[u8]) -> bool {
    let below =
        |from: usize, limit: u64| run.get(from..from + 2).is_none_or(|part| number(part) < limit);
    // A minute may have 61 seconds.
    is_date(run) && below(8, 24) && below(10, 60) && below(12, 61)
}

/// At most 17 digits.
fn number(digits: &[u8]) -> u64 {
    digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rotated_and_dated_logs_are_of_the_series_of_the_one_in_use() {
        for (name, expected) in [
            ("app.log", "app.log"),
            ("app.log.1", "app.log"),
            ("app.log.2.gz", "app.log"),
            ("app.log-20261120", "app.log"),
            ("app-2026-11-20.log", "app.log"),
            ("app-out__2026-11-20_00-00-00.log", "app-out.log"),
            ("app.log.2026-11-20.3", "app.log"),
            ("app.log.20261120T030000Z", "app.log"),
            ("app.1790000000.log", "app.log"),
            ("app-1790000000123.log", "app.log"),
            ("app-2026112003.log", "app.log"),
            ("app-20261120030000.log", "app.log"),
            ("app-20261120030000123.log", "app.log"),
            ("app.log.2026-11-20T03:00:00.123456789Z", "app.log"),
            ("app-2026-11-20_1790000000.log", "app.log"),
            ("app.log.3.going", "app.log"),
            ("sub/app.log.1", "sub/app.log"),
        ] {
            assert_eq!(series(name), expected, "{name}");
        }
    }

    #[test]
    fn every_process_has_a_series_of_its_own() {
        for names in [
            &["web-out.log", "web-out-0.log", "web-out-1.log", "web-error.log", "a/web-out.log"][..],
            &["tenant-10000001.log", "tenant-10000002.log", "tenant.log"],
            &["t-20261301.log", "t-20260132.log", "t-20260100.log", "t-18991231.log"],
            &["t-1000000001.log", "t-1000000002.log", "t-4000000001.log", "t-9000000000001.log"],
            &["t-2026112024.log", "t-202611202360.log", "t-123456789.log", "t-12345678901.log"],
            &["t-2026-13-01.log", "t-2026-01-32.log", "t-1234-01-01.log"],
            &["t-2026-11-20-10000001.log", "t-2026-11-20-10000002.log"],
            &["t-184467440737095516150.log", "t-184467440737095516151.log"],
        ] {
            let all: std::collections::BTreeSet<String> =
                names.iter().map(|one| series(one)).collect();
            assert_eq!(all.len(), names.len(), "{all:?}");
        }
    }

    #[test]
    fn a_pattern_means_what_it_says() {
        for (pattern, name, expected) in [
            ("*.log", "a.log", true),
            ("*.log", "a.log.1", false),
            ("*.log.*", "a.log.1", true),
            ("?.log", "ab.log", false),
            ("*", "", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c", false),
            ("", "a", false),
        ] {
            assert_eq!(Glob::new(pattern).matches(name), expected, "{pattern} {name}");
        }
    }

    proptest! {
        #[test]
        fn a_series_is_the_series_of_itself_and_no_name_is_too_strange(name in "[-a-z0-9._/T:Z]{1,40}") {
            let once = series(&name);
            prop_assert!(!once.is_empty());
            prop_assert_eq!(series(&format!("{name}.gz")), once);
        }

        #[test]
        fn a_star_takes_whatever_stands_there(head in "[a-z.]{0,9}", middle in "[a-z.*?]{0,9}", tail in "[a-z.]{0,9}") {
            let pattern = format!("{head}*{tail}");
            let name = format!("{head}{middle}{tail}");
            prop_assert!(Glob::new(&pattern).matches(&name));
        }
    }
}
