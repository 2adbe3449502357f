//! The fields that a route declares, and what the platform's validation says of everything else.

use serde_json::{Map, Value, json};

use crate::sandbox::time::Stamp;

/// What a field may hold.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// A text of so many characters.
    Text { min: usize, max: usize },
    /// An e-mail address.
    Email,
    /// A whole number in this range.
    Whole { min: i64, max: i64 },
    /// Anything that JavaScript would take for true or false.
    Switch,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// One of these words, of which the refusal names none.
    Unnamed(&'static [&'static str]),
    /// A date in ISO 8601.
    Moment,
    /// Days of the week.
    Days,
    /// One to a hundred ids.
    Ids,
    /// An object.
    Object,
    /// A list of objects.
    Objects,
}

/// One declared field.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) required: bool,
}

/// A field that may be left out.
pub(super) const fn may(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, required: false }
}

/// A field that must be there.
pub(super) const fn must(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, required: true }
}

/// A text of any length.
pub(super) const TEXT: Kind = Kind::Text { min: 0, max: 10_000 };
/// A whole number from zero.
pub(super) const COUNT: Kind = Kind::Whole { min: 0, max: i64::MAX };

/// The fields of every list.
pub(super) const PAGING: &[Field] = &[
    may("page", Kind::Whole { min: 1, max: i64::MAX }),
    may("limit", Kind::Whole { min: 1, max: 100 }),
];

/// The given values in their declared types, or every complaint: first the fields that do not exist, then the
/// others in the order of their declaration.
pub(super) fn checked(
    given: &Map<String, Value>,
    declared: &[Field],
) -> Result<Map<String, Value>, Vec<String>> {
    let known = |name: &str| declared.iter().any(|field| field.name == name);
    let unknown = given.keys().filter(|name| !known(name));
    let mut complaints: Vec<String> =
        unknown.map(|name| format!("property {name} should not exist")).collect();
    let mut values = Map::new();
    for field in declared {
        match given.get(field.name) {
            None | Some(Value::Null) if field.required => complaints.extend(missing(field)),
            None => {}
            Some(Value::Null) => {
                values.insert(field.name.to_owned(), Value::Null);
            }
            Some(value) => match converted(field, value) {
                Ok(value) => {
                    values.insert(field.name.to_owned(), value);
                }
                Err(what) => complaints.extend(what),
            },
        }
    }
    if complaints.is_empty() { Ok(values) } else { Err(complaints) }
}

fn missing(field: &Field) -> Vec<String> {
    let name = field.name;
    match field.kind {
        Kind::Email => vec![format!("{name} must be an email")],
        Kind::Moment => vec![format!("{name} must be a valid ISO 8601 date string")],
        Kind::Days | Kind::Ids | Kind::Objects => vec![format!("{name} must be an array")],
        _ => vec![format!("{name} should not be empty"), format!("{name} must be a string")],
    }
}

fn converted(field: &Field, value: &Value) -> Result<Value, Vec<String>> {
    let name = field.name;
    let refuse = |what: &str| Err(vec![format!("{name} {what}")]);
    match field.kind {
        Kind::Text { min, max } => text(name, value, min, max),
        Kind::Email => match value.as_str().map(str::trim) {
            Some(address) if address.contains('@') => Ok(json!(address.to_lowercase())),
            _ => refuse("must be an email"),
        },
        Kind::Whole { min, max } => whole(name, value, min, max),
        Kind::Switch => Ok(Value::Bool(is_truthy(value))),
        Kind::Choice(words) | Kind::Unnamed(words) => {
            let fits = value.as_str().is_some_and(|word| words.contains(&word));
            let named = if matches!(field.kind, Kind::Choice(_)) { words } else { &[] };
            let list = named.join(", ");
            if fits {
                Ok(value.clone())
            } else {
                refuse(&format!("must be one of the following values: {list}"))
            }
        }
        Kind::Moment => match value.as_str().and_then(Stamp::parse) {
            Some(moment) => Ok(json!(moment.0)),
            None => refuse("must be a valid ISO 8601 date string"),
        },
        Kind::Days => days(name, value),
        Kind::Ids => ids(name, value),
        Kind::Object if value.is_object() => Ok(value.clone()),
        Kind::Object => refuse("must be an object"),
        Kind::Objects if value.is_array() => Ok(value.clone()),
        Kind::Objects => refuse("must be an array"),
    }
}

