//! The first pass: the document against the schema. Collects every mistake; changes nothing.

use std::ops::Range;

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::setting_path::SettingPath;
use crate::domain::duration::HumanDuration;
use crate::domain::nearest::nearest;
use crate::render::json_schema::{alternatives, is_duration, kind, resolve, words};

/// A mistake, by the bytes where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    /// Where.
    pub(super) span: Range<usize>,
    /// Which setting.
    pub(super) path: SettingPath,
    /// What is wrong.
    pub(super) message: String,
    /// What to write instead.
    pub(super) hint: Option<String>,
}

/// Every mistake of `document`, in the order of the file.
pub(super) fn walk(schema: &Value, document: &Spanned<DeTable<'_>>) -> Vec<Mistake> {
    let mut walk = Walk { root: schema, mistakes: Vec::new() };
    walk.table(schema, document.get_ref(), &document.span(), &SettingPath::default());
    walk.mistakes.sort_by_key(|mistake| (mistake.span.start, mistake.span.end));
    walk.mistakes
}

/// A document deeper than this is no settings file.
const DEEPEST: usize = 32;

struct Walk<'s> {
    root: &'s Value,
    mistakes: Vec<Mistake>,
}

impl<'s> Walk<'s> {
    fn wrong(
        &mut self,
        span: Range<usize>,
        path: &SettingPath,
        message: String,
        hint: Option<String>,
    ) {
        self.mistakes.push(Mistake { span, path: path.clone(), message, hint });
    }

    fn value(&mut self, schema: &'s Value, value: &Spanned<DeValue<'_>>, path: &SettingPath) {
        let schema = resolve(self.root, schema);
        if path.steps().len() > DEEPEST {
            return self.wrong(value.span(), path, "it is nested too deeply".to_owned(), None);
        }
        if let Some(words) = words(self.root, schema) {
            return self.word(&words, value, path);
        }
        let choices = alternatives(self.root, schema);
        if !choices.is_empty() {
            return self.one_of(&choices, value, path);
        }
        let Some(wanted) = kind(schema) else { return };
        if !fits(wanted, value.get_ref()) {
            let found = describe(value.get_ref());
            let hint = retype(schema, wanted, value.get_ref());
            let message = format!("{} is expected here, and this is {found}", name_of(wanted));
            return self.wrong(value.span(), path, message, hint);
        }
        match value.get_ref() {
            DeValue::Table(table) => self.table(schema, table, &value.span(), path),
            DeValue::Array(items) => {
                self.length(schema, ["minItems", "maxItems"], items.len(), "items", value, path);
                if let Some(of_items) = schema.get("items") {
                    for (number, item) in items.iter().enumerate() {
                        self.value(of_items, item, &path.index(number));
                    }
                }
            }
            DeValue::String(text) => self.text(schema, text, value, path),
            DeValue::Integer(_) | DeValue::Float(_) => self.number(schema, value, path),
            DeValue::Boolean(_) | DeValue::Datetime(_) => {}
        }
    }

    fn table(
        &mut self,
        schema: &'s Value,
        table: &DeTable<'_>,
        span: &Range<usize>,
        path: &SettingPath,
    ) {
        let properties = schema.get("properties").and_then(Value::as_object);
        let known: Vec<&str> = properties
            .map(|properties| properties.keys().map(String::as_str).collect())
            .unwrap_or_default();
        let others = schema.get("additionalProperties").filter(|others| others.is_object());
        for (key, value) in table {
            let below = path.key(key.get_ref());
            let field = properties.and_then(|properties| properties.get(key.get_ref().as_ref()));
            match field.or(others) {
                Some(field) => self.value(field, value, &below),
                None => self.unknown(key, &known, path),
            }
        }
        let required = schema.get("required").and_then(Value::as_array);
        for name in required.into_iter().flatten().filter_map(Value::as_str) {
            if !table.keys().any(|key| key.get_ref() == name) {
                let message = format!("`{name}` is missing");
                self.wrong(span.clone(), path, message, Some(format!("add a line `{name} = …`")));
            }
        }
    }

