//! Pure text: settings files, units, tables. Everything is an argument; nothing is read or printed here.

pub mod agents_toml;
pub mod approvals;
pub mod example;
pub mod history;
pub mod initial_settings;
pub mod json_schema;
pub mod notice;
pub mod notifications;
pub mod page;
pub mod report;
pub mod restores;
pub mod status;
pub mod style;
pub mod table;
pub mod time;
pub mod tree;
pub mod triggers;
