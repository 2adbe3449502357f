//! The one redactor. Everything that is kept or told and came from outside passes it.
//!
//! It marks spans of the original text, merges them and writes each as `***`, so that two overlapping secrets
//! cannot shelter each other. It rather takes too much than too little, and it runs once over the text for each
//! rule, whatever the text holds.

use std::ops::Range;

use rules::RULES;

mod rules;
mod settings;

/// What stands where a secret stood.
const MARK: &str = "***";
/// A known value shorter than this is left alone: taking it out would riddle the text and hide nothing. Settings
/// warn about such a secret.
pub const SHORTEST_KNOWN: usize = 4;

/// Takes secrets out of texts.
#[derive(Clone, Default)]
pub struct Redactor {
    known: Vec<String>,
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Redactor({} known values)", self.known.len())
    }
}

impl Redactor {
    /// A redactor that knows these secret values besides the shapes that secrets usually have.
    #[must_use]
    pub fn new(secrets: impl IntoIterator<Item = String>) -> Self {
        let mut known: Vec<String> = Vec::new();
        for secret in secrets {
            let whole = secret.trim();
            known.extend([whole.to_owned(), percent_encoded(whole), json_escaped(whole)]);
        }
        known.retain(|value| value.len() >= SHORTEST_KNOWN);
        known.sort_unstable();
        known.dedup();
        Self { known }
    }

    /// The text without its secrets.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        let mut spans: Vec<Range<usize>> = Vec::new();
        for value in &self.known {
            spans.extend(overlapping(text, value));
        }
        for rule in RULES {
            rule(text, &mut spans);
        }
        without(text, spans)
    }

    /// The text as one short line without its secrets, for messages.
    #[must_use]
    pub fn fragment(&self, text: &str) -> String {
        const LONGEST: usize = 300;
        let line = self.redact(text).replace(|c: char| c.is_control(), " ");
        let line = line.trim();
        match line.char_indices().nth(LONGEST) {
            Some((cut, _)) => format!("{}…", &line[..cut]),
            None => line.to_owned(),
        }
    }
}

/// Every place of `value`, those that overlap each other included.
fn overlapping<'a>(text: &'a str, value: &'a str) -> impl Iterator<Item = Range<usize>> + 'a {
    let mut from = 0;
    std::iter::from_fn(move || {
        let start = from + text.get(from..)?.find(value)?;
        let first = text[start..].chars().next().map_or(1, char::len_utf8);
        from = start + first;
        Some(start..start + value.len())
    })
}

fn without(text: &str, mut spans: Vec<Range<usize>>) -> String {
    spans.retain(|span| !span.is_empty());
    spans.sort_unstable_by_key(|span| span.start);
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for span in spans {
        if span.end <= done {
            continue;
        }
        if span.start >= done {
            out.push_str(&text[done..span.start]);
            out.push_str(MARK);
        }
        done = span.end;
    }
    out.push_str(&text[done..]);
    out
}

fn percent_encoded(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _infallible = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn json_escaped(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

#[cfg(test)]
mod tests;
