//! Who is at the keyboard, for the ledger.

use super::config::Environ;

/// The person who started this program.
pub(super) fn person(environ: &Environ) -> String {
    let named = ["SUDO_USER", "USER", "LOGNAME"];
    let name = named.iter().find_map(|name| environ.get(name));
    match name {
        Some(name) => format!("human:{name}"),
        None => format!("human:uid-{}", rustix::process::getuid().as_raw()),
    }
}
