//! The JSON Schema of the whole file, generated from the structs that read it.

use schemars::{SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use super::document::House;
use crate::app::registry::Entry;
use crate::domain::policy::Policy;
use crate::domain::timing::ScheduleSettings;

/// The house's sub-tables of every agent's stanza.
pub(in crate::app) const HOUSE_TABLES: [&str; 2] = ["schedule", "policy"];

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
        let about = format!("{}: {}.", spec.name, spec.summary);
        stanza.insert("description".to_owned(), about.into());
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
