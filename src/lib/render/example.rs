//! Examples of what is not set: a value of the right form, and a whole table of such values, made from the schema.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::json_schema::{is_duration, kind, only, words};
use super::tree::Tree;

/// The fields of every table, by its path, in the order in which they are declared: a schema does not keep it.
pub type Orders = BTreeMap<Vec<String>, Vec<String>>;

/// A value of the right form for a setting that has no default: the one that the schema gives as an example, if it does.
#[must_use]
pub fn example(root: &Value, property: &Value) -> Value {
    let given = property.get("examples").and_then(|all| all.get(0));
    if let Some(given) = given.filter(|given| !given.is_null()) {
        return given.clone();
    }
    let schema = only(root, property);
    if is_duration(schema) {
        return json!("1m");
    }
    if let Some(word) = words(root, schema).and_then(|words| words.first().copied()) {
        return json!(word);
    }
    match kind(schema) {
        Some("array") => json!([]),
        Some("boolean") => json!(false),
        Some("integer" | "number") => json!(1),
        Some("object") => json!({}),
        _ => json!(""),
    }
}

/// Whether a table cannot do without this field: it has no default, or one that is no value that it may have.
#[must_use]
pub fn is_required(table: &Value, name: &str, property: &Value) -> bool {
    let named = table.get("required").and_then(Value::as_array);
    let is_named = named.is_some_and(|all| all.iter().any(|one| one == name));
    let is_empty = property.get("default").and_then(Value::as_str) == Some("");
    let least = property.get("minLength").and_then(Value::as_u64).unwrap_or_default();
    is_named || (is_empty && least > 0)
}

/// The fields of a table, if they are known: of one table, or of each item of a list of them.
#[must_use]
pub fn fields_of<'s>(root: &'s Value, property: &'s Value) -> Option<&'s Map<String, Value>> {
    let schema = only(root, property);
    let table = schema.get("items").map_or(schema, |items| only(root, items));
    table.get("properties").and_then(Value::as_object)
}

/// A table with an item in each list of tables, with each table that may not be there, and with what must be set. A schema that
/// refers in a circle has no end: from a depth on that no settings have, nothing is added.
#[must_use]
pub fn whole(root: &Value, property: &Value, depth: usize) -> Value {
    const DEEPEST: usize = 8;
    let schema = only(root, property);
    if let Some(items) = schema.get("items") {
        return json!([whole(root, items, depth)]);
    }
    let fields = fields_of(root, schema).into_iter().flatten().filter_map(|(name, of_field)| {
        if depth < DEEPEST && fields_of(root, of_field).is_some() {
            return Some((name.clone(), whole(root, of_field, depth + 1)));
        }
        is_required(schema, name, of_field).then(|| (name.clone(), example(root, of_field)))
    });
    Value::Object(fields.collect())
}

/// The order of the fields of `tree` and of all tables in it.
pub fn note_orders(tree: &Tree, path: &[String], orders: &mut Orders) {
    match tree {
        Tree::Leaf(_) => {}
        Tree::List(items) => items.iter().for_each(|item| note_orders(item, path, orders)),
        Tree::Table(fields) => {
            let names = fields.iter().map(|(name, _)| name.clone()).collect();
            orders.entry(path.to_vec()).or_insert(names);
            for (name, field) in fields {
                let below: Vec<String> = path.iter().chain([name]).cloned().collect();
                note_orders(field, &below, orders);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_table_has_what_must_be_set_and_one_of_everything_that_is_a_table() {
        let item = json!({"required": ["b"], "properties": {
            "a": {"type": "integer", "default": 3},
            "b": {"type": "string", "examples": ["/x"]},
            "c": {"type": "string", "default": "", "minLength": 1},
        }});
        let root = json!({"properties": {"list": {"type": "array", "items": item}}});
        assert_eq!(whole(&root, &root, 0), json!({"list": [{"b": "/x", "c": ""}]}));
    }

    #[test]
    fn a_schema_that_holds_itself_comes_to_an_end() {
        let root = json!({"properties": {"own": {"$ref": "#"}}});
        assert!(whole(&root, &root, 0).to_string().len() < 200);
    }

    #[test]
    fn orders_are_those_of_the_declaration() {
        let tree: Tree =
            serde_json::from_str(r#"{"z": [{"y": 1, "b": {"q": 1, "a": 2}}]}"#).unwrap();
        let mut orders = Orders::new();
        note_orders(&tree, &["top".to_owned()], &mut orders);
        let of = |path: &[&str]| {
            orders[&path.iter().map(|part| (*part).to_owned()).collect::<Vec<_>>()].join(" ")
        };
        assert_eq!((of(&["top"]), of(&["top", "z"])), ("z".into(), "y b".into()));
        assert_eq!(of(&["top", "z", "b"]), "q a");
    }
}
