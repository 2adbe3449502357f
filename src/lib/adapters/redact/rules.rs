//! The shapes that secrets usually have. Each rule marks the spans of one shape.

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
/// How far a value is followed: it keeps the work in proportion to the text, whoever wrote it.
const LONGEST_VALUE: usize = 8 * 1024;
/// Headers whose value runs to the end of its line.
const WHOLE_LINE: [&str; 2] = ["cookie", "authorization"];

const fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')
}

/// `password=…`, `"apiKey": "…"`, `Cookie: …`, `--token …`.
fn named_values(text: &str, spans: &mut Vec<Range<usize>>) {
    let mut at = 0;
    let mut line_done = 0;
    while let Some(start) = text[at..].find(is_name).map(|offset| at + offset) {
        let end = text[start..].find(|c| !is_name(c)).map_or(text.len(), |offset| start + offset);
        at = end;
        let name = &text[start..end];
        let Some(line) = telling(name) else { continue };
        if end <= line_done {
            continue;
        }
        // The value is looked through as well: it may itself be a list of names and values.
        if let Some(span) = value_after(text, end, name.starts_with("--"), line) {
            line_done = if line.0 { span.end } else { line_done };
            spans.push(span);
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

fn value_after(text: &str, from: usize, flag: bool, line: ToLineEnd) -> Option<Range<usize>> {
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
    at += blanks(&text[at..]);
    Some(at..at + value_length(&text[at..], line))
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

fn value_length(rest: &str, line: ToLineEnd) -> usize {
    let escapes = rest.len() - rest.trim_start_matches('\\').len();
    let open = &rest[escapes..];
    match open.chars().next() {
        Some(quote @ ('"' | '\'')) => escapes + 1 + quoted_length(&open[1..], quote, escapes),
        _ if line.0 => rest.find(['\n', '\r', '"']).unwrap_or(rest.len()),
        _ => near(rest, |c| c.is_whitespace() || ",;&\"'<>)}]".contains(c)),
    }
}

/// The length up to the quote that closes a value which was opened behind `escapes` backslashes.
fn quoted_length(rest: &str, quote: char, escapes: usize) -> usize {
    let mut slashes = 0;
    for (at, c) in rest.char_indices() {
        match c {
            '\\' => slashes += 1,
            _ if c == quote && slashes <= escapes => return at,
            _ if at >= LONGEST_VALUE => return at,
            _ => slashes = 0,
        }
    }
    rest.len()
}

/// Where the first such character is, or the end, or the limit.
fn near(rest: &str, found: impl Fn(char) -> bool) -> usize {
    let mut places = rest.char_indices();
    let place = places.find(|(at, c)| *at >= LONGEST_VALUE || found(*c));
    place.map_or(rest.len(), |(at, _)| at)
}

/// `scheme://user:password@host`.
fn url_credentials(text: &str, spans: &mut Vec<Range<usize>>) {
    for (at, _) in text.match_indices("://") {
        let start = at + 3;
        let rest = &text[start..];
        let end = near(rest, |c| c.is_whitespace() || "/?#\"'<>".contains(c));
        // A password may hold an unescaped slash: the last `@` before a blank counts where there is a colon.
        let wide = near(rest, |c| c.is_whitespace() || "\"'<>".contains(c));
        let user_end = rest[..end].rfind('@').or_else(|| {
            let at = rest[..wide].rfind('@')?;
            let slash = rest[..at].find('/')?;
            let colon = rest[..slash].find(':')?;
            // `host:80/@x` is a port and a path.
            let port = rest[colon + 1..slash].chars().all(|c| c.is_ascii_digit());
            (!port).then_some(at)
        });
        if let Some(user_end) = user_end {
            spans.push(start..start + user_end);
        }
    }
}

/// `Bearer …` and `Basic …`, in any case.
fn schemes(text: &str, spans: &mut Vec<Range<usize>>) {
    let lower = text.to_ascii_lowercase();
    for word in ["bearer", "basic"] {
        for (at, _) in lower.match_indices(word) {
            let from = at + word.len();
            let gap = blanks(&text[from..]);
            let start = from + gap;
            let token = |c: char| c.is_ascii_alphanumeric() || "-._~+/=".contains(c);
            let length = near(&text[start..], |c| !token(c));
            // A short word after "basic" is prose.
            if gap > 0 && length >= 8 {
                spans.push(start..start + length);
            }
        }
    }
}

/// Three base64url parts, the first of which opens a JSON object.
fn json_web_tokens(text: &str, spans: &mut Vec<Range<usize>>) {
    for (start, _) in text.match_indices("eyJ") {
        let length = near(&text[start..], |c| !(is_name(c) || c == '='));
        if text[start..start + length].contains('.') {
            spans.push(start..start + length);
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
