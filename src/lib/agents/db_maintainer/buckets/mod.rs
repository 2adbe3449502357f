//! Buckets of object storages: what they hold is measured in every run, and nothing in them is changed.

mod detect;
#[cfg(test)]
mod detect_tests;
mod fault;
mod history;
mod observe;
mod remedy;
mod settings;

pub(super) use self::detect::detect;
pub use self::fault::BucketFault;
pub use self::history::{Usage, history};
pub(super) use self::observe::{needs, observe, of_backups};
pub(super) use self::remedy::remedy;
pub use self::settings::BucketSettings;
pub(super) use self::settings::lint;
