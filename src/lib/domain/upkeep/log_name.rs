//! What the name of a log tells: whether it is one, and which logs are parts of one series.

/// What others have packed already.
const PACKED: [&str; 5] = [".gz", ".bz2", ".xz", ".zst", ".zip"];
/// What a file is called while its archive is proved and it is about to go.
pub const GOING: &str = ".going";
/// So many digits in a row are a date or a moment, and no number of a process.
const A_MOMENT: usize = 8;

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
        let is_date = digits(0) == 4
            && text.get(4) == Some(&b'-')
            && digits(5) == 2
            && text.get(7) == Some(&b'-')
            && digits(8) == 2;
        if is_date { 10 } else { 0 }
    };
    let mut length = match digits(0) {
        run if run >= A_MOMENT => run,
        _ => year_month_day(),
    };
    // The time of day, and what else belongs to it.
    while length > 0 && text.get(length).is_some_and(|byte| b"-_:.T".contains(byte)) {
        match digits(length + 1) {
            0 => break,
            more => length += 1 + more,
        }
    }
    if length > 0 && text.get(length) == Some(&b'Z') { length + 1 } else { length }
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
            ("app.log.3.going", "app.log"),
            ("sub/app.log.1", "sub/app.log"),
        ] {
            assert_eq!(series(name), expected, "{name}");
        }
    }

    #[test]
    fn every_process_has_a_series_of_its_own() {
        let names =
            ["web-out.log", "web-out-0.log", "web-out-1.log", "web-error.log", "a/web-out.log"];
        let all: std::collections::BTreeSet<String> = names.iter().map(|one| series(one)).collect();
        assert_eq!(all.len(), names.len(), "{all:?}");
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
