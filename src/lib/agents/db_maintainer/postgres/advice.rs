//! What a person could run about a database, and what they should know before. Pure.

use std::fmt;

use serde::Serialize;

/// Statements that can be pasted as they are: what is to be known before them is kept apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Advice {
    /// The statements, on one line.
    sql: String,
    /// What a person should know before they run them.
    caution: Option<String>,
}

impl Advice {
    /// To run this.
    pub(super) const fn run(sql: String) -> Self {
        Self { sql, caution: None }
    }

    /// The same, knowing this.
    pub(super) fn knowing(self, caution: impl Into<String>) -> Self {
        Self { caution: Some(caution.into()), ..self }
    }

    /// As facts of a finding.
    pub(super) fn facts(&self) -> impl Iterator<Item = (String, String)> {
        let caution = self.caution.clone().map(|caution| ("caution".to_owned(), caution));
        std::iter::once(("sql".to_owned(), self.sql.clone())).chain(caution)
    }
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sql)?;
        self.caution.as_ref().map_or(Ok(()), |caution| write!(f, " ({caution})"))
    }
}
