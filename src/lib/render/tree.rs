//! A value with its fields in the order in which they are declared, which `serde_json::Value` does not keep.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::Serialize;
use serde_json::Value;

/// A serialised value that remembers the order of its fields.
#[derive(Clone, Debug, PartialEq)]
pub enum Tree {
    /// Anything that is neither a list nor a table.
    Leaf(Value),
    /// A list.
    List(Vec<Tree>),
    /// A table.
    Table(Vec<(String, Tree)>),
}

impl Tree {
    /// The tree of `value`; a value that cannot be written as JSON is an empty leaf.
    #[must_use]
    pub fn of(value: &impl Serialize) -> Self {
        serde_json::to_string(value)
            .and_then(|text| serde_json::from_str(&text))
            .unwrap_or(Self::Leaf(Value::Null))
    }

    /// The field called `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Table(fields) => fields.iter().find(|(key, _)| key == name).map(|(_, tree)| tree),
            Self::Leaf(_) | Self::List(_) => None,
        }
    }

    /// The same value without the order.
    #[must_use]
    pub fn value(&self) -> Value {
        match self {
            Self::Leaf(value) => value.clone(),
            Self::List(items) => Value::Array(items.iter().map(Self::value).collect()),
            Self::Table(fields) => Value::Object(
                fields.iter().map(|(key, tree)| (key.clone(), tree.value())).collect(),
            ),
        }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Leaf(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Leaf(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Leaf(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
        Ok(Tree::Leaf(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Leaf(value.into()))
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Leaf(Value::Null))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tree, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Tree::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Tree, A::Error> {
        let mut table = Vec::new();
        while let Some(field) = fields.next_entry()? {
            table.push(field);
        }
        Ok(Tree::Table(table))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Serialize)]
    struct Zoo {
        zebra: u32,
        ape: Option<bool>,
        list: Vec<&'static str>,
    }

    #[test]
    fn fields_keep_the_order_of_their_declaration() {
        let tree = Tree::of(&Zoo { zebra: 1, ape: None, list: vec!["x"] });
        let Tree::Table(fields) = &tree else { panic!("{tree:?}") };
        let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["zebra", "ape", "list"]);
        assert_eq!(tree.value(), serde_json::json!({"zebra": 1, "ape": null, "list": ["x"]}));
    }
}
