//! The commented settings file: every setting with its description and its default.
//!
//! A default stands as a comment, `#name = value`, so that a later version may improve it; what every
//! installation must adapt, the lists of tables, stands uncommented.

use serde_json::Value;

use super::json_schema::{is_duration, kind, only, resolve, words};
use super::table::wrap;
use super::tree::Tree;

/// Marks a line that is no default: the setting has none.
pub const UNSET: &str = "# not set by default";
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

/// The file, for a schema of the whole document and the parts in their order.
#[must_use]
pub fn render(schema: &Value, sections: &[Section]) -> String {
    let mut page = Page { root: schema, text: head() };
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
                 front of a setting to change it. `opsctl config check` finds mistakes, `opsctl config show \
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
        let schema = only(self.root, property);
        let text = if value.is_null() { self.example(schema) } else { toml_value(&value) };
        match lines {
            Lines::First if !is_default => self.line(&format!("{key} = {text}")),
            _ if value.is_null() => self.line(&format!("#{key} = {text}  {UNSET}")),
            _ => self.line(&format!("#{key} = {text}")),
        }
    }

    /// Tables with known fields, and lists of such tables.
    fn has_header(&self, property: &Value, value: &Tree) -> bool {
        let schema = only(self.root, property);
        let of_items = schema.get("items").map(|items| only(self.root, items));
        let has_fields = |schema: &Value| schema.get("properties").is_some();
        match value {
            Tree::Table(_) => has_fields(schema),
            Tree::List(items) => !items.is_empty() && of_items.is_some_and(has_fields),
            Tree::Leaf(value) => value.is_null() && has_fields(schema),
        }
    }

    fn nested(&mut self, property: &Value, path: &[String], value: &Tree, lines: Lines) {
        match value {
            Tree::Table(_) => self.table(property, path, value, lines),
            Tree::List(items) => self.items(property, path, items, lines),
            Tree::Leaf(_) if lines == Lines::Further => {}
            Tree::Leaf(_) => self.unset(property, path),
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

    /// A table that is not there by default, with the default of each field, or an example.
    fn unset(&mut self, property: &Value, path: &[String]) {
        self.line("");
        self.describe(property);
        self.line(&format!("#[{}]  {UNSET}", dotted(path)));
        let schema = only(self.root, property).clone();
        let properties = schema.get("properties").and_then(Value::as_object);
        for (name, of_field) in properties.into_iter().flatten() {
            let default = of_field.get("default").cloned().unwrap_or_default();
            self.field(name, of_field, &Tree::Leaf(default), Lines::Defaults);
        }
    }

    /// A value of the right form for a setting that has no default.
    fn example(&self, schema: &Value) -> String {
        if is_duration(schema) {
            return "\"1m\"".to_owned();
        }
        if let Some(word) = words(self.root, schema).and_then(|words| words.first().copied()) {
            return format!("{word:?}");
        }
        match kind(schema) {
            Some("array") => "[]".to_owned(),
            Some("boolean") => "false".to_owned(),
            Some("integer" | "number") => "1".to_owned(),
            Some("object") => "{}".to_owned(),
            _ => "\"\"".to_owned(),
        }
    }
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
