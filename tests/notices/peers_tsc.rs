//! The TypeScript compiler with the receivers' own types, installed by npm into the build folder.

#![expect(clippy::disallowed_methods, reason = "tests start the peer that they speak to")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::peers::{skip, test_name};

fn modules() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers/types/node_modules")
}

/// What the compiler complains about in `source`, or `None` with a loud skip where it or one of `packages` is missing.
pub(crate) fn complaints(packages: &[&str], source: &str) -> Option<String> {
    let (modules, tsc) = (modules(), modules().join(".bin/tsc"));
    if !tsc.exists() || !packages.iter().all(|name| modules.join(name).exists()) {
        skip(&test_name(), "typescript");
        return None;
    }
    // Types are looked for in the folders above the file.
    let folder = tempfile::tempdir_in(modules.parent()?).expect("a temporary folder");
    std::fs::write(folder.path().join("bodies.ts"), source).expect("it is written");
    let output = Command::new(tsc)
        .args([
            "--noEmit",
            "--strict",
            "--target",
            "es2022",
            "--module",
            "nodenext",
            "--moduleResolution",
            "nodenext",
        ])
        .args(["--skipLibCheck", "bodies.ts"])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()
        .expect("the compiler runs");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    Some(if output.status.success() { String::new() } else { format!("{told} {}", output.status) })
}
