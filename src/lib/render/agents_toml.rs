//! The commented settings file: every setting with its description and its default.
//!
//! A default stands as a comment, `#name = value`, so that a later version may improve it; what every
//! installation must adapt, the lists of tables, stands uncommented. A list of tables that is empty, and a table that is not
//! there, stand as one commented example.

use serde_json::{Map, Value};

use super::example::{Orders, example, fields_of, is_required};
use super::json_schema::{only, resolve};
use super::table::wrap;
use super::tree::Tree;

/// Marks a line that is no default: the setting has none.
pub const UNSET: &str = "# not set by default";
/// Marks a line of an example that its table cannot do without.
pub const REQUIRED: &str = "# must be set";
/// Comments are wrapped to this width.
const WIDTH: usize = 98;

/// A part of the file: the table at `path` with its default values.
#[derive(Clone, Debug)]
pub struct Section {
    /// The table's path; empty for the top of the file.
    pub path: Vec<String>,
    /// Its values, in the order in which they are written.
    pub defaults: Tree,
}

/// The file, for a schema of the whole document and the parts in their order; examples have their fields in that of `orders`.
#[must_use]
pub fn render(schema: &Value, sections: &[Section], orders: &Orders) -> String {
    let mut page = Page { root: schema, orders, text: head() };
    for section in sections {
        let of_section = section.path.iter().fold(schema, |at, key| {
            let properties = resolve(schema, at).get("properties");
            properties.and_then(|properties| properties.get(key)).unwrap_or(&Value::Null)
        });
        page.table(of_section, &section.path, &section.defaults, Lines::Defaults);
    }
    page.text
}

fn head() -> String {
    let about = "Settings of opswarden. Every setting stands here with its default: take the `#` away in \
                 front of a setting to change it. Of a list of tables that is empty, and of a table that is not \
                 there, an example stands here: its header needs the `#` taken away, too. `opsctl config check` finds mistakes, `opsctl config show \
                 --origin` tells what is in effect. Secrets and addresses of people do not belong here: \
                 they come from the environment. This file is derived from the code by `scripts/sync`.";
    format!("#:schema docs/agents.schema.json\n#\n{}\n", comment(about))
}

/// How the fields of a table are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lines {
    /// As comments: they are the code's own defaults.
    Defaults,
    /// As settings where they differ from the field's default, with their descriptions.
    First,
    /// The same without descriptions, and only what differs.
    Further,
}

struct Page<'s> {
    root: &'s Value,
    orders: &'s Orders,
    text: String,
}