fn text(name: &str, value: &Value, min: usize, max: usize) -> Result<Value, Vec<String>> {
    let text = match value {
        Value::String(text) => sanitised(text),
        Value::Number(number) => number.to_string(),
        Value::Bool(is) => is.to_string(),
        _ => return Err(vec![format!("{name} must be a string")]),
    };
    let length = text.chars().count();
    if length < min {
        let what = format!("must be longer than or equal to {min} characters");
        return Err(vec![if min == 1 && length == 0 {
            format!("{name} should not be empty")
        } else {
            format!("{name} {what}")
        }]);
    }
    if length > max {
        return Err(vec![format!("{name} must be shorter than or equal to {max} characters")]);
    }
    Ok(Value::String(text))
}

/// Trims, and takes out what looks like a tag.
fn sanitised(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, tag)) = rest.split_once('<') {
        clean.push_str(before);
        let Some((_, after)) = tag.split_once('>') else {
            clean.push('<');
            rest = tag;
            continue;
        };
        rest = after;
    }
    clean.push_str(rest);
    clean.replace("&amp;", "&").trim().to_owned()
}

fn whole(name: &str, value: &Value, min: i64, max: i64) -> Result<Value, Vec<String>> {
    let number = match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    match number {
        None => Err(vec![format!("{name} must be an integer number")]),
        Some(number) if number > max => Err(vec![format!("{name} must not be greater than {max}")]),
        Some(number) if number < min => Err(vec![format!("{name} must not be less than {min}")]),
        Some(number) => Ok(json!(number)),
    }
}

/// As JavaScript's `Boolean()`: every text that is not empty is true, `"false"` as well.
fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(is) => *is,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

fn days(name: &str, value: &Value) -> Result<Value, Vec<String>> {
    let Some(given) = value.as_array() else {
        return Err(vec![format!("{name} must be an array")]);
    };
    let each = |what: &str| Err(vec![format!("each value in {name} {what}")]);
    let numbers: Option<Vec<i64>> = given.iter().map(Value::as_i64).collect();
    let Some(numbers) = numbers else { return each("must be an integer number") };
    if numbers.iter().any(|day| *day > 6) {
        return each("must not be greater than 6");
    }
    if numbers.iter().any(|day| *day < 0) {
        return each("must not be less than 0");
    }
    Ok(json!(numbers))
}

fn ids(name: &str, value: &Value) -> Result<Value, Vec<String>> {
    let Some(given) = value.as_array() else {
        return Err(vec![format!("{name} must be an array")]);
    };
    match given.len() {
        0 => Err(vec![format!("{name} must contain at least 1 elements")]),
        101.. => Err(vec![format!("{name} must contain no more than 100 elements")]),
        _ if given.iter().any(|id| !id.is_string()) => {
            Err(vec![format!("each value in {name} must be a string")])
        }
        _ => Ok(value.clone()),
    }
}

/// Whether `id` has the form of a UUID.
pub(super) fn is_uuid(id: &str) -> bool {
    let dash = |at: usize| matches!(at, 8 | 13 | 18 | 23);
    let fits = |(at, c): (usize, char)| if dash(at) { c == '-' } else { c.is_ascii_hexdigit() };
    id.len() == 36 && id.chars().enumerate().all(fits)
}

/// Whether `id` has the platform's other form.
pub(super) fn is_cuid(id: &str) -> bool {
    let digits = id.strip_prefix('c').unwrap_or("");
    (19..=29).contains(&digits.len())
        && digits.chars().all(|c| c.is_ascii_digit() || c.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_converted_as_the_platform_does() {
        let declared = [may("on", Kind::Switch), may("n", COUNT), may("t", TEXT)];
        let given = json!({"on": "false", "n": "7", "t": " <b>x</b> & y "});
        let values = checked(given.as_object().unwrap(), &declared).unwrap();
        assert_eq!(Value::Object(values), json!({"on": true, "n": 7, "t": "x & y"}));
    }

    #[test]
    fn unknown_fields_are_named_first() {
        let given = json!({"n": -1, "status": "x"});
        let complaints = checked(given.as_object().unwrap(), &[may("n", COUNT)]).unwrap_err();
        let expected = ["property status should not exist", "n must not be less than 0"];
        assert_eq!(complaints, expected);
    }
}
