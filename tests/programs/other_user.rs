//! Folders and files that another user owns: a program that may not write there does nothing, says what it may not,
//! and leaves everything as it is.
//!
//! Root gives the folders to itself and then starts the programs as nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Output;

use sha2::{Digest as _, Sha256};

use super::fake::{Fake, GUARDIAN, OPSCTL};
use super::nobody::{AS_NOBODY, NOBODY, Nobody, give, open_to_all};

/// A crashed service with the ledger of an earlier run, all of it nobody's, and programs that nobody may start.
struct Case {
    fake: Fake,
    nobody: Nobody,
}

impl Case {
    /// `None`, with a loud skip, where the programs cannot be run as somebody else.
    fn new() -> Option<Self> {
        let nobody = Nobody::of(&[GUARDIAN, OPSCTL])?;
        let case = Self { fake: Fake::new(), nobody };
        open_to_all(case.fake.path());
        give(case.fake.path(), NOBODY);
        let first = case.agent();
        assert_eq!(first.status.code(), Some(0), "{}", said(&first));
        case.fake.crash();
        give(case.fake.path(), NOBODY);
        Some(case)
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Output {
        let program = self.nobody.program(program).display().to_string();
        let words = [&AS_NOBODY[..], &[program.as_str()], arguments].concat();
        let mut command = self.fake.program("setpriv", &words);
        command.env("TMPDIR", "/tmp").output().expect("setpriv starts")
    }

    fn agent(&self) -> Output {
        self.run(GUARDIAN, &[])
    }

    fn there(&self, name: &str) -> PathBuf {
        self.fake.path().join(name)
    }

    /// Gives a file or folder, with everything in it, to root, with this mode.
    fn taken(&self, name: &str, mode: u32) {
        give(&self.there(name), 0);
        set_mode(&self.there(name), mode);
    }

    /// Everything under a folder: mode, owner and content.
    fn listing(&self, name: &str) -> BTreeMap<PathBuf, String> {
        let mut found = BTreeMap::new();
        list(&self.there(name), &mut found);
        found
    }

    /// Once everything is its user's again, the next run brings it to its end.
    fn works_once_given_back(&self) {
        give_back(self.fake.path());
        let run = self.agent();
        assert_eq!(run.status.code(), Some(0), "{}", said(&run));
        let verified = self.run(OPSCTL, &["ledger", "verify"]);
        assert_eq!(verified.status.code(), Some(0), "{}", said(&verified));
        assert_eq!(self.fake.restarts(), 1, "the crash is repaired once");
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("root may");
}

/// Gives everything below to nobody, who may do with it what an owner may.
fn give_back(path: &Path) {
    give(path, NOBODY);
    let entries = if path.is_dir() { fs::read_dir(path).ok() } else { None };
    let mode = fs::metadata(path).expect("root may").permissions().mode();
    set_mode(path, mode | if path.is_dir() { 0o700 } else { 0o600 });
    for entry in entries.into_iter().flatten().flatten() {
        give_back(&entry.path());
    }
}

fn list(path: &Path, found: &mut BTreeMap<PathBuf, String>) {
    use std::os::unix::fs::MetadataExt as _;
    let about = fs::symlink_metadata(path).expect("it is there");
    let content = if about.is_file() {
        format!("{:x?}", Sha256::digest(fs::read(path).expect("root may")))
    } else {
        String::new()
    };
    found.insert(path.to_owned(), format!("{:o} {} {content}", about.mode(), about.uid()));
    if about.is_dir() {
        for entry in fs::read_dir(path).expect("root may").flatten() {
            list(&entry.path(), found);
        }
    }
}

fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    // Text for people is folded at 80 columns.
    let both = text(&output.stdout) + &text(&output.stderr);
    both.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The run could not record anything: 2, with the path and what to do; nothing is done, nothing changed there.
fn nothing_happens(case: &Case, foreign: &str, path: &str, advice: &str) {
    let before = case.listing(foreign);
    let run = case.agent();
    let text = said(&run);
    assert_eq!(run.status.code(), Some(2), "{text}");
    assert!(text.contains(path), "{path} is named: {text}");
    assert!(text.contains(advice), "{advice:?} is the advice: {text}");
    assert_eq!(case.fake.restarts(), 0, "nothing is done that cannot be recorded: {text}");
    assert_eq!(case.listing(foreign), before, "nothing is changed in {foreign}");
}

/// What `opsctl` answers where it cannot look.
fn the_tool_says_so(case: &Case, arguments: &[&str], path: &str) {
    let told = case.run(OPSCTL, arguments);
    assert_eq!(told.status.code(), Some(2), "{arguments:?}: {}", said(&told));
    assert!(said(&told).contains(path), "{arguments:?}: {}", said(&told));
}

#[test]
fn the_state_folder_of_another_user_is_left_as_it_is() {
    let Some(case) = Case::new() else { return };
    case.taken("state", 0o700);
    nothing_happens(&case, "state", "state/locks", "writable for this user");
    let before = case.listing("state");
    for verb in [&["incidents"][..], &["status"], &["pause", "all", "--for", "1h", "--reason", "x"]]
    {
        the_tool_says_so(&case, verb, "state");
    }
    assert_eq!(case.listing("state"), before);
    case.works_once_given_back();
}

#[test]
fn a_ledger_that_cannot_be_read_or_written_is_not_replaced() {
    let Some(case) = Case::new() else { return };
    for (mode, advice) in [(0o600, "give this user access"), (0o644, "writable for this user")] {
        case.taken("state/ops.db", mode);
        let ledger = fs::read(case.there("state/ops.db")).expect("root may");
        let run = case.agent();
        let text = said(&run);
        assert_eq!(run.status.code(), Some(2), "{text}");
        assert!(text.contains("ops.db") && text.contains(advice), "{text}");
        assert_eq!(case.fake.restarts(), 0, "{text}");
        assert_eq!(fs::read(case.there("state/ops.db")).expect("root may"), ledger);
        the_tool_says_so(&case, &["pause", "all", "--for", "1h", "--reason", "x"], "ops.db");
    }
    let names: BTreeSet<_> = case.listing("state").into_keys().collect();
    let kept = |name: &PathBuf| name.to_string_lossy().contains("rescued");
    assert!(!names.iter().any(kept), "nothing is set aside: {names:?}");
    case.works_once_given_back();
}

#[test]
fn a_folder_whose_ledger_could_be_written_but_not_its_companions_stays_as_it_is() {
    let Some(case) = Case::new() else { return };
    chown(case.there("state"), Some(0), Some(0)).expect("root may");
    open_to_all(&case.there("state"));
    // The run may write into files that are there, as the name of a lock's holder.
    let run = case.agent();
    let text = said(&run);
    assert_eq!(run.status.code(), Some(2), "{text}");
    assert!(text.contains("ops.db") && text.contains("writable for this user"), "{text}");
    assert_eq!(case.fake.restarts(), 0, "{text}");
    case.works_once_given_back();
}

#[test]
fn without_its_locks_a_run_does_nothing() {
    let Some(case) = Case::new() else { return };
    case.taken("state/locks", 0o755);
    for lock in ["health-guardian.lock", "ledger.lock", "ops-state.lock"] {
        set_mode(&case.there("state/locks").join(lock), 0o600);
    }
    nothing_happens(&case, "state/locks", "state/locks", "Permission denied");
    the_tool_says_so(
        &case,
        &["pause", "all", "--for", "1h", "--reason", "x"],
        "writable for this user",
    );
    case.works_once_given_back();
}

#[test]
fn a_log_or_a_tape_that_cannot_be_written_is_told_and_keeps_nobody_from_a_repair() {
    for (folder, advice) in
        [("logs", "must be able to write it"), ("state/snapshots", "writable for this user")]
    {
        let Some(case) = Case::new() else { return };
        case.taken(folder, 0o755);
        let before = case.listing(folder);
        let run = case.agent();
        let text = said(&run);
        assert_eq!(run.status.code(), Some(2), "{folder}: {text}");
        assert!(text.contains(folder) && text.contains(advice), "{folder}: {text}");
        assert_eq!(case.listing(folder), before, "nothing is changed in {folder}");
        assert_eq!(case.fake.restarts(), 1, "{folder}: the ledger has it, so it is repaired");
        case.works_once_given_back();
    }
}

#[test]
fn a_view_of_another_user_is_replaced_where_the_folder_allows_it() {
    let Some(case) = Case::new() else { return };
    case.taken("state/ops-state.json", 0o644);
    let run = case.agent();
    assert_eq!(run.status.code(), Some(0), "everything was recorded: {}", said(&run));
    let view = fs::read_to_string(case.there("state/ops-state.json")).expect("root may");
    assert!(view.contains("REM-1"), "it is the new one: {view}");
    case.works_once_given_back();
}

#[test]
fn the_doctor_sees_that_a_folder_cannot_be_made() {
    let Some(case) = Case::new() else { return };
    let healthy = case.run(OPSCTL, &["doctor"]);
    // Nothing starts the three agents that are on here, and that is all.
    assert!(said(&healthy).contains("3 blocked"), "{}", said(&healthy));
    fs::create_dir(case.there("closed")).expect("root may");
    let paths = "[paths]\nstate = \"closed/state\"\n[agents.health-guardian]";
    case.fake.instead("[agents.health-guardian]", paths);
    let blocked = case.run(OPSCTL, &["doctor"]);
    assert!(!said(&blocked).contains("3 blocked"), "{}", said(&blocked));
    assert!(said(&blocked).contains("does not exist, and cannot be created"), "{}", said(&blocked));
}
