//! The shapes that secrets usually have. Each rule marks the spans of one shape.
//!
//! The text may be an attacker's, so no part of it is walked once for every match in it: see [`Reach`].

use std::ops::Range;

/// Marks the spans of one shape.
pub(super) type Rule = fn(&str, &mut Vec<Range<usize>>);

/// Every rule; they do not depend on each other's order.
pub(super) const RULES: [Rule; 5] = [named_values, url_credentials, schemes, json_web_tokens, pem];

/// A name that contains one of these, in any case and with `-`, `_` or `.` left out, names a secret.
const TELLING: [&str; 14] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "accesskey",
    "privatekey",
    "credential",
    "authorization",
    "cookie",
    "webhook",
    "signature",
    "sessionid",
];
/// A name that is one of these names a secret.
const TELLING_WHOLE: [&str; 7] = ["auth", "pwd", "pass", "jwt", "sid", "dsn", "psk"];
/// Headers whose value runs to the end of its line.
const WHOLE_LINE: [&str; 2] = ["cookie", "authorization"];

const fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')
}

/// The end of a run of characters. A place inside a run that was walked before has the same end.
#[derive(Default)]
struct Reach {
    end: usize,
}

impl Reach {
    /// Where the first character that `stops` is, from `start` on. Calls must come with growing starts.
    fn from(&mut self, text: &str, start: usize, stops: impl Fn(char) -> bool) -> usize {
        if start >= self.end {
            self.end = text[start..].find(stops).map_or(text.len(), |offset| start + offset);
        }
        self.end
    }
}

/// How far the values of one text were walked.
#[derive(Default)]
struct Values {
    bare: Reach,
    line: Reach,
}

/// `password=…`, `"apiKey": "…"`, `Cookie: …`, `--token …`.
fn named_values(text: &str, spans: &mut Vec<Range<usize>>) {
    let mut at = 0;
    let mut values = Values::default();
    while let Some(start) = text[at..].find(is_name).map(|offset| at + offset) {
        let end = text[start..].find(|c| !is_name(c)).map_or(text.len(), |offset| start + offset);
        at = end;
        let name = &text[start..end];
        let Some(line) = telling(name) else { continue };
        // The value is looked through as well: it may itself be a list of names and values.
        if let Some(start) = value_start(text, end, name.starts_with("--")) {
            spans.push(start..values.end(text, start, line));
        }
    }
}

/// Whether a name tells that a secret follows, and if so whether it runs to the end of its line.
fn telling(name: &str) -> Option<ToLineEnd> {
    let plain: String =
        name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let tells = TELLING.iter().any(|word| plain.contains(word))
        || TELLING_WHOLE.contains(&plain.as_str())
        || name
            .split(['_', '-', '.'])
            .any(|part| TELLING_WHOLE.contains(&part.to_ascii_lowercase().as_str()));
    let line = ToLineEnd(WHOLE_LINE.iter().any(|word| plain.ends_with(word)));
    tells.then_some(line)
}

#[derive(Clone, Copy)]
struct ToLineEnd(bool);

/// Where the value of a name that ends at `from` begins, if one follows.
fn value_start(text: &str, from: usize, flag: bool) -> Option<usize> {
    let mut at = from + closing_quote(&text[from..]);
    at += blanks(&text[at..]);
    match text[at..].chars().next() {
        Some('=' | ':') => {
            let more = text[at..].find(|c| !matches!(c, '=' | ':' | '>')).unwrap_or(0);
            at += more.max(1);
        }
        Some(_) if flag && at > from => {}
        _ => return None,
    }
    Some(at + blanks(&text[at..]))
}

/// The quote, escaped or not, that ends a quoted name.
fn closing_quote(rest: &str) -> usize {
    let after = rest.trim_start_matches('\\');
    match after.chars().next() {
        Some('"' | '\'') => rest.len() - after.len() + 1,
        _ => 0,
    }
}

fn blanks(rest: &str) -> usize {
    rest.len() - rest.trim_start_matches([' ', '\t']).len()
}