    fn unknown(&mut self, key: &Spanned<toml::de::DeString<'_>>, known: &[&str], at: &SettingPath) {
        let name: &str = key.get_ref();
        let what = if *at == SettingPath::of(&["agents"]) { "agent" } else { "setting" };
        let shouted = name.chars().all(|c| c.is_ascii_uppercase() || c == '_') && !name.is_empty();
        let hint = match nearest(name, known.iter().copied()) {
            Some(word) => format!("did you mean `{word}`?"),
            None if shouted => "secrets and addresses come from the environment".to_owned(),
            None if known.is_empty() => "nothing can be set here".to_owned(),
            None => format!("known here: {}", known.join(", ")),
        };
        let message = format!("there is no {what} called `{name}`");
        self.wrong(key.span(), &at.key(name), message, Some(hint));
    }

    fn word(&mut self, words: &[&str], value: &Spanned<DeValue<'_>>, path: &SettingPath) {
        let all = words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ");
        let DeValue::String(text) = value.get_ref() else {
            let found = describe(value.get_ref());
            let message = format!("a word in quotes is expected here, and this is {found}");
            return self.wrong(value.span(), path, message, Some(format!("write one of {all}")));
        };
        if !words.contains(&text.as_ref()) {
            let hint = match nearest(text, words.iter().copied()) {
                Some(word) => format!("did you mean \"{word}\"? write one of {all}"),
                None => format!("write one of {all}"),
            };
            let message = format!("\"{}\" is not one of its words", short(text));
            self.wrong(value.span(), path, message, Some(hint));
        }
    }

    /// The alternative with the fewest mistakes is the one that was meant; where the alternatives are told apart
    /// by a word, a wrong word is the mistake.
    fn one_of(&mut self, choices: &[&'s Value], value: &Spanned<DeValue<'_>>, path: &SettingPath) {
        if let DeValue::Table(table) = value.get_ref()
            && let Some((tag, tags)) = tag_of(choices)
            && let Some((_, given)) = table.iter().find(|(key, _)| key.get_ref() == tag)
            && !given.get_ref().as_str().is_some_and(|word| tags.contains(&word))
        {
            return self.word(&tags, given, &path.key(tag));
        }
        let trial = |choice: &&'s Value| {
            let mut walk = Walk { root: self.root, mistakes: Vec::new() };
            walk.value(choice, value, path);
            walk.mistakes
        };
        let best = choices.iter().map(trial).min_by_key(Vec::len).unwrap_or_default();
        self.mistakes.extend(best);
    }

    fn text(
        &mut self,
        schema: &Value,
        text: &str,
        value: &Spanned<DeValue<'_>>,
        path: &SettingPath,
    ) {
        if is_duration(schema)
            && let Err(error) = text.parse::<HumanDuration>()
        {
            return self.wrong(value.span(), path, error.to_string(), None);
        }
        let length = text.chars().count();
        self.length(schema, ["minLength", "maxLength"], length, "characters", value, path);
    }

    fn length(
        &mut self,
        schema: &Value,
        [least, most]: [&str; 2],
        length: usize,
        of: &str,
        value: &Spanned<DeValue<'_>>,
        path: &SettingPath,
    ) {
        let limit = |name: &str| {
            schema.get(name).and_then(Value::as_u64).and_then(|limit| usize::try_from(limit).ok())
        };
        if let Some(least) = limit(least).filter(|least| length < *least) {
            let message = if length == 0 {
                "it may not be empty".to_owned()
            } else {
                format!("it has {length} {of}, and needs at least {least}")
            };
            self.wrong(value.span(), path, message, None);
        }
        if let Some(most) = limit(most).filter(|most| length > *most) {
            let message = format!("it has {length} {of}, and may have at most {most}");
            self.wrong(value.span(), path, message, None);
        }
    }

