//! This program once more, without what its environment should not have held: nothing can be taken out of the environment of a
//! program that runs.

use std::os::unix::process::CommandExt as _;
use std::process::Command;

/// Begins this program anew without these variables, if any of them is set. It keeps its number, its name, its arguments and
/// whatever it reads and writes.
///
/// # Errors
///
/// A fragment: one is set, and it cannot begin anew.
pub(crate) fn without(names: &[&str]) -> Result<(), String> {
    let set = names.iter().find(|name| std::env::var_os(name).is_some());
    let Some(set) = set else { return Ok(()) };
    let failed = |error| format!("{set} is set, and this program cannot begin without it: {error}");
    let mut anew = Command::new(std::env::current_exe().map_err(failed)?);
    let mut words = std::env::args_os();
    if let Some(name) = words.next() {
        anew.arg0(name);
    }
    anew.args(words);
    for name in names {
        anew.env_remove(name);
    }
    // It comes back only where that has failed.
    Err(failed(anew.exec()))
}
