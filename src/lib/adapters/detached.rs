//! Services of the demo: programs that go on after the one that started them has ended.
#![expect(
    clippy::disallowed_methods,
    reason = "the second and last place that starts programs: these are not waited for"
)]

use std::fs::OpenOptions;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// Starts `argv` in a process group of its own, its output appended to `log`, and returns its pid.
///
/// # Errors
///
/// A fragment that says what failed.
pub fn start_detached(argv: &[String], log: &Path) -> Result<u32, String> {
    let (program, arguments) = argv.split_first().ok_or("no program is named")?;
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .open(log)
        .map_err(|error| format!("failed to open {}: {error}", log.display()))?;
    let second = file.try_clone().map_err(|error| format!("failed to share the log: {error}"))?;
    let child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(file)
        .stderr(second)
        .process_group(0)
        .spawn()
        .map_err(|error| format!("failed to start {program}: {error}"))?;
    Ok(child.id())
}