impl Page<'_> {
    fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    fn describe(&mut self, property: &Value) {
        let own =
            property.get("description").or_else(|| only(self.root, property).get("description"));
        if let Some(text) = own.and_then(Value::as_str) {
            self.line(&comment(&without_header(text)));
        }
    }

    /// The table's fields: values first, then what has a header of its own.
    fn table(&mut self, schema: &Value, path: &[String], values: &Tree, lines: Lines) {
        let root = self.root;
        let schema = only(root, schema).clone();
        let Tree::Table(fields) = values else { return };
        if !path.is_empty() && lines == Lines::Defaults {
            self.line("");
            self.describe(&schema);
            self.line(&format!("[{}]", dotted(path)));
        }
        let none = Value::Null;
        let property =
            |name: &str| schema.get("properties").and_then(|all| all.get(name)).unwrap_or(&none);
        let (nested, plain): (Vec<_>, Vec<_>) =
            fields.iter().partition(|(name, value)| self.has_header(property(name), value));
        for (name, value) in plain {
            self.field(name, property(name), value, lines);
        }
        for (name, value) in nested {
            let mut below = path.to_vec();
            below.push(name.clone());
            self.nested(property(name), &below, value, lines);
        }
    }

    fn field(&mut self, name: &str, property: &Value, value: &Tree, lines: Lines) {
        let value = value.value();
        let is_default = property.get("default") == Some(&value) || value.is_null();
        let key = key(name);
        if lines == Lines::Further {
            if !is_default {
                self.line(&format!("{key} = {}", toml_value(&value)));
            }
            return;
        }
        self.line("");
        self.describe(property);
        match lines {
            Lines::First if !is_default => self.line(&format!("{key} = {}", toml_value(&value))),
            _ if value.is_null() => self.line(&self.of_example(name, property, UNSET)),
            _ => self.line(&format!("#{key} = {}", toml_value(&value))),
        }
    }

    fn of_example(&self, name: &str, property: &Value, mark: &str) -> String {
        format!("#{} = {}  {mark}", key(name), toml_value(&example(self.root, property)))
    }

    /// Tables with known fields, and lists of such tables.
    fn has_header(&self, property: &Value, value: &Tree) -> bool {
        let is_list = only(self.root, property).get("items").is_some();
        let has_fields = fields_of(self.root, property).is_some();
        match value {
            Tree::Table(_) => has_fields && !is_list,
            Tree::List(_) => has_fields && is_list,
            Tree::Leaf(value) => value.is_null() && has_fields,
        }
    }

    fn nested(&mut self, property: &Value, path: &[String], value: &Tree, lines: Lines) {
        match value {
            Tree::Table(_) => self.table(property, path, value, lines),
            Tree::List(items) if !items.is_empty() => self.items(property, path, items, lines),
            Tree::List(_) | Tree::Leaf(_) if lines == Lines::Further => {}
            Tree::List(_) | Tree::Leaf(_) => self.unset(property, path),
        }
    }

    fn items(&mut self, property: &Value, path: &[String], items: &[Tree], lines: Lines) {
        let of_items = only(self.root, property).get("items").cloned().unwrap_or_default();
        for (number, item) in items.iter().enumerate() {
            let first = number == 0 && lines != Lines::Further;
            self.line("");
            if first {
                self.describe(property);
            }
            self.line(&format!("[[{}]]", dotted(path)));
            self.table(&of_items, path, item, if first { Lines::First } else { Lines::Further });
        }
    }

    /// A table that is not there by default, or an item of a list that is empty: each field with its default, or an example.
    fn unset(&mut self, property: &Value, path: &[String]) {
        self.line("");
        self.describe(property);
        let (root, none) = (self.root, Map::new());
        let schema = only(root, property);
        let (table, header) = match schema.get("items") {
            Some(items) => (only(root, items), format!("[[{}]]", dotted(path))),
            None => (schema, format!("[{}]", dotted(path))),
        };
        self.line(&format!("#{header}  {UNSET}"));
        let fields = fields_of(root, table).unwrap_or(&none);
        let order = self.orders.get(path).map_or(&[][..], Vec::as_slice);
        let ordered = order.iter().filter_map(|name| fields.get_key_value(name));
        let others = fields.iter().filter(|(name, _)| !order.contains(name));
        let (nested, plain): (Vec<_>, Vec<_>) =
            ordered.chain(others).partition(|(_, of_field)| is_empty_table(root, of_field));
        for (name, of_field) in plain {
            if is_required(table, name, of_field) {
                self.line("");
                self.describe(of_field);
                self.line(&self.of_example(name, of_field, REQUIRED));
            } else {
                let default = of_field.get("default").cloned().unwrap_or_default();
                self.field(name, of_field, &Tree::Leaf(default), Lines::Defaults);
            }
        }
        for (name, of_field) in nested {
            let below: Vec<String> = path.iter().chain([name]).cloned().collect();
            self.unset(of_field, &below);
        }
    }
}

/// A table, or a list of tables, that has nothing by default. One that has something stands in one line.
fn is_empty_table(root: &Value, property: &Value) -> bool {
    let is_empty = match property.get("default") {
        None | Some(Value::Null) => true,
        Some(Value::Array(items)) => items.is_empty(),
        Some(_) => false,
    };
    is_empty && fields_of(root, property).is_some()
}

/// The description without the header that it may begin with: the header stands right below.
fn without_header(text: &str) -> String {
    match text.strip_prefix("`[").and_then(|rest| rest.split_once("]`: ")) {
        Some((_, rest)) => {
            let mut chars = rest.chars();
            chars.next().into_iter().flat_map(char::to_uppercase).chain(chars).collect()
        }
        None => text.to_owned(),
    }
}

fn comment(text: &str) -> String {
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let lines = wrap(&flat, WIDTH).into_iter().map(|line| format!("# {line}"));
    lines.collect::<Vec<_>>().join("\n")
}

fn key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !name.is_empty() && name.chars().all(bare) { name.to_owned() } else { format!("{name:?}") }
}

fn dotted(path: &[String]) -> String {
    path.iter().map(|part| key(part)).collect::<Vec<_>>().join(".")
}

/// The value in one line. A value without a TOML form, which no setting has, is an empty text.
fn toml_value(value: &Value) -> String {
    toml::Value::try_from(value).map_or_else(|_| "\"\"".to_owned(), |value| value.to_string())
}
