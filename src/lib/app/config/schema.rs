//! The JSON Schema of the whole file, generated from the structs that read it.

use schemars::{SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use super::document::House;
use crate::app::registry::Entry;
use crate::domain::policy::{Policy, ScheduleSettings};

/// The house's sub-tables of every agent's stanza.
pub(super) const HOUSE_TABLES: [&str; 2] = ["schedule", "policy"];

/// The schema of `agents.toml` for these agents: what editors use, and what a document is held against.
#[must_use]
pub fn document(entries: &[Entry]) -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let mut root = generator.root_schema_for::<House>().to_value();
    let agents: Map<String, Value> = entries
        .iter()
        .map(|entry| ((entry.spec)().name.to_string(), stanza(entry, &mut generator)))
        .collect();
    set(
        &mut root,
        "agents",
        json!({
            "type": "object",
            "description": "One table per agent.",
            "additionalProperties": false,
            "properties": agents,
        }),
    );
    if let Some(root) = root.as_object_mut() {
        root.insert("$defs".to_owned(), Value::Object(generator.take_definitions(true)));
        root.insert("title".to_owned(), "agents.toml of opswarden".into());
    }
    root
}

/// An agent's stanza with the house's sub-tables.
fn stanza(entry: &Entry, generator: &mut SchemaGenerator) -> Value {
    let mut stanza = (entry.schema)(generator).to_value();
    let spec = (entry.spec)();
    set(&mut stanza, "schedule", generator.subschema_for::<ScheduleSettings>().to_value());
    set(&mut stanza, "policy", generator.subschema_for::<Policy>().to_value());
    if let Some(stanza) = stanza.as_object_mut() {
        stanza.insert("description".to_owned(), spec.summary.into());
        stanza.insert("additionalProperties".to_owned(), false.into());
    }
    stanza
}

fn set(schema: &mut Value, property: &str, value: Value) {
    if let Some(schema) = schema.as_object_mut() {
        let properties = schema.entry("properties").or_insert_with(|| json!({}));
        if let Some(properties) = properties.as_object_mut() {
            properties.insert(property.to_owned(), value);
        }
    }
}

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
