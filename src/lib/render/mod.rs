//! Pure text: settings files, units, tables. Everything is an argument; nothing is read or printed here.

pub mod tree;
