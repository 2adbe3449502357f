//! What happens to a log between a look and an act, at every moment that can be chosen.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use opswarden::adapters::logs::LogFolder;
use opswarden::adapters::system_clock::SystemClock;
use opswarden::agents::db_maintainer::logs::LogSettings;
use opswarden::domain::operation::{DataKind, DataRef, Upkeep};
use opswarden::ports::Pending;
use opswarden::ports::clock::Clock;
use opswarden::ports::data_store::{DataStoreControl as _, LogStore as _};
use opswarden::ports::processes::ActFailure;

use super::yard::{Holder, MIB, Yard, aged};

type Happening = Box<dyn FnOnce() + Send>;

/// A clock at which something happens when it is asked for the so many-th time.
struct Trap {
    clock: SystemClock,
    left: Mutex<(usize, Option<Happening>)>,
}

impl Clock for Trap {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn elapsed(&self) -> Duration {
        let happening = {
            let mut left = self.left.lock().expect("nobody panicked");
            left.0 = left.0.saturating_sub(1);
            if left.0 == 0 { left.1.take() } else { None }
        };
        if let Some(happening) = happening {
            happening();
        }
        self.clock.elapsed()
    }

    fn sleep(&self, duration: Duration) -> Pending<'_, ()> {
        self.clock.sleep(duration)
    }
}

/// A clock that is a second later every time it is asked.
struct Hurried {
    clock: SystemClock,
    asked: AtomicU64,
}

impl Clock for Hurried {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn elapsed(&self) -> Duration {
        Duration::from_secs(self.asked.fetch_add(1, Ordering::Relaxed))
    }

    fn sleep(&self, duration: Duration) -> Pending<'_, ()> {
        self.clock.sleep(duration)
    }
}

/// Archives the yard's old logs, while this happens at the so many-th look at the clock.
fn archive(yard: &Yard, moment: usize, happening: Happening) -> Result<String, String> {
    let left = Mutex::new((moment, Some(happening)));
    let clock = Arc::new(Trap { clock: SystemClock::new(), left });
    let rules = LogSettings::new("app", "").rules();
    let folder = LogFolder::new(yard.logs(), rules, clock);
    let runtime = tokio::runtime::Runtime::new().expect("it starts");
    let logs = DataRef::of_store(DataKind::Logs, "app");
    let time = Duration::from_mins(1);
    let acted = runtime.block_on(folder.carry_out(Upkeep::ArchiveLogs, &logs, time));
    acted.map_err(|failure| failure.to_string())
}

/// A yard with an old log of so many blocks of 64 KiB.
fn yard() -> (Yard, PathBuf, Vec<u8>) {
    let yard = Yard::new("");
    yard.put("app.log", b"in use\n", 0);
    let bytes: Vec<u8> = (0..2 * MIB).map(|at| u8::try_from(at % 251).expect("small")).collect();
    let old = yard.put("app.log.1", &bytes, 10);
    (yard, old, bytes)
}

#[test]
fn a_log_that_is_written_while_it_is_packed_keeps_every_byte_and_its_name() {
    for moment in [1, 2, 10, 30, 34, 36, 60, 66] {
        let (yard, old, bytes) = yard();
        let path = old.clone();
        let write = move || {
            let mut log = OpenOptions::new().append(true).open(&path).expect("it is there");
            log.write_all(b"one more").expect("it is written");
        };
        let acted = archive(&yard, moment, Box::new(write));
        let found = std::fs::read(&old).expect("it has its name");
        assert_eq!(found, [bytes.as_slice(), b"one more"].concat(), "{moment}: {acted:?}");
        assert!(acted.is_err_and(|why| why.contains("changed meanwhile")), "{moment}");
        assert!(yard.archived().is_empty(), "{moment}: there would be two of it");
    }
}

#[test]
fn a_log_that_another_takes_the_place_of_is_left_and_so_is_the_other() {
    for moment in [2, 30, 60] {
        let (yard, old, _) = yard();
        let (other, path) = (yard.put("other", b"another one", 0), old.clone());
        let replace = move || std::fs::rename(other, path).expect("it is replaced");
        let acted = archive(&yard, moment, Box::new(replace));
        assert_eq!(std::fs::read(&old).expect("it is there"), b"another one", "{acted:?}");
        assert!(yard.archived().is_empty(), "{moment}: {acted:?}");
    }
}

#[test]
fn a_log_that_somebody_opens_while_it_is_packed_stays() {
    let (yard, old, bytes) = yard();
    let (path, holder) = (old.clone(), Arc::new(Mutex::new(None)));
    let held = Arc::clone(&holder);
    let open = move || *held.lock().expect("free") = Some(Holder::of(&path, ">>"));
    let acted = archive(&yard, 40, Box::new(open));
    assert!(holder.lock().expect("free").is_some(), "it was opened");
    assert!(acted.is_err_and(|why| why.contains("changed meanwhile")));
    assert_eq!(std::fs::read(&old).expect("it has its name"), bytes);
    assert!(yard.archived().is_empty());
}

