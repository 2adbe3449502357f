//! Folders of log files: looked at by their names and sizes, trimmed in place, and archived.
//!
//! Bytes, never text. Every file is reached from its folder's own handle, one name at a time and through no link, so that
//! nothing outside of what was declared can be met. Nothing that a process may still write goes: who has a file open is asked
//! again after its name was taken away, when nobody new can come.

mod archive;
mod file_system;
mod folder;
mod look;
mod pack;
mod prune;
mod tend;
mod trim;
mod walk;
mod writers;

pub use self::folder::LogFolder;
pub(in crate::adapters) use self::walk::About;
pub(in crate::adapters) use self::writers::Writers;
