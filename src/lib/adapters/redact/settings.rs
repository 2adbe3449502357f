//! Settings as they may be shown and kept: addresses without what may authorise, command lines without secrets.

use serde_json::Value;

use super::Redactor;

/// Words in the name of a flag whose value is nobody's business.
const TELLING: [&str; 6] = ["token", "password", "passwd", "secret", "apikey", "api-key"];

impl Redactor {
    /// The same settings with every secret that can be told as one replaced.
    #[must_use]
    pub fn settings(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.redact(&without_authority(text))),
            Value::Array(items) => Value::Array(self.list(items)),
            Value::Object(fields) => Value::Object(
                fields.iter().map(|(name, value)| (name.clone(), self.settings(value))).collect(),
            ),
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        }
    }

    fn list(&self, items: &[Value]) -> Vec<Value> {
        let mut shown = Vec::with_capacity(items.len());
        let mut secret = false;
        for item in items {
            shown.push(if secret { Value::from("***") } else { self.settings(item) });
            secret = item.as_str().is_some_and(is_telling);
        }
        shown
    }
}

/// Whether the word after this one is a secret: `--token`, `-password`.
fn is_telling(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    word.starts_with('-') && !word.contains('=') && TELLING.iter().any(|name| lower.contains(name))
}

/// An address without what stands before `@` and behind `?`; every other text as it is.
fn without_authority(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let (place, query) = rest.split_once('?').map_or((rest, false), |(place, _)| (place, true));
    let (authority, path) = place.find('/').map_or((place, ""), |at| place.split_at(at));
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}{path}{}", if query { "?***" } else { "" })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_authorises_is_not_shown_and_everything_else_is() {
        let settings = json!({
            "url": "https://user:pass@www.example.test/a/b?key=abc",
            "plain": "http://127.0.0.1:3000/ready",
            "restart": ["/usr/bin/x", "--token", "abc", "--now"],
            "count": 3,
        });
        assert_eq!(
            Redactor::default().settings(&settings),
            json!({
                "url": "https://www.example.test/a/b?***",
                "plain": "http://127.0.0.1:3000/ready",
                "restart": ["/usr/bin/x", "--token", "***", "--now"],
                "count": 3,
            })
        );
    }
}
