//! The dialects as tables: which route and which field stand for a row and an operation.

mod reference;
mod table;
mod vizora;

pub(super) use table::{Body, Deed, Route, Table, Verb};

use crate::domain::platform::Dialect;

/// The table of a dialect.
pub(super) fn table(dialect: Dialect) -> &'static Table {
    match dialect {
        Dialect::Vizora => &vizora::TABLE,
        Dialect::Reference => &reference::TABLE,
    }
}
