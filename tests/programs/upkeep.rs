//! db-maintainer tends opswarden's own ledger: backed up, restored for a proof, pruned, compacted; chores are no incidents
//! while they help.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::fake::{Fake, OPSCTL};

const MAINTAINER: &str = env!("CARGO_BIN_EXE_db-maintainer");

/// A house whose ledger is tended.
pub(crate) struct House(pub(crate) Fake);

impl House {
    pub(crate) fn new() -> Self {
        let house = Self(Fake::new());
        house.0.run(&[]);
        house
    }

    fn backups(&self) -> PathBuf {
        self.0.path().join("state/backups")
    }

    /// The files of backups, oldest first.
    fn files(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.backups()).expect("there are backups");
        let mut files: Vec<PathBuf> =
            entries.map(|entry| entry.expect("an entry").path()).collect();
        files.retain(|file| file.extension().is_some_and(|end| end == "db"));
        files.sort();
        files
    }

    /// Runs it, and returns its report and its code.
    pub(crate) fn tend(&self) -> (Value, Option<i32>) {
        let output = self.0.program(MAINTAINER, &["-o", "json"]).output().expect("it starts");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let report =
            serde_json::from_str(&text).unwrap_or_else(|why| panic!("{why}: {text}{said}"));
        (report, output.status.code())
    }

    fn incidents(&self) -> usize {
        let all = self.0.asked(&["incidents"]);
        let own = |one: &&Value| one["key"].as_str().is_some_and(|key| key.starts_with("db-maint"));
        all.as_array().expect("a list").iter().filter(own).count()
    }

    /// Makes every record look as if its moment had been so many hours earlier.
    fn ages(&self, hours: i64) {
        for entry in fs::read_dir(self.backups()).expect("there are backups") {
            let file = entry.expect("an entry").path();
            if file.extension().is_some_and(|end| end == "json") {
                let text = fs::read_to_string(&file).expect("a record");
                let mut record: Value = serde_json::from_str(&text).expect("a record");
                for name in ["taken_at", "proved_at"] {
                    let at: Option<jiff::Timestamp> =
                        record[name].as_str().and_then(|at| at.parse().ok());
                    if let Some(at) = at {
                        let earlier = at - jiff::SignedDuration::from_hours(hours);
                        record[name] = earlier.to_string().into();
                    }
                }
                fs::write(&file, record.to_string()).expect("it is written");
            }
        }
    }
}

/// The verbs that were proved, of a report.
pub(crate) fn proved(report: &Value) -> Vec<&str> {
    let attempts = report["attempts"].as_array().expect("a list").iter();
    let verified = attempts.filter(|one| one["state"] == "verified");
    verified.map(|one| one["operation"].as_str().unwrap_or_default()).collect()
}

#[test]
fn the_ledger_is_backed_up_then_restored_for_a_proof_and_then_left_alone() {
    let house = House::new();
    let (report, code) = house.tend();
    let done = vec!["back up ledger", "restore the newest backup of ledger for a proof"];
    assert_eq!((proved(&report), code), (done, Some(0)), "{report:#}");
    let (report, code) = house.tend();
    assert_eq!((proved(&report), code), (vec![], Some(0)), "a second run does nothing: {report:#}");
    assert_eq!(house.incidents(), 0, "chores that help are no incidents");
    let restores = &house.0.asked(&["status"])["restores"];
    assert_eq!(restores[0]["of"], "ledger", "{restores:#}");
    assert!(restores[0]["proof"]["good_until"].is_string(), "{restores:#}");
    let done = house.0.asked(&["remediations"]);
    assert_eq!(done.as_array().map(Vec::len), Some(2));
    assert!(done[0]["before"]["data"]["measures"]["taken_at"].is_string(), "{done:#}");
    // Nobody else may read it, and nothing of the restore is left.
    let mode = fs::metadata(&house.files()[0]).expect("a backup").mode();
    assert_eq!(mode & 0o777, 0o600);
    let left = fs::read_dir(house.backups()).expect("a folder").count();
    assert_eq!(left, 4, "a backup, its record, the last proof, and the last that was good");
}

#[test]
fn a_backup_that_is_not_what_was_written_is_found_and_counts_as_none() {
    for harm in ["cut", "emptied", "changed", "gone"] {
        let house = House::new();
        house.tend();
        let file = house.files().remove(0);
        let mut bytes = fs::read(&file).expect("a backup");
        match harm {
            "cut" => fs::write(&file, &bytes[..bytes.len() / 2]),
            "emptied" => fs::write(&file, ""),
            "changed" => {
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
                fs::write(&file, bytes)
            }
            _ => fs::remove_file(&file),
        }
        .expect("it is harmed");
        let (report, code) = house.tend();
        assert!(report.to_string().contains("is no good"), "{harm}: {report:#}");
        assert!(proved(&report).contains(&"back up ledger"), "{harm}: one that is no good is none");
        assert_eq!(code, Some(0), "{harm}: the new one is the newest: {report:#}");
    }
}

