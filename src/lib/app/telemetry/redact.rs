//! Known secrets out of a text, in every form in which a text may hold them.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Shorter values would take half of every line with them; settings warn about secrets so short.
pub const SHORTEST: usize = 4;

/// Replaces known secrets by `***`.
#[derive(Clone, Debug, Default)]
pub struct Redactor {
    forms: Vec<String>,
}

impl Redactor {
    /// A redactor of these values: as they stand, as JSON or debug output would write them, and as an address
    /// would.
    #[must_use]
    pub fn new(secrets: &[String]) -> Self {
        let mut forms: Vec<String> = secrets
            .iter()
            .filter(|secret| secret.len() >= SHORTEST)
            .flat_map(|secret| [secret.clone(), escaped(secret), percent(secret)])
            .collect();
        // The longest first, so that a secret inside another one leaves no rest of it.
        forms.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        forms.dedup();
        Self { forms }
    }

    /// `text` without any secret.
    #[must_use]
    pub fn apply<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut clean = Cow::Borrowed(text);
        for form in &self.forms {
            if clean.contains(form.as_str()) {
                clean = Cow::Owned(clean.replace(form.as_str(), "***"));
            }
        }
        clean
    }
}

/// As inside a JSON string.
fn escaped(secret: &str) -> String {
    let quoted = serde_json::to_string(secret).unwrap_or_default();
    quoted.trim_start_matches('"').strip_suffix('"').unwrap_or_default().to_owned()
}

/// As inside an address.
fn percent(secret: &str) -> String {
    let mut text = String::new();
    for byte in secret.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_taken_out_and_the_rest_stays() {
        let redactor = Redactor::new(&["p@ss\"word".to_owned(), "p@ss".to_owned()]);
        assert_eq!(redactor.apply("a p@ss\"word b"), "a *** b");
        assert_eq!(redactor.apply(r#"{"a":"p@ss\"word"}"#), r#"{"a":"***"}"#);
        assert_eq!(redactor.apply("u:p%40ss%22word@h"), "u:***@h");
        assert_eq!(redactor.apply("only p@ss here"), "only *** here");
        assert_eq!(redactor.apply("nothing"), "nothing");
    }

    #[test]
    fn a_value_too_short_to_be_told_apart_is_left() {
        assert_eq!(Redactor::new(&["ab".to_owned(), String::new()]).apply("abc"), "abc");
    }
}
