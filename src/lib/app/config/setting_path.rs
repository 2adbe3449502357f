//! The path of a setting: `agents.health-guardian.services[1].url`.

use std::fmt;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// One step down.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// A field of a table.
    Key(String),
    /// An item of a list.
    Index(usize),
}

/// A path from the top of the document.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SettingPath(Vec<Step>);

impl SettingPath {
    /// The path of these keys.
    pub(super) fn of(keys: &[&str]) -> Self {
        Self(keys.iter().map(|key| Step::Key((*key).to_owned())).collect())
    }

    /// One field down.
    pub(super) fn key(&self, key: &str) -> Self {
        self.with(Step::Key(key.to_owned()))
    }

    /// One item down.
    pub(super) fn index(&self, index: usize) -> Self {
        self.with(Step::Index(index))
    }

    fn with(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    /// This path, then the relative one that `text` spells: `services[1].manager`.
    pub(super) fn join(&self, text: &str) -> Self {
        let mut path = self.clone();
        for part in text.split('.').filter(|part| !part.is_empty()) {
            let (name, indices) = part.split_once('[').map_or((part, ""), |(a, b)| (a, b));
            if !name.is_empty() {
                path = path.key(name);
            }
            for index in indices.split('[').filter_map(|text| text.strip_suffix(']')?.parse().ok())
            {
                path = path.index(index);
            }
        }
        path
    }

    /// The keys, where the path has no index.
    pub(super) fn steps(&self) -> &[Step] {
        &self.0
    }

    /// The bytes that this path means in `table`: those of the value, of the key where the value is a table or
    /// a list, or those of the nearest ancestor that the document spells out. `None` where it spells out none.
    pub(super) fn locate(&self, table: &DeTable<'_>) -> Option<Range<usize>> {
        self.find(table).map(|(span, _)| span)
    }

    /// Whether the document spells out this very setting.
    pub(super) fn is_written(&self, table: &DeTable<'_>) -> bool {
        self.find(table).is_some_and(|(_, whole)| whole)
    }

    fn find(&self, table: &DeTable<'_>) -> Option<(Range<usize>, bool)> {
        let mut steps = self.0.iter();
        let Step::Key(first) = steps.next()? else { return None };
        let (key, mut value) = field(table, first)?;
        let mut span = narrow(key.span(), value);
        for step in steps {
            match (step, value.get_ref()) {
                (Step::Key(name), DeValue::Table(inner)) => match field(inner, name) {
                    Some((key, found)) => {
                        value = found;
                        span = narrow(key.span(), found);
                    }
                    None => return Some((span, false)),
                },
                (Step::Index(index), DeValue::Array(items)) => match items.get(*index) {
                    Some(found) => {
                        value = found;
                        span = found.span();
                    }
                    None => return Some((span, false)),
                },
                _ => return Some((span, false)),
            }
        }
        Some((span, true))
    }
}

fn field<'t, 'i>(
    table: &'t DeTable<'i>,
    name: &str,
) -> Option<(&'t Spanned<toml::de::DeString<'i>>, &'t Spanned<DeValue<'i>>)> {
    table.iter().find(|(key, _)| key.get_ref() == name)
}

fn narrow(key: Range<usize>, value: &Spanned<DeValue<'_>>) -> Range<usize> {
    match value.get_ref() {
        DeValue::Table(_) | DeValue::Array(_) => key,
        _ => value.span(),
    }
}

impl fmt::Display for SettingPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        for (number, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Key(key) => {
                    let dot = if number == 0 { "" } else { "." };
                    if !key.is_empty() && key.chars().all(bare) {
                        write!(f, "{dot}{key}")?;
                    } else {
                        write!(f, "{dot}{key:?}")?;
                    }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_path_is_read_and_written_alike() {
        let stanza = SettingPath::of(&["agents", "health-guardian"]);
        let path = stanza.join("services[1].probe.url");
        assert_eq!(path.to_string(), "agents.health-guardian.services[1].probe.url");
        assert_eq!(stanza.key("a b").to_string(), "agents.health-guardian.\"a b\"");
    }

    #[test]
    fn what_is_not_written_is_found_at_its_nearest_ancestor() {
        let text = "[a]\n[[a.list]]\nx = 1\n[[a.list]]\ny = 2\n";
        let document = DeTable::parse(text).unwrap();
        let at = |path: &str| {
            SettingPath::default().join(path).locate(document.get_ref()).map(|span| span.start)
        };
        assert_eq!(at("a.list[1].y"), Some(text.find("2\n").unwrap()));
        assert_eq!(at("a.list[1].z"), Some(text.rfind("[[a.list]]").unwrap()));
        assert_eq!(at("b"), None);
    }
}