impl Values {
    fn end(&mut self, text: &str, start: usize, line: ToLineEnd) -> usize {
        let rest = &text[start..];
        let escapes = rest.len() - rest.trim_start_matches('\\').len();
        let open = &rest[escapes..];
        match open.chars().next() {
            Some(quote @ ('"' | '\'')) => {
                start + escapes + 1 + quoted_length(&open[1..], quote, escapes)
            }
            _ if line.0 => self.line.from(text, start, |c| "\n\r\"".contains(c)),
            _ => {
                let stops = |c: char| c.is_whitespace() || ",;&\"'<>)}]".contains(c);
                self.bare.from(text, start, stops)
            }
        }
    }
}

/// The length up to the quote that closes a value which was opened behind `escapes` backslashes. The next value of
/// the same kind closes this one, so that walks hardly overlap.
fn quoted_length(rest: &str, quote: char, escapes: usize) -> usize {
    let mut slashes = 0;
    for (at, c) in rest.char_indices() {
        match c {
            '\\' => slashes += 1,
            _ if c == quote && slashes <= escapes => return at,
            _ => slashes = 0,
        }
    }
    rest.len()
}

/// `scheme://user:password@host`.
fn url_credentials(text: &str, spans: &mut Vec<Range<usize>>) {
    let mut word = Reach::default();
    let mut last_at = None;
    for (at, _) in text.match_indices("://") {
        let start = at + 3;
        if start >= word.end {
            let end = word.from(text, start, |c| c.is_whitespace() || "\"'<>".contains(c));
            last_at = text[start..end].rfind('@').map(|offset| start + offset);
        }
        // Ends at the next address at the latest, because that holds a slash.
        let rest = &text[start..word.end];
        let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
        let user_end = match authority.rfind('@') {
            Some(offset) => Some(start + offset),
            // A password may hold an unescaped slash: then the last `@` of the word counts.
            None => last_at.filter(|end| *end > start && has_password(authority)),
        };
        spans.extend(user_end.map(|end| start..end));
    }
}

/// Whether what stands before the first slash is a user with a password and not a host with a port.
fn has_password(authority: &str) -> bool {
    let after_colon = authority.split_once(':').map(|(_, after)| after);
    after_colon.is_some_and(|after| !after.chars().all(|c| c.is_ascii_digit()))
}

/// `Bearer …` and `Basic …`, in any case.
fn schemes(text: &str, spans: &mut Vec<Range<usize>>) {
    let lower = text.to_ascii_lowercase();
    for word in ["bearer", "basic"] {
        for (at, _) in lower.match_indices(word) {
            let from = at + word.len();
            let start = from + blanks(&text[from..]);
            if start == from {
                continue;
            }
            let token = |c: char| c.is_ascii_alphanumeric() || "-._~+/=".contains(c);
            let rest = &text[start..];
            let length = rest.find(|c| !token(c)).unwrap_or(rest.len());
            // A short word after "basic" is prose.
            if length >= 8 {
                spans.push(start..start + length);
            }
        }
    }
}

/// Three base64url parts, the first of which opens a JSON object.
fn json_web_tokens(text: &str, spans: &mut Vec<Range<usize>>) {
    let mut run = Reach::default();
    for (start, _) in text.match_indices("eyJ") {
        if start < run.end {
            continue;
        }
        let end = run.from(text, start, |c| !(is_name(c) || c == '='));
        if text[start..end].contains('.') {
            spans.push(start..end);
        }
    }
}

/// PEM blocks, up to their end or, where that is cut off, up to the end of the text.
fn pem(text: &str, spans: &mut Vec<Range<usize>>) {
    let mut at = 0;
    while let Some(start) = text[at..].find("-----BEGIN ").map(|offset| at + offset) {
        let end = text[start..].find("-----END ").map_or(text.len(), |offset| {
            let tail = start + offset + "-----END ".len();
            text[tail..].find("-----").map_or(text.len(), |dashes| tail + dashes + 5)
        });
        spans.push(start..end);
        at = end;
    }
}
