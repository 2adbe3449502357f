//! Reading a generated JSON Schema: references, choices, closed lists of words.

use schemars::JsonSchema as _;
use serde_json::Value;

use crate::domain::duration::HumanDuration;

/// Follows `$ref` inside `root`. A schema that refers in a circle, or to nothing, is returned as it stands.
#[must_use]
pub fn resolve<'s>(root: &'s Value, schema: &'s Value) -> &'s Value {
    const HOPS: usize = 16;
    let mut at = schema;
    for _ in 0..HOPS {
        let target = at.get("$ref").and_then(Value::as_str).and_then(|text| text.strip_prefix('#'));
        match target.and_then(|pointer| root.pointer(pointer)) {
            Some(found) => at = found,
            None => return at,
        }
    }
    at
}

/// The schemas of which one must hold, without the one for "nothing"; empty where there is no choice.
#[must_use]
pub fn alternatives<'s>(root: &'s Value, schema: &'s Value) -> Vec<&'s Value> {
    ["anyOf", "oneOf"]
        .into_iter()
        .filter_map(|word| schema.get(word)?.as_array())
        .flatten()
        .map(|one| resolve(root, one))
        .filter(|one| one.get("type").and_then(Value::as_str) != Some("null"))
        .collect()
}

/// The words of which the schema allows exactly one, where it is a closed list of words.
#[must_use]
pub fn words<'s>(root: &'s Value, schema: &'s Value) -> Option<Vec<&'s str>> {
    let schema = resolve(root, schema);
    if let Some(word) = schema.get("const").and_then(Value::as_str) {
        return Some(vec![word]);
    }
    if let Some(list) = schema.get("enum").and_then(Value::as_array) {
        return Some(list.iter().filter_map(Value::as_str).collect());
    }
    let choices = alternatives(root, schema);
    if choices.is_empty() {
        return None;
    }
    let lists: Option<Vec<Vec<&str>>> = choices.iter().map(|one| words(root, one)).collect();
    lists.map(|lists| lists.concat())
}

/// The one thing that the schema allows beside "nothing", where that is one thing.
#[must_use]
pub fn only<'s>(root: &'s Value, schema: &'s Value) -> &'s Value {
    let schema = resolve(root, schema);
    match alternatives(root, schema).as_slice() {
        [one] => one,
        _ => schema,
    }
}

/// The schema's type, without "null": a settings file has no way to write nothing.
#[must_use]
pub fn kind(schema: &Value) -> Option<&str> {
    match schema.get("type")? {
        Value::String(name) => Some(name),
        Value::Array(names) => names.iter().filter_map(Value::as_str).find(|name| *name != "null"),
        _ => None,
    }
}

/// Durations are the only texts whose form a schema prescribes; a test holds the schema to that.
#[must_use]
pub fn is_duration(schema: &Value) -> bool {
    let own = HumanDuration::json_schema(&mut schemars::SchemaGenerator::default());
    schema.get("pattern").is_some() && schema.get("pattern") == own.get("pattern")
}
