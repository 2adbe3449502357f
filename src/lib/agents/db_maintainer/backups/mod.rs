//! Backups that the settings declare: whether there is a young one, whether it can be one, and whether one was restored lately.

mod detect;
#[cfg(test)]
mod doubt_tests;
mod fault;
mod remedy;
mod settings;
#[cfg(test)]
mod settings_tests;
#[cfg(test)]
mod tests;
mod usual;
#[cfg(test)]
mod usual_tests;

pub(super) use self::detect::detect;
pub use self::fault::BackupsFault;
pub(super) use self::remedy::remedy;
pub(super) use self::settings::lint;