#[test]
fn a_backup_of_another_ledger_is_no_backup_however_whole_it_is() {
    let (house, other) = (House::new(), House::new());
    house.tend();
    other.tend();
    let (mine, theirs) = (house.files().remove(0), other.files().remove(0));
    fs::copy(&theirs, &mine).expect("it is copied");
    let record = |file: &PathBuf| PathBuf::from(format!("{}.json", file.display()));
    let text = fs::read_to_string(record(&theirs)).expect("a record");
    let name = |file: &PathBuf| file.file_name().expect("a name").to_string_lossy().into_owned();
    fs::write(record(&mine), text.replace(&name(&theirs), &name(&mine))).expect("it is written");
    for proof in ["restore-proof.json", "restore-proved.json"] {
        fs::remove_file(house.backups().join(proof)).expect("it was there");
    }
    let (report, code) = house.tend();
    assert!(report.to_string().contains("is a backup of the ledger"), "{report:#}");
    assert_eq!(code, Some(1), "{report:#}");
    assert_eq!(house.incidents(), 1, "why the restore failed is told once");
}

#[test]
fn what_is_due_is_done_what_is_past_its_retention_goes_and_the_last_good_one_never() {
    let house = House::new();
    let file = house.0.path().join("agents.toml");
    let text = fs::read_to_string(&file).expect("the settings are there");
    fs::write(&file, format!("{text}\n[agents.db-maintainer.ledger]\nbackups_kept = 2\n"))
        .expect("it is written");
    for _ in 0..3 {
        house.tend();
        house.ages(24);
    }
    assert_eq!(house.files().len(), 3);
    // Two newer ones that are no good do not cost the one that is, though no new one is made.
    let all = house.files();
    for bad in &all[1..] {
        fs::write(bad, "x").expect("it is harmed");
    }
    let settings = fs::read_to_string(&file).expect("the settings are there");
    let no_new =
        "[agents.db-maintainer.policy]\ndisabled_checks = [\"backup_due\", \"restore_due\"]\n";
    fs::write(&file, format!("{settings}{no_new}")).expect("it is written");
    house.tend();
    assert_eq!(house.files(), all, "nothing goes while the newest is no good");
    fs::write(&file, settings).expect("it is written");
    house.tend();
    let (report, _) = house.tend();
    assert!(proved(&report).contains(&"prune the backups of ledger"), "{report:#}");
    assert!(house.files().iter().any(|file| fs::metadata(file).is_ok_and(|it| it.len() > 10_000)));
}

#[test]
fn a_dry_run_of_it_leaves_no_trace_and_a_pause_holds_it() {
    let house = House::new();
    let listed = || {
        let mut names: Vec<_> = fs::read_dir(house.0.path().join("state"))
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name())
            .collect();
        names.sort();
        names
    };
    let before = listed();
    let output = house.0.program(MAINTAINER, &["--plan"]).output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("back up ledger") && said.contains("chore backup_due"), "{said}");
    assert_eq!(listed(), before);
    let words = ["pause", "db-maintainer", "--for", "1h", "--reason", "a test"];
    house.0.program(OPSCTL, &words).output().expect("it starts");
    let (report, code) = house.tend();
    assert_eq!((proved(&report), code), (vec![], Some(0)), "due, and nothing is late: {report:#}");
    assert!(!house.backups().exists());
    assert_eq!(house.incidents(), 0);
}

#[test]
fn a_file_system_that_does_not_answer_holds_no_run() {
    let house = House::new();
    let folder = house.0.path().join("vault");
    fs::create_dir(&folder).expect("a folder");
    // Nobody writes into this pipe: whoever opens it waits, as for a server of files that has gone.
    let (pipe, kind) = (folder.join("one.tar.json"), rustix::fs::FileType::Fifo);
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, kind, 0o600.into(), 0).expect("a pipe");
    let file = house.0.path().join("agents.toml");
    let settings = fs::read_to_string(&file).expect("the settings are there");
    let declared = format!(
        "{settings}\n[agents.db-maintainer.schedule]\ntimeout = \"3s\"\n\
         [[agents.db-maintainer.backups]]\nname = \"files\"\nformat = \"any\"\nfolder = \"{}\"\n",
        folder.display()
    );
    fs::write(&file, declared).expect("it is written");
    let mut run = house.0.program(MAINTAINER, &[]).spawn().expect("it starts");
    let began = Instant::now();
    while run.try_wait().expect("it is ours").is_none() {
        if began.elapsed() > Duration::from_mins(1) {
            run.kill().expect("it is ours");
            run.wait().expect("it is ours");
            panic!("it is held");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let runs = house.0.asked(&["runs"]);
    let of_it = |run: &&Value| run["agent"] == "db-maintainer";
    let state = runs.as_array().expect("a list").iter().find(of_it).map(|run| &run["state"]);
    assert_eq!(state, Some(&Value::from("timed_out")), "{runs:#}");
}