    fn number(&mut self, schema: &Value, value: &Spanned<DeValue<'_>>, path: &SettingPath) {
        let Some(number) = number_of(value.get_ref()) else {
            let message = "it is not a number that can be used".to_owned();
            return self.wrong(value.span(), path, message, None);
        };
        let limit = |name: &str| schema.get(name).and_then(Value::as_f64);
        let widest = match schema.get("format").and_then(Value::as_str) {
            Some("uint8") => Some(f64::from(u8::MAX)),
            Some("uint16") => Some(f64::from(u16::MAX)),
            Some("uint32") => Some(f64::from(u32::MAX)),
            Some("int32") => Some(f64::from(i32::MAX)),
            _ => None,
        };
        let (least, most) = (limit("minimum"), limit("maximum").or(widest));
        let (above, below) = (limit("exclusiveMinimum"), limit("exclusiveMaximum"));
        let complaint = if let Some(least) = least.filter(|least| number < *least) {
            format!("must be at least {least}")
        } else if let Some(most) = most.filter(|most| number > *most) {
            format!("must be at most {most}")
        } else if let Some(above) = above.filter(|above| number <= *above) {
            format!("must be more than {above}")
        } else if let Some(below) = below.filter(|below| number >= *below) {
            format!("must be less than {below}")
        } else {
            return;
        };
        self.wrong(value.span(), path, format!("{number} is out of range: it {complaint}"), None);
    }
}

/// The field that tells the alternatives apart, and its words.
fn tag_of<'s>(choices: &[&'s Value]) -> Option<(&'s str, Vec<&'s str>)> {
    let constant = |choice: &&'s Value, name: &str| -> Option<&'s str> {
        choice.get("properties")?.get(name)?.get("const")?.as_str()
    };
    let first = choices.first()?.get("properties")?.as_object()?;
    first.keys().find_map(|name| {
        let tags: Option<Vec<&str>> = choices.iter().map(|choice| constant(choice, name)).collect();
        tags.map(|tags| (name.as_str(), tags))
    })
}

fn fits(kind: &str, value: &DeValue<'_>) -> bool {
    match kind {
        "string" => value.is_str(),
        "integer" => value.is_integer(),
        "number" => value.is_integer() || value.is_float(),
        "boolean" => value.is_bool(),
        "array" => value.is_array(),
        "object" => value.is_table(),
        _ => true,
    }
}

fn name_of(kind: &str) -> &'static str {
    match kind {
        "string" => "a text in quotes",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        "array" => "a list",
        _ => "a table",
    }
}

fn describe(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// How to write this value as the type that is wanted, where that can be told.
fn retype(schema: &Value, wanted: &str, value: &DeValue<'_>) -> Option<String> {
    match (wanted, value) {
        ("string", DeValue::Integer(number)) if is_duration(schema) => {
            Some(format!("write it with its unit: \"{number}s\" or \"{number}m\""))
        }
        ("string", DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_)) => {
            Some("put it in quotes".to_owned())
        }
        ("integer" | "number", DeValue::String(text)) if text.trim().parse::<f64>().is_ok() => {
            Some("leave out the quotes".to_owned())
        }
        ("boolean", DeValue::String(text)) => match text.to_lowercase().as_str() {
            "true" | "yes" | "on" => Some("write true, without quotes".to_owned()),
            "false" | "no" | "off" => Some("write false, without quotes".to_owned()),
            _ => None,
        },
        ("array", DeValue::String(text)) => Some(format!("write [\"{}\"]", short(text))),
        ("array", DeValue::Table(_)) => {
            Some("write its header in double brackets, `[[…]]`".to_owned())
        }
        ("object", DeValue::Array(_)) => {
            Some("write its header in single brackets, `[…]`".to_owned())
        }
        _ => None,
    }
}

#[expect(clippy::cast_precision_loss, reason = "limits of settings lie far below 2^53")]
fn number_of(value: &DeValue<'_>) -> Option<f64> {
    match value {
        DeValue::Integer(digits) => {
            i64::from_str_radix(digits.as_str(), digits.radix()).ok().map(|number| number as f64)
        }
        DeValue::Float(text) => {
            text.as_str().parse().ok().filter(|number: &f64| number.is_finite())
        }
        _ => None,
    }
}

/// A value as a message may quote it.
fn short(text: &str) -> String {
    const LONGEST: usize = 60;
    let cut: String =
        text.chars().take(LONGEST).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if cut.len() < text.len() { format!("{cut}…") } else { cut }
}