#[test]
fn a_log_that_goes_while_it_is_packed_leaves_no_failure() {
    let (yard, old, _) = yard();
    let path = old.clone();
    let remove = move || std::fs::remove_file(path).expect("it goes");
    let acted = archive(&yard, 30, Box::new(remove));
    assert!(acted.is_err_and(|why| why.contains("changed meanwhile")));
    assert!(!old.exists());
}

#[test]
fn what_a_killed_run_left_is_finished_by_the_next_one() {
    let (yard, old, bytes) = yard();
    // Its archive was proved, and its name taken away, when the run was killed.
    std::fs::rename(&old, yard.log("app.log.1.going")).expect("it is renamed");
    yard.put("archive/warm/.app.log.1.going.part", b"half", 0);
    let report = yard.tend();
    assert_eq!(report.ended("verified"), ["archive the old logs of app"], "{report:#?}");
    let archived = yard.archived();
    let whole: Vec<&String> = archived.iter().filter(|name| !name.contains("/.")).collect();
    assert_eq!(yard.unpacked(whole[0]), bytes);
    assert!(!yard.log("app.log.1.going").exists());
}

#[test]
fn what_there_is_no_time_for_waits_for_the_next_run_and_is_no_failure() {
    let yard = Yard::new("");
    yard.put("app.log", b"in use\n", 0);
    for number in 1..=20 {
        yard.put(&format!("app.log.{number}"), &vec![b'x'; MIB / 8], 10 + number);
    }
    let rules = LogSettings::new("app", "").rules();
    let clock = Hurried { clock: SystemClock::new(), asked: AtomicU64::new(0) };
    let folder = LogFolder::new(yard.logs(), rules, Arc::new(clock));
    let runtime = tokio::runtime::Runtime::new().expect("it starts");
    let logs = DataRef::of_store(DataKind::Logs, "app");
    let act =
        || runtime.block_on(folder.carry_out(Upkeep::ArchiveLogs, &logs, Duration::from_mins(1)));
    let said = act().expect("what there was time for is done");
    assert!(said.contains("wait for the next run"), "{said}");
    let look = runtime.block_on(folder.look()).expect("it is there");
    let left = look.files.iter().filter(|file| file.put_off).count();
    assert_eq!(left, look.files.len() - 1, "all that is left but the one in use: {said}");
    assert!(left > 0 && yard.archived().len() == 20 - left, "{said}");
    assert!(yard.log("app.log.1").exists(), "the oldest are the first");
    // One that no run has time for is a failure, or it would wait for ever.
    let large = Yard::new("");
    large.put("app.log", b"in use\n", 0);
    large.put("app.log.1", &vec![b'x'; 8 * MIB], 10);
    let clock = Hurried { clock: SystemClock::new(), asked: AtomicU64::new(0) };
    let folder = LogFolder::new(large.logs(), LogSettings::new("app", "").rules(), Arc::new(clock));
    let act = folder.carry_out(Upkeep::ArchiveLogs, &logs, Duration::from_mins(1));
    let acted = runtime.block_on(act);
    assert!(
        matches!(&acted, Err(ActFailure::Refused(why)) if why.contains("no time")),
        "{acted:?}"
    );
    assert!(large.log("app.log.1").exists() && large.archived().is_empty());
}

#[test]
fn a_log_of_holes_for_which_there_is_no_time_keeps_no_other_from_being_archived() {
    let yard = Yard::new("");
    yard.put("app.log", b"in use\n", 0);
    for number in 1..=3 {
        yard.put(&format!("app.log.{number}"), b"some words\n", 10 + number);
    }
    let sparse = yard.put("app.log.4", b"", 0);
    let log = OpenOptions::new().append(true).open(&sparse).expect("it is there");
    log.set_len(400 << 30).expect("it grows");
    aged(&sparse, 20);
    let rules = LogSettings::new("app", "").rules();
    let clock = Hurried { clock: SystemClock::new(), asked: AtomicU64::new(0) };
    let folder = LogFolder::new(yard.logs(), rules, Arc::new(clock));
    let runtime = tokio::runtime::Runtime::new().expect("it starts");
    let logs = DataRef::of_store(DataKind::Logs, "app");
    let act = folder.carry_out(Upkeep::ArchiveLogs, &logs, Duration::from_mins(1));
    let acted = runtime.block_on(act);
    assert_eq!(yard.archived().len(), 3, "{acted:?}");
    let why = acted.expect_err("it would wait for ever").to_string();
    assert!(why.contains("app.log.4: there was no time for it: most of it is holes"), "{why}");
    assert!(log.metadata().is_ok_and(|about| about.len() == 400 << 30 && about.blocks() == 0));
}
