//! Writes the files that are derived from the code. Called by `scripts/sync`; the folder of the package is its
//! only argument.

use std::path::PathBuf;
use std::process::ExitCode;

use opswarden::app::{out, registry, shipped};

fn main() -> ExitCode {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| ".".to_owned()));
    match write(&folder) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            out::complain(&format!("failed to write the derived files: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn write(folder: &std::path::Path) -> Result<(), Box<dyn std::error::Error>> {
    for (path, text) in shipped::files(registry::ALL)? {
        let file = folder.join(&path);
        if std::fs::read_to_string(&file).is_ok_and(|old| old == text) {
            continue;
        }
        if let Some(parent) = file.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(&file, text)?;
        out::say(&format!("wrote {path}"))?;
    }
    Ok(())
}
