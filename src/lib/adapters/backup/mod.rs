//! Backups as files and as objects: listed, held against what was written, made, pruned, and restored into a server of their own for a proof.
//!
//! What nobody has restored is not known to be a backup. Each look says how far it went.

mod apart;
mod attest;
mod bench;
mod chosen;
mod clear;
mod contents;
mod decrypting;
mod dump_header;
mod dumped;
mod elsewhere;
mod examine;
mod files;
mod flow;
pub(crate) mod folder;
mod format;
mod home;
mod in_bucket;
mod letters;
mod make;
mod passed_over;
mod place;
mod programs;
mod restore;
mod rows;
mod scratch;
mod set;
mod tar;
mod unfinished;
mod upload;

pub use self::apart::Apart;
pub(crate) use self::decrypting::{files as key_files, unusable};
pub use self::elsewhere::{Elsewhere, Unlike};
pub use self::folder::proof;
pub use self::programs::ServerPrograms;
pub use self::set::{BackupPlace, BackupSet};
