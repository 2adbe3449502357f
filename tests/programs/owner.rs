//! Root in a state folder that belongs to another user, as the units have it: what root leaves there, that user can use.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::fake::{Fake, GUARDIAN, OPSCTL};
use super::peers::{skip, test_name};

/// A user that owns nothing else.
const NOBODY: u32 = 65_534;

/// Every path under `folder`, itself included.
fn everything(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![folder.to_owned()];
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(everything(&path));
        } else {
            found.push(path);
        }
    }
    found
}

fn owned_by_others(folder: &Path) -> Vec<PathBuf> {
    let foreign = |path: &PathBuf| fs::metadata(path).is_ok_and(|about| about.uid() != NOBODY);
    everything(folder).into_iter().filter(foreign).collect()
}

/// The programs where everybody may run them.
fn readable_programs(fake: &Fake) -> [PathBuf; 2] {
    fs::set_permissions(fake.path(), fs::Permissions::from_mode(0o755)).expect("it is ours");
    let folder = fake.path().join("bin");
    fs::create_dir(&folder).expect("a folder");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).expect("it is ours");
    [GUARDIAN, OPSCTL].map(|program| {
        let copy = folder.join(Path::new(program).file_name().expect("a name"));
        fs::copy(program, &copy).expect("it is copied");
        copy
    })
}

fn run(fake: &Fake, program: &Path, words: &[&str], as_root: bool) -> Output {
    let program = program.display().to_string();
    let mut command: Command = if as_root {
        fake.program(&program, words)
    } else {
        let user = NOBODY.to_string();
        let mut setpriv = fake.program("setpriv", &["--reuid", &user, "--regid", &user]);
        setpriv.args(["--clear-groups", &program]).args(words);
        setpriv
    };
    command.env("USER", "somebody").output().expect("it starts")
}

#[test]
fn what_root_leaves_in_the_folder_of_another_user_that_user_can_use() {
    if !rustix::process::geteuid().is_root() {
        return skip(&test_name(), "root");
    }
    let fake = Fake::new();
    let [guardian, opsctl] = readable_programs(&fake);
    for name in ["state", "logs"] {
        fs::create_dir(fake.path().join(name)).expect("a folder");
        chown(fake.path().join(name), Some(NOBODY), Some(NOBODY)).expect("root may");
    }
    // The fake's scripts write beside themselves.
    chown(fake.path(), Some(NOBODY), Some(NOBODY)).expect("root may");
    for entry in fs::read_dir(fake.path()).expect("it is read").flatten() {
        chown(entry.path(), Some(NOBODY), Some(NOBODY)).expect("root may");
    }
    let status = fake.path().join("status");
    let script = fs::read_to_string(&status).expect("a script");
    let noted = script.replacen('\n', "\necho \"$HOME\" > \"$(dirname \"$0\")/home\"\n", 1);
    fs::write(&status, noted).expect("it is ours");
    fake.crash();
    let by_root = run(&fake, &guardian, &[], true);
    let told = String::from_utf8_lossy(&by_root.stderr);
    assert_eq!(by_root.status.code(), Some(0), "{told}");
    let home = fs::read_to_string(fake.path().join("home")).expect("the manager was asked");
    assert_ne!(home.trim(), std::env::var("HOME").unwrap_or_default(), "the owner's own home");
    let pause = ["pause", "all", "--for", "1h", "--reason", "a test"];
    assert_eq!(run(&fake, &opsctl, &pause, true).status.code(), Some(0));
    for name in ["state", "logs"] {
        assert_eq!(owned_by_others(&fake.path().join(name)), Vec::<PathBuf>::new());
    }
    let by_owner = run(&fake, &guardian, &[], false);
    let told = String::from_utf8_lossy(&by_owner.stderr);
    assert_eq!(by_owner.status.code(), Some(0), "{told}");
}

#[test]
fn what_only_root_may_read_beside_the_settings_is_known_when_root_works_as_another_user() {
    if !rustix::process::geteuid().is_root() {
        return skip(&test_name(), "root");
    }
    let fake = Fake::new();
    let [_, opsctl] = readable_programs(&fake);
    for name in ["state", "logs"] {
        fs::create_dir(fake.path().join(name)).expect("a folder");
        chown(fake.path().join(name), Some(NOBODY), Some(NOBODY)).expect("root may");
    }
    let credentials = fake.path().join("credentials");
    fs::create_dir(&credentials).expect("a folder");
    fs::set_permissions(&credentials, fs::Permissions::from_mode(0o700)).expect("it is ours");
    let hook = credentials.join("slack_webhook_url");
    fs::write(&hook, "http://127.0.0.1:9/hook\n").expect("it is written");
    let channel = |as_root| {
        let output = run(&fake, &opsctl, &["doctor", "-o", "json"], as_root);
        let rows: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a document");
        let rows = rows.as_array().expect("a list").clone();
        rows.iter().any(|row| row["about"].as_str().is_some_and(|about| about.contains("slack")))
    };
    assert!(channel(true), "root is asked, and answers for the units");
    assert!(!channel(false), "whoever may not read it does without");
}
