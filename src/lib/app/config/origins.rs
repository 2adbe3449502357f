//! Every effective value with where it came from, for `opsctl config show --origin`.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use toml::de::DeTable;

use super::position::place;
use super::setting_path::SettingPath;

/// Where an effective value came from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The code's own default.
    Default,
    /// A line of the settings file.
    File {
        /// The line.
        line: usize,
    },
    /// A variable of the environment.
    Environment {
        /// Its name.
        name: String,
    },
    /// The system itself.
    System,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { line } => write!(f, "line {line}"),
            Self::Environment { name } => write!(f, "${name}"),
            Self::System => f.write_str("system"),
        }
    }
}

/// One effective value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OriginRow {
    /// The setting's path, or the name of a variable.
    pub path: String,
    /// Its value; `***` for a secret.
    pub value: Value,
    /// Where it came from.
    pub origin: Origin,
    /// What a reader must know besides, mostly empty.
    pub note: String,
}

/// A row per leaf of `effective`; a list without tables in it is one leaf.
pub(super) fn rows(effective: &Value, document: &DeTable<'_>, text: &str) -> Vec<OriginRow> {
    let mut leaves = Vec::new();
    collect(effective, &SettingPath::default(), &mut leaves);
    let row = |(path, value): (SettingPath, Value)| {
        let span = path.is_written(document).then(|| path.locate(document)).flatten();
        let origin = match span {
            Some(span) => Origin::File { line: place(text, span.start).line },
            None => Origin::Default,
        };
        OriginRow { path: path.to_string(), value, origin, note: String::new() }
    };
    leaves.into_iter().map(row).collect()
}

fn collect(value: &Value, at: &SettingPath, leaves: &mut Vec<(SettingPath, Value)>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                collect(field, &at.key(name), leaves);
            }
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for (number, item) in items.iter().enumerate() {
                collect(item, &at.index(number), leaves);
            }
        }
        Value::Null => {}
        _ => leaves.push((at.clone(), value.clone())),
    }
}
