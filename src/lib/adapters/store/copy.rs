//! A copy of the ledger to read from: a dry run leaves no trace in the original, not even the files that SQLite
//! makes when it opens one.

use std::fs;
use std::io;
use std::path::Path;
use std::time::SystemTime;

use super::files::Paths;

/// So often a copy is tried while somebody else writes to the original.
const TRIES: u32 = 20;

/// What tells one state of a file from another.
type Look = Option<(u64, Option<SystemTime>)>;

/// Copies the ledger and its view from the state folder `from` into the empty folder `to`, as they were at one
/// moment. What does not exist is not copied.
///
/// # Errors
///
/// A fragment that says what could not be read or written, or that somebody kept writing.
pub fn copy(from: &Path, to: &Path) -> Result<(), String> {
    let (from, to) = (Paths::of(from), Paths::of(to));
    let pairs = [
        (from.ledger.clone(), to.ledger.clone()),
        (from.companions()[0].clone(), to.companions()[0].clone()),
        (from.view.clone(), to.view.clone()),
    ];
    for _ in 0..TRIES {
        let before: Vec<Look> = pairs.iter().map(|(original, _)| look(original)).collect();
        for (original, copied) in &pairs {
            match fs::copy(original, copied) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    let _absent = fs::remove_file(copied);
                }
                Err(error) => {
                    return Err(format!("{} cannot be copied ({error})", original.display()));
                }
            }
        }
        let after: Vec<Look> = pairs.iter().map(|(original, _)| look(original)).collect();
        if before == after {
            return Ok(());
        }
    }
    Err(format!("{} changes faster than it can be copied", from.ledger.display()))
}

fn look(file: &Path) -> Look {
    let found = fs::metadata(file).ok()?;
    Some((found.len(), found.modified().ok()))
}
